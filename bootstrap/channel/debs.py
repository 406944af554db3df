"""Debian packages of the machine's own suite, unpacked; libraries of them laid out as conda packages."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

LIBRARY_FOLDERS = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")


def download_debs(names: Iterable[str], into: Path) -> dict[str, Path]:
    """Download Debian packages and unpack each into a folder of its own; return the folders by package name."""
    archives = into / "debs"
    archives.mkdir(parents=True)
    wanted = [f"{name}:amd64" for name in names]
    subprocess.run(["apt-get", "download", "-qq", *wanted], cwd=archives, check=True, stderr=subprocess.DEVNULL)
    unpacked = {}
    for archive in sorted(archives.glob("*.deb")):
        name, version, _ = archive.name.split("_")
        folder = into / "unpacked" / name
        folder.mkdir(parents=True)
        subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
        (folder / ".version").write_text(version, encoding="utf-8")
        unpacked[name] = folder
    return unpacked


def upstream_version(folder: Path) -> str:
    """Digits and dots of the Debian version: ``1%3a1.2.13.dfsg-1`` becomes ``1.2.13``."""
    found = re.match(r"(?:\d+%3a)?(\d+(?:\.\d+)*(?:[a-z]\b)?)", (folder / ".version").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{folder.name} has a Debian version without digits")
    return found[1]


def stage_libraries(folders: Iterable[Path], staging: Path) -> None:
    """Copy the shared libraries, links as links, into ``staging/lib``."""
    (staging / "lib").mkdir(parents=True)
    for folder in folders:
        for library in (path for sub in LIBRARY_FOLDERS for path in (folder / sub).glob("*.so*")):
            shutil.copy2(library, staging / "lib" / library.name, follow_symlinks=False)


def stage_timezones(folder: Path, staging: Path) -> None:
    """Copy the time zone files; links that leave the folder, or lead to folders, are left out."""
    zones = staging / "share/zoneinfo"
    shutil.copytree(folder / "usr/share/zoneinfo", zones, symlinks=True)
    for link in (path for path in zones.rglob("*") if path.is_symlink()):
        if link.readlink().is_absolute() or not link.is_file():
            link.unlink()
