"""The HTTP front on ``http.server``: a thread per connection, which never runs the user's code.

``/`` is answered here at once, also while ``run()`` works; ``/score`` becomes a job of the runner. What can be refused
is refused before the body is read. Not taken: chunked bodies (411). Limits: see ``settings``.
"""

from __future__ import annotations

import logging
import select
import socket
import socketserver
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Mapping, Optional, Tuple

from . import __version__, identifiers, keys, swagger, tls
from .answers import Answer, as_json, refusal
from .contract import Script, query_as_text
from .runner import Job, Runner
from .settings import Settings

_LOG = logging.getLogger("aciml.http")
_ACCESS = logging.getLogger("aciml.access")
_METHODS = {"/": ("GET", "HEAD"), "/score": ("GET", "POST", "OPTIONS"), "/swagger.json": ("GET", "HEAD")}
_LINGER = (2.0, 16 * 1024 * 1024)  # seconds and bytes that a refused body may still take, so that the answer arrives
_CHALLENGE = {"WWW-Authenticate": "Bearer"}  # RFC 6750, section 3


class Front(ThreadingHTTPServer):
    """The listening socket on all addresses; ``serve_forever`` accepts connections until ``shutdown``."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, settings: Settings, script: Script, runner: Runner) -> None:
        """Open the port.

        Raises:
            OSError: it is taken, or not allowed.
            ValueError: the certificate cannot be used.
        """
        self.tls = tls.open_context(settings.tls_cert, settings.tls_key)
        self.settings = settings
        self.script = script
        self.runner = runner
        super().__init__(("0.0.0.0", settings.port), _Connection)  # noqa: S104  # a container's port is opened by its host

    def server_bind(self) -> None:
        """Bind without asking the DNS for the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its own thread, where a slow handshake keeps nobody else waiting."""
        if self.tls is not None:
            request.settimeout(self.settings.patience)
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError:  # a client that speaks no TLS, or does not trust us
                self.shutdown_request(request)
                return
        super().process_request_thread(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # the base class's
        """Log what went wrong on a connection; a client that hung up is no error."""
        if not isinstance(sys.exc_info()[1], OSError):
            _LOG.exception("a connection of %s failed", client_address[0])


class _Connection(BaseHTTPRequestHandler):
    """One client; its requests follow each other."""

    server: Front
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # head and body leave in one packet

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.settings.patience)

    def version_string(self) -> str:
        return "aciml"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base class's
        _LOG.debug(format, *args)

    def handle_expect_100(self) -> bool:
        """Do not ask for the body yet: it may be refused."""
        return True

    def send_error(self, code: int, message: Optional[str] = None, explain: Optional[str] = None) -> None:
        """Answer in JSON to what ``http.server`` itself refuses."""
        self.close_connection = True
        self.__dict__.pop("_headers_buffer", None)  # what was begun before
        if not getattr(self, "request_version", "") or self.request_version == "HTTP/0.9":
            self.request_version = "HTTP/1.1"
        self._send(refusal(int(code), message or explain or "bad request"), identifiers.identify({})[0])

    def _answer(self) -> None:
        started = time.perf_counter()
        self._unread = True
        headers = {name.lower(): value for name, value in self.headers.items()}
        ids, wrong = identifiers.identify(headers)
        path, _, query = self.path.partition("?")
        answer: Optional[Answer] = refusal(431, wrong) if wrong else self._route(path, query, headers, ids, started)
        if answer is not None:
            self._finish(answer, ids, started)

    for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        vars()["do_" + _method] = _answer  # where http.server looks for them

    def _route(
        self, path: str, query: str, headers: Mapping[str, str], ids: Mapping[str, str], started: float
    ) -> Optional[Answer]:
        """Return the answer; None if it was sent already or nobody waits for it."""
        methods = _METHODS.get(path)
        if methods is None:
            return refusal(404, "there is no %s here; routes: /, /score, /swagger.json" % ascii(path))
        if self.command not in methods:
            return refusal(405, "%s is not for %s" % (path, self.command), {"Allow": ", ".join(methods)})
        if path == "/score" and not keys.allowed(self.server.settings.keys, headers.get("authorization", "")):
            return refusal(401, "a valid key is needed: Authorization: Bearer <key>", _CHALLENGE)
        if path == "/score":
            return self._score(query, headers, ids, started)
        _, refused = self._read_body(headers)
        return refused or self._open_route(path, query)

    def _open_route(self, path: str, query: str) -> Answer:
        if path == "/":
            return Answer(200, {}, b"Healthy", "text/html; charset=utf-8")
        version = urllib.parse.parse_qs(query).get("version", [""])[-1]
        found = swagger.document(version, self.server.settings.service_name)
        return as_json(200, found) if found else refusal(404, "no such version; there are 2, 3 and 3.1")

    def _score(
        self, query: str, headers: Mapping[str, str], ids: Mapping[str, str], started: float
    ) -> Optional[Answer]:
        """Have the main thread run the script; what was begun before the service stops is answered."""
        if not self.server.runner.enter():
            return refusal(503, "the service is stopping", {"Retry-After": "1"})
        try:
            answer = self._run(query, headers)
            if answer is None:
                self.close_connection = True
                self._log(499, started, 0)  # nginx's number for a client that left
            else:
                self._finish(answer, ids, started)
                self.wfile.flush()
        finally:
            self.server.runner.leave()
        return None

    def _run(self, query: str, headers: Mapping[str, str]) -> Optional[Answer]:
        """Return the script's answer; None if the client left before its turn."""
        body, refused = self._read_body(headers)
        if refused:
            return refused
        if self.command == "OPTIONS":
            return Answer(200, {"Allow": ", ".join(_METHODS["/score"])}, b"")
        text = query_as_text(query).encode() if self.command == "GET" else body
        shown = {name: value for name, value in headers.items() if name != "authorization"}
        job: Job[Answer] = Job(lambda: self.server.script.score(text, shown), self._client_left)
        self.server.runner.put(job)
        return job.wait()

    def _read_body(self, headers: Mapping[str, str]) -> Tuple[bytes, Optional[Answer]]:
        """Read what the client announced; or say why not."""
        length, refused = self._announced(headers)
        if refused:
            return b"", refused
        if headers.get("expect", "").lower() == "100-continue" and length:
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
        try:
            body = self.rfile.read(length)
        except socket.timeout:  # not TimeoutError before Python 3.10
            return b"", refusal(408, "the body did not arrive in time")
        if len(body) < length:
            return b"", refusal(400, "the body is shorter than Content-Length")
        self._unread = False
        return body, None

    def _announced(self, headers: Mapping[str, str]) -> Tuple[int, Optional[Answer]]:
        """Return the length of the body in bytes (RFC 9112, section 6)."""
        if "transfer-encoding" in headers:
            return 0, refusal(411, "chunked bodies are not taken; send Content-Length")
        lengths = set(self.headers.get_all("Content-Length") or ["0"])
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdigit()) or len(text) > 18:
            return 0, refusal(400, "Content-Length is not one number")
        if int(text) > self.server.settings.max_body:
            return 0, refusal(413, "the body is larger than %d bytes" % self.server.settings.max_body)
        return int(text), None

    def _client_left(self) -> bool:
        """Tell if the client hung up while its request was in the queue."""
        try:
            poll = select.poll()
            if self.server.tls is not None:  # what is readable there may be TLS's own
                poll.register(self.connection, getattr(select, "POLLRDHUP", select.POLLHUP))
                return bool(poll.poll(0))
            poll.register(self.connection, select.POLLIN)
            return bool(poll.poll(0)) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _finish(self, answer: Answer, ids: Mapping[str, str], started: float) -> None:
        has_body = self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers
        refused_body = self._unread and has_body
        if refused_body or not self.server.runner.open:
            self.close_connection = True
        self._send(answer, ids)
        self._log(answer.status, started, len(answer.body))
        if refused_body:
            self._linger()

    def _send(self, answer: Answer, ids: Mapping[str, str]) -> None:
        self.send_response(answer.status)
        head: Dict[str, str] = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
        head.update({"x-ms-server-version": "aciml/" + __version__, **ids, **answer.headers})
        if self.close_connection:
            head["Connection"] = "close"
        for name, value in head.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _linger(self) -> None:
        """Let a refused client read its answer: closing with unread bytes would reset the connection."""
        seconds, left = _LINGER
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(seconds)
            until = time.monotonic() + seconds
            while left > 0 and time.monotonic() < until:
                got = len(self.connection.recv(65536))
                left -= got or left
        except OSError:
            pass

    def _log(self, status: int, started: float, length: int) -> None:
        """Write the line of a request: no query, no body; health checks say nothing."""
        path = self.path.partition("?")[0]
        if path != "/":
            took = (time.perf_counter() - started) * 1000
            _ACCESS.info("%s %s %d %.3fms %d", self.command, ascii(path)[1:-1], status, took, length)
