"""What this machine knows of the files of wheels, without having the wheels at hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..blobs.catalog import AnyCatalog
from ..core.claims import Claim, Claimant, Overlap, Places, refusal_note, settle
from ..core.errors import UserError
from ..core.layer import PREFIX, Entry
from ..core.pip_package import PipPackage
from .facts import WHEEL_PATHS, WHEEL_PLACES
from .layer_plan import claimant_of
from .wheel import Wheel
from .wheel_set import WheelSet

_HASH = 12  # characters of a file's hash that are kept, 72 bits: to tell equal files, not to trust them


@dataclass(frozen=True)
class WheelMemory:
    """The catalog, asked about one environment's wheels."""

    wheels: WheelSet
    catalog: AnyCatalog

    def places(self) -> Places | None:
        """Return where the files of the wheels go, or None if that is not decided yet."""
        if not self.wheels.packages:
            return Places()
        text = self.catalog.get_fact(WHEEL_PLACES, self.wheels.key)
        return _read_places(text) if text else None

    def decide(self, conda: Iterable[Claimant]) -> Places:
        """Decide for all files of the environment, and remember it; the paths of all wheels are known.

        Args:
            conda: what the conda packages bring, in the order of their install: wheels come after all of them.

        Raises:
            UserError: two packages cannot be installed together.
        """
        brought = {claimant_of(one): self._paths(one) or {} for one in self.wheels.in_order}
        wheels = [Claimant(name, _claims(paths)) for name, paths in brought.items()]
        # conda's first, so that a wheel has what both bring: pip installs after conda, over what is there
        places = settle([*(_that_matter(conda, brought.values())), *wheels], PREFIX)
        if places.refusals:
            why = f"packages cannot be installed together: {refusal_note(places.refusals)}"
            raise UserError(why, "leave one of them out, or ask for another version of it")
        places = _of_wheels(places, brought)
        self.catalog.put_fact(WHEEL_PLACES, self.wheels.key, _written(places))
        return places

    def without_paths(self) -> list[PipPackage]:
        """Return the wheels that were never read on this machine."""
        return [package for package in self.wheels.packages if self._paths(package) is None]

    def keep_paths(self, package: PipPackage, wheel: Wheel) -> None:
        """Remember what a wheel brings: what each file is, or None of a folder, by its path."""
        paths = {one.path: None if one.kind == "dir" else _mark(one, wheel) for one in wheel.entries}
        self.catalog.put_fact(WHEEL_PATHS, self._paths_key(package), json.dumps(paths, sort_keys=True))

    def names(self) -> list[tuple[str, str]]:
        """Return namespace and key of all that is known of the wheels in the catalog."""
        paths = [(WHEEL_PATHS, self._paths_key(package)) for package in self.wheels.packages]
        return [(WHEEL_PLACES, self.wheels.key), *paths]

    def _paths(self, package: PipPackage) -> dict[str, str | None] | None:
        text = self.catalog.get_fact(WHEEL_PATHS, self._paths_key(package))
        return dict(json.loads(text)) if text else None

    def _paths_key(self, package: PipPackage) -> str:
        # where its files go depends on the Python: lib/python3.11 is another path than lib/python3.12
        return f"{package.sha256}@{self.wheels.library}"


def _mark(entry: Entry, wheel: Wheel) -> str:
    """Return what tells a file from another one, its bit to be run included; empty if RECORD has no hash of it."""
    digest = wheel.hashes.get(entry.path, "").rpartition("=")[2][:_HASH]
    # equal texts of which one is a program are not equal files: which of them is seen makes a difference
    return f"{digest}x" if digest and entry.mode & 0o100 else digest


def _claims(paths: Mapping[str, str | None]) -> tuple[Claim, ...]:
    return tuple(Claim(path, "folder" if digest is None else "file") for path, digest in paths.items())


def _that_matter(conda: Iterable[Claimant], brought: Iterable[Mapping[str, str | None]]) -> list[Claimant]:
    """Leave out what conda packages bring that no wheel can meet: nearly all."""
    files = {path for paths in brought for path in paths}
    folders: set[str] = set()
    for path in files:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    both = files | folders

    def matters(claim: Claim) -> bool:
        # a link may lead paths of wheels elsewhere, however far from them it lies
        if claim.kind == "link" or claim.path in both:
            return True
        folder = claim.path.rpartition("/")[0]
        while folder:
            if folder in files:
                return True
            folder = folder.rpartition("/")[0]
        return False

    kept = (Claimant(one.name, tuple(filter(matters, one.claims))) for one in conda)
    return [one for one in kept if one.claims]


def _of_wheels(places: Places, brought: Mapping[str, Mapping[str, str | None]]) -> Places:
    """Return what befalls wheels; equal files yield to nobody.

    A conda package keeps in its layer what a wheel has over it: the wheel's layer is above. So the layers of conda
    packages are the same beside any wheels. For the same reason a file that several wheels bring with one content (the
    empty ``nvidia/__init__.py`` of CUDA's) stays in all of their layers: which of them is seen makes no difference.
    """

    def is_equal(path: str, name: str, other: str) -> bool:
        return bool(brought[name].get(path)) and brought[name][path] == brought.get(other, {}).get(path)

    yields = {
        name: {path: winner for path, winner in lost.items() if not is_equal(path, name, winner)}
        for name, lost in places.yields.items()
        if name in brought
    }
    overlaps = (
        replace(
            one, losers=tuple(name for name in one.losers if name not in brought or one.path in yields.get(name, ()))
        )
        for one in places.overlaps
        if one.winner in brought
    )
    return Places(
        folders={name: moved for name, moved in places.folders.items() if name in brought},
        yields={name: lost for name, lost in yields.items() if lost},
        overlaps=tuple(one for one in overlaps if one.losers),
    )


def _written(places: Places) -> str:
    told = {
        "folders": places.folders,
        "yields": places.yields,
        "overlaps": [[one.path, one.winner, list(one.losers)] for one in places.overlaps],
    }
    return json.dumps(told, sort_keys=True)


def _read_places(text: str) -> Places:
    told: dict[str, Any] = json.loads(text)
    overlaps = (Overlap(str(path), str(winner), tuple(losers)) for path, winner, losers in told["overlaps"])
    return Places(told["folders"], told["yields"], tuple(overlaps))
