"""A blob of Azure Storage over real HTTP, which grows and fails as a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIGNATURE = "c2VjcmV0LXNpZ25hdHVyZQ%3D%3D"


class Storage(ThreadingHTTPServer):
    """One blob; ``answers`` are statuses (with Retry-After 0) that the next requests get instead of the truth."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blob: bytes | None = None
        self.metadata: dict[str, str] = {}
        self.answers: list[int] = []
        self.heard: list[str] = []
        self.uploads: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/logs/run.log?sv=2022-11-02&sig={SIGNATURE}"

    def grow(self, text: str) -> None:
        self.blob = (self.blob or b"") + text.encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Storage

    def do_HEAD(self) -> None:
        self._read()

    def do_GET(self) -> None:
        self._read()

    def do_PUT(self) -> None:
        announced = int(self.headers["Content-Length"])
        body = self.rfile.read(announced)
        if len(body) == announced and not self._failed():  # half a body is no blob
            self.server.blob = body
            self.server.uploads.append({name.lower(): value for name, value in self.headers.items()})
            self._answer(201)

    def _read(self) -> None:
        if self._failed():
            return
        blob = self.server.blob
        if blob is None:
            self._answer(404)
            return
        meta = {f"x-ms-meta-{name}": value for name, value in self.server.metadata.items()}
        if asked := self.headers.get("x-ms-range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            self._answer(206, blob[int(first) : int(last) + 1], meta)
        else:
            self._answer(200, blob, meta)

    def _failed(self) -> bool:
        self.server.heard.append(self.command)
        if not self.server.answers:
            return False
        self._answer(self.server.answers.pop(0), headers={"Retry-After": "0", "x-ms-error-code": "Emulated"})
        return True

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def running_storage() -> Iterator[Storage]:
    with Storage() as storage:
        thread = threading.Thread(target=storage.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield storage
        finally:
            storage.shutdown()
            thread.join()
