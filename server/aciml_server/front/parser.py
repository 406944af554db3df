"""Bytes into requests: HTTP/1.1 by httptools (llhttp), with the limits that hold before a request is known."""

from __future__ import annotations

import logging
import re
import time
from typing import Any, Optional, Protocol, Set

import httptools

from ..answers import refusal
from ..values import Answer
from .identifiers import identify
from .pace import Pace
from .request import Request

_LOG = logging.getLogger("aciml")
_LONGEST_TARGET = 8192  # bytes; RFC 9112, section 3, wants 8000 at least
_MOST_FIELDS = 256  # lines of a head, or of the trailers; repeats count
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.vV]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(:\d*)?", re.ASCII)
"""``uri-host [ ":" port ]`` of RFC 9110, section 7.2: an address, or a registered name of RFC 3986, 3.2.2."""
_METHOD = re.compile(rb"[\r\n]*[!#$%&'*+.^_`|~\w-]+(?: |\Z)", re.ASCII)
"""A method, which is a token (RFC 9110, section 9.1), and the space behind it, or as much of both as has come."""
_HOSTS: Set[bytes] = set()
"""Hosts that were found right: nearly all requests name one of a few."""
_MOST_HOSTS = 64
_FREE_OF_CHUNK = 16  # bytes around the data of a chunk that nobody counts: its size of 12 digits, two ends of lines


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
    """Reads one connection. ``request`` is the one that is being read, None between two.

    What is no body is counted, since nothing else bounds it: empty lines before a request, its head, and then what is
    around its chunks (sizes, extensions) and behind them (trailers). httptools keeps the beginning of a line until its
    end has come, and joins it anew with each piece: an endless line would cost the square of its length.
    Bytes are counted where it is certain whose they are, so that no request is refused for what others brought: of one
    that begins behind another in the same piece, not those of that piece (at most ``inflow.GULP``).
    """

    __slots__ = (
        "_began", "_beside", "_chunks", "_fields", "_http", "_listener", "_most_head", "_pace", "_skips_head",
        "_trailers", "request",
    )  # fmt: skip

    def __init__(self, listener: Listener, pace: Pace, most_head: int) -> None:
        """``pace`` has the time of each request; ``most_head``: bytes of its head, and as many beside its chunks."""
        self._listener = listener
        self._pace = pace
        self._most_head = most_head
        self._http = httptools.HttpRequestParser(self)
        self._beside = 0
        """Bytes of the part that is being read: empty lines, the head, or what is beside the body."""
        self._began = self._chunks = 0
        """Requests, and chunks, that began in the piece which is being parsed."""
        self._fields = self._trailers = 0
        """Repeats among the headers, or trailers; and the bytes of these."""
        self._skips_head = False
        self.request: Optional[Request] = None

    def feed(self, data: Any) -> None:
        """Parse ``data``, bytes or a view of them."""
        while len(data) and not self._listener.deaf:
            end, request = len(data), self.request
            if request is None:
                end = self._most_head or 1
            elif not request.method:
                end = self._most_head - self._beside
                if end <= 0:
                    self._too_large("headers are")
                    return
            self._parse(data[:end])  # all of it, nearly always; a piece ends where a head must have ended
            data = data[end:]

    def _parse(self, data: Any) -> None:
        before = self.request
        was_body = before is not None and bool(before.method)
        size = before.size if was_body else 0  # type: ignore[union-attr]
        self._began = self._chunks = 0
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
            # of a request behind another one in the same piece nobody knows where its line begins
            self._listener.unreadable(_refusal_of(error, b"" if self._began > 1 else data))
        request = self.request
        if request is None:
            if before is None and not self._began:
                self._count_empty_lines(data)
        elif not request.method:  # the head is not complete
            self._count_head(request, before, data)
        elif request is before and was_body:
            self._count_beside(len(data), request.size - size)

    def _count_empty_lines(self, data: Any) -> None:
        """Bound what a server should ignore before a request (RFC 9112, section 2.2); one line is what it means."""
        self._beside += len(data)
        if self._beside > self._most_head:
            self._listener.unreadable(
                refusal(400, "no request came, but more than %d empty lines" % (self._beside // 2))
            )

    def _count_head(self, request: Request, before: Optional[Request], data: Any) -> None:
        if request is before:
            self._beside += len(data)
        elif before is None and self._began == 1:
            # the usual case: a piece begins with a request, or with the empty line that old clients send
            self._beside = len(data) if data[0] > 13 else len(bytes(data).lstrip(b"\r\n"))
        if len(request.target) > _LONGEST_TARGET:
            self._listener.unreadable(_too_long())

    def _count_beside(self, read: int, body: int) -> None:
        """Count the sizes of chunks, their extensions and trailers: of ``read`` bytes all that are not the ``body``'s.

        As Go's net/http does: what is around a chunk may be as large as twice its data and a bit. That is not saved up,
        or many chunks would pay for one endless line.
        """
        more = read - 3 * body - _FREE_OF_CHUNK * self._chunks
        self._beside = max(0, self._beside + more)
        # the size of the last chunk and the empty line behind the trailers are none of these
        if self._beside > self._most_head + _FREE_OF_CHUNK:
            self._too_large("lines around the chunks of the body are")

    def _too_large(self, what: str) -> None:
        """Refuse by 431 (RFC 6585, section 5), which speaks of all fields."""
        self._listener.unreadable(refusal(431, "the %s larger than %d bytes" % (what, self._most_head)))

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
        self._began += 1
        self._beside = self._fields = 0
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
            if not self._skips_head:
                self._pass_over(name, value)
            return
        headers = request.headers  # type: ignore[union-attr]
        name = name.lower()
        if name in headers:
            # each repeat copies those before it
            self._fields += 1
            if self._fields > _MOST_FIELDS:
                return
            if name == b"host":
                request.wrong = "there are two Host headers"  # type: ignore[union-attr]
            value = headers[name] + b", " + value
        headers[name] = value

    def _pass_over(self, name: bytes, value: bytes) -> None:
        """Count a trailer; they have the limits of headers."""
        self._fields += 1
        self._trailers += len(name) + len(value) + 4
        if self._fields > _MOST_FIELDS:
            self._listener.unreadable(refusal(431, "there are more than %d trailers" % _MOST_FIELDS))
        elif self._trailers > self._most_head:
            self._too_large("trailers are")
        else:
            return
        raise _Deaf

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
        if len(headers) + self._fields > _MOST_FIELDS:
            wrong = "there are more than %d headers" % _MOST_FIELDS
        self._beside = self._fields = self._trailers = 0
        request.method = http.get_method().decode("latin-1")
        if request.close or b"connection" in headers:  # a usual request of HTTP/1.1 has neither: one call less
            version = http.get_http_version()
            request.old = version == "1.0"
            if version not in ("1.0", "1.1"):
                request.wrong = "HTTP/%s" % version
        if b"content-length" in headers:  # llhttp has refused one that is no number, or differs from another
            request.length = int(headers[b"content-length"])
        elif b"transfer-encoding" in headers:
            request.length = -1
        known = headers.get(b"host") in _HOSTS and len(request.target) <= _LONGEST_TARGET
        if request.wrong or not known or b"transfer-encoding" in headers:
            refused = _of_framing(request)
            if refused is not None:
                self._listener.unreadable(refused)
                raise _Deaf
        self._listener.head_read(request, wrong)

    def on_chunk_header(self) -> None:
        """Note that a chunk begins: the line with its size has ended."""
        self._chunks += 1

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


def _too_long() -> Answer:
    return refusal(414, "the target is longer than %d bytes" % _LONGEST_TARGET)  # RFC 9110, section 15.5.15


def _of_framing(request: Request) -> Optional[Answer]:
    """Return why a head cannot be trusted to say where its request ends, or whom it is for; None if it can."""
    if len(request.target) > _LONGEST_TARGET:  # all of it came at once, and was not counted
        return _too_long()
    if request.wrong.startswith("HTTP/"):  # RFC 9110, section 15.6.6
        return refusal(505, "%s is not spoken here; HTTP/1.1 is" % request.wrong)
    told = request.headers.get(b"transfer-encoding", b"chunked").split(b",")
    # empty elements of a list mean nothing (RFC 9110, section 5.6.1.2); llhttp refuses those behind the last coding
    codings = [one.strip().lower() for one in told if one.strip()]
    if codings[-1:] != [b"chunked"] or codings.count(b"chunked") > 1:  # RFC 9112, section 6.3, 4.3: its end is unknown
        return refusal(400, "the last transfer coding of a request has to be chunked, once")
    if codings != [b"chunked"]:  # RFC 9112, section 6.1
        return refusal(501, "no transfer coding but chunked is known here; compress by Content-Encoding")
    if request.wrong:
        return refusal(400, request.wrong)
    return _of_host(request)


def _of_host(request: Request) -> Optional[Answer]:
    """Return what is wrong with the host that is asked (RFC 9112, section 3.2)."""
    host = request.headers.get(b"host")
    if host is None:
        return None if request.old else refusal(400, "a request of HTTP/1.1 needs a Host header")
    # blanks around a value are none of it (RFC 9110, section 5.5); llhttp leaves a tab behind it
    if not _HOST.fullmatch(host.strip(b" \t")):
        return refusal(400, "the Host header is no host and port")
    if len(_HOSTS) < _MOST_HOSTS:
        _HOSTS.add(host)
    return None


def _refusal_of(error: Exception, line: Any) -> Answer:
    """Return the answer to what cannot be read; ``line`` begins with as much of the request line as is known."""
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        if line and not _METHOD.match(
            line
        ):  # "Recipients of an invalid request-line SHOULD respond with 400" (RFC 9112, 3)
            return refusal(400, "the request line is none: a method, one space, a target, one space, HTTP/1.1")
        return refusal(501, "no such method, or no HTTP")  # a method nobody knows (RFC 9110, section 9.1)
    return refusal(400, "the request is no HTTP/1.1: %s" % (error.args or ("",))[0])


def _path_of(target: bytes) -> bytes:
    """Return the path of a target in absolute form (RFC 9112, section 3.2.2); others stay as they are."""
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in (b"http", b"https"):
        return target
    _, slash, path = rest.partition(b"/")
    return slash + path or b"/"
