"""Which packages an environment is made of, exactly: the part of a solution that is the same for everyone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .errors import UserError
from .layer import FOLDER_TIME
from .lean import lean

_MARK = "#sha256:"
_MILLISECONDS = 253402300799  # a time above is not in seconds: conda has written both


@dataclass(frozen=True)
class LockedPackage:
    """One package file.

    ``channel`` is its name as in conda.yml, never a mirror; ``sha256`` in hexadecimal; ``size`` of the file in bytes;
    ``timestamp`` in seconds, 0 if unknown; ``noarch`` is empty, ``python`` or ``generic``; ``record_json`` is the
    channel's record without its place, and is not a part of what makes two packages equal.
    """

    name: str
    version: str
    build: str
    subdir: str
    channel: str
    file_name: str
    sha256: str
    size: int
    timestamp: int = 0
    noarch: str = ""
    depends: tuple[str, ...] = ()
    python_site_packages_path: str = ""
    record_json: str = field(default="", compare=False, repr=False)

    @classmethod
    def of_record(cls, record: dict[str, Any], channel: str) -> LockedPackage:
        """Read a record as repodata and conda-meta have it.

        Raises:
            UserError: the channel gives no sha256 for it, so that nothing could be pinned.
        """
        # where a record was read, and when a mirror indexed it, differ by machine; the package does not
        kept = {name: value for name, value in record.items() if name not in ("url", "channel", "indexed_timestamp")}
        if not kept.get("sha256"):
            raise UserError(f"channel {channel} has no sha256 for {kept['fn']}", "index the channel again")
        time = int(kept.get("timestamp") or 0)
        return cls(
            name=kept["name"],
            version=kept["version"],
            build=kept["build"],
            subdir=kept["subdir"],
            channel=channel,
            file_name=kept["fn"],
            sha256=kept["sha256"],
            size=int(kept.get("size") or 0),
            timestamp=time // 1000 if time > _MILLISECONDS else time,
            noarch=str(kept.get("noarch") or ""),
            depends=tuple(kept.get("depends") or ()),
            python_site_packages_path=kept.get("python_site_packages_path") or "",
            record_json=json.dumps(kept, sort_keys=True),
        )

    @property
    def line(self) -> str:
        """The package in one line: ``channel/subdir/file#sha256:hex``."""
        return f"{self.channel}/{self.subdir}/{self.file_name}{_MARK}{self.sha256}"


@lean(frozen=True)
class CondaLock:
    """The packages of one environment, sorted by name.

    ``beside`` has the bytes of the wheels that come with them, by name: all share one budget of layers
    (``partition.py``). It is no part of what the packages are.
    """

    packages: tuple[LockedPackage, ...]
    beside: Mapping[str, int] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, packages: list[LockedPackage]) -> CondaLock:
        """Return the lock of these packages, given in any order."""
        # in one order, whatever the solver's was: a lock is compared and hashed line by line
        return cls(tuple(sorted(packages, key=lambda package: package.name)))

    def shown(self) -> dict[str, str]:
        """Return name and ``version build`` of each package: what a diff shows."""
        return {package.name: f"{package.version} {package.build}" for package in self.packages}

    def lines(self) -> list[str]:
        """Return one line per package, which ``relock`` reads back; no host and no mirror is in it."""
        return [package.line for package in self.packages]

    def sizes(self) -> dict[str, int]:
        """Return the bytes of each package's file by its name."""
        return {package.name: package.size for package in self.packages}

    def find(self, name: str) -> LockedPackage | None:
        """Return the package of that name."""
        return next((package for package in self.packages if package.name == name), None)

    @property
    def python_version(self) -> str:
        """Version of Python, such as ``3.11.2``; empty without Python."""
        python = self.find("python")
        return python.version if python else ""

    @property
    def python_minor(self) -> str:
        """Version of Python as ``3.11``; empty without Python."""
        return ".".join(self.python_version.split(".")[:2])

    @property
    def site_packages(self) -> str:
        """Folder below the prefix where Python packages are; empty without Python."""
        python = self.find("python")
        if python is None:
            return ""
        # CEP 17: a Python may say itself where they are, as free-threaded ones do (lib/python3.13t/site-packages)
        return python.python_site_packages_path or f"lib/python{self.python_minor}/site-packages"

    @property
    def created(self) -> str:
        """Time of the newest package, RFC 3339: when this environment became possible."""
        newest = max((package.timestamp for package in self.packages), default=0) or FOLDER_TIME  # never 1970
        return datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class LockLine:
    """A line of a lock, taken apart."""

    channel: str
    subdir: str
    file_name: str
    sha256: str

    @classmethod
    def parse(cls, line: str) -> LockLine:
        """Read what ``LockedPackage.line`` wrote.

        Raises:
            UserError: it is no such line.
        """
        place, mark, sha256 = line.rpartition(_MARK)
        # from the right, since a channel may be a URL with slashes of its own
        parts = place.rsplit("/", 2)
        if not mark or len(parts) != 3 or len(sha256) != 64:
            raise UserError(f'"{line}" is not a line of a conda lock', "remove the lock, so that it is made again")
        return cls(parts[0], parts[1], parts[2], sha256)

    @property
    def name(self) -> str:
        """Name of the package: the file's name without version and build."""
        # a file is called name-version-build, and only the name may have dashes in it
        return self.file_name.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)[0]
