"""One thread calls ``run()``: the main one, where signals and alarms work; others queue jobs and wait."""

from __future__ import annotations

import queue
import threading
from typing import Callable, Generic, Optional, TypeVar

T = TypeVar("T")


class Job(Generic[T]):
    """Work for the main thread. ``gone`` tells if nobody waits for it any more; it must be cheap."""

    def __init__(self, work: Callable[[], T], gone: Callable[[], bool]) -> None:
        """Make a job that is not queued yet."""
        self._work = work
        self._gone = gone
        self._done = threading.Event()
        self._result: Optional[T] = None

    def do(self) -> None:
        """Work, unless nobody waits for it; runs in the main thread."""
        try:
            if not self._gone():
                self._result = self._work()
        finally:
            self._done.set()

    def wait(self) -> Optional[T]:
        """Wait until it is done and return its result; None if it was skipped."""
        self._done.wait()
        return self._result


class Runner:
    """A queue of jobs with a graceful end: a request that was begun before ``close`` is still answered.

    ``enter``, ``put`` and ``leave`` belong to the threads of the front, ``work`` to the main thread, ``close`` and
    ``end`` to the one that stops the service.
    """

    def __init__(self) -> None:
        """Make an empty, open queue."""
        self._queue: queue.SimpleQueue[Optional[Job[object]]] = queue.SimpleQueue()
        self._quiet = threading.Condition()
        self._open = True
        self._inside = 0

    @property
    def open(self) -> bool:
        """Tell if requests are still taken."""
        return self._open

    def enter(self) -> bool:
        """Begin a request; False if the service is about to end. Call ``leave`` when its answer is written."""
        with self._quiet:
            self._inside += self._open
            return self._open

    def leave(self) -> None:
        """Say that the answer of a request is written, or cannot be."""
        with self._quiet:
            self._inside -= 1
            self._quiet.notify_all()

    def put(self, job: Job[T]) -> None:
        """Queue the job of a request that was begun."""
        self._queue.put(job)  # type: ignore[arg-type]  # results are not looked at here

    def close(self) -> None:
        """Begin no more requests."""
        with self._quiet:
            self._open = False

    def end(self) -> None:
        """Let ``work`` return after the jobs that are in the queue now."""
        self._queue.put(None)

    def work(self) -> None:
        """Do jobs until the end."""
        job = self._queue.get()
        while job is not None:
            job.do()
            job = self._queue.get()

    def wait_until_quiet(self, seconds: float) -> bool:
        """Wait until all requests that were begun are answered; False if that takes longer than ``seconds``."""
        with self._quiet:
            return self._quiet.wait_for(lambda: self._inside == 0, timeout=seconds)
