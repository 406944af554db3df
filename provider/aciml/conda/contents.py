"""What a staged package brings into its layer, read from the record that rattler left in ``conda-meta``."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..core.claims import Claim, Claimant, Moves
from ..core.conda_lock import LockedPackage
from ..core.image import canonical_json
from ..core.layer import FOLDER_TIME, PREFIX, Entry
from ..core.slim import leave_out
from .channels import canonical_url

ROOT = PREFIX.lstrip("/")
"""Where the environment is, as paths in a layer begin."""

CLOBBERS = "__clobbers__/"
"""Folder below the prefix for files whose path another package has, each below its package's name."""

_ENTRY_POINTS = ("unix_python_entry_point", "pyc_file")


@dataclass(frozen=True)
class StagedPackage:
    """One package in a staging folder. ``record`` is rattler's, ``index`` the package's own ``info/index.json``."""

    package: LockedPackage
    folder: Path
    record: dict[str, Any]
    index: dict[str, Any]
    moves: Moves = field(default=Moves(), kw_only=True)
    """Where its paths go beside those of other packages; in ``folder`` they are where the package wants them."""
    slim: bool = field(default=False, kw_only=True)
    """Whether what no program loads is left out, and the record says so."""

    @classmethod
    def read(cls, package: LockedPackage, folder: Path) -> StagedPackage:
        """Read what ``stage`` left of the package."""
        stem = f"{package.name}-{package.version}-{package.build}"
        record = json.loads((folder / "conda-meta" / f"{stem}.json").read_text(encoding="utf-8"))
        index = json.loads((Path(record["extracted_package_dir"]) / "info/index.json").read_text(encoding="utf-8"))
        return cls(package, folder, record, index)

    @cached_property
    def paths(self) -> list[dict[str, Any]]:
        """Entries of the record's ``paths_data``, sorted and each path once: two entry points may have one name."""
        paths = cast("list[dict[str, Any]]", self.record["paths_data"]["paths"])
        by_path = {str(entry["_path"]): entry for entry in paths}
        return [by_path[path] for path in sorted(by_path)]

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """The paths below the prefix that the package wants, whoever gets them."""
        return tuple(map(self._claim, self.paths))

    def claimant(self) -> Claimant:
        """Return the package as one of those that meet."""
        return Claimant(self.package.name, self.claims)

    def _claim(self, entry: dict[str, Any]) -> Claim:
        path = entry["_path"]
        disk = f"{self.folder}/{path}"  # old packages say of some links that they are files
        if os.path.islink(disk):  # noqa: PTH114  # fast
            return Claim(path, "link", os.readlink(disk))  # noqa: PTH115  # fast
        return Claim(path, "folder" if entry["path_type"] == "directory" else "file")

    def wanted(self) -> list[str]:
        """Return the paths below the prefix that the package wants, without a look at the disk."""
        return [entry["_path"] for entry in self.paths]

    def was_clobbered(self) -> bool:
        """Tell whether rattler has put a file elsewhere because of another package in the same folder."""
        return any(entry["_path"].startswith(CLOBBERS) for entry in self.paths)

    @property
    def time(self) -> int:
        """When the package was made, in seconds, from the package itself: for files that did not exist before."""
        milliseconds = int(self.index.get("timestamp") or 0)
        # conda has written both seconds and milliseconds
        return milliseconds // 1000 if milliseconds > 10**11 else milliseconds or FOLDER_TIME

    def is_damaged(self) -> bool:
        """Tell whether a file has not the size that its package says: sizes alone, as conda's ``safety_checks``."""
        for entry in self.paths:
            size = entry.get("size_in_bytes")
            # what is stated is the size of what a link leads to, or of the file before the prefix was written
            if size is None or entry["path_type"] == "softlink" or _is_made(entry):
                continue
            facts = os.lstat(f"{self.folder}/{entry['_path']}")
            if stat.S_ISREG(facts.st_mode) and facts.st_size != size:
                return True
        return False

    def entries(self) -> Iterator[Entry]:
        """Return the package's paths in the image, its scrubbed record among them."""
        yield from self._kept[0] if self.slim else self.files()
        name = f"{self.package.name}-{self.package.version}-{self.package.build}.json"
        yield Entry.of_bytes(f"{ROOT}/conda-meta/{name}", self.scrubbed(), mtime=self.time)
        if self.package.name == "python":  # conda takes a folder for an environment if it finds this file
            yield Entry.of_bytes(f"{ROOT}/conda-meta/history", b"", mtime=self.time)

    @cached_property
    def _kept(self) -> tuple[list[Entry], dict[str, int]]:
        return leave_out(self.files(), f"{ROOT}/")

    @property
    def saved(self) -> dict[str, int]:
        """Bytes of files that are left out, by the rule."""
        return self._kept[1] if self.slim else {}

    def files(self) -> Iterator[Entry]:
        """Return the package's own files in the image."""
        if not self.moves.folders and not self.moves.yields:
            return self.own_files()
        return map(self._placed, self.own_files())

    def own_files(self) -> Iterator[Entry]:
        """Return the package's own files as if it were alone in the image."""
        return map(self._entry, self.paths)

    def _placed(self, entry: Entry) -> Entry:
        path = entry.path.removeprefix(f"{ROOT}/")
        if path in self.moves.yields:
            return replace(entry, path=f"{ROOT}/{yielded_path(self.package.name, path)}")
        # an empty folder is itself one that a link may lead to
        real = self.moves.folders.get(path) if entry.kind == "dir" else None
        return replace(entry, path=f"{ROOT}/{self.moves.real(path) if real is None else real}".rstrip("/"))

    def _entry(self, entry: dict[str, Any]) -> Entry:
        path = entry["_path"]
        disk = f"{self.folder}/{path}"
        facts = os.lstat(disk)
        if stat.S_ISLNK(facts.st_mode):
            # a link is made when it is staged: its own time is the clock's
            return Entry(f"{ROOT}/{path}", "symlink", mtime=self.time, target=os.readlink(disk))  # noqa: PTH115  # fast
        if stat.S_ISDIR(facts.st_mode):
            return Entry(f"{ROOT}/{path}", "dir")
        # a file keeps the time of its package, or the .pyc beside it would be stale (decisions/conda-layers.md)
        time = self.time if _is_made(entry) else int(facts.st_mtime)
        return Entry(f"{ROOT}/{path}", "file", facts.st_mode, time, facts.st_size, partial(open_file, disk))

    def scrubbed(self) -> bytes:
        """Return the conda-meta record as it goes into the image.

        It is made from the package, not from the channel's repodata: that is patched now and then, and the layer of
        one package file has to stay the same. Nothing of this machine is in it.
        """
        package, url = self.package, canonical_url(self.package.channel)
        place = {
            "fn": package.file_name,
            "url": f"{url}/{package.subdir}/{package.file_name}",
            "channel": f"{url}/",
            "sha256": package.sha256,
            "size": package.size,
        }
        paths = sorted(map(self._noted, self.paths), key=lambda entry: str(entry["_path"]))
        if self.slim:
            # conda removes and checks what the record names, so it names what is there
            there = {entry.path.removeprefix(f"{ROOT}/") for entry in self._kept[0]}
            paths = [entry for entry in paths if self.moves.real(entry["_path"]) in there or entry["_path"] in there]
        files = {"files": [entry["_path"] for entry in paths], "paths_data": {"paths_version": 1, "paths": paths}}
        # what was asked for belongs to the environment, and would make other bytes of an equal package
        return canonical_json({**self.index, **place, **files, "requested_specs": []})

    def _noted(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return a path as rattler notes it; one below a link stays as the package has it, since it leads there."""
        path = entry["_path"]
        if path not in self.moves.yields:
            return entry
        return {**entry, "_path": yielded_path(self.package.name, path), "original_path": path}


def yielded_path(name: str, path: str) -> str:
    """Return where a package's file is whose path another package has: where rattler puts it, too."""
    return f"{CLOBBERS}{name}/{path}"


def _is_made(entry: dict[str, Any]) -> bool:
    """Tell whether the file is made when the package is linked, so that it has neither size nor time before."""
    return "prefix_placeholder" in entry or entry["path_type"] in _ENTRY_POINTS


def open_file(disk: str) -> BinaryIO:
    """Open a file for the tar writer."""
    return open(disk, "rb", buffering=0)  # noqa: PTH123  # one of many thousands; the tar writer closes it
