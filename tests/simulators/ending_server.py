"""A threading HTTP server that can end: it knows its connections, and closes those that clients keep."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class EndingServer(ThreadingHTTPServer):
    """Serves each connection in a thread of its own from ``start`` until ``end``.

    It waits for clients without looking up (``serve_forever`` polls): a session of tests has many of these servers.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *args: Any, **options: Any) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        super().__init__(*args, **options)

    def server_bind(self) -> None:
        """Leave out the look-up of the own name, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def end(self) -> None:
        """Stop, and end the connections that clients keep."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes who waits for a client
        self.server_close()
        with self._lock:
            self._ended = True
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, address = self.socket.accept()
            except OSError:
                return
            self.process_request(client, address)

    def opened(self, request: socket.socket) -> socket.socket | None:
        """Return the connection to serve, or None if there is none after all; called in its thread."""
        return request

    def finish_request(self, request: Any, client_address: Any) -> None:
        connection = self.opened(request)
        if connection is None:
            return
        with self._lock:
            if self._ended:  # it came in the last moment
                connection.close()
                return
            self._open.add(connection)
        try:
            super().finish_request(connection, client_address)
        finally:
            with self._lock:
                self._open.discard(connection)
            if connection is not request:  # the base class closes only what it has opened
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are what some tests are about."""


@contextlib.contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[EndingServer]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    server = EndingServer(("127.0.0.1", 0), handler)
    server.start()
    try:
        yield server
    finally:
        server.end()


def body_of(handler: BaseHTTPRequestHandler) -> bytes:
    """Return the body of a request, of a known length or in chunks (RFC 9112, 7.1); trailers are read and dropped."""
    if "chunked" not in (handler.headers.get("Transfer-Encoding") or ""):
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    parts = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    while handler.rfile.readline().strip():
        pass
    return b"".join(parts)
