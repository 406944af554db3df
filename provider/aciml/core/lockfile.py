"""The text of a lock file: rattler's format, version 7, with conda and pip packages, the same for the same packages.

py-rattler reads it, and could write most of it; but it has no hash for a wheel and no options to give, so it is
written here and read by rattler (``decisions/lock-file.md``). Nothing in it is of this machine: no mirror, no
account, no path but those beside it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML

from .image import canonical_json, sha256_digest
from .lean import lean

# version 6 has no place for the virtual packages that were solved for (decisions/lock-file.md)
VERSION = 7
PLATFORM = "linux-64"
ENVIRONMENT = "default"
"""Name of the one environment: rattler's own for a file with one."""

MARK = "# Written by `aciml lock`"
"""How a lock file begins; older ones and newer ones are told by it too."""

_HEAD = f"{MARK} in rattler's lock format; change conda.yml and lock again instead of this.\n"
# a comment, since the format has no field for it; without it nobody
# could tell that the pip section changed (decisions/lock-file.md)
_PIP_MARK = "# pip section: "
# a comment for the same reason: text of the reference and digest of its linux/amd64 manifest
_BASE_MARK = "# base image: "
# what rattler keeps of a record, in its order; it reads name, version, build and subdir in the URL
_KEPT = (
    "noarch", "sha256", "md5", "depends", "constrains", "features", "track_features", "license", "license_family",
    "size", "timestamp", "python_site_packages_path",
)  # fmt: skip


@dataclass(frozen=True)
class LockedWheel:
    """A pip package; ``place`` is its URL without an account, or a path relative to the lock file.

    ``size`` in bytes; 0 in locks of older versions, and of other programs.
    """

    name: str
    version: str
    place: str
    sha256: str
    size: int = field(default=0, compare=False)


@lean(frozen=True)
class LockContent:
    """What a lock file says.

    ``channels`` are canonical URLs in order of priority; ``virtual`` virtual packages as ``name=version=build``;
    ``conda`` maps a package's canonical URL to its record, as the channel has it; ``pip_asked`` is what the pip section
    asked for, and only its hash is written. ``bases`` maps references of base images, as the user wrote them, to
    digests.
    """

    channels: tuple[str, ...]
    virtual: tuple[str, ...]
    conda: Mapping[str, Mapping[str, Any]]
    pip: tuple[LockedWheel, ...] = ()
    pip_asked: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)


def write_lock(content: LockContent) -> str:
    """Return the file's text; packages are sorted by URL, so that it does not depend on how they were found."""
    conda = sorted(content.conda)
    wheels = sorted(content.pip, key=lambda wheel: (wheel.name, wheel.place))
    packages = [{"conda": url} for url in conda] + [{"pypi": wheel.place} for wheel in wheels]
    environment: dict[str, Any] = {"channels": [{"url": url} for url in content.channels]}
    if content.options:
        environment["options"] = dict(sorted(content.options.items()))
    environment["packages"] = {PLATFORM: packages}
    root = {
        "version": VERSION,
        "platforms": [{"name": PLATFORM, "virtual-packages": list(content.virtual)}],
        "environments": {ENVIRONMENT: environment},
        "packages": [*(_conda(url, content.conda[url]) for url in conda), *map(_pypi, wheels)],
    }
    mark = f"{_PIP_MARK}{pip_key(content.pip_asked)}\n" if content.pip_asked else ""
    bases = "".join(f"{_BASE_MARK}{text} {digest}\n" for text, digest in sorted(content.bases.items()))
    return _HEAD + mark + bases + _dumped(root)


def pip_key(asked: Iterable[str]) -> str:
    """Name what a pip section asks for."""
    return sha256_digest(canonical_json(list(asked)))


def pip_key_in(text: str) -> str:
    """Return the key of the pip section that a lock file was made for; empty if it has none or others wrote it."""
    found = re.search(rf"^{_PIP_MARK}(sha256:[0-9a-f]{{64}})$", text, re.MULTILINE)
    return found[1] if found else ""


def bases_in(text: str) -> dict[str, str]:
    """Return the digests of base images that a lock file names; none if it is older, or others wrote it."""
    return dict(re.findall(rf"^{_BASE_MARK}(\S+) (sha256:[0-9a-f]{{64}})$", text, re.MULTILINE))


def _conda(url: str, record: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"conda": url}
    if url.startswith("file:"):  # rattler reads only the name of a file in such a one
        entry["subdir"] = record["subdir"]
    number = int(record.get("build_number") or 0)
    # as rattler writes it: only what it cannot read from the build string
    if number != _number_in(str(record["build"])):
        entry["build_number"] = number
    entry |= {name: record[name] for name in _KEPT if record.get(name)}
    if isinstance(entry.get("track_features"), str):  # repodata has words, the lock a list
        entry["track_features"] = re.split(r"[,\s]+", entry["track_features"])
    return entry


def _number_in(build: str) -> int:
    """Return the build number that rattler reads from a build string: what follows its last ``_``."""
    last = build.rpartition("_")[2]
    return int(last) if last.isdigit() else 0


def _pypi(wheel: LockedWheel) -> dict[str, Any]:
    entry = {"pypi": wheel.place, "name": wheel.name, "version": wheel.version, "sha256": wheel.sha256}
    # rattler has no such field for wheels, and passes over it
    return {**entry, "size": wheel.size} if wheel.size else entry


def wheel_sizes_in(text: str) -> dict[str, int]:
    """Return what ``_pypi`` wrote of sizes, by sha256: rattler does not hand on what it does not know."""
    rows = re.findall(r"^  sha256: ([0-9a-f]{64})\n  size: (\d+)$", text, re.MULTILINE)
    return {sha256: int(size) for sha256, size in rows}


def _dumped(root: Mapping[str, Any]) -> str:
    yaml = YAML(typ="rt", pure=True)
    # ruamel folds lines at 80: a long URL would be in two of them, and move in a diff
    yaml.width = 1 << 20
    yaml.default_flow_style = False
    sink = io.StringIO()
    yaml.dump(root, sink)
    return sink.getvalue()
