"""What is written down of each request: access log, metrics, telemetry.

A request costs an entry in a list; the work is done for many at once, a tenth of a second later at most.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Dict, List, Optional

from .. import logs
from ..settings import Settings
from . import access
from .metrics import Metrics
from .request import Request
from .telemetry import Telemetry, open_telemetry

_PAGE = 256
"""Requests that are written down together: half a millisecond of work."""
_LARGE = 64 * 1024
"""Bytes of a body that is not kept any longer than it must be."""
_DELAY = 0.1


class Books:
    """Told of each finished request, once."""

    def __init__(self, settings: Settings) -> None:
        """Begin with empty pages. Workers that shall be able to send records are started after this."""
        self.telemetry: Optional[Telemetry] = open_telemetry(settings)
        self.metrics = Metrics(settings, self.flush)
        self._lines = access.writer(settings)
        self._page: List[Request] = []
        self.needs_headers = self.telemetry is not None or access.is_json(settings)
        """If workers have to get the headers of each request, with its ids, for what they log."""
        self._told = 0
        logs.sheet.before = self.flush

    def watch(self, site: Any) -> None:
        """Listen to workers, now that a loop runs, and look at the site's gauges when somebody asks for metrics."""
        self.metrics.site = site
        if self.telemetry is not None:
            self.telemetry.watch(asyncio.get_running_loop())

    def begin(self, request: Request) -> None:
        """Give a request that goes to a worker its place in a trace; only called if ``needs_headers``."""
        request.headers.setdefault(b"x-request-id", request.id)
        if self.telemetry is not None:
            self.telemetry.begin(request)

    def finished(self, request: Request) -> None:
        """Write a request down whose answer is written, or whose client left (status 499)."""
        route = request.route
        if route is not None and route.quiet:
            return
        request.ended = time.perf_counter()
        job = request.job
        if job is not None:  # the request and its job are parted after this
            # -1: an answer that was kept (front/cache.py); it had a job, and no worker ran it
            request.queued = job.queued or -1.0
        page = self._page
        page.append(request)
        if len(page) == 1:
            # the first of a page sets the clock: so a quiet service writes its lines, too
            asyncio.get_running_loop().call_later(_DELAY, self.flush)
        # who is on the page keeps its body in memory: a large one is let go at once
        if len(page) >= _PAGE or request.size > _LARGE or request.sent > _LARGE:
            self.flush()

    def flush(self) -> None:
        """Write down what is in the list."""
        page, self._page = self._page, []
        if page:
            if self._lines is not None:
                logs.sheet.write(self._lines(page))
            self.metrics.take(page)
            if self.telemetry is not None:
                self.telemetry.take(page)
        elif logs.sheet.waits:
            logs.sheet.flush()
        if logs.sheet.waits:
            self._later()
        # said when the reader is back: a warning in a full pipe would be the next line to be lost
        elif logs.sheet.dropped > self._told:
            count, self._told = logs.sheet.dropped - self._told, logs.sheet.dropped
            logs.say("aciml", "WARNING", "%d log lines were dropped, because nobody read the log" % count)

    def _later(self) -> None:
        try:
            asyncio.get_running_loop().call_later(_DELAY, self.flush)
        except RuntimeError:  # the loop has ended
            return

    def close(self) -> None:
        """Write everything down at the end; wait for slow readers a moment."""
        self.flush()
        if self.telemetry is not None:
            self.telemetry.close()
        until = time.monotonic() + 1.0
        while logs.sheet.waits and time.monotonic() < until:
            time.sleep(0.01)
            logs.sheet.flush()


def told_of(request: Request) -> Dict[str, str]:
    """Return the headers that a worker needs for what it logs of a request, whose other headers it does not need."""
    found = {"x-request-id": request.id.decode("latin-1")}
    parent = request.headers.get(b"traceparent")
    if parent is not None:
        found["traceparent"] = parent.decode("latin-1")
    return found
