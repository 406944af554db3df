"""Work that goes on beside other work, and ends with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

from ..core.errors import Cancelled
from ..core.progress import Progress

Answer = TypeVar("Answer")


class Stoppable:
    """Progress of a part of the work, which also ends when another part has failed."""

    def __init__(self, inner: Progress) -> None:
        """Speak through ``inner``."""
        self._inner, self._stopped = inner, threading.Event()
        self.urn, self.timeout = inner.urn, inner.timeout
        self.say, self.note, self.warn = inner.say, inner.note, inner.warn

    def stop(self) -> None:
        """Let the next ``checkpoint`` raise."""
        self._stopped.set()

    def checkpoint(self) -> None:
        """Return at once, or raise ``Cancelled`` if the user asked to stop or another part failed."""
        self._inner.checkpoint()
        if self._stopped.is_set():
            raise Cancelled


class Beside(Generic[Answer]):
    """One piece of work in a thread of its own; leaving the block by an error stops it, and each exit waits for it."""

    def __init__(self, work: Callable[[Progress], Answer], progress: Progress) -> None:
        """Begin ``work``; it is given the progress that stops it."""
        self._progress = Stoppable(progress)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="beside")
        self._future = self._pool.submit(work, self._progress)

    def answer(self) -> Answer:
        """Wait for the work, and return what it returned or raise what it raised."""
        return self._future.result()

    def raise_if_failed(self) -> None:
        """Raise what the work raised, if it has; return at once."""
        if self._future.done():
            self._future.result()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """Wait for the thread."""
        if kind is not None:
            self._progress.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
