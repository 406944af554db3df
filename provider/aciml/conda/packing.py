"""How staging and packing overlap: packages are staged in waves, and a wave is packed while the next one is fetched.

The threads that pack are in ``blobs/packers.py``, since wheels are packed by the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..blobs import packers

if TYPE_CHECKING:
    from .layer_plan import LayerPlan

WAVE = 64_000_000
"""Bytes of package files from which a wave is full: enough work for all CPUs while the next one is staged."""

MOST_WAVES = 8
"""A big environment has bigger waves, since each costs a round of rattler (about 30 ms)."""


@dataclass(frozen=True)
class Wave:
    """Packages that are staged together, by name, and the layers that can be packed then."""

    names: frozenset[str]
    plans: tuple[LayerPlan, ...]


def waves_of(plans: Iterable[LayerPlan], others: Iterable[str]) -> list[Wave]:
    """Return the waves of a build, big layers first; pure.

    Python and all that needs it to be linked (noarch Python packages) are together in the last one.

    Args:
        plans: the layers to pack.
        others: names of packages that are to be staged, but whose layers need not be packed.
    """
    free: list[LayerPlan] = []
    bound: list[LayerPlan] = []
    for plan in big_first(plans):
        (bound if any(_needs_python(package) for package in plan.packages) else free).append(plan)
    full = max(WAVE, sum(map(_size, free)) // MOST_WAVES)
    groups: list[list[LayerPlan]] = []
    filled = full
    for plan in free:
        if filled >= full:
            groups.append([])
            filled = 0
        groups[-1].append(plan)
        filled += _size(plan)
    waves = [_wave(group, ()) for group in groups]
    # whose paths alone are wanted comes last: no packer waits for it
    last = _wave(bound, others)
    return [*waves, last] if last.names else waves


def _wave(plans: Sequence[LayerPlan], others: Iterable[str]) -> Wave:
    return Wave(frozenset({package.name for plan in plans for package in plan.packages}.union(others)), tuple(plans))


def _needs_python(package: object) -> bool:
    return getattr(package, "noarch", "") == "python" or getattr(package, "name", "") == "python"


def big_first(plans: Iterable[LayerPlan]) -> list[LayerPlan]:
    """Return the plans in the order in which they are best begun."""
    return sorted(plans, key=lambda plan: -_size(plan))


def _size(plan: LayerPlan) -> int:
    return sum(package.size for package in plan.packages)


class Packers(packers.Packers["LayerPlan"]):
    """Threads that pack layers of conda packages from staging folders."""
