"""Which package goes into which layer: a pure rule, so that a change moves as little as possible.

A big package has a layer of its own; the others go to a fixed number of bins by the hash of their name. So a new
version stays in its place, and a new package touches one layer. (Bins by name: chunkah; no small layers of their own:
nix2container #31, where a package below 5 MB is not worth one.)

conda packages and wheels are one list, in which the biggest are alone: a package that moves from one to the other
keeps its rank, and moves alone. Bins are of one kind each, since where a wheel's files go depends on Python, and where
most conda packages' go does not. What the scoring server needs is divided by itself, so that its layers are the same
whatever the user has beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import Finding

SOLO_SIZE = 1_500_000
"""Bytes of a package file from which it is alone. It stands for about 5 MB installed, which is known only
after a download; the file's size is in the lock. (Packages unpack to some three or four times their file.)"""

# chunkah's default, too. More would share more, but each layer
# costs a pull its time (moby #17841: seconds of Docker Hub's)
CONDA_LAYERS = 64
"""Most layers of conda packages in an image."""

SOLO_LIMIT = 38
"""Most layers for single packages of both kinds, 60 % of ``CONDA_LAYERS``; the smallest beyond it go to the bins."""

# not 16: the layer that a small package drags along is a third smaller (decisions/conda-layers.md)
BINS = 24
"""Number of conda's bins. More of them make the layer that a small package drags along smaller, and more layers to ask
for."""

WHEEL_BINS = 12
"""Number of bins of wheels: a pip section has fewer small packages than conda, whose libraries are packages, too."""

SERVER_BINS = 1
"""Number of bins of what the scoring server needs: three packages, in the same versions for weeks."""

ALWAYS_SOLO = frozenset({"python"})
"""Alone whatever the size, and first to be: every noarch package's layer depends on it, and it changes rarely."""

ALL_LAYERS = 120
"""Most layers of an image: Docker's storage stops at 125 (moby, ``maxLayerDepth``)."""

SERVICE_LAYERS = 8
"""Layers kept free for a service on top: its models, the scoring server, the source."""


@dataclass(frozen=True)
class Group:
    """Packages that share a layer; ``name`` is the package's, or ``bin-07``. ``members`` are sorted."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Division:
    """The groups of an environment, by kind and lowest layer first; none is empty."""

    conda: tuple[Group, ...]
    server: tuple[Group, ...]
    wheels: tuple[Group, ...]


def divide(
    conda: Mapping[str, int], wheels: Mapping[str, int] | None = None, server: Mapping[str, int] | None = None
) -> Division:
    """Return the groups of all packages, single ones by name and then bins by number.

    Args:
        conda: bytes of the package file by name of the conda package.
        wheels: bytes of the file by name of the wheel.
        server: the same of wheels that the scoring server needs.
    """
    kinds = ((conda, ALWAYS_SOLO), (wheels or {}, frozenset[str]()))
    big = [
        (name not in always, -sizes[name], name, kind)
        for kind, (sizes, always) in enumerate(kinds)
        for name in sizes
        if sizes[name] >= SOLO_SIZE or name in always
    ]
    # by size, then by name, so that two of equal size do not change places
    alone = {(kind, name) for _, _, name, kind in sorted(big)[:SOLO_LIMIT]}
    needed = server or {}
    return Division(
        _groups(conda, {name for kind, name in alone if kind == 0}, BINS),
        _groups(needed, {name for name in needed if needed[name] >= SOLO_SIZE}, SERVER_BINS),
        _groups(wheels or {}, {name for kind, name in alone if kind == 1}, WHEEL_BINS),
    )


def partition(sizes: Mapping[str, int]) -> list[Group]:
    """Return the groups of an environment that has conda packages alone; see ``divide``."""
    return list(divide(sizes).conda)


def _groups(sizes: Mapping[str, int], alone: set[str], count: int) -> tuple[Group, ...]:
    bins: dict[int, list[str]] = {}
    for name in sorted(sizes.keys() - alone):
        bins.setdefault(bin_of(name, count), []).append(name)
    singles = [Group(name, (name,)) for name in sorted(alone)]
    return (*singles, *(Group(f"bin-{number:02}", tuple(names)) for number, names in sorted(bins.items())))


def bin_of(name: str, count: int = BINS) -> int:
    """Return the number of the bin of a package name, among ``count``."""
    # SHA-256 rather than hash(): Python salts that one anew in each process
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[-8:], "big") % count


@dataclass(frozen=True)
class LayerCount:
    """How many layers an environment's image is going to have, by where they come from."""

    base: int
    steps: int = 0
    conda: int = 0
    pip: int = 0

    def judge(self) -> list[Finding]:
        """Return a finding if the image, with its entry point and a service on top, has more than ``ALL_LAYERS``."""
        # the one more is the layer of the entry point
        total = self.base + self.steps + self.conda + self.pip + 1 + SERVICE_LAYERS
        if total <= ALL_LAYERS:
            return []
        parts = f"{self.base} of the base, {self.steps} of extra steps, {self.conda} of conda packages, "
        parts += f"{self.pip} of pip packages, 1 of the entry point, {SERVICE_LAYERS} kept for a service"
        advice = "take a base with fewer layers, or join steps with &&"
        why = f"the image would have {total} layers ({parts}), but only {ALL_LAYERS} are possible; {advice}"
        return [Finding("baseImage", why)]
