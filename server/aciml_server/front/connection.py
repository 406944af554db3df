"""One client's connection: HTTP/1.1 by httptools, one request after the other, answers in order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from http import HTTPStatus
from typing import Any, Deque, Optional

import httptools

from .. import wire
from ..answers import refusal
from ..values import Answer
from .identifiers import identify
from .jobs import Job
from .request import Request

_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINGER = 16 * 1024 * 1024  # bytes of a refused body that are still read, so that the answer arrives
_MOST_WAITING = 16  # pipelined requests from which no more are read


class Connection(asyncio.Protocol):
    """Reads requests, asks the site what to do with them, and writes answers."""

    def __init__(self, site: Any) -> None:
        """``site`` is the ``Site`` that all connections share."""
        self._site = site
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._active: Optional[Request] = None
        self._reading: Optional[Request] = None
        self._waiting: Deque[Request] = deque()
        self._head = 0
        self._paused = False
        self.closing = False
        self.since = 0.0
        """When the part of a request that is being read began, or the connection became idle."""

    # what asyncio calls

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = transport
        self.since = time.monotonic()
        self._site.opened(self)

    def connection_lost(self, error: Optional[Exception]) -> None:  # noqa: ARG002  # the protocol's
        """Withdraw what nobody waits for any more."""
        self.closing = True
        self._site.lost(self)
        if self._active is not None:
            self._site.left(self._active)
            self._active = None
        self._waiting.clear()

    def eof_received(self) -> bool:
        """Keep the other direction open: a client may close its own after the request."""
        if self._active is None and not self._waiting:
            return False
        self._closes()
        return True

    def data_received(self, data: bytes) -> None:
        """Parse what arrived."""
        if self.closing:
            self._drop(len(data))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse_now(refusal(400, "this service upgrades to no other protocol"))
        except httptools.HttpParserError as error:
            self._refuse_now(refusal(_status_of(error), "the request is no HTTP/1.1: %s" % (error.args or ("",))[0]))
            return
        reading = self._reading
        if reading is not None and not reading.done and not reading.method:  # still in the head
            self._head += len(data)
            if self._head > self._site.settings.max_header:
                self._refuse_now(refusal(431, "the headers are larger than %d bytes" % self._site.settings.max_header))

    # what httptools calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._reading = Request(time.perf_counter())
        self._head = 0
        self.since = time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Take the target, which may come in parts."""
        reading = self._reading
        reading.target += url  # type: ignore[union-attr]

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; repeats are joined (RFC 9110, section 5.3)."""
        headers = self._reading.headers  # type: ignore[union-attr]
        name = name.lower()
        if name in headers:
            value = headers[name] + b", " + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Decide what can be decided before the body."""
        request = self._reading
        assert request is not None
        parser = self._parser
        request.method = parser.get_method().decode("latin-1")
        request.close = not parser.should_keep_alive()
        path, _, query = request.target.partition(b"?")
        request.path, request.query = path.decode("latin-1"), query.decode("latin-1")
        request.ids, request.id, wrong = identify(request.headers)
        self._site.judge(request, wrong)
        if request.refused is None and b"expect" in request.headers and self._active is None:
            self._transport.write(_CONTINUE)
        if request.refused is not None and self._active is None and not self._waiting:
            self._active = request
            self._send_refusal(request)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        request = self._reading
        assert request is not None
        request.size += len(body)
        if request.refused is not None:
            self._drop(0 if request.size < _LINGER else 1 << 40)
            return
        if request.size > self._site.settings.max_body:
            request.refused = refusal(413, "the body is larger than %d bytes" % self._site.settings.max_body)
            request.body = []
            request.close = True
            if self._active is None and not self._waiting:
                self._active = request
                self._send_refusal(request)
            return
        request.body.append(body)

    def on_message_complete(self) -> None:
        """Have the request answered, when it is its turn."""
        request = self._reading
        assert request is not None
        self._reading = None
        request.complete = True
        self.since = time.monotonic()
        if request.done:
            self._next()
        elif self._active is None:
            self._active = request
            self._begin(request)
        else:
            self._waiting.append(request)
            if len(self._waiting) >= _MOST_WAITING and not self._paused:
                self._paused = True
                self._transport.pause_reading()

    # answers

    def _begin(self, request: Request) -> None:
        if request.refused is not None:
            self._send_refusal(request)
        else:
            self._site.answer(self, request)

    def answered(self, job: Job, status: int, head: bytes, body: bytes, flags: int) -> None:
        """Write the answer of a worker."""
        request: Request = job.context
        request.flags = flags
        if flags & wire.MORE:
            self._write_head(request, status, head, None)
            self._chunk(body)
            request.sent = len(body)
        else:
            self._write(request, status, head, body)

    def continued(self, job: Job, body: bytes, more: bool) -> None:
        """Write the next piece of a streamed body."""
        self._chunk(body)
        job.context.sent += len(body)
        if not more:
            self._transport.write(b"0\r\n\r\n")
            self._finished(job.context)

    def send(self, request: Request, answer: Answer) -> None:
        """Write an answer of the front itself."""
        lines = ["content-type: %s\r\n" % answer.content_type]
        lines += ["%s: %s\r\n" % pair for pair in answer.headers]
        self._write(request, answer.status, "".join(lines).encode("latin-1", "replace"), answer.body)

    def _write(self, request: Request, status: int, head: bytes, body: bytes) -> None:
        if self._transport is None or (self.closing and self._active is not request):
            return
        request.reply = body
        head = self._head_of(request, status, head, len(body))
        if request.method == "HEAD":
            self._transport.write(head)
        elif len(body) < 65536:
            self._transport.write(head + body)
        else:
            self._transport.writelines([head, body])
        self._finished(request)

    def _write_head(self, request: Request, status: int, head: bytes, length: Optional[int]) -> None:
        self._transport.write(self._head_of(request, status, head, length))

    def _head_of(self, request: Request, status: int, head: bytes, length: Optional[int]) -> bytes:
        request.status = status
        request.head = head
        request.sent = length or 0
        line = _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        extent = b"transfer-encoding: chunked\r\n" if length is None else b"content-length: %d\r\n" % length
        if request.close:
            extent += b"connection: close\r\n"
        return b"".join((line, self._site.common(), extent, request.ids, head, b"\r\n"))

    def _chunk(self, body: bytes) -> None:
        if body:
            self._transport.write(b"%x\r\n%b\r\n" % (len(body), body))

    def _send_refusal(self, request: Request) -> None:
        if (
            not request.complete
            and request.headers.get(b"content-length", b"0") != b"0"
            and b"expect" in request.headers
        ):
            request.close = True  # the body will never come, and nobody can tell where the next request begins
        self.send(request, request.refused)

    def _finished(self, request: Request) -> None:
        request.done = True
        self._site.finished(request)
        self.since = time.monotonic()
        if request.close or self._site.draining:
            self._close_soon(request)
        elif request.complete:
            self._next()

    def _next(self) -> None:
        self._active = None
        if self._waiting:
            self._active = self._waiting.popleft()
            if self._paused and not self._waiting:
                self._paused = False
                self._transport.resume_reading()
            self._begin(self._active)

    def _close_soon(self, request: Request) -> None:
        """Close, but let a client that still sends its body read the answer first."""
        self._active = None
        self._waiting.clear()
        if request.complete:
            self.closing = True
            self._transport.close()
        else:
            self._closes()

    def _closes(self) -> None:
        self.closing = True
        self._left = _LINGER
        if self._transport.can_write_eof() and self._active is None:
            self._transport.write_eof()

    _left = _LINGER

    def _drop(self, count: int) -> None:
        self._left -= count
        if self._left < 0 and self._transport is not None:
            self._transport.abort()

    def _refuse_now(self, answer: Answer) -> None:
        request = self._reading or Request(time.perf_counter())
        if request.done:
            return
        request.close = True
        request.complete = False
        request.ids = request.ids or identify({})[0]
        request.refused = answer
        if self._active is None and not self._waiting:
            self._active = request
            self.send(request, answer)
        else:
            self._waiting.append(request)

    # what the sweep asks

    def late(self, now: float, patience: float, keep_alive: float) -> bool:
        """Send away a client that is too slow, or idle for too long; tell if it was."""
        waited = now - self.since
        if self._active is not None and self._active.complete:
            return False
        if self.closing:
            if waited > 2.0:
                self._transport.abort()
            return waited > 2.0
        reading = self._reading
        if reading is None:
            if waited > keep_alive:
                self._transport.close()
            return waited > keep_alive
        if waited <= patience + reading.size / 1000:
            return False
        if reading.method:
            self._refuse_now(refusal(408, "the body did not arrive in time"))
        else:
            self._refuse_now(refusal(408, "the headers did not arrive in time"))
        self._transport.close()
        return True

    def close_if_idle(self) -> None:
        """Close unless a request is on its way or being answered."""
        if self._active is None and self._reading is None:
            self.closing = True
            self._transport.close()


def _status_of(error: Exception) -> int:
    return 501 if isinstance(error, httptools.HttpParserInvalidMethodError) else 400
