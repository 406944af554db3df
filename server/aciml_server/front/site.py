"""What all connections share: routes, refusals before the body, the way to the workers, and the books."""

from __future__ import annotations

import marshal
import time
import urllib.parse
from email.utils import formatdate
from typing import Dict, Set

from .. import __version__, swagger
from ..answers import refusal, to_json
from ..settings import Settings
from ..values import Answer
from . import keys
from .books import Books
from .connection import Connection
from .jobs import Job
from .pool import Pool
from .request import Request

_METHODS = {"/": ("GET", "HEAD"), "/score": ("GET", "POST", "OPTIONS"), "/swagger.json": ("GET", "HEAD")}
_CHALLENGE = (("www-authenticate", "Bearer"),)  # RFC 6750, section 3


class Site:
    """One service over its whole life."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        """Nothing listens yet."""
        self.settings = settings
        self.pool = pool
        self.connections: Set[Connection] = set()
        self.draining = False
        self.books = Books(settings)
        self._needs_headers: Dict[int, bool] = {}
        self._common = b""
        self._common_at = 0.0

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
        """Set ``request.refused`` if the head alone is enough to refuse."""
        if wrong:
            request.refused = refusal(431, wrong)
            return
        methods = _METHODS.get(request.path)
        if methods is None:
            request.refused = refusal(
                404, "there is no %s here; routes: /, /score, /swagger.json" % ascii(request.path)
            )
        elif request.method not in methods:
            allow = (("allow", ", ".join(methods)),)
            request.refused = refusal(405, "%s is not for %s" % (request.path, request.method), allow)
        elif request.path == "/score":
            headers = request.headers
            if not keys.allowed(self.settings.keys, headers.get(b"authorization", b"")):
                text = "a valid key is needed: Authorization: Bearer <key>"
                request.refused = refusal(401, text, _CHALLENGE)
            elif self.draining:
                request.refused = refusal(503, "the service is stopping", (("retry-after", "1"),))
            elif self.pool.in_flight >= self.settings.max_in_flight:
                text = "too many requests are waiting (%d)" % self.pool.in_flight
                request.refused = refusal(503, text, (("retry-after", "1"),))
            elif int(headers.get(b"content-length", b"0")) > self.settings.max_body:
                request.refused = refusal(413, "the body is larger than %d bytes" % self.settings.max_body)

    def answer(self, connection: Connection, request: Request) -> None:
        """Answer a whole request, now or when a worker did."""
        if request.path == "/score":
            if request.method == "OPTIONS":
                allow = (("allow", ", ".join(_METHODS["/score"])),)
                connection.send(request, Answer(200, b"", headers=allow))
                return
            request.job = job = Job(connection, 0, self._meta(request, 0), request.body, request.size, request)
            self.pool.submit(job)
        elif request.path == "/":
            connection.send(request, Answer(200, b"Healthy", "text/html; charset=utf-8"))
        else:
            version = urllib.parse.parse_qs(request.query).get("version", [""])[-1]
            found = swagger.document(version, self.settings.service_name)
            none = refusal(404, "no such version; there are 2, 3 and 3.1")
            connection.send(request, Answer(200, to_json(found)) if found else none)

    def finished(self, request: Request) -> None:
        """Write the books when an answer is written."""
        self.books.finished(request)

    def common(self) -> bytes:
        """Return the header lines of all answers."""
        now = time.monotonic()
        if now - self._common_at > 0.5:
            self._common_at = now
            version = "x-ms-server-version: aciml/%s\r\n" % __version__ if self.settings.say_version else ""
            self._common = ("server: aciml\r\ndate: %s\r\n%s" % (formatdate(usegmt=True), version)).encode()
        return self._common

    # what the process asks

    def sweep(self) -> None:
        """Send slow and idle clients away."""
        now = time.monotonic()
        for connection in list(self.connections):
            connection.late(now, self.settings.patience, self.settings.keep_alive)

    def drain(self) -> None:
        """Take nothing new; close idle connections."""
        self.draining = True
        for connection in list(self.connections):
            connection.close_if_idle()

    def _meta(self, request: Request, model: int) -> bytes:
        """Return what the worker has to know beside the body; empty in the usual case."""
        if model not in self._needs_headers:
            self._needs_headers = {number: facts["headers"] for number, facts in enumerate(self.pool.facts)}
        all_of_them = self._needs_headers.get(model, True)
        if request.method == "POST" and not all_of_them and b"content-encoding" not in request.headers:
            return b""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()}
        return marshal.dumps((request.method, request.path, request.query, headers))
