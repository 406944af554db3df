"""The workers together: gives jobs out, watches the clock, replaces who dies, and never loses a job that was not begun."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional

from .. import wire
from ..settings import Settings
from .backend import Backend
from .jobs import Job

_LOG = logging.getLogger("aciml.workers")
_AHEAD = 32
"""Jobs that a worker may have at once, if they are quick."""
_GLANCE = 0.002
"""Seconds of work that a worker may have before it; so one that is slow keeps no jobs from another."""
_GRACE = 0.5
"""Seconds between the reminder that a job takes too long and the end of its worker."""


class Pool:
    """A queue and the workers behind it. ``on_ready`` is called at each worker that can serve, ``on_fatal`` with an exit code."""

    def __init__(self, settings: Settings, on_ready: Callable[[], None], on_fatal: Callable[[int], None]) -> None:
        """Start the processes at once; ``connect`` listens to them."""
        self._settings = settings
        self._on_ready = on_ready
        self._on_fatal = on_fatal
        self._queue: Deque[Job] = deque()
        self._seq = 0
        self.restarts = 0
        self.ends: Dict[str, int] = {}
        """How often a worker ended that nobody asked to, by reason: ``timeout``, ``exit``, or a signal's name."""
        self.backends: List[Backend] = [Backend(settings, self) for _ in range(settings.workers)]
        self.facts: List[Dict[str, Any]] = []
        self.in_flight = 0
        self.stopping = False

    async def connect(self) -> None:
        """Listen to all workers, and keep the clock."""
        for backend in self.backends:
            await backend.connect()
        asyncio.get_running_loop().call_later(0.05, self._watch)

    @property
    def is_ready(self) -> bool:
        """Tell if a worker can serve now."""
        return any(backend.ready and not backend.ended for backend in self.backends)

    @property
    def queued(self) -> int:
        """Tell how many jobs wait for a worker."""
        return len(self._queue)

    def submit(self, job: Job) -> None:
        """Queue a job, or send it at once."""
        self._seq = (self._seq + 1) & 0x7FFFFFFF
        job.seq = self._seq
        self.in_flight += 1
        job.queued = time.monotonic()
        best: Optional[Backend] = None
        if not self._queue:
            best = self._free()
        if best is None:
            self._queue.append(job)
        else:
            best.send(job)

    def withdraw(self, job: Job) -> None:
        """Forget a job whose client left; what runs already goes on for nobody."""
        job.gone = True

    def _free(self) -> Optional[Backend]:
        best, least = None, 1 << 30
        for backend in self.backends:
            if backend.ready and not backend.ended and not backend.retiring:
                load = len(backend.jobs)
                if load < least and (load == 0 or (load < _AHEAD and (load + 1) * backend.cost < _GLANCE)):
                    best, least = backend, load
        return best

    def _pump(self) -> None:
        while self._queue:
            if self._queue[0].gone:
                self._queue.popleft()
                self.in_flight -= 1
                continue
            backend = self._free()
            if backend is None:
                return
            backend.send(self._queue.popleft())

    def ready(self, backend: Backend) -> None:
        """Take a worker into service."""
        self.facts = backend.facts
        self._on_ready()
        self._pump()

    def done(self, backend: Backend, job: Job) -> None:  # noqa: ARG002  # the protocol's
        """Count an answered job, and give out the next."""
        self.in_flight -= 1
        if self._queue:
            self._pump()

    def ended(self, backend: Backend) -> None:
        """Answer the job that was running with 502, queue the others again, and start another worker."""
        backend.kill()
        code = backend.process.wait()
        if self.stopping:
            return
        if not backend.ready:
            self._on_fatal(code if code > 0 else 3)
            return
        reason = _reason(code)
        _LOG.error("worker %d ended: %s", backend.process.pid, reason)
        kind = "timeout" if backend.alarmed is not None else "exit" if code >= 0 else reason.split()[2].strip("(;)")
        self.ends[kind] = self.ends.get(kind, 0) + 1
        jobs = list(backend.jobs.values())
        guilty = backend.began if backend.began is not None else None
        again = []
        for job in jobs:
            if job.seq == guilty:
                self._fail(job, backend, reason)
            else:
                again.append(job)
        for job in backend.streaming.values():
            job.continued(b"", False)
            self.in_flight -= 1
        backend.jobs.clear()
        self._queue.extendleft(reversed(again))
        self.backends.remove(backend)
        self._replace()

    def _fail(self, job: Job, backend: Backend, reason: str) -> None:
        self.in_flight -= 1
        if backend.alarmed == job.seq:
            text, status = "Scoring timeout after %d ms" % self._settings.scoring_timeout_ms, 500
        else:
            text, status = "the worker that ran this request ended: %s" % reason, 502
        body = json.dumps({"message": text}).encode()
        head = b"content-type: application/json\r\nx-ms-run-function-failed: True\r\n"
        job.answered(status, head, body, wire.FAILED)

    def _replace(self) -> None:
        self.restarts += 1
        backend = Backend(self._settings, self)
        self.backends.append(backend)
        asyncio.ensure_future(backend.connect())

    def _watch(self) -> None:
        limit = self._settings.scoring_timeout_ms / 1000
        asyncio.get_running_loop().call_later(min(0.25, max(0.01, limit / 10)), self._watch)
        now = time.monotonic()
        for backend in self.backends:
            if backend.jobs and now - backend.busy_since > limit:
                seq = next(iter(backend.jobs))
                if now - backend.busy_since > limit + _GRACE:
                    backend.alarmed = seq
                    backend.kill()
                else:
                    backend.alarm()

    def end(self) -> None:
        """Let all workers go, with nothing left to do."""
        self.stopping = True
        for backend in self.backends:
            backend.command(wire.pack(wire.END))

    def kill(self) -> None:
        """End all workers."""
        self.stopping = True
        for backend in self.backends:
            backend.kill()


def _reason(code: int) -> str:
    if code >= 0:
        return "exit code %d" % code
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "an unknown one"
    hint = "; out of memory?" if name == "SIGKILL" else ""
    return "signal %d (%s%s)" % (-code, name, hint)
