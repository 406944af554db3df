"""A small Debian root file system, the same content as ``debian:bookworm-slim`` has."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

from . import apt
from .say import Missing

RELEASE = "bookworm"
SECONDS = 1704067200
"""Time of all files: the clock of the machine that builds stays out."""

UNWANTED = (
    "var/lib/apt/lists/*", "var/cache/apt/*", "var/cache/debconf/*-old", "var/cache/ldconfig/*", "var/log/*",
    "usr/share/doc/*/*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*", "usr/share/lintian", "dev/*",
)  # fmt: skip
KEPT = "usr/share/doc/*/copyright"

SLIM = """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
"""
CLEAN = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Acquire::Languages "none";
Apt::AutoRemove::SuggestsImportant "false";
"""


def write_rootfs(target: Path, work: Path) -> None:
    """Write the file system as a plain tar.

    Raises:
        Missing: not root, no apt, or debootstrap failed.
    """
    if not apt.can_install():
        advice = "docker pull debian:bookworm-slim"
        raise Missing("Docker Hub does not answer, and its base image is made with debootstrap by root only", advice)
    if shutil.which("debootstrap") is None:
        apt.install("debootstrap", "debian-archive-keyring")
    root, sources = work / "root", apt.debian_sources(RELEASE)
    mirror = [sources[0].url] if sources else []
    log = work / "debootstrap.log"
    with log.open("w", encoding="utf-8") as output:
        command: list[str | Path] = ["debootstrap", "--variant=minbase", "--arch=amd64", RELEASE, root, *mirror]
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        last = log.read_text(encoding="utf-8").strip().splitlines()[-1]
        raise Missing(f"debootstrap failed ({last})", " ".join(map(str, command)))
    _slim(root, sources)
    with tarfile.open(target, "w") as tar:
        for path in sorted(root.rglob("*")):
            tar.add(path, path.relative_to(root).as_posix(), recursive=False, filter=_without_clock)


def _slim(root: Path, sources: list[apt.Source]) -> None:
    """Remove what an image has no use for, and keep apt able to install in a Dockerfile step."""
    kept = set(root.glob(KEPT))
    for path in (found for pattern in UNWANTED for found in root.glob(pattern)):
        if path in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM, encoding="utf-8")
    (root / "etc/apt/apt.conf.d/slim").write_text(CLEAN, encoding="utf-8")
    lines = [f"deb {source.url} {suite} main\n" for source in sources for suite in source.suites]
    if lines:
        (root / "etc/apt/sources.list").write_text("".join(lines), encoding="utf-8")
    for name in ("hostname", "resolv.conf", "machine-id"):
        (root / "etc" / name).unlink(missing_ok=True)


def _without_clock(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = SECONDS
    member.uname = member.gname = ""
    return member
