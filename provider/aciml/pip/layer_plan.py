"""Which layers wheels become, before anything of them is here; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..blobs.compress import GZIP, Compression
from ..core import slim
from ..core.claims import Places
from ..core.image import canonical_json, sha256_digest
from ..core.layer import PREFIX, WRITER
from ..core.pip_package import PipPackage
from .wheel_set import WheelSet

VERSION = "1"
"""Version of what a wheel becomes in a layer; raise it when that changes."""


@dataclass(frozen=True)
class WheelPlan:
    """A layer to be. ``key`` names everything its bytes depend on; ``name`` is for people."""

    name: str
    packages: tuple[PipPackage, ...]
    key: str

    def told(self) -> str:
        """Return what an image's history says of the layer."""
        return f"{self.name.split(' ')[0]} {', '.join(f'{one.name} {one.version}' for one in self.packages)}"


def plan_wheels(wheels: WheelSet, places: Places, by: Compression = GZIP) -> list[WheelPlan]:
    """Return the layers of wheels, lowest first: the server's, then the user's; pure."""
    packages, divided = {package.name: package for package in wheels.packages}, wheels.divided()
    return [
        _plan(f"{kind} {group.name}", tuple(packages[name] for name in group.members), wheels.library, places, by)
        for kind, groups in (("server", divided.server), ("pip", divided.wheels))
        for group in groups
    ]


def earlier_key(packages: Sequence[PipPackage], python_version: str, by: Compression = GZIP) -> str:
    """Return the key that versions up to 0.2 gave to the one layer of all these wheels."""
    hashes = sorted(package.sha256 for package in packages)
    return "pip-" + sha256_digest(canonical_json([hashes, python_version, PREFIX, "1", by.key]))


def claimant_of(package: PipPackage) -> str:
    """Return what a wheel is called among all that bring files."""
    return f"pip {package.name}"


def _plan(name: str, members: tuple[PipPackage, ...], library: str, places: Places, by: Compression) -> WheelPlan:
    # all that the layer's bytes depend on, and nothing else: where a wheel comes from, and who has what it lost, do not
    facts = {
        "writer": [WRITER, VERSION],
        "compressor": by.key,
        "prefix": PREFIX,
        "library": library,
        "wheels": sorted(package.sha256 for package in members),
        "folders": _by_hash(members, {name: dict(moved) for name, moved in places.folders.items()}),
        "yields": _by_hash(members, {name: sorted(lost) for name, lost in places.yields.items()}),
    }
    if by.slim:
        facts["slim"] = slim.VERSION  # only then: other layers keep the key that they had before there was the choice
    return WheelPlan(name, members, "wheels-" + sha256_digest(canonical_json(facts)))


def _by_hash(members: tuple[PipPackage, ...], found: dict[str, object]) -> dict[str, object]:
    return {one.sha256: found[claimant_of(one)] for one in members if found.get(claimant_of(one))}
