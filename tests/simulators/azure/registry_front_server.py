"""HTTP on a port of 127.0.0.1 for one registry: threads, keep-alive, bodies as streams in both directions."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from tests.simulators.ending_server import EndingServer

from .registry_front_backend import Backend
from .registry_front_wire import Answer, Body, Call, HungUp

Give = Callable[[Call, Backend], Answer]
Note = Callable[[Call, int, int], None]


class FrontServer:
    """Hands each request to ``give`` and tells ``note`` its status and the bytes sent."""

    def __init__(self, give: Give, note: Note, connect: Callable[[], Backend]) -> None:
        members = {"give": staticmethod(give), "note": staticmethod(note), "connect": staticmethod(connect)}
        self._server = EndingServer(("127.0.0.1", 0), type("Handler", (_Handler,), members))
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._server.start()

    def close(self) -> None:
        """Stop, and end the connections that clients keep."""
        self._server.end()


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
