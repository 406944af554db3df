"""Write a staged folder as one ``.conda`` package, equal bytes for equal files.

Source: conda's package specification (``info/index.json``, ``info/paths.json`` version 1, ``info/link.json``).
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conda_package_streaming.create import conda_builder

PLACEHOLDER = ("/opt/aciml_stand_in" + "_placehold" * 30)[:255]
"""The prefix that packages are made for; as long as conda-build's, so that any real prefix fits into binary files."""

SECONDS = 1704067200
"""Time of every file and package (2024-01-01): the clock must not reach the channel."""

LEVEL, THREADS = 3, 2


@dataclass(frozen=True)
class CondaPackage:
    """What the index says of a package; ``noarch`` is ``""``, ``"python"`` or ``"generic"``."""

    name: str
    version: str
    depends: tuple[str, ...] = ()
    noarch: str = ""
    label: str = "h"
    entry_points: tuple[str, ...] = field(default=())

    @property
    def subdir(self) -> str:
        """Folder of the channel."""
        return "noarch" if self.noarch else "linux-64"


def write_package(package: CondaPackage, staging: Path, channel: Path) -> Path:
    """Write ``staging`` (the prefix's content) as a package into its folder of the channel; return the file's path."""
    names = sorted(p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_symlink() or p.is_file())
    paths = [_described(staging / name, name) for name in names]
    described = json.dumps({"paths": paths, "paths_version": 1}, indent=1).encode()
    build = f"{package.label}{hashlib.sha256(described).hexdigest()[:7]}_0"
    stem = f"{package.name}-{package.version}-{build}"
    folder = channel / package.subdir
    folder.mkdir(parents=True, exist_ok=True)
    with conda_builder(stem, folder, compression_level=LEVEL, compression_threads=THREADS) as archive:
        for name in names:
            _add_path(archive, staging / name, name)
        for name, content in _info(package, build, described, names):
            archive.addfile(_header(name, len(content), 0o644), io.BytesIO(content))
    return _without_clock(folder / f"{stem}.conda")


def _described(path: Path, name: str) -> dict[str, Any]:
    """Entry of ``paths.json``; a link is described by what it leads to."""
    content = path.read_bytes() if path.exists() else b""
    entry: dict[str, Any] = {
        "_path": name,
        "path_type": "softlink" if path.is_symlink() else "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    if not path.is_symlink() and not name.endswith(".pyc") and PLACEHOLDER.encode() in content:
        entry["prefix_placeholder"] = PLACEHOLDER
        entry["file_mode"] = "binary" if b"\0" in content else "text"
    return entry


def _info(package: CondaPackage, build: str, paths: bytes, names: list[str]) -> list[tuple[str, bytes]]:
    index: dict[str, Any] = {
        "arch": None if package.noarch else "x86_64",
        "build": build,
        "build_number": 0,
        "depends": list(package.depends),
        "name": package.name,
        "platform": None if package.noarch else "linux",
        "subdir": package.subdir,
        "timestamp": SECONDS * 1000,
        "version": package.version,
    }
    files = [("info/files", "".join(f"{name}\n" for name in names).encode()), ("info/paths.json", paths)]
    if package.noarch:
        index["noarch"] = package.noarch
    if package.noarch == "python":
        link = {"noarch": {"type": "python", "entry_points": list(package.entry_points)}}
        files.append(("info/link.json", json.dumps(link | {"package_metadata_version": 1}).encode()))
    about = {"summary": "stand-in package, made on this machine"}
    return [*files, ("info/about.json", json.dumps(about).encode()), ("info/index.json", json.dumps(index).encode())]


def _add_path(archive: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_symlink():
        header = _header(name, 0, 0o777)
        header.type, header.linkname = tarfile.SYMTYPE, str(path.readlink())
        archive.addfile(header)
        return
    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    with path.open("rb") as content:
        archive.addfile(_header(name, path.stat().st_size, mode), content)


def _header(name: str, size: int, mode: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, mode, SECONDS
    return header


def _without_clock(path: Path) -> Path:
    """Write the outer zip again: its builder stamps the members with the time of day."""
    plain = path.with_suffix(".part")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as target:
        for member in source.infolist():
            target.writestr(zipfile.ZipInfo(member.filename, (2024, 1, 1, 0, 0, 0)), source.read(member))
    return plain.replace(path)
