"""Wheels of the Python package index, installed into a staging folder and described as conda packages."""

from __future__ import annotations

import subprocess
import sys
import warnings
from email.message import Message
from email.parser import Parser
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .conda_package import PLACEHOLDER, CondaPackage
from .debian_python import LIBRARY

CONDA_NAMES = {"tzdata": "python-tzdata"}
"""Names that conda-forge gives differently, because another package has them."""

TARGET = {"python_version": "3.11", "python_full_version": "3.11.2", "sys_platform": "linux", "os_name": "posix"}
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
PYTHON = "python >=3.11,<3.12.0a0"


def download_wheels(listing: Path, into: Path) -> list[Path]:
    """Download the wheels of a requirements file with hashes, for Linux and Python 3.11; return their paths."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    options = [option for platform in PLATFORMS for option in ("--platform", platform)]
    python = ["--python-version", "3.11", "--implementation", "cp"]
    subprocess.run([*command, *options, *python, "-r", listing, "-d", into], check=True)
    return sorted(into.glob("*.whl"))


def stage_wheel(wheel: Path, staging: Path) -> CondaPackage:
    """Install the wheel into ``staging`` as conda-build would, and say what the index must know of it."""
    pure = wheel.name.endswith("-none-any.whl")
    site = staging / ("site-packages" if pure else LIBRARY / "site-packages")
    scripts = staging.with_name(staging.name + ".scripts") if pure else staging / "bin"
    schemes = dict.fromkeys(("purelib", "platlib"), str(site)) | {"scripts": str(scripts), "data": str(staging)}
    target = SchemeDictionaryDestination(schemes, f"{PLACEHOLDER}/bin/python3.11", "posix")
    with WheelFile.open(wheel) as source, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy ships one compiled file by mistake: it is skipped
        install(source, target, {"INSTALLER": b"conda\n"})
        metadata = Parser().parsestr(source.read_dist_info("METADATA"))
        points = source.read_dist_info("entry_points.txt") if "entry_points.txt" in source.dist_info_filenames else ""
    name = canonicalize_name(metadata["Name"])
    return CondaPackage(
        CONDA_NAMES.get(name, name),
        metadata["Version"],
        _depends(metadata, pure=pure),
        noarch="python" if pure else "",
        label="pyh" if pure else "py311h",
        entry_points=_console_scripts(points),
    )


def _depends(metadata: Message, *, pure: bool) -> tuple[str, ...]:
    """Requirements that hold for Linux and Python 3.11, in conda's words."""
    found = {"python >=3.9"} if pure else {PYTHON, "__glibc >=2.17,<3.0.a0", "libgcc", "libstdcxx"}
    for line in metadata.get_all("Requires-Dist", []):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(TARGET | {"extra": ""}):
            name = canonicalize_name(wanted.name)
            found.add(f"{CONDA_NAMES.get(name, name)} {wanted.specifier}".strip())
    return tuple(sorted(found))


def _console_scripts(text: str) -> tuple[str, ...]:
    """Lines of the section ``console_scripts`` as ``name = module:function``, without extras."""
    section, found = "", []
    for line in (raw.strip() for raw in text.splitlines()):
        if line.startswith("["):
            section = line
        elif section == "[console_scripts]" and "=" in line:
            found.append(line.split("[")[0].strip())
    return tuple(found)
