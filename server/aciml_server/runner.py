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
    """A queue of jobs with a graceful end.

    ``offer`` and ``finished`` belong to the threads of the front, ``work`` to the main thread, ``close`` to any.
    """

    def __init__(self) -> None:
        """Make an empty, open queue."""
        self._queue: queue.SimpleQueue[Optional[Job[object]]] = queue.SimpleQueue()
        self._quiet = threading.Condition()
        self._open = True
        self._unfinished = 0

    @property
    def open(self) -> bool:
        """Tell if jobs are still taken."""
        return self._open

    def offer(self, job: Job[T]) -> bool:
        """Queue the job; False if the service is about to end. Call ``finished`` when its answer is written."""
        with self._quiet:
            if self._open:
                self._unfinished += 1
                self._queue.put(job)  # type: ignore[arg-type]  # results are not looked at here
            return self._open

    def finished(self) -> None:
        """Say that the answer of an offered job is written, or cannot be."""
        with self._quiet:
            self._unfinished -= 1
            self._quiet.notify_all()

    def close(self) -> None:
        """Take no more jobs; those in the queue are still done."""
        with self._quiet:
            if self._open:
                self._open = False
                self._queue.put(None)

    def work(self) -> None:
        """Do jobs until the queue is closed and empty."""
        job = self._queue.get()
        while job is not None:
            job.do()
            job = self._queue.get()

    def wait_until_quiet(self, seconds: float) -> bool:
        """Wait until all answers are written; False if that takes longer than ``seconds``."""
        with self._quiet:
            return self._quiet.wait_for(lambda: self._unfinished == 0, timeout=seconds)
