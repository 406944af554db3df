"""How staging and packing overlap: packages are staged in waves, and a wave is packed while the next one is fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count as count_up
from pathlib import Path
from queue import PriorityQueue
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from .layer_plan import LayerPlan

WAVE = 64_000_000
"""Bytes of package files from which a wave is full: enough work for all CPUs while the next one is staged."""

MOST_WAVES = 8
"""A big environment has bigger waves, since each costs a round of rattler (about 30 ms)."""

MOST_PACKERS = 6
"""Layers under way at once, however many CPUs there are: each has a few MiB of blocks in memory."""


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


class Packers:
    """Threads that pack layers; leaving the block waits for them, after an error for what runs alone."""

    def __init__(self, pack: Callable[[LayerPlan, Path], None]) -> None:
        """``pack`` makes one layer from a staging folder. While one reads small files another compresses."""
        count = min((os.cpu_count() or 1) + 2, MOST_PACKERS)
        self._pack, self._pool = pack, ThreadPoolExecutor(count, thread_name_prefix="pack")
        self._waiting: list[Future[None]] = []
        self._queue: PriorityQueue[tuple[int, int, LayerPlan, Path, Future[None]]] = PriorityQueue()
        self._numbers = count_up()

    def put(self, plans: Iterable[LayerPlan], folder: Path, *, keep: bool = False) -> None:
        """Let these layers be packed, and the folder be removed after the last one unless it is to be kept.

        Raises:
            AcimlError: a layer that was given before cannot be packed.
        """
        # asked at each wave: a layer that cannot be packed ends the fetching as well
        for future in self._waiting:
            if future.done():
                future.result()
        # plans do not compare, so of equal sizes the number decides
        rows = [(-_size(plan), next(self._numbers), plan, folder, Future[None]()) for plan in plans]
        new = [future for *_, future in rows]
        self._waiting += new

        def tidy(_: Future[None]) -> None:
            # by the thread that packed the last of them, so that
            # this too is beside the rest (decisions/layer-writer.md)
            if all(future.done() for future in new):
                shutil.rmtree(folder, ignore_errors=True)

        for row in rows:
            if not keep:
                row[-1].add_done_callback(tidy)
            self._queue.put(row)
        for _ in rows:
            self._pool.submit(self._pack_biggest)

    def _pack_biggest(self) -> None:
        """Pack the biggest layer of those that wait, whoever came first: at the end all threads have work."""
        *_, plan, folder, future = self._queue.get_nowait()
        try:
            self._pack(plan, folder)
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
            future.set_exception(error)
        else:
            future.set_result(None)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """Wait, and raise the first error of a layer unless another one is on its way."""
        try:
            if kind is None:
                for future in self._waiting:
                    future.result()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
