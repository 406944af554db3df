"""Which layers a lock becomes, before anything of it is here; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..blobs.compress import GZIP, Compression
from ..core import slim
from ..core.claims import Moves, Places
from ..core.conda_lock import CondaLock, LockedPackage
from ..core.image import canonical_json, sha256_digest
from ..core.layer import PREFIX, WRITER
from ..core.partition import divide
from .contents import yielded_path

VERSION = "1"
"""Version of what a package becomes in a layer; raise it when that changes."""


@dataclass(frozen=True)
class LayerPlan:
    """A layer to be. ``key`` names everything its bytes depend on; ``name`` is for people."""

    name: str
    packages: tuple[LockedPackage, ...]
    key: str
    places: Places | None = field(default=None, compare=False, repr=False)
    """Of all packages of the lock, None if not known yet; what matters to this layer is in the key."""


def plan_layers(lock: CondaLock, places: Places | None, by: Compression = GZIP) -> list[LayerPlan]:
    """Return the layers of a lock, lowest first, pure; without places as they are if no package meets another."""
    packages = {package.name: package for package in lock.packages}
    groups = divide(lock.sizes(), lock.beside).conda
    return [_plan(group.name, tuple(packages[name] for name in group.members), lock, places, by) for group in groups]


def _plan(
    name: str, members: tuple[LockedPackage, ...], lock: CondaLock, places: Places | None, by: Compression
) -> LayerPlan:
    minor = lock.python_version.split(".")[:2]
    # files of noarch packages are placed by the Python of the environment (conda, "Noarch Python packages")
    needs_python = any(package.noarch == "python" for package in members)
    moves = {package.name: (places or Places()).of(package.name) for package in members}
    # all that the layer's bytes depend on, and nothing else: a mirror or this machine's folders change no key
    facts = {
        "writer": [WRITER, VERSION],
        "compressor": by.key,
        "prefix": PREFIX,
        "packages": [package.line for package in members],
        "python": [*minor, lock.site_packages] if needs_python else [],
        "renames": {one: _renames(one, moved) for one, moved in moves.items() if moved.yields},
    }
    if folders := {one: dict(moved.folders) for one, moved in moves.items() if moved.folders}:
        facts["folders"] = folders  # only then: layers without such keep the key that they had before there were any
    if by.slim:
        facts["slim"] = slim.VERSION  # only then, for the same reason
    return LayerPlan(name, members, sha256_digest(canonical_json(facts)), places)


def _renames(name: str, moved: Moves) -> dict[str, str]:
    """Return the new paths of files that yield; who got theirs changes no byte of this layer."""
    return {path: yielded_path(name, path) for path in moved.yields}
