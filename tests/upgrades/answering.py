"""What would answer for the two groups of the stack on Azure, if anything ran in the emulated cloud."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PUBLIC, INSIDE = 8080, 8443
"""Ports of the groups; the second one speaks TLS."""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(b"ok")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b'{"length": 3}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(folder: Path, places: Sequence[tuple[str, int]]) -> Iterator[None]:
    """Answer the gate and its sample request at each host and port; ``folder`` has the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    servers = []
    try:
        for host, port in places:
            server = http.server.ThreadingHTTPServer((host, port), _Handler)
            servers.append(server)
            if port == INSIDE:
                server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
