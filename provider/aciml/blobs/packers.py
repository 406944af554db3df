"""Threads that pack layers, the biggest first, whether their packages are conda's or wheels."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count as count_up
from pathlib import Path
from queue import PriorityQueue
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

MOST_PACKERS = 6
"""Layers under way at once, however many CPUs there are: each has a few MiB of blocks in memory."""


class _Package(Protocol):
    @property
    def size(self) -> int:
        """Bytes of the package file."""


class _Plan(Protocol):
    @property
    def packages(self) -> Sequence[_Package]:
        """What is in the layer."""


Plan = TypeVar("Plan", bound=_Plan)


def _weight(plan: _Plan) -> int:
    return sum(package.size for package in plan.packages)


class Packers(Generic[Plan]):
    """Threads that pack layers; leaving the block waits for them, after an error for what runs alone."""

    def __init__(self, pack: Callable[[Plan, Path], None]) -> None:
        """``pack`` makes one layer from a staging folder. While one reads small files another compresses."""
        count = min((os.cpu_count() or 1) + 2, MOST_PACKERS)
        self._pack, self._pool = pack, ThreadPoolExecutor(count, thread_name_prefix="pack")
        self._waiting: list[Future[None]] = []
        self._queue: PriorityQueue[tuple[int, int, Plan, Path, Future[None]]] = PriorityQueue()
        self._numbers = count_up()

    def put(self, plans: Iterable[Plan], folder: Path, *, keep: bool = False) -> None:
        """Let these layers be packed, and the folder be removed after the last one unless it is to be kept.

        Raises:
            AcimlError: a layer that was given before cannot be packed.
        """
        # asked at each wave: a layer that cannot be packed ends the fetching as well
        for future in self._waiting:
            if future.done():
                future.result()
        # plans do not compare, so of equal sizes the number decides
        rows = [(-_weight(plan), next(self._numbers), plan, folder, Future[None]()) for plan in plans]
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
