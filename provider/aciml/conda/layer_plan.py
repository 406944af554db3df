"""Which layers a lock becomes, before anything of it is here; pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..blobs.compress import GZIP, Compression
from ..core.conda_lock import CondaLock, LockedPackage
from ..core.image import canonical_json, sha256_digest
from ..core.layer import PREFIX, WRITER
from ..core.partition import divide
from .memory import Renames

VERSION = "1"
"""Version of what a package becomes in a layer; raise it when that changes."""


@dataclass(frozen=True)
class LayerPlan:
    """A layer to be. ``key`` names everything its bytes depend on; ``name`` is for people."""

    name: str
    packages: tuple[LockedPackage, ...]
    key: str


def plan_layers(lock: CondaLock, renames: Renames, by: Compression = GZIP) -> list[LayerPlan]:
    """Return the layers of a lock, lowest first; pure."""
    packages = {package.name: package for package in lock.packages}
    groups = divide(lock.sizes(), lock.beside).conda
    return [_plan(group.name, tuple(packages[name] for name in group.members), lock, renames, by) for group in groups]


def _plan(
    name: str, members: tuple[LockedPackage, ...], lock: CondaLock, renames: Renames, by: Compression
) -> LayerPlan:
    minor = lock.python_version.split(".")[:2]
    # files of noarch packages are placed by the Python of the environment (conda, "Noarch Python packages")
    needs_python = any(package.noarch == "python" for package in members)
    # all that the layer's bytes depend on, and nothing else: a mirror or this machine's folders change no key
    facts = {
        "writer": [WRITER, VERSION],
        "compressor": by.key,
        "prefix": PREFIX,
        "packages": [package.line for package in members],
        "python": [*minor, lock.site_packages] if needs_python else [],
        "renames": {package.name: renames[package.name] for package in members if package.name in renames},
    }
    return LayerPlan(name, members, sha256_digest(canonical_json(facts)))
