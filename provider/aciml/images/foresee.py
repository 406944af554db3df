"""Which layers of an environment are known before anything is made, and which are not, by name."""

from __future__ import annotations

from dataclasses import dataclass

from ..blobs.catalog import Catalog
from ..blobs.compress import Compression
from ..conda.lock import CondaLock
from ..conda.memory import Memory
from ..conda.pack import plan_layers
from ..core.image import Image, Layer


@dataclass(frozen=True)
class Foreseen:
    """What an update would make.

    ``image`` is there if nothing is unknown; else ``missing`` names what is not made yet, as people call it. ``layers``
    are all that are known, the base's among them.
    """

    image: Image | None
    missing: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()


def known_conda_layers(lock: CondaLock, catalog: Catalog, by: Compression) -> tuple[list[Layer], list[str]]:
    """Return the layers of a lock that were made before, lowest first, and the names of the others."""
    memory = Memory(lock, catalog)
    renames = memory.renames()
    undecided = set[str]() if renames is not None else {package.name for package in memory.without_paths()}
    layers, missing = list[Layer](), list[str]()
    plans = plan_layers(lock, renames or {}, by)
    for plan in plans:
        layer = catalog.layer(plan.key)
        if layer is None or any(package.name in undecided for package in plan.packages):
            missing.append(plan.name)
        else:
            layers.append(layer)
    if renames is None and not missing:  # all are there, but two packages want one path and nobody knows who gets it
        return [], [plan.name for plan in plans]
    return layers, missing
