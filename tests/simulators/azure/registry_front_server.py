"""HTTP on a port of 127.0.0.1 for one registry: threads, keep-alive, bodies as streams in both directions."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .registry_front_backend import Backend
from .registry_front_wire import Answer, Body, Call, HungUp

Give = Callable[[Call, Backend], Answer]
Note = Callable[[Call, int, int], None]


class FrontServer:
    """Hands each request to ``give`` and tells ``note`` its status and the bytes sent."""

    def __init__(self, give: Give, note: Note, connect: Callable[[], Backend]) -> None:
        members = {"give": staticmethod(give), "note": staticmethod(note), "connect": staticmethod(connect)}
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), members))
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and end the connections that clients keep."""
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(*args)

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)

    def end_connections(self) -> None:
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    give: Give
    note: Note
    connect: Callable[[], Backend]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 1 << 18
    wbufsize = -1  # head and body of a small answer leave in one piece

    def setup(self) -> None:
        super().setup()
        self._backend = self.connect()

    def finish(self) -> None:
        self._backend.close()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Keep the terminal quiet."""

    def _serve(self) -> None:
        call = Call(self.command, self.path, self.headers, Body(self.rfile, self.headers))
        try:
            answer = self.give(call, self._backend)
            call.body.drain()
        except (HungUp, OSError):
            self.close_connection = True
            self.note(call, 0, 0)
            return
        length = len(answer.body) if isinstance(answer.body, bytes) else answer.length
        self.note(call, answer.status, 0 if self.command == "HEAD" else length or 0)  # before the client can look
        self._send(answer, length)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # names that are looked for

    def handle_expect_100(self) -> bool:
        """Say at once that the body may come."""
        said = super().handle_expect_100()
        self.wfile.flush()
        return said

    def _send(self, answer: Answer, length: int | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        known = any(name.lower() == "content-length" for name, _ in answer.headers)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        elif not known and answer.status not in {204, 304}:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self._write(answer, chunked=length is None)

    def _write(self, answer: Answer, *, chunked: bool) -> None:
        for data in [answer.body] if isinstance(answer.body, bytes) else answer.body:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
