"""A package index over real HTTP, in this process: a folder of wheels, a password if asked for, faults on demand."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

from tests.simulators.ending_server import serving


class Index:
    """What the server answers; ``asked`` has the paths of all requests, ``faults`` what happens to the next downloads.

    A fault is a status such as ``503``, or ``0``: half of the file, then the end of the connection.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account = ""
        self.portal = b""  # the page of a login, for each name
        self.faults: list[int] = []
        self.retry_after = ""
        self.asked: list[str] = []
        self.waiting = threading.Event()
        self.hold: threading.Event | None = None
        self.url = ""

    def page(self, name: str) -> bytes:
        if self.portal:
            return self.portal
        wheels = sorted(path for path in self.folder.glob("*.whl") if path.name.split("-")[0].replace("_", "-") == name)
        rows = (f'<a href="/files/{w.name}#sha256={_sha256(w)}">{w.name}</a>' for w in wheels)
        return ("<!DOCTYPE html><html><body>" + "<br>".join(rows) + "</body></html>").encode()


@contextmanager
def serve(folder: Path) -> Iterator[Index]:
    """Serve the folder on a free port of this machine."""
    index = Index(folder)

    class Handler(_Handler):
        shown = index

    with serving(Handler) as server:
        index.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield index
        finally:
            if index.hold:
                index.hold.set()


class _Handler(BaseHTTPRequestHandler):
    shown: Index

    def do_GET(self) -> None:
        self.shown.asked.append(self.path)
        if self.shown.hold:
            self.shown.waiting.set()
            self.shown.hold.wait()
        expected = "Basic " + base64.b64encode(self.shown.account.encode()).decode()
        if self.shown.account and self.headers.get("Authorization") != expected:
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="index"'})
        elif self.path.startswith("/simple/"):
            self._page(self.path.strip("/").rpartition("/")[2])
        else:
            self._file(self.shown.folder / unquote(self.path).rpartition("/")[2])

    def do_HEAD(self) -> None:
        self._answer(405, b"")

    def log_message(self, *_: object) -> None:
        pass

    def _page(self, name: str) -> None:
        body = self.shown.page(name)
        self._answer(200 if b"href" in body else 404, body, {"Content-Type": "text/html"})

    def _file(self, path: Path) -> None:
        fault = self.shown.faults.pop(0) if self.shown.faults and not self.headers.get("Range") else None
        if fault:
            self._answer(fault, b"", {"Retry-After": self.shown.retry_after} if self.shown.retry_after else None)
        elif not path.is_file():
            self._answer(404, b"")
        else:
            body = path.read_bytes()
            self._answer(200, body, keep=len(body) // 2 if fault == 0 else len(body))

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, keep: int | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[:keep])
        except ConnectionError:  # the client was ended while it waited
            pass


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
