"""What this machine knows of the files of a lock's packages, without having the packages at hand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ..blobs.catalog import AnyCatalog
from ..core.claims import Claim, Claimant, Overlap, Places, Refusal, nested, refusal_note, settle
from ..core.conda_lock import CondaLock, LockedPackage
from ..core.errors import UserError
from ..core.image import canonical_json, sha256_digest
from ..core.layer import PREFIX
from .contents import StagedPackage
from .order import install_order

PATHS = "conda-paths"
"""Facts by package: its paths, as a list."""

KINDS = "conda-kinds"
"""Facts by package: which of its paths are links, with their targets, and which are folders; all others are files."""

PLACES = "conda-places"
"""Facts by lock: where the paths go that packages share."""

RENAMES = "conda-renames"
"""Facts by lock that versions up to 0.2 kept instead of ``PLACES``: by package the paths it yields."""


@dataclass(frozen=True)
class Memory:
    """The catalog, asked about one lock."""

    lock: CondaLock
    catalog: AnyCatalog

    def places(self) -> Places | None:
        """Return where paths go that packages share, or None if that is not known before the packages are there."""
        text = self.catalog.get_fact(PLACES, self.key)
        if text is not None:
            return _read_places(text)
        return None if self.without_paths() else self.settle()

    def told(self) -> Places | None:
        """Return the same, or what an older version knew: enough to name layers that it made, not to make others."""
        places = self.places()
        text = None if places is not None else self.catalog.get_fact(RENAMES, self.key)
        if text is None:
            return places
        return Places(yields={str(name): dict.fromkeys(moved, "") for name, moved in json.loads(text).items()})

    def settle(self) -> Places:
        """Decide where paths go, now that all are known, and remember it."""
        places = settle(self._claimants(), PREFIX)
        self.catalog.put_fact(PLACES, self.key, places_text(places))
        return places

    def without_paths(self) -> list[LockedPackage]:
        """Return the packages whose paths this machine does not know, or not well enough."""
        unknown = [package for package in self.lock.packages if self._paths(package) is None]
        without_kinds = [package for package in self.lock.packages if self._kinds(package) is None]
        # versions up to 0.2 kept paths alone: that is enough unless a path of one is a folder of another
        if unknown == without_kinds or not nested(self._claimants()):
            return unknown
        return without_kinds

    def keep_paths(self, staged: StagedPackage) -> None:
        """Remember which paths a package wants."""
        claims, key = staged.claims, self._key_of(staged.package)
        kinds = {
            "links": {claim.path: claim.target for claim in claims if claim.kind == "link"},
            "folders": [claim.path for claim in claims if claim.kind == "folder"],
        }
        self.catalog.put_fact(KINDS, key, json.dumps(kinds, sort_keys=True))
        self.catalog.put_fact(PATHS, key, json.dumps([claim.path for claim in claims]))

    def names_of_paths(self) -> list[tuple[str, str]]:
        """Return namespace and key of what the catalog has of each package's paths."""
        return [(space, self._key_of(package)) for package in self.lock.packages for space in (PATHS, KINDS)]

    def _claimants(self) -> list[Claimant]:
        return [Claimant(package.name, self._claims(package)) for package in install_order(self.lock)]

    def _claims(self, package: LockedPackage) -> tuple[Claim, ...]:
        paths = json.loads(self._paths(package) or "[]")
        kinds = json.loads(self._kinds(package) or "{}")
        links, folders = kinds.get("links", {}), set(kinds.get("folders", ()))
        return tuple(
            Claim(path, "link", links[path]) if path in links else Claim(path, "folder" if path in folders else "file")
            for path in paths
        )

    def _paths(self, package: LockedPackage) -> str | None:
        return self.catalog.get_fact(PATHS, self._key_of(package))

    def _kinds(self, package: LockedPackage) -> str | None:
        return self.catalog.get_fact(KINDS, self._key_of(package))

    def _key_of(self, package: LockedPackage) -> str:
        return f"{package.sha256}@{self.lock.site_packages}" if package.noarch == "python" else package.sha256

    @property
    def key(self) -> str:
        """Name of the lock among the facts."""
        return sha256_digest(canonical_json([self.lock.site_packages, *self.lock.lines()]))


def refusal(places: Places | None) -> UserError | None:
    """Return what is wrong with packages that cannot be installed together; None if nothing is, or nothing is known."""
    if places is None or not places.refusals:
        return None
    message = f"conda packages cannot be installed into one environment: {refusal_note(places.refusals)}"
    return UserError(message, "leave one of them out, or ask for another version of it")


def refuse(places: Places | None) -> None:
    """Raise what ``refusal`` returns, if it returns something.

    Raises:
        UserError: packages cannot be installed together.
    """
    if error := refusal(places):
        raise error


def places_text(places: Places) -> str:
    """Write places as the fact ``PLACES``."""
    return json.dumps(asdict(places), sort_keys=True)


def _read_places(text: str) -> Places:
    told = json.loads(text)
    return Places(
        told["folders"],
        told["yields"],
        tuple(Overlap(one["path"], one["winner"], tuple(one["losers"])) for one in told["overlaps"]),
        tuple(Refusal(one["path"], tuple(one["packages"]), one["why"]) for one in told["refusals"]),
    )
