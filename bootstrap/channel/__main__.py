"""Make the stand-in channel in the folder that is given."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from rattler.index import index_fs

from .conda_package import CondaPackage, write_package
from .debian_python import compile_sources, stage_python
from .debs import download_debs, stage_libraries, stage_timezones, upstream_version
from .samples import write_samples
from .wheels import download_wheels, stage_wheel

HERE = Path(__file__).parent
GLIBC = "__glibc >=2.36,<3.0.a0"
"""Debian 12 links against this glibc."""


def build_channel(channel: Path, work: Path) -> None:
    """Make all packages, then the index."""
    table = tomllib.loads((HERE / "debian.toml").read_text(encoding="utf-8"))
    libraries: dict[str, Any] = table["libraries"]
    debs = [*table["python"]["debs"], "tzdata", *(deb for lib in libraries.values() for deb in lib["debs"])]
    folders = download_debs(debs, work)
    write_libraries(libraries, folders, work, channel)
    python = write_python(table["python"], folders, work, channel)
    for number, listing in enumerate(("wheels.txt", "wheels-second.txt")):
        for wheel in download_wheels(HERE / listing, work / f"wheels-{number}"):
            write_wheel(wheel, python, work, channel)
    write_samples(work / "samples", channel)
    asyncio.run(index_fs(channel, write_zst=True, write_shards=False))


def write_libraries(libraries: dict[str, Any], folders: dict[str, Path], work: Path, channel: Path) -> None:
    """Write one package for each shared library, and one for the time zones."""
    for name, library in libraries.items():
        stage_libraries([folders[deb] for deb in library["debs"]], work / name)
        version = upstream_version(folders[library["debs"][0]])
        write_package(CondaPackage(name, version, (GLIBC, *library.get("depends", ()))), work / name, channel)
    stage_timezones(folders["tzdata"], work / "tzdata")
    zones = CondaPackage("tzdata", upstream_version(folders["tzdata"]), noarch="generic")
    write_package(zones, work / "tzdata", channel)


def write_python(table: dict[str, Any], folders: dict[str, Path], work: Path, channel: Path) -> Path:
    """Write the package ``python``; return the interpreter in the staging folder, for compiling."""
    staging = work / "python"
    stage_python([folders[deb] for deb in table["debs"]], staging)
    interpreter = staging / "bin/python3.11"
    compile_sources(staging, interpreter, work / "libexpat/lib")
    version = upstream_version(folders["python3.11"])
    write_package(CondaPackage("python", version, (GLIBC, *table["depends"])), staging, channel)
    return interpreter


def write_wheel(wheel: Path, interpreter: Path, work: Path, channel: Path) -> None:
    """Write the package of one wheel; only packages for one platform carry compiled files."""
    staging = work / "wheels" / wheel.stem
    package = stage_wheel(wheel, staging)
    if not package.noarch:
        compile_sources(staging, interpreter, work / "libexpat/lib")
    write_package(package, staging, channel)
    print(f"  {package.name} {package.version}", flush=True)


def main() -> None:
    """Build in a temporary folder beside the channel, so that both are on one disk."""
    channel = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=channel.parent) as work:
        build_channel(channel, Path(work))
    sys.stdout.flush()
    os._exit(0)  # rattler's threads can abort the interpreter while it ends, when all is written


if __name__ == "__main__":
    main()
