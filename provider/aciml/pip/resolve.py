"""Resolve the ``pip:`` section of conda.yml to wheels for the image's platform, with uv."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from packaging.pylock import Package, PackageWheel, Pylock
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from ..settings import Settings

_OLDEST_GLIBC = 5  # manylinux1 is glibc 2.5; older wheels do not exist
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_NO_WHEEL = re.compile(r"(?:Because |and )?([A-Za-z0-9._-]+)(?:==\S+)? has no usable wheels")
_UNREACHABLE = ("failed to fetch", "error sending request", "dns error", "timed out", "tcp connect")


@dataclass(frozen=True)
class PipPackage:
    """A wheel: ``sha256`` names its bytes, ``url`` is where this machine gets it, and is not part of what it is."""

    name: str
    version: str
    file_name: str
    sha256: str
    url: str = field(default="", compare=False, repr=False)

    def to_json(self) -> str:
        """Write it for this machine's catalog."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of_json(cls, text: str) -> PipPackage:
        """Read what ``to_json`` wrote."""
        return cls(**json.loads(text))


def resolve(
    requirements: tuple[str, ...],
    *,
    conda: Mapping[str, str],
    python_version: str,
    glibc: str,
    folder: Path,
    settings: Settings,
    progress: Progress,
) -> tuple[PipPackage, ...]:
    """Return the wheels that satisfy the requirements, sorted by name.

    Args:
        requirements: lines of the ``pip:`` section: requirements and options such as ``--index-url`` or ``-r file``.
        conda: distributions that conda brings, name to version; they are kept, and not installed again.
        python_version: of the environment, such as ``3.11``.
        glibc: of the base image, such as ``2.36``; newer wheels are not taken.
        folder: where conda.yml is; paths in options are relative to it.
        settings: for the certificate bundle.
        progress: asked whether to stop.

    Raises:
        UserError: nothing satisfies them, or a package has no wheel.
        OutageError: the index does not answer.
    """
    progress.checkpoint()
    with tempfile.TemporaryDirectory() as work:
        pins = _pins(conda)
        Path(work, "conda.txt").write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        Path(work, "pip.in").write_text("\n".join(_rooted(requirements, folder)) + "\n")
        lock = Path(work, "pylock.toml")
        _run_uv(_arguments(work, pins, python_version, glibc), settings)
        locked = Pylock.from_dict(tomllib.loads(lock.read_text(encoding="utf-8")))
    tags = _tags(python_version, glibc)
    packages = [_package(package, tags, lock) for package in locked.packages]
    return tuple(sorted(packages, key=lambda package: package.name))


def _pins(conda: Mapping[str, str]) -> dict[str, str]:
    """Return what conda brings in the index's terms; versions that only conda understands cannot be a constraint."""
    pins: dict[str, str] = {}
    for name, version in sorted(conda.items()):
        try:
            pins[canonicalize_name(name)] = str(Version(version))
        except InvalidVersion:
            continue
    return pins


def _rooted(requirements: tuple[str, ...], folder: Path) -> list[str]:
    """Make ``-r file`` and its like independent of where uv runs."""
    rooted = []
    for line in requirements:
        option = re.match(r"(-r|--requirement|-c|--constraint)[ =]\s*(\S+)$", line)
        if option and "://" not in option[2]:
            path = folder / option[2]
            if not path.is_file():
                raise UserError(f"pip: {line}: {path} does not exist", "paths are relative to conda.yml")
            line = f"{option[1]} {path.resolve()}"  # noqa: PLW2901  (the line, rooted)
        rooted.append(line)
    return rooted


def _arguments(work: str, pins: Mapping[str, str], python_version: str, glibc: str) -> list[str]:
    omitted = [part for name in pins for part in ("--no-emit-package", name)]
    return [
        "pip", "compile", f"{work}/pip.in", "--output-file", f"{work}/pylock.toml", "--format", "pylock.toml",
        "--constraint", f"{work}/conda.txt", "--only-binary", ":all:", "--python-version", python_version,
        "--python-platform", f"x86_64-manylinux_{glibc.replace('.', '_')}", "--no-header", "--quiet", *omitted,
    ]  # fmt: skip


def _run_uv(arguments: list[str], settings: Settings) -> None:
    from uv import find_uv_bin

    bundle = {"SSL_CERT_FILE": str(settings.ca_bundle)} if settings.ca_bundle else {}
    done = subprocess.run(
        [find_uv_bin(), *arguments],
        env={**os.environ, **bundle, "UV_NO_PROGRESS": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise _failure(_CREDENTIALS.sub("", done.stderr.strip()))


def _failure(said: str) -> UserError | OutageError:
    if any(word in said.lower() for word in _UNREACHABLE):
        return OutageError(f"the package index does not answer: {_short(said)}", "look at the network, then try again")
    missing = _NO_WHEEL.search(said)
    if missing:
        name = missing[1]
        advice = (
            f'take it from conda, or build it in a step: "RUN pip install --target /opt/built {name}" '
            'and "ENV PYTHONPATH=/opt/built", on a base with pip and a compiler'
        )
        return UserError(f"pip: {name} has no wheel for this platform, and nothing is compiled here", advice)
    return UserError(f"the pip section cannot be resolved: {_short(said)}", "change the pip section of conda.yml")


def _short(said: str) -> str:
    """Put uv's reason on one line, without its labels."""
    lines = [re.sub(r"^(error|cause|hint)?\W*", "", line.strip()) for line in said.splitlines()]
    return " ".join(line for line in lines if line)[:1500]


def _tags(python_version: str, glibc: str) -> dict[Tag, int]:
    """Return the image's tags, best first, with their rank."""
    major, minor = (int(part) for part in glibc.split(".")[:2])
    old = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}
    platforms = []
    for level in range(minor, _OLDEST_GLIBC - 1, -1):
        platforms += [f"manylinux_{major}_{level}_x86_64", *([old[level]] if level in old else [])]
    platforms.append("linux_x86_64")
    version = tuple(int(part) for part in python_version.split(".")[:2])
    tags = [*cpython_tags(version, platforms=platforms), *compatible_tags(version, platforms=platforms)]
    tags += compatible_tags(version, interpreter=f"cp{version[0]}{version[1]}", platforms=platforms)
    return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}


def _package(package: Package, tags: Mapping[Tag, int], lock: Path) -> PipPackage:
    ranked = [(rank, wheel) for wheel in package.wheels or () if (rank := _rank(wheel, tags)) is not None]
    if not ranked:
        raise _failure(f"{package.name}=={package.version} has no usable wheels")
    wheel = min(ranked, key=lambda pair: pair[0])[1]
    url = wheel.url or (lock.parent / str(wheel.path)).resolve().as_uri()
    return PipPackage(str(package.name), str(package.version), wheel.filename, _sha256(wheel, url), url)


def _rank(wheel: PackageWheel, tags: Mapping[Tag, int]) -> int | None:
    ranks = [tags[tag] for tag in parse_wheel_filename(wheel.filename)[3] if tag in tags]
    return min(ranks, default=None)


def _sha256(wheel: PackageWheel, url: str) -> str:
    known: Any = wheel.hashes.get("sha256")
    if not known:
        raise UserError(f"the index gives no sha256 for {wheel.filename}", f"use an index that does, not {_host(url)}")
    return str(known)


def _host(url: str) -> str:
    return _CREDENTIALS.sub("", url).split("/")[2] or "a folder"
