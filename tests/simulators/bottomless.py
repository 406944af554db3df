"""A registry that takes any amount and keeps nothing but a count: for layers that no test wants on a disk.

It judges every byte by its place, so that a byte lost, sent twice or out of place is a failure and not a surprise.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.simulators.ending_server import EndingServer

PERIOD = 1_000_003  # bytes; a prime, so that no chunk or block fits into it
_PATTERN = b"".join(number.to_bytes(4, "big") for number in range(PERIOD // 4 + 1))[:PERIOD]
_TWICE = memoryview(_PATTERN * 4)
_BLOCK = 1 << 20


def pattern(offset: int, size: int) -> memoryview:
    """Return the bytes that belong at ``offset``; at most 2 MiB."""
    start = offset % PERIOD
    return _TWICE[start : start + size]


class Endless:
    """A source of ``size`` bytes that are made while they are read; ``ends`` counts how many were handed out."""

    def __init__(self, size: int) -> None:
        self._size, self._at, self.handed_out = size, 0, 0

    def read(self, size: int, /) -> bytes:
        block = bytes(pattern(self._at, min(size, self._size - self._at, _BLOCK)))
        self._at += len(block)
        self.handed_out += len(block)
        return block

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, /) -> int:
        self._at = offset
        return offset

    def close(self) -> None:
        pass


@dataclass
class Script:
    """What goes wrong: with the n-th PATCH (from 1) the connection is cut, or the answer is a status."""

    cut: frozenset[int] = frozenset()
    status: dict[int, int] = field(default_factory=dict)


class BottomlessRegistry:
    """A registry on a free port; blobs exist by name and size alone. ``token_life`` in seconds, by ``clock``."""

    def __init__(self, script: Script | None = None, *, token_life: float = 0.0, minimum: int = 0) -> None:
        self.script, self.token_life, self.minimum = script or Script(), token_life, minimum
        self.now = 0.0  # seconds; the test moves it
        self.sessions: dict[str, int] = {}
        self.blobs: dict[str, int] = {}
        self.asked: Counter[str] = Counter()
        self.tokens: dict[str, float] = {}
        self.wrong: list[str] = []
        self.received = self.refused = 0
        handler = type("Handler", (_Handler,), {"registry": self})
        self._server = EndingServer(("127.0.0.1", 0), handler)
        self._server.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.end()


class _Handler(BaseHTTPRequestHandler):
    registry: BottomlessRegistry
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Keep the terminal quiet."""

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            token = f"t{len(self.registry.tokens)}"
            self.registry.tokens[token] = self.registry.now + self.registry.token_life
            self._answer(200, json.dumps({"token": token, "expires_in": self.registry.token_life}).encode())
        elif self._welcome():
            name = self.path.rpartition("/")[2]
            self._session(204, name) if name in self.registry.sessions else self._answer(404)

    def do_HEAD(self) -> None:
        if self._welcome():
            self._answer(200 if self.path.rpartition("/")[2] in self.registry.blobs else 404)

    def do_POST(self) -> None:
        if self._welcome():
            name = f"session-{self.registry.asked['POST']}"
            self.registry.sessions[name] = 0
            self._session(202, name)

    def do_PATCH(self) -> None:
        if not self._welcome():
            return
        number, name = self.registry.asked["PATCH"], self.path.rpartition("/")[2]
        if status := self.registry.script.status.get(number):
            if status == 416:
                del self.registry.sessions[name]
            self.close_connection = True
            self._answer(status, b"", {"Connection": "close", "Retry-After": "3"})
            return
        first, _, last = self.headers["Content-Range"].partition("-")
        if int(first) != self.registry.sessions[name]:
            self.registry.wrong.append(f"a chunk begins at {first}, not at {self.registry.sessions[name]}")
        left = int(last) + 1 - int(first)
        cut = number in self.registry.script.cut
        self._take(name, left // 2 if cut else left)
        if cut:
            self.close_connection = True
        else:
            self._session(202, name)

    def do_PUT(self) -> None:
        if self._welcome():
            url = urlsplit(self.path)
            name = url.path.rpartition("/")[2]
            self._take(name, int(self.headers.get("Content-Length", "0")))
            self.registry.blobs[parse_qs(url.query)["digest"][0]] = self.registry.sessions.pop(name)
            self._answer(201)

    def _take(self, name: str, left: int) -> None:
        buffer = bytearray(_BLOCK)
        while left:
            count = self.rfile.readinto(memoryview(buffer)[: min(left, _BLOCK)])
            if not count:
                return
            if buffer[:count] != pattern(self.registry.sessions[name], count):  # two views are compared slowly
                self.registry.wrong.append(f"wrong bytes at {self.registry.sessions[name]}")
            self.registry.sessions[name] += count
            self.registry.received += count
            left -= count

    def _welcome(self) -> bool:
        self.registry.asked[self.command] += 1
        life = self.registry.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "), -1.0)
        if not self.registry.token_life or life > self.registry.now:
            return True
        self.registry.refused += 1
        self.registry.asked[self.command] -= 1
        self.close_connection = True
        challenge = f'Bearer realm="http://{self.registry.host}/token",service="s"'
        self._answer(401, b"", {"WWW-Authenticate": challenge, "Connection": "close"})
        return False

    def _session(self, status: int, name: str) -> None:
        sent = self.registry.sessions[name]
        headers = {"Location": f"/v2/app/blobs/uploads/{name}", "Range": f"0-{max(sent - 1, 0)}"}
        if self.registry.minimum:
            headers["OCI-Chunk-Min-Length"] = str(self.registry.minimum)
        self._answer(status, b"", headers)

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
