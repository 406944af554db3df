"""What the parts of a registry's front hand to each other: a request whose body is a stream, an answer, a refusal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import Message
from io import BufferedIOBase
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MOST_FORM = 4 << 20  # bytes of a form or manifest: azure.md 3.1, "max manifest 4 MiB"


class Body:
    """The body of a request, read at most once; ``seen`` counts its bytes, ``kept`` has those read whole."""

    def __init__(self, stream: BufferedIOBase, headers: Message[str, str]) -> None:
        self.chunked = "chunked" in (headers.get("Transfer-Encoding") or "").lower()
        self.length = 0 if self.chunked else int(headers.get("Content-Length") or 0)
        self.seen, self.kept = 0, b""
        self._stream, self._left, self._ended = stream, self.length, not self.chunked

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, empty at the end; ``ConnectionError`` when the client went away before it."""
        if self.chunked and not self._left and not self._ended:
            self._next_chunk()
        if not self._left:
            return b""
        block = self._stream.read(self._left if size < 0 else min(size, self._left))
        if not block:
            raise ConnectionError("the client went away in the middle of a body")
        self._left -= len(block)
        self.seen += len(block)
        if self.chunked and not self._left:
            self._stream.readline()  # CRLF after the data
        return block

    def whole(self) -> bytes:
        """Return all of it; 413 when it is too much for a form or a manifest."""
        blocks = []
        while block := self.read(MOST_FORM):
            blocks.append(block)
            if self.seen > MOST_FORM:
                raise Refused(413, "MANIFEST_INVALID", f"the body is larger than {MOST_FORM} bytes")
        self.kept = b"".join(blocks)
        return self.kept

    def drain(self) -> None:
        """Read the rest, so that the connection can be used again."""
        while self.read(1 << 20):
            pass

    def _next_chunk(self) -> None:
        self._left = int(self._stream.readline().partition(b";")[0] or b"0", 16)
        if not self._left:
            self._ended = True
            while self._stream.readline().strip():  # trailers
                pass


@dataclass(frozen=True)
class Call:
    """One request at a registry; ``query`` keeps repeated names, as ``scope`` may be."""

    method: str
    target: str
    headers: Message[str, str]
    body: Body

    @property
    def path(self) -> str:
        return "/" + unquote(urlsplit(self.target).path).lstrip("/")

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def value(self, name: str) -> str:
        """Return the first query value of that name, or nothing."""
        return next((value for known, value in self.query if known == name), "")

    def json(self) -> Any:
        try:
            return json.loads(self.body.whole() or b"null")
        except ValueError as error:
            raise Refused(400, "BAD_REQUEST", f"the body is no JSON: {error}") from error


@dataclass
class Answer:
    """``body`` is bytes or a stream; ``length`` is that of a stream, None when nobody knows it."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""
    length: int | None = None

    @classmethod
    def json(cls, status: int, value: Any, *headers: tuple[str, str]) -> Answer:
        return cls(status, [("Content-Type", "application/json; charset=utf-8"), *headers], json.dumps(value).encode())


class Refused(Exception):
    """An answer ``{"errors": [...]}`` as registries give it (OCI distribution-spec 1.1, "Error Codes")."""

    def __init__(self, status: int, code: str, message: str, *headers: tuple[str, str], detail: Any = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.headers = status, headers
        self._error = {"code": code, "message": message} | ({} if detail is None else {"detail": detail})

    def answer(self) -> Answer:
        return Answer.json(self.status, {"errors": [self._error]}, *self.headers)


class HungUp(Exception):  # a thing that happens, not a fault of ours
    """The connection is to be closed without an answer, as that of a host that does not exist."""
