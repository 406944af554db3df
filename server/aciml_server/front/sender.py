"""The half of a connection that writes: answers with their heads, whole or in chunks, at the pace of the client."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Protocol

from .. import wire
from ..settings import Settings
from ..values import Answer
from .jobs import Job
from .request import Request
from .room import Room

_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
_BODILESS = frozenset((204, 304))  # RFC 9110, section 6.4.1
_LARGE = 65536  # bytes of a body from which copying it behind the head costs more than a second write


class Site(Protocol):
    """What a connection asks of the port that it came to."""

    settings: Settings
    room: Room
    draining: bool
    """The service stops: each connection has its last answer."""

    def opened(self, connection: Any) -> None:
        """Count a connection."""

    def lost(self, connection: Any) -> None:
        """Count it no more."""

    def judge(self, request: Request, wrong: str) -> None:
        """Set ``request.refused`` if the head alone is enough to refuse."""

    def answer(self, connection: Any, request: Request) -> None:
        """Answer a whole request, now or when a worker did."""

    def finished(self, request: Request) -> None:
        """Learn that an answer is written."""

    def left(self, request: Request) -> None:
        """Learn that nobody waits for an answer any more."""

    def common(self) -> bytes:
        """Return the header lines of all answers."""


class Sender(asyncio.Protocol):
    """Writes answers, one after the other; ``_finished`` is told of each."""

    def __init__(self, site: Site) -> None:
        """Nothing is written before there is a transport."""
        self._site = site
        self._transport: Any = None
        self._choked = False
        """The client does not take what is written."""

    @property
    def peer(self) -> str:
        """The address of who is connected: a client, or the proxy before us."""
        found = self._transport.get_extra_info("peername")
        return str(found[0]) if found else ""

    def _finished(self, request: Request) -> None:
        raise NotImplementedError

    def _last(self) -> bool:
        """Tell if the next answer is the last one because the service stops."""
        raise NotImplementedError

    def answered(self, job: Job, status: int, head: bytes, body: bytes, flags: int) -> None:
        """Write the answer of a worker, or its beginning."""
        request: Request = job.context
        if request.done:
            return  # the client left
        if status == 500 and self._site.settings.v1_gateway_codes:  # the codes of v1's front, with our bodies
            status = 504 if flags & wire.LATE else 502
        request.flags = flags
        if not flags & wire.MORE:
            self._write(request, status, head, body)
            return
        request.streams = True
        request.close = request.close or request.old  # HTTP/1.0 has no chunks; the end of the connection ends the body
        self._transport.write(self._head_of(request, status, head, -1))
        self._chunk(request, body)

    def continued(self, job: Job, body: bytes, more: bool) -> None:  # noqa: FBT001  # the asker's
        """Write the next piece of a streamed body."""
        request: Request = job.context
        if request.done:
            return
        self._chunk(request, body)
        if not more:
            # neither has chunks: these bytes would be a part of the body, or the next answer
            if not request.old and request.method != "HEAD":
                self._transport.write(b"0\r\n\r\n")
            self._finished(request)

    def broken(self, job: Job) -> None:
        """End a streamed body that nobody will complete, so that the client sees that it is not whole."""
        # a body without its last chunk is incomplete (RFC 9112, section 8); a reset says so in HTTP/1.0, too
        if not job.context.done:
            self._transport.abort()

    def send(self, request: Request, answer: Answer) -> None:
        """Write an answer of the front itself."""
        lines = ["content-type: %s\r\n" % answer.content_type] if answer.content_type else []
        lines += ["%s: %s\r\n" % pair for pair in answer.headers]
        self._write(request, answer.status, "".join(lines).encode("latin-1", "replace"), answer.body)

    def _write(self, request: Request, status: int, head: bytes, body: bytes) -> None:
        request.reply = body
        request.sent = len(body)
        head = self._head_of(request, status, head, len(body))
        # the head is that of GET, its length, too (RFC 9110, section 9.3.2)
        if request.method == "HEAD" or status in _BODILESS:
            self._transport.write(head)
        elif len(body) < _LARGE:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        self._finished(request)

    def _head_of(self, request: Request, status: int, head: bytes, length: int) -> bytes:
        request.status = status
        request.head = head
        line = _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status  # no phrase is needed
        if length >= 0:
            # 204 must not tell a length (RFC 9110, section 8.6)
            extent = b"content-length: %d\r\n" % length if status not in _BODILESS else b""
        else:
            # HTTP/1.0 knows no chunks (RFC 9112, section 6.1)
            extent = b"" if request.old else b"transfer-encoding: chunked\r\n"
        if request.close or (self._site.draining and self._last()):
            request.close = True
            extent += b"connection: close\r\n"
        # HTTP/1.0 closes unless both sides say otherwise (RFC 9112, section 9.3)
        elif request.old:
            extent += b"connection: keep-alive\r\n"
        return b"".join((line, self._site.common(), extent, request.ids, head, b"\r\n"))

    def _chunk(self, request: Request, body: bytes) -> None:
        # an empty chunk would be the last one (RFC 9112, section 7.1)
        if not body or request.method == "HEAD":
            return
        request.sent += len(body)
        self._transport.write(body if request.old else b"%x\r\n%b\r\n" % (len(body), body))
