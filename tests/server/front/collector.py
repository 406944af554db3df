"""A collector of telemetry for tests: takes what is posted, answers as it is told to."""

from __future__ import annotations

import gzip
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..conftest import PATIENCE


@dataclass
class Post:
    """What was posted."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Collector:
    """``answers`` are used one after the other: status, headers, body; then all is 200 with an empty object."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    posts: queue.SimpleQueue[Post] = field(default_factory=queue.SimpleQueue)

    def next(self) -> Post:
        """Wait for a post."""
        return self.posts.get(timeout=PATIENCE)


@contextmanager
def collector(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[Collector]:
    """Run a collector."""
    here = Collector(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            status, headers, reply = here.answers.pop(0) if here.answers else (200, {}, b"{}")
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(reply))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply)
            headers = {name.lower(): value for name, value in self.headers.items()}
            here.posts.put(Post(self.path, headers, json.loads(body)))

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002  # the base class's name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    here.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)
