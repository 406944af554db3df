"""How long a worker may take: for its start, and for a job. Who takes longer is ended; another one takes its place."""

from __future__ import annotations

import logging
import time

from .. import wire
from ..settings import Settings
from .backend import Backend
from .jobs import Job

_LOG = logging.getLogger("aciml.workers")
_GRACE = 0.5
"""Seconds between the reminder that a job takes too long and the end of its worker."""
_TICK = 0.25


class Overtime:
    """Looks at workers again and again, every ``tick`` seconds."""

    def __init__(self, settings: Settings) -> None:
        """The limits are those of the settings; 0 is none."""
        self._start_limit = settings.start_timeout
        self._limit = 0.0 if settings.debug_port else settings.scoring_timeout_ms / 1000  # a breakpoint is not late
        # a tenth of a short limit, so that none is exceeded by much more than that
        self.tick = min(_TICK, max(0.01, self._limit / 10)) if self._limit else _TICK

    def look_at(self, backend: Backend, now: float) -> None:
        """Remind a worker that is late, or end it."""
        if not backend.ready:
            if self._start_limit and now - backend.started > self._start_limit:
                _LOG.error("init() took longer than %g seconds", self._start_limit)
                backend.kill()
        elif not self._limit:
            return
        elif backend.concurrent:
            # its own clock cancels coroutines; this is for one that does not let its loop run
            first = next(iter(backend.jobs.values()), None)
            if first is not None and now - first.sent > self._limit + _GRACE:
                self._end(backend, first.seq)
        elif now - backend.since > self._limit and self._is_busy(backend):
            # first a signal, an exception in ``run`` that leaves the worker alive; C code never sees it, and is killed
            if now - backend.since > self._limit + _GRACE:
                self._end(backend, next(iter(backend.jobs), -1))
            else:
                backend.alarm()

    def blames(self, job: Job, backend: Backend, *, batched: bool) -> bool:
        """Tell if a job was late when its worker ended; the jobs of a batch were called together, and all are."""
        if backend.late is None:
            return False
        started_with_it = batched or (backend.concurrent and time.monotonic() - job.sent > self._limit)
        return job.seq == backend.late or started_with_it

    @staticmethod
    def _is_busy(backend: Backend) -> bool:
        # a stream without credit waits for its client, and that may take as long as it likes
        return bool(backend.jobs) or any(job.owed < wire.WINDOW for job in backend.streaming.values())

    @staticmethod
    def _end(backend: Backend, seq: int) -> None:
        backend.late = seq
        backend.kill()
