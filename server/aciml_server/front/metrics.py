"""Counts of requests, and the page with all metrics in Prometheus' text format 0.0.4.

Labels have few values: routes that exist (others are ``other``), methods, status codes. Probes are not counted.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from typing import Any, Callable, Dict, Iterable, Tuple

from .. import __version__, wire
from ..settings import Settings
from . import gauges
from .access import run_ms
from .exposition import Page
from .request import Request

# from what the quickest scripts take up to the minute after which v1's front end gave up with 504
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of all histograms of time, in seconds."""
_REASONS = {
    400: "malformed", 401: "key", 403: "forbidden", 404: "route", 405: "method", 408: "slow_client", 411: "length",
    413: "too_large", 414: "too_large", 415: "type", 417: "expectation", 431: "header", 501: "method", 503: "busy",
}  # fmt: skip
# both are CLOCK_MONOTONIC on Linux, and this is nothing; elsewhere the two clocks begin at different moments
_SHIFT = time.perf_counter() - time.monotonic()


class Histogram:
    """Counts by bucket; the last one has no bound."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        """Begin with zeros."""
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0


class _Series:
    """What is counted of one route."""

    __slots__ = ("codes", "failed", "late", "received", "run", "sent", "total", "waited")

    def __init__(self) -> None:
        self.codes: Dict[Tuple[str, int], int] = {}
        self.total, self.run, self.waited = Histogram(), Histogram(), Histogram()
        self.received = self.sent = self.failed = self.late = 0


class Metrics:
    """All counts of one service. ``site`` is set when there is one: its gauges are read when a page is asked for."""

    def __init__(self, settings: Settings, flush: Callable[[], None]) -> None:
        """``flush`` brings requests that are not counted yet."""
        self._settings = settings
        self._flush = flush
        self.site: Any = None
        self._series: Dict[str, _Series] = {}
        self._refused: Dict[str, int] = {}
        self._left = 0

    def take(self, page: Iterable[Request]) -> None:
        """Count finished requests."""
        series, bounds = self._series, BOUNDS
        for request in page:
            route: Any = request.route
            label = "other" if route is None else route.label
            one = series.get(label)
            if one is None:
                one = series[label] = _Series()
            status = request.status
            key = (request.method, status)
            one.codes[key] = one.codes.get(key, 0) + 1
            one.received += request.size
            one.sent += request.sent
            took = request.ended - request.started
            one.total.counts[bisect_left(bounds, took)] += 1
            one.total.sum += took
            if request.queued:
                self._scored(one, request)
            elif request.refused is not None:
                reason = _REASONS.get(status, "other")
                self._refused[reason] = self._refused.get(reason, 0) + 1

    def _scored(self, one: _Series, request: Request) -> None:
        # nobody was answered, so there is no head that tells how long `run` took
        if request.status == 499:
            self._left += 1
            return
        queued = request.queued
        run = run_ms(request.head)
        if run is None or queued < 0.0:  # a kept answer was not run
            return
        run /= 1000
        one.run.counts[bisect_left(BOUNDS, run)] += 1
        one.run.sum += run
        waited = request.ended - queued - _SHIFT - run
        one.waited.counts[bisect_left(BOUNDS, waited)] += 1
        # two processes measured the parts: their difference may be a hair below nothing
        one.waited.sum += waited if waited > 0 else 0.0
        if request.flags & wire.FAILED:
            one.failed += 1
            if request.flags & wire.LATE:
                one.late += 1

    def text(self) -> bytes:
        """Return the page."""
        self._flush()
        page = Page()
        page.family("aciml_info", "gauge", "The server's version, and the digest of its image if that is known.")
        image = {"image": self._settings.image_digest} if self._settings.image_digest else {}
        page.sample("aciml_info", 1, version=__version__, **image)
        self._requests(page)
        self._times(page)
        if self.site is not None:
            gauges.write(page, self.site, self._settings)
        return page.text()

    def _requests(self, page: Page) -> None:
        page.family("aciml_requests_total", "counter", "Requests by route, method and status; 499: the client left.")
        for label, one in self._series.items():
            for (method, status), count in one.codes.items():
                page.sample("aciml_requests_total", count, route=label, method=method or "none", code=str(status))
        for name, attribute, told in (
            ("aciml_request_bytes_total", "received", "Bytes of bodies of requests, as they came."),
            ("aciml_response_bytes_total", "sent", "Bytes of bodies of answers."),
            ("aciml_run_failures_total", "failed", "Calls of run() that raised or took too long."),
            ("aciml_scoring_timeouts_total", "late", "Calls of run() that took too long."),
        ):
            page.family(name, "counter", told)
            for label, one in self._series.items():
                page.sample(name, getattr(one, attribute), route=label)
        page.family("aciml_clients_left_total", "counter", "Clients that left before their answer was there.")
        page.sample("aciml_clients_left_total", self._left)
        page.family("aciml_refused_total", "counter", "Requests that never came to a worker, by reason.")
        for reason, count in self._refused.items():
            page.sample("aciml_refused_total", count, reason=reason)

    def _times(self, page: Page) -> None:
        for name, attribute, told in (
            ("aciml_request_duration_seconds", "total", "From the first byte of a request to its answer."),
            ("aciml_run_duration_seconds", "run", "Time inside run(), as x-ms-run-fn-exec-ms says it."),
            (
                "aciml_wait_duration_seconds",
                "waited",
                "From the whole request to its answer, less the time inside run().",
            ),
        ):
            page.family(name, "histogram", told)
            for label, one in self._series.items():
                found: Histogram = getattr(one, attribute)
                if any(found.counts):
                    page.histogram(name, BOUNDS, found.counts, found.sum, route=label)
