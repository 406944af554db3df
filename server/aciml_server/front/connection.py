"""One client's connection: HTTP/1.1 by httptools, one request after the other, answers in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Any, Deque, Optional

import httptools

from ..answers import refusal
from ..values import Answer
from . import presence
from .identifiers import identify
from .request import Request
from .room import FREE, STEP
from .sender import Sender

_LOG = logging.getLogger("aciml")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_GULP = 4096  # bytes that are parsed at once outside of bodies, so that few requests can hide in them
_MOST_WAITING = 16  # pipelined requests from which no more are read
_MOST_HEADERS = 256
_LONGEST_TARGET = 8192
_SKIP = 64 * 1024  # bytes of a refused body that are read for the sake of the connection
_SLOWEST = 1000  # bytes per second, in any time as long as the patience, that a body must bring
_LINGER = 2.0  # seconds of silence after which a refused client is not listened to any more
_LATER = (("retry-after", "1"),)


class Connection(Sender):
    """Reads requests, asks the site what to do with them, and has them answered in their order."""

    def __init__(self, site: Any) -> None:
        """``site`` is the ``Site`` that all connections share."""
        super().__init__(site)
        self._parser = httptools.HttpRequestParser(self)
        self._active: Optional[Request] = None
        self._reading: Optional[Request] = None
        self._waiting: Deque[Request] = deque()
        self._held = b""
        self._head = 0
        self._paused = self._pumping = self._deaf = self._ended = self._skips_head = False
        self._wants = 0
        self._stuck = (0, 0.0)
        self._until = 0.0
        self._heard = 0
        self._careful = False
        self.crowded = False
        """There are too many connections; this one is told so."""
        self.closing = False
        self.since = 0.0
        """When the part of a request that is being read began, or the connection became idle or deaf."""

    # what asyncio calls

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = transport
        self.since = time.monotonic()
        self._careful = self.crowded or self._site.cors is not None
        self._site.opened(self)

    def connection_lost(self, error: Optional[Exception]) -> None:  # noqa: ARG002  # the protocol's
        """Withdraw what nobody waits for any more."""
        self.closing = self._deaf = True
        self._held = b""
        self._site.lost(self)
        for request in (self._active, self._forget(), *self._waiting):
            if request is not None and not request.done:
                request.done = True
                self._release(request)
                self._site.left(request)
                request.job = None
        self._active = None
        self._waiting.clear()

    def eof_received(self) -> bool:
        """Go on for a client that ended its own half after its requests, and only for one."""
        if self.closing or (self._active is None and not self._waiting):
            return False
        self._deaf = self._ended = True
        self._forget()
        first = self._active or self._waiting[0]
        if self._transport.get_extra_info("ssl_object"):
            return False
        if first.old or first.streams:
            return True
        if self._transport.get_write_buffer_size() or not presence.ask(self._transport):
            return False
        self._look(0.001)
        return not self._transport.is_closing()

    def _look(self, wait: float) -> None:
        """See whether the client is gone; ask again later, ever more seldom."""
        if self._transport.is_closing() or self._active is None or self._active.streams:
            return
        if presence.is_gone(self._transport):
            self._transport.abort()
        elif wait < 2:  # seconds; no reset takes longer
            asyncio.get_running_loop().call_later(wait, self._look, wait * 4)

    def pause_writing(self) -> None:
        """Begin no other answer until the client took this one."""
        self._choked = True
        self._stuck = (0, time.monotonic())
        if self._active is not None and self._active.job is not None:
            self._active.job.pause()
        self._flow()

    def resume_writing(self) -> None:
        """Go on."""
        self._choked = False
        if self._active is not None and self._active.job is not None:
            self._active.job.go_on()
        self._pump()
        self._flow()

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, in one piece if that is safe."""
        if self._deaf:
            self.since = min(time.monotonic(), self._until)
        elif len(data) <= _GULP and not self._held:
            self._feed(data)
        else:
            self._held += data
            self._gulp()

    def _gulp(self) -> None:
        view, start = memoryview(self._held), 0
        self._held = b""
        while start < len(view) and not self._deaf:
            if self._is_full():
                self._held = bytes(view[start:])
                break
            reading = self._reading
            known = reading.length - reading.size if reading is not None and reading.method else 0
            end = start + max(_GULP, known)
            self._feed(view[start:end])
            start = end
        self._flow()

    def _feed(self, data: Any) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay()
            rest = bytes(data[upgrade.args[0] :])
            if rest:
                self._feed(rest)
                return
        except httptools.HttpParserCallbackError:
            if not self._deaf:
                _LOG.exception("this server has a mistake")
                self._garbled(refusal(500, "an error of this server; its log has the details"))
        except httptools.HttpParserError as error:
            self._garbled(_refusal_of(error))
        reading = self._reading
        if reading is not None and not reading.method:  # still in the head
            self._head += len(data)
            if len(reading.target) > _LONGEST_TARGET:
                self._garbled(refusal(414, "the target is longer than %d bytes" % _LONGEST_TARGET))
            elif self._head > self._site.settings.max_header:
                self._garbled(refusal(431, "the headers are larger than %d bytes" % self._site.settings.max_header))

    # what httptools calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._deaf:
            raise _Deaf
        if self._skips_head:
            return
        self._reading = Request(time.perf_counter())
        self._head = self._heard = 0
        self.since = time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Take the target, which may come in parts."""
        if not self._skips_head:
            self._reading.target += url  # type: ignore[union-attr]

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; repeats are joined (RFC 9110, section 5.3). What comes after the body is left out."""
        request = self._reading
        if request.method:  # type: ignore[union-attr]
            return
        headers = request.headers  # type: ignore[union-attr]
        name = name.lower()
        if name in headers:
            value = headers[name] + b", " + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Decide what can be decided before the body."""
        if self._skips_head:
            return
        request: Request = self._reading  # type: ignore[assignment]
        headers = request.headers
        parser = self._parser
        request.close = not parser.should_keep_alive()
        path, _, query = request.target.partition(b"?")
        if path[:1] != b"/":
            path = _path_of(path)
        request.path, request.query = path.decode("latin-1"), query.decode("latin-1")
        request.ids, request.id, wrong = identify(headers)
        request.method = parser.get_method().decode("latin-1")
        if request.close or b"connection" in headers:
            request.old = parser.get_http_version() == "1.0"
        if b"content-length" in headers:
            request.length = int(headers[b"content-length"])
        elif b"transfer-encoding" in headers:
            request.length = -1
        self._site.judge(request, wrong)
        if self._careful or b"expect" in headers or len(headers) > _MOST_HEADERS:
            self._judge_more(request)
        if request.refused is not None:
            request.close = request.close or request.method == "CONNECT"
            self._pump()
        elif request.length > FREE or request.expects:
            self._admit(request)

    def _judge_more(self, request: Request) -> None:
        cors = self._site.cors
        headers = request.headers
        if len(headers) > _MOST_HEADERS:
            request.refused = refusal(431, "there are more than %d headers" % _MOST_HEADERS)
        if b"expect" in headers and not request.old:
            request.expects = True
            if headers[b"expect"].lower() != b"100-continue" and request.refused is None:
                request.refused = refusal(417, "the only expectation that can be met is 100-continue")
        if cors is not None and b"origin" in headers:
            request.ids += cors.lines(headers[b"origin"])
            if request.method == "OPTIONS":
                request.refused = cors.preflight(headers) or request.refused
        if self.crowded:
            request.refused = refusal(503, "there are too many connections", _LATER)
            request.close = True

    def _admit(self, request: Request) -> None:
        """Make room for a large body before it is asked for."""
        if request.length > FREE:
            if not self._site.room.take(request.length):
                self._wants = request.length
                self._site.room.wait(self, request.length)
                self.since = time.monotonic()
                self._flow()
                return
            request.reserved = request.length
        self._welcome(request)

    def granted(self) -> None:
        """Read the body for which there is room now."""
        request = self._reading
        size, self._wants = self._wants, 0
        if request is None or request.done:
            self._site.room.give(size)
            return
        request.reserved = size
        self.since = time.monotonic()
        self._welcome(request)
        asyncio.get_running_loop().call_soon(self._flow)

    def _welcome(self, request: Request) -> None:
        """Ask for the body of a client that waits for that, when its turn has come."""
        if request.expects and not self._wants and self._active is None and not self._waiting:
            request.expects = False
            if not request.size:
                self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        request: Request = self._reading  # type: ignore[assignment]
        size = request.size = request.size + len(body)
        if request.refused is not None:
            if size > _SKIP:
                request.close = True
            return
        request.body.append(body)
        if len(request.body) > 1:
            self._more(request)

    def _more(self, request: Request) -> None:
        """Look after a body of several pieces."""
        request.join()
        if request.size > self._site.settings.max_body:
            self._refuse_body(request, refusal(413, "the body is larger than %d bytes" % self._site.settings.max_body))
        elif request.size > FREE and request.size > request.reserved and not self._wants:
            if self._site.room.take(STEP):
                request.reserved += STEP
            else:
                self._refuse_body(request, refusal(503, "too many bodies are on their way", _LATER))

    def _refuse_body(self, request: Request, answer: Answer) -> None:
        request.refused = answer
        request.body = []
        request.close = True
        self._release(request)
        self._pump()

    def on_message_complete(self) -> None:
        """Have the request answered, when it is its turn."""
        request: Request = self._reading  # type: ignore[assignment]
        if b"upgrade" in request.headers and request.length and not self._skips_head and self._parser.should_upgrade():
            return  # its body comes nevertheless; see ``_stay``
        self._reading = None
        request.complete = True
        self.since = time.monotonic()
        if request.done:  # a refusal that was sent before the body
            if request is self._active:
                self._active = None
                self._pump()
            return
        if request.size > self._site.settings.max_body and request.refused is None:
            self._refuse_body(request, refusal(413, "the body is larger than %d bytes" % self._site.settings.max_body))
        if self._active is None and not self._waiting and not self._choked:
            self._active = request
            self._begin(request)
        else:
            self._waiting.append(request)

    def _stay(self) -> None:
        """Go on in HTTP/1.1 after an offer of another protocol, which a server may ignore (RFC 9110, section 7.8).

        The parser stops there, so another one reads on; the head that it needs to find the end of a body is told again.
        """
        request = self._reading
        self._parser = httptools.HttpRequestParser(self)
        if request is not None:
            extent = b"transfer-encoding: chunked" if request.length < 0 else b"content-length: %d" % request.length
            self._skips_head = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % extent)
            self._skips_head = False

    # one after the other

    def _begin(self, request: Request) -> None:
        if request.refused is not None:
            self._send_refusal(request)
        else:
            self._site.answer(self, request)

    def _pump(self) -> None:
        """Begin the next answers, as long as each is there at once."""
        if self._pumping:
            return
        self._pumping = True
        while self._active is None and not self._choked and not self.closing:
            reading = self._reading
            if self._waiting:
                request = self._waiting.popleft()
            elif reading is not None and reading.refused is not None:
                request = reading
            else:
                break
            self._active = request
            self._begin(request)
        self._pumping = False
        if self._reading is not None and self._reading.expects:
            self._welcome(self._reading)
        if self._paused or self._held:
            self._flow()

    def _send_refusal(self, request: Request) -> None:
        if not request.complete and (request.expects or not 0 <= request.length <= _SKIP):
            request.close = True  # nobody knows where the next request begins, or when
        self.send(request, request.refused)  # type: ignore[arg-type]

    def _finished(self, request: Request) -> None:
        request.done = True
        self._site.finished(request)
        request.job = None  # they know each other; nobody but the collector would free the body
        if request.reserved:
            self._release(request)
        if request.close:
            self._close_after(request)
        elif request.complete:
            self.since = time.monotonic()
            self._active = None
            if self._waiting or self._paused or self._held or self._reading is not None:
                self._pump()
            if self._ended and not self._waiting and self._active is None:
                self._transport.close()

    def _last(self) -> bool:
        return not self._waiting and self._reading is None and not self._held

    def _release(self, request: Request) -> None:
        size, request.reserved = request.reserved, 0
        if size:
            self._site.room.give(size)

    def _forget(self) -> Optional[Request]:
        """Read no further in a request, and return it."""
        request, self._reading = self._reading, None
        if self._wants:
            self._wants = 0
            self._site.room.leave(self)
        if request is not None:
            self._release(request)
        return request

    # the flow of bytes

    def _is_full(self) -> bool:
        return self._choked or self._wants > 0 or len(self._waiting) >= _MOST_WAITING

    def _flow(self) -> None:
        """Read, or read no more, as the state of things is."""
        if self.closing or self._ended or self._transport.is_closing():
            return
        if self._held and not self._is_full() and not self._pumping:
            self._gulp()
            return
        full = bool(self._held) or self._is_full()
        if full != self._paused and not self._deaf:
            self._paused = full
            if full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    # the end

    def _garbled(self, answer: Answer) -> None:
        """Answer in its turn what cannot be read any further, and read nothing more."""
        if self._deaf:
            return
        self._deaf = True
        self._held = b""
        request = self._forget() or Request(time.perf_counter())
        if request.done:  # it has its answer
            request.close = True
            self._close_after(request)
            return
        request.ids = request.ids or identify(request.headers)[0]
        request.method, request.path = request.method or "-", request.path or "-"
        request.close, request.refused = True, answer
        self._waiting.append(request)
        self._pump()

    def _close_after(self, request: Request) -> None:
        """Close, but let a client that still sends read the answer first: unread bytes would make it a reset."""
        self._active = None
        self._waiting.clear()
        self.closing = self._deaf = True
        self._held = b""
        self.since = time.monotonic()
        self._until = self.since + self._site.settings.patience
        if self._ended or (request.complete and not self._site.draining):
            self._transport.close()
            return
        if self._paused:
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    # what the sweep asks

    def late(self, now: float, patience: float, keep_alive: float) -> bool:
        """Send away a client that is too slow, or idle for too long; tell if it was."""
        waited = now - self.since
        if self._choked and self._is_stuck(now, patience):
            self._transport.abort()
            return True
        if self.closing:
            limit = patience if self._transport.get_write_buffer_size() else _LINGER
            if waited > limit:
                self._transport.abort()
            return waited > limit
        reading = self._reading
        if reading is not None:
            return waited > patience and not self._choked and self._give_up(reading, now)
        idle = self._active is None and not self._waiting and waited > keep_alive
        if idle:
            self.hang_up()
        return idle

    def _give_up(self, reading: Request, now: float) -> bool:
        """Send the client away unless this server keeps it waiting, or its body comes fast enough."""
        if self._wants:
            self._garbled(refusal(503, "too many bodies are on their way", _LATER))
            return True
        if self._paused:
            return False
        if reading.method and reading.size - self._heard > _SLOWEST * (now - self.since):
            self._heard, self.since = reading.size, now
            return False
        self._garbled(refusal(408, "the %s did not arrive in time" % ("body" if reading.method else "headers")))
        return True

    def _is_stuck(self, now: float, patience: float) -> bool:
        """Tell if the client took nothing of its answer for long."""
        size, since = self._stuck
        left = self._transport.get_write_buffer_size()
        if left != size:
            self._stuck = (left, now)
            return False
        return now - since > patience

    @property
    def is_idle(self) -> bool:
        """Tell if no request is on its way or being answered."""
        return self._active is None and self._reading is None and not self._waiting and not self._held

    def close_if_idle(self) -> None:
        """Close unless a request is on its way or being answered."""
        if self.is_idle and not self.closing:
            self.hang_up()

    def hang_up(self) -> None:
        """Close an idle connection."""
        self.closing = self._deaf = True
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is lost."""
        self._transport.abort()

    def refuse_all(self, answer: Answer) -> None:
        """Answer all that waits, because nothing else will."""
        for request in (self._active, *self._waiting):
            if request is not None and not request.done and request.complete and not request.streams:
                request.close = True
                self.send(request, answer)
                return
        self._transport.abort()


class _Deaf(Exception):
    """Ends the parsing of bytes that nobody will answer."""


def _refusal_of(error: Exception) -> Answer:
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return refusal(501, "no such method, or no HTTP")
    return refusal(400, "the request is no HTTP/1.1: %s" % (error.args or ("",))[0])


def _path_of(target: bytes) -> bytes:
    """Return the path of a target in absolute form (RFC 9112, section 3.2.2); others stay as they are."""
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in (b"http", b"https"):
        return target
    _, slash, path = rest.partition(b"/")
    return slash + path or b"/"
