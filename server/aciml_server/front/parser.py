"""Bytes into requests: HTTP/1.1 by httptools (llhttp), with the limits that hold before a request is known."""

from __future__ import annotations

import logging
import time
from typing import Any, Optional, Protocol

import httptools

from ..answers import refusal
from ..values import Answer
from .identifiers import identify
from .pace import Pace
from .request import Request

_LOG = logging.getLogger("aciml")
_LONGEST_TARGET = 8192  # bytes; RFC 9112, section 3, wants 8000 at least


class Listener(Protocol):
    """Who is told what was read. The calls come while bytes are fed, in the order of the bytes."""

    deaf: bool
    """Nobody will answer what is read from now on."""

    def head_read(self, request: Request, wrong: str) -> None:
        """Decide what the head alone decides; ``wrong`` is what is wrong with its ids, empty if nothing is."""

    def body_came(self, request: Request) -> None:
        """Look after a body that has more than one piece, or is not wanted any more."""

    def read(self, request: Request) -> None:
        """Take a whole request."""

    def unreadable(self, answer: Answer) -> None:
        """Answer what cannot be read any further; no byte after it can be understood."""


class Parser:
    """Reads one connection. ``request`` is the one that is being read, None between two."""

    __slots__ = ("_head", "_http", "_listener", "_most_head", "_pace", "_skips_head", "request")

    def __init__(self, listener: Listener, pace: Pace, most_head: int) -> None:
        """``pace`` has the time of each request; ``most_head``: bytes that its head may have."""
        self._listener = listener
        self._pace = pace
        self._most_head = most_head
        self._http = httptools.HttpRequestParser(self)
        self._head = 0
        self._skips_head = False
        self.request: Optional[Request] = None

    def feed(self, data: Any) -> None:
        """Parse ``data``, bytes or a view of them."""
        try:
            self._http.feed_data(data)
        # llhttp ends at the offer; the argument is where
        except httptools.HttpParserUpgrade as upgrade:
            self._stay()
            rest = bytes(data[upgrade.args[0] :])
            if rest:
                self.feed(rest)
                return
        except httptools.HttpParserCallbackError:
            if not self._listener.deaf:
                _LOG.exception("this server has a mistake")
                self._listener.unreadable(refusal(500, "an error of this server; its log has the details"))
        except httptools.HttpParserError as error:
            self._listener.unreadable(_refusal_of(error))
        request = self.request
        if request is not None and not request.method:  # the head is not complete
            self._head += len(data)
            if len(request.target) > _LONGEST_TARGET:  # 414, RFC 9110, section 15.5.15
                self._listener.unreadable(refusal(414, "the target is longer than %d bytes" % _LONGEST_TARGET))
            elif self._head > self._most_head:  # 431, RFC 6585, section 5
                self._listener.unreadable(refusal(431, "the headers are larger than %d bytes" % self._most_head))

    @property
    def known(self) -> int:
        """Bytes to come that are surely of the body that is being read; 0 if it does not say its length."""
        request = self.request
        return request.length - request.size if request is not None and request.method else 0

    def forget(self) -> Optional[Request]:
        """Read no further in a request, and return it."""
        request, self.request = self.request, None
        return request

    # what httptools calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._skips_head:
            return
        if self._listener.deaf:
            raise _Deaf
        self.request = Request(time.perf_counter())
        self._head = 0
        pace = self._pace
        pace.since, pace.heard = time.monotonic(), 0

    def on_url(self, url: bytes) -> None:
        """Take the target, which may come in parts."""
        if not self._skips_head:
            self.request.target += url  # type: ignore[union-attr]

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; repeats are joined (RFC 9110, section 5.3)."""
        request = self.request
        if request.method:  # type: ignore[union-attr]  # trailers: merged, they could forge a header (RFC 9110, 6.5.1)
            return
        headers = request.headers  # type: ignore[union-attr]
        name = name.lower()
        if name in headers:
            value = headers[name] + b", " + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Have the head judged before the body is read."""
        if self._skips_head:
            return
        request: Request = self.request  # type: ignore[assignment]
        headers = request.headers
        http = self._http
        request.close = not http.should_keep_alive()
        path, _, query = request.target.partition(b"?")
        if path[:1] != b"/":
            path = _path_of(path)
        # Latin-1 keeps each byte what it was; a route is ASCII, and a script undoes the percent signs itself
        request.path, request.query = path.decode("latin-1"), query.decode("latin-1")
        request.ids, request.id, wrong = identify(headers)
        request.method = http.get_method().decode("latin-1")
        if request.close or b"connection" in headers:  # a usual request of HTTP/1.1 has neither: one call less
            request.old = http.get_http_version() == "1.0"
        if b"content-length" in headers:  # llhttp has refused one that is no number, or differs from another
            request.length = int(headers[b"content-length"])
        elif b"transfer-encoding" in headers:
            request.length = -1
        self._listener.head_read(request, wrong)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        request: Request = self.request  # type: ignore[assignment]
        request.size += len(body)
        if request.refused is None:
            request.body.append(body)
            if len(request.body) == 1:  # nearly all come in one piece
                return
        self._listener.body_came(request)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        request: Request = self.request  # type: ignore[assignment]
        if b"upgrade" in request.headers and request.length and not self._skips_head and self._http.should_upgrade():
            return  # its body comes nevertheless; see ``_stay``
        self.request = None
        request.complete = True
        self._listener.read(request)

    def _stay(self) -> None:
        """Go on in HTTP/1.1 after an offer of another protocol, which a server may ignore (RFC 9110, section 7.8).

        The parser stops there, so another one reads on; the head that it needs to find the end of a body is told again.
        """
        request = self.request
        self._http = httptools.HttpRequestParser(self)
        if request is not None:
            extent = b"transfer-encoding: chunked" if request.length < 0 else b"content-length: %d" % request.length
            self._skips_head = True
            self._http.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % extent)
            self._skips_head = False


class _Deaf(Exception):
    """Ends the parsing of bytes that nobody will answer."""


def _refusal_of(error: Exception) -> Answer:
    if isinstance(error, httptools.HttpParserInvalidMethodError):  # a method nobody knows is 501 (RFC 9110, 9.1)
        return refusal(501, "no such method, or no HTTP")
    return refusal(400, "the request is no HTTP/1.1: %s" % (error.args or ("",))[0])


def _path_of(target: bytes) -> bytes:
    """Return the path of a target in absolute form (RFC 9112, section 3.2.2); others stay as they are."""
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in (b"http", b"https"):
        return target
    _, slash, path = rest.partition(b"/")
    return slash + path or b"/"
