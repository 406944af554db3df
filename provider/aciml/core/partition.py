"""Which package goes into which layer: a pure rule, so that a change moves as little as possible.

A big package has a layer of its own; the others go to a fixed number of bins by the hash of their name. So a new
version stays in its place, and a new package touches one layer. (Bins by name: chunkah; no small layers of their own:
nix2container #31, where a package below 5 MB is not worth one.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

SOLO_SIZE = 2_000_000
"""Bytes of a package file (compressed, as the lock has it) from which it is alone: about 5 MB installed."""

SOLO_LIMIT = 48
"""Most layers for single packages; the smallest beyond it go to the bins, so conda makes at most 64 layers."""

BINS = 16

ALWAYS_SOLO = frozenset({"python"})
"""Alone whatever the size: every noarch package's layer depends on it, and it changes rarely."""


@dataclass(frozen=True)
class Group:
    """Packages that share a layer; ``name`` is the package's, or ``bin-07``. ``members`` are sorted."""

    name: str
    members: tuple[str, ...]


def partition(sizes: Mapping[str, int]) -> list[Group]:
    """Return the groups of packages, single ones by name and then bins by number; no group is empty.

    Args:
        sizes: bytes of the package file by package name.
    """
    big = sorted((name for name in sizes if sizes[name] >= SOLO_SIZE), key=lambda name: (-sizes[name], name))
    solo = set(big[:SOLO_LIMIT]) | (ALWAYS_SOLO & sizes.keys())
    bins: dict[int, list[str]] = {}
    for name in sorted(sizes.keys() - solo):
        bins.setdefault(bin_of(name), []).append(name)
    singles = [Group(name, (name,)) for name in sorted(solo)]
    return singles + [Group(f"bin-{number:02}", tuple(names)) for number, names in sorted(bins.items())]


def bin_of(name: str) -> int:
    """Return the number of the bin of a package name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[-8:], "big") % BINS
