"""Packages that go into their layers straight from the package cache: nothing in them depends on the prefix.

Such a package is what most of an environment's bytes are in. Staged it would be one more name for each of its files;
here its files are read where rattler has unpacked them. ``tests/conda/test_unpacked.py`` holds both ways together.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from math import inf
from pathlib import Path
from typing import Any

from ..core.claims import Claim, Kind
from ..core.conda_lock import LockedPackage
from ..core.layer import Entry
from ..settings import Settings
from .contents import ROOT, StagedPackage, open_file
from .install import keep

PREFIXED = {"prefix_placeholder", "file_mode"}
"""What a row of ``info/paths.json`` has besides if the prefix is written into the file."""

_KINDS: dict[str, Kind] = {"file": "file", "dir": "folder", "symlink": "link"}
_FACTS = {"_path", "path_type", "sha256", "size_in_bytes"}
_DIGEST = 32  # bytes at the end of rattler's lock file of a package: its sha256


class _NotAsItIs(Exception):  # no error: rattler has to stage it
    pass


@dataclass(frozen=True)
class UnpackedPackage(StagedPackage):
    """A package in the package cache; ``found`` has its files, with the facts of the disk."""

    found: tuple[Entry, ...]

    def own_files(self) -> Iterator[Entry]:
        """Return the package's own files as if it were alone in the image."""
        return iter(self.found)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """The paths below the prefix that the package wants, whoever gets them."""
        return tuple(Claim(entry.path[len(ROOT) + 1 :], _KINDS[entry.kind], entry.target) for entry in self.found)

    def is_damaged(self) -> bool:
        """Say no: sizes were compared when it was read."""
        return False


def read_unpacked(packages: Iterable[LockedPackage], settings: Settings) -> dict[str, StagedPackage]:
    """Return by name those packages that are unpacked and whole, and that rattler would stage file by file as they are.

    Any doubt leaves a package to rattler: a prefix inside, files of another kind, a file that is missing or has another
    size, another package of the same name, attestations to be looked at.
    """
    # rattler looks at attestations when it installs, so it has to install
    if settings.attestations != "disabled":
        return {}
    chosen = [package for package in packages if package.noarch != "python"]
    keep(chosen, settings)
    found = {}
    for package in chosen:
        try:
            found[package.name] = _read(package, unpacked_folder(package, settings))
        except (_NotAsItIs, OSError, ValueError, LookupError, TypeError):
            continue
    return found


def unpacked_folder(package: LockedPackage, settings: Settings) -> Path:
    """Return where rattler unpacks the package."""
    return settings.cache / "pkgs" / f"{package.name}-{package.version}-{package.build}"


def is_unpacked(package: LockedPackage, folder: Path) -> bool:
    """Tell whether the very package of the lock is what rattler has unpacked there."""
    try:
        found = folder.with_name(f"{folder.name}.lock").read_bytes()[-_DIGEST:].hex()
    except OSError:
        return False
    return found == package.sha256 and folder.is_dir()


def read_beside_prefixed(package: LockedPackage, folder: Path) -> tuple[UnpackedPackage, list[dict[str, Any]]] | None:
    """Return what of an unpacked package goes into its layer as it is, and the rows of files with a prefix inside.

    None if it is in doubt, as in ``read_unpacked``.
    """
    try:
        _insist(package.noarch != "python")
        return _split(package, folder, most_prefixed=inf)
    except (_NotAsItIs, OSError, ValueError, LookupError, TypeError):
        return None


def _read(package: LockedPackage, folder: Path) -> StagedPackage:
    return _split(package, folder, most_prefixed=0)[0]


def _split(package: LockedPackage, folder: Path, most_prefixed: float) -> tuple[UnpackedPackage, list[dict[str, Any]]]:
    _insist(is_unpacked(package, folder))
    listed = json.loads((folder / "info/paths.json").read_text(encoding="utf-8"))
    index = json.loads((folder / "info/index.json").read_text(encoding="utf-8"))
    _insist(listed["paths_version"] == 1)
    every: list[dict[str, Any]] = sorted(listed["paths"], key=lambda row: str(row["_path"]))
    _insist(len({row["_path"] for row in every}) == len(every))
    rows = [row for row in every if PREFIXED.isdisjoint(row)]
    _insist(len(every) - len(rows) <= most_prefixed)  # before any file is looked at
    staged = StagedPackage(package, folder, {"paths_data": {"paths": []}}, index)
    entries = tuple(_entry(row, str(folder), staged.time) for row in rows)
    found = UnpackedPackage(package, folder, {"paths_data": {"paths": rows}}, index, entries)
    return found, [row for row in every if not PREFIXED.isdisjoint(row)]


def _entry(row: dict[str, Any], folder: str, made: int) -> Entry:
    """Return the entry of a row of ``info/paths.json``, and make the row what rattler's record would have."""
    # one more key may mean something that rattler alone knows
    _insist(row.keys() == _FACTS)
    path, kind, size = row["_path"], row["path_type"], row["size_in_bytes"]
    disk = f"{folder}/{path}"
    facts = os.lstat(disk)
    if kind == "softlink" and stat.S_ISLNK(facts.st_mode):
        target = os.readlink(disk)  # noqa: PTH115  # fast
        # as rattler's record has it: the bytes of both ways are compared by a test
        row["sha256_in_prefix"] = hashlib.sha256(target.encode()).hexdigest()
        return Entry(f"{ROOT}/{path}", "symlink", mtime=made, target=target)
    _insist(kind == "hardlink" and stat.S_ISREG(facts.st_mode) and facts.st_size == size)
    return Entry(f"{ROOT}/{path}", "file", facts.st_mode, int(facts.st_mtime), facts.st_size, partial(open_file, disk))


def _insist(so: bool) -> None:  # noqa: FBT001
    if not so:
        raise _NotAsItIs
