"""Whether the service lives and can serve: ``/live``, ``/ready``, and the port of its own where probes ask.

The front runs no user code, so that probes are answered while ``run`` sleeps, holds the interpreter's lock, or while
``init()`` has not returned yet.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any, Optional, Tuple

from ..answers import refusal
from ..settings import Settings
from ..values import Answer
from .metrics import Metrics
from .pool import Pool
from .request import Request
from .routes import READ, Route

TEXT = "text/plain; charset=utf-8"
METRICS = "text/plain; version=0.0.4; charset=utf-8"
_FRESH = (("cache-control", "no-store"),)  # a proxy must not answer for the service (RFC 9111, 5.2.2.5)


class Health:
    """What the probes of one service are told."""

    def __init__(self, pool: Pool) -> None:
        """Time begins now."""
        self._pool = pool
        self._since = time.monotonic()
        self._draining = False
        self._was_ready = False

    def drain(self) -> None:
        """Be ready no more: the service stops."""
        self._draining = True
        self._since = time.monotonic()

    def note(self) -> None:
        """Note when a worker was ready; asked now and then, so that ``/ready`` can say how long there is none."""
        if not self._draining and self._pool.is_ready:
            self._was_ready = True
            self._since = time.monotonic()

    def state(self) -> Tuple[str, str]:
        """Return a word and, unless it is ``ready``, the sentence that explains it."""
        self.note()
        if self._draining:
            return "draining", "the service is stopping"
        if self._pool.is_ready:
            return "ready", ""
        if self._pool.failing:
            return "failing", "workers end again and again"
        if not self._was_ready:
            return "starting", "init() has not returned yet"
        return "replacing", "no worker is ready; another one is started"

    def ready(self) -> Answer:
        """Answer ``/ready``: 200 if a request would be scored now, else 503: why, for how long, and what ended last."""
        word, why = self.state()
        if not why:
            return Answer(200, b'{"status": "ready"}', headers=_FRESH)
        told = {"status": word, "message": why, "seconds": round(time.monotonic() - self._since, 3)}
        if self._pool.last_failure:
            told["last_failure"] = self._pool.last_failure
        return Answer(503, json.dumps(told).encode(), headers=(*_FRESH, ("retry-after", "1")))

    def live(self) -> Answer:
        """Answer ``/live``: 503 only if a restart of the whole would help, because no worker stays alive."""
        word, why = self.state()
        if word == "failing":
            return refusal(503, why, _FRESH)
        # also while nothing can be scored: a restart would only begin `init()` again
        return Answer(200, b'{"status": "alive"}', headers=_FRESH)


def probes(health: Health) -> Tuple[Route, ...]:
    """Return the routes that both ports have."""

    def ready(connection: Any, request: Request) -> None:
        connection.send(request, health.ready())

    def live(connection: Any, request: Request) -> None:
        connection.send(request, health.live())

    return Route("/ready", READ, ready, quiet=True), Route("/live", READ, live, quiet=True)


def measures(metrics: Optional[Metrics], *, guarded: bool) -> Tuple[Route, ...]:
    """Return the route of the metrics, if they are kept."""
    if metrics is None:
        return ()

    def tell(connection: Any, request: Request) -> None:
        connection.send(request, Answer(200, metrics.text(), METRICS, _FRESH))

    return (Route("/metrics", READ, tell, guarded=guarded, quiet=True),)


def settings_of_port(settings: Settings) -> Settings:
    """Return what holds on the health port: no keys (nothing secret is there), no bodies, few connections."""
    return replace(settings, keys=(), keys_file="", cors_origins=(), max_body=0, max_connections=200, cache_bytes=0)
