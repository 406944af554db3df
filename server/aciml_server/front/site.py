"""What all connections share: the routes, refusals before the body, the way to the workers, and the books."""

from __future__ import annotations

import marshal
import time
from email.utils import formatdate
from typing import Any, Dict, List, Optional, Set

from .. import __version__
from ..answers import refusal
from ..settings import Settings
from ..values import IMAGE, PEER, Answer
from . import health
from .books import Books, told_of
from .cache import Cache
from .connection import Connection
from .cors import cors_of
from .docs import Pages
from .health import Health
from .jobs import Job
from .keys import Keys
from .metrics import Metrics
from .pool import Pool
from .request import Request
from .room import Room
from .routes import READ, Route, Table, scoring
from .witness import Witness

TEXT = "text/plain; charset=utf-8"
_CHALLENGE = (("www-authenticate", "Bearer"),)  # RFC 6750, section 3
# v1's word and v1's type
_HEALTHY = Answer(200, b"Healthy", "text/html; charset=utf-8")


class Site:
    """One port over its whole life."""

    def __init__(self, settings: Settings, pool: Pool, books: Optional[Books] = None) -> None:
        """Nothing listens yet."""
        self.settings = settings
        self.pool = pool
        self.connections: Set[Connection] = set()
        self.draining = False
        self.room = Room(settings.max_buffered)
        self.cors = cors_of(settings.cors_origins)
        self.keys = Keys(settings.keys)
        self.books = books or Books(settings)
        self.health = Health(pool)
        self.cache = Cache(settings.cache_bytes) if settings.cache_bytes else None
        self.pages = Pages(settings)
        self.witness = Witness()
        self._needs_headers: Dict[int, bool] = {}
        self._needs_type: Dict[int, bool] = {}
        self._is_raw: Dict[int, bool] = {}
        self._common = b""
        self._common_at = 0.0
        self.learn([])

    def learn(self, facts: List[Dict[str, Any]]) -> None:
        """Lay the routes anew for what a worker told of its models."""
        self._needs_headers = {number: fact["headers"] for number, fact in enumerate(facts)}
        self._needs_type = {number: fact["mode"] in ("schema", "typed") for number, fact in enumerate(facts)}
        self._is_raw = {number: fact["mode"] == "raw" for number, fact in enumerate(facts)}
        self.pages.learn(facts)
        if self.cache is not None:
            self.cache.learn(facts)
        if facts:
            self.health.note()
        self.table = Table(self.routes(facts), self.settings.path_prefix)
        self._routes = self.table.by_path

    def routes(self, facts: List[Dict[str, Any]]) -> List[Route]:
        """Return the routes of this port."""
        found = [Route("/", READ, self._healthy, quiet=True)]
        found += scoring(list(self.settings.scripts), facts, self._score)
        found += self.pages.routes()
        found += health.probes(self.health)
        found += health.measures(self.metrics, guarded=True)
        found += self.witness.routes(lambda: self.keys)
        return found

    @property
    def metrics(self) -> Optional[Metrics]:
        """The measures of this service, if they are shown."""
        return self.books.metrics if self.settings.metrics else None

    # what connections ask

    def opened(self, connection: Connection) -> None:
        """Count a connection."""
        self.connections.add(connection)

    def lost(self, connection: Connection) -> None:
        """Count it no more."""
        self.connections.discard(connection)

    def left(self, request: Request) -> None:
        """Note that the client is gone."""
        if request.job is not None:
            self.pool.withdraw(request.job)
            request.status = 499  # nginx's number for a client that left
            self.finished(request)

    def judge(self, request: Request, wrong: str) -> None:
        """Set ``request.route``, and ``request.refused`` if the head alone is enough to refuse."""
        route = self._routes.get(request.path) or self.table.find(request.path)
        request.route = route
        if wrong:
            request.refused = refusal(431, wrong)
        elif route is None:
            request.refused = self._nowhere(request)
        elif request.method not in route.methods:
            allow = (("allow", ", ".join(route.methods)),)  # RFC 9110, section 15.5.6
            request.refused = refusal(405, "%s is not for %s" % (route.label, request.method), allow)
        elif route.guarded:
            request.refused = self._guard(request, route)
        if self.cors is not None or b"expect" in request.headers:
            self._judge_rare(request)

    def _nowhere(self, request: Request) -> Answer:
        """Answer what has no route: not found, or the question what the server as a whole can do."""
        if request.path != "*":
            return refusal(404, self.table.missing(request.path))
        if request.method != "OPTIONS":  # the form is for that method alone (RFC 9112, section 3.2.4)
            return refusal(400, "the target * is for OPTIONS")
        known = sorted({method for route in self.table.routes for method in route.methods})
        return Answer(200, b"", TEXT, (("allow", ", ".join(known)),))  # RFC 9110, section 9.3.7

    def _judge_rare(self, request: Request) -> None:
        """Look at what few requests have: an expectation, a browser's question."""
        headers = request.headers
        if b"expect" in headers and not request.old:  # HTTP/1.0 has none, and it is ignored (RFC 9110, section 10.1.1)
            request.expects = True
            if headers[b"expect"].lower() != b"100-continue" and request.refused is None:
                request.refused = refusal(417, "the only expectation that can be met is 100-continue")
        if self.cors is not None and b"origin" in headers:
            request.ids += self.cors.lines(headers[b"origin"])
            if request.method == "OPTIONS":  # it comes without a key: the browser asks before it sends one
                request.refused = self.cors.preflight(headers) or request.refused

    def _guard(self, request: Request, route: Route) -> Optional[Answer]:
        headers = request.headers
        # first of all: who has no key learns nothing of limits or load
        if not self.keys.allowed(headers.get(b"authorization", b"")):
            return refusal(401, "a valid key is needed: Authorization: Bearer <key>", _CHALLENGE)
        if route.model < 0:
            return None
        if self.pool.in_flight >= self.settings.max_in_flight:
            return self._busy()
        if int(headers.get(b"content-length", b"0")) > self.settings.max_body:
            return refusal(413, "the body is larger than %d bytes" % self.settings.max_body)
        return None

    def _busy(self) -> Answer:
        text = "too many requests are waiting (%d)" % self.pool.in_flight
        return refusal(503, text, (("retry-after", "1"),))

    def answer(self, connection: Connection, request: Request) -> None:
        """Answer a whole request, now or when a worker did."""
        request.route.answer(connection, request)  # type: ignore[union-attr]  # judged before

    def finished(self, request: Request) -> None:
        """Write the books when an answer is written."""
        self.books.finished(request)
        if self.witness.awake and request.job is not None:
            self.witness.take(request)

    def common(self) -> bytes:
        """Return the header lines of all answers."""
        now = time.monotonic()
        # a date has whole seconds (RFC 9110, section 5.6.7): one is written for many answers
        if now - self._common_at > 0.5:
            self._common_at = now
            told = "x-ms-server-version: aciml/%s\r\n" % __version__ if self.settings.say_version else ""
            if self.settings.image_header and self.settings.image_digest:
                told += "%s: %s\r\n" % (IMAGE, self.settings.image_digest)
            self._common = ("server: aciml\r\ndate: %s\r\n%s" % (formatdate(usegmt=True), told)).encode()
        return self._common

    # what the process asks

    def sweep(self) -> None:
        """Send slow and idle clients away."""
        now = time.monotonic()
        self.witness.sweep()
        for connection in list(self.connections):
            connection.late(now, self.settings.patience, self.settings.keep_alive)

    def drain(self) -> None:
        """Answer what comes on the connections that are here, each for the last time."""
        self.draining = True
        self.health.drain()

    # who answers

    def _score(self, connection: Connection, request: Request) -> None:
        route: Route = request.route  # type: ignore[assignment]
        # a raw script decides itself what it answers, as with v1; all others are not called
        if request.method == "OPTIONS" and not self._is_raw.get(route.model):
            connection.send(request, Answer(200, b"", headers=(("allow", ", ".join(route.methods)),)))
            return
        model = route.model
        if self.books.needs_headers:
            self.books.begin(request)
        request.job = job = Job(
            connection, model, self._meta(connection, request, model), request.body, request.size, request
        )
        if self.cache is not None and self.cache.answers(connection, job):
            return
        if self.pool.in_flight < self.settings.max_in_flight:
            self.pool.submit(job)
        else:  # others came while this body did
            connection.send(request, self._busy())

    @staticmethod
    def _healthy(connection: Connection, request: Request) -> None:
        connection.send(request, _HEALTHY)

    def _meta(self, connection: Connection, request: Request, model: int) -> bytes:
        """Return what the worker has to know beside the body; in the usual case, text or JSON, the id alone."""
        all_of_them = self._needs_headers.get(model, True)
        if request.method == "POST" and not all_of_them and b"content-encoding" not in request.headers:
            # in text mode the type of the body changes nothing
            usual = not self._needs_type[model] or request.headers.get(b"content-type") == b"application/json"
            if usual:
                told = {**told_of(request), "content-type": "application/json"} if self.books.needs_headers else None
                return marshal.dumps(("POST", "/score", "", told)) if told else b"\0" + request.id
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()}
        if self.keys.known:
            headers.pop("authorization", None)  # ours; the script has nothing to do with it
        if all_of_them and self._is_raw.get(model):
            headers[PEER] = connection.peer
        return marshal.dumps((request.method, request.path, request.query, headers))


class HealthSite(Site):
    """The port for probes: no keys, no scripts; open from the start to the end of the process."""

    def __init__(self, main: Site) -> None:
        """Tell what is known of the main port's service."""
        self._main = main
        super().__init__(health.settings_of_port(main.settings), main.pool, main.books)
        self.health = main.health

    def routes(self, facts: List[Dict[str, Any]]) -> List[Route]:  # noqa: ARG002  # no models here
        """Return the probes and the metrics."""
        return [
            Route("/", READ, self._healthy),
            *health.probes(self._main.health),
            *health.measures(self.metrics, guarded=False),
        ]

    def sweep(self) -> None:
        """Send slow clients away, and look how the workers are."""
        super().sweep()
        self.health.note()

    def finished(self, request: Request) -> None:
        """Write nothing: probes come every few seconds."""
