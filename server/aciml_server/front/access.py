"""Lines of the access log: ``METHOD PATH STATUS 0.000ms LEN ID``, no query.

``LEN`` is the size of the answer's body, ``ID`` that of the request, which stands beside what a worker logs of it.
"""

from __future__ import annotations

import json
import os
import time
from typing import Callable, Iterable, List, Optional

from .. import logs
from ..settings import Settings
from .request import Request

_KEPT = 4096
"""Bytes of a body that ``log_payloads`` shows."""
_RUN = b"x-ms-run-fn-exec-ms: "
_RUN_SIZE = len(_RUN)


def writer(settings: Settings) -> Optional[Callable[[Iterable[Request]], bytes]]:
    """Return what turns finished requests into lines; None if there is no access log."""
    if not settings.access_log or not logs.is_enabled("aciml.access"):
        return None
    return _Json(settings).lines if is_json(settings) else _Text(settings).lines


def is_json(settings: Settings) -> bool:
    """Tell if log lines are JSON."""
    return settings.log_format.strip().lower() == "json"


class _Clock:
    """Turns times of ``perf_counter`` into text; the second is written once."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._second = -1
        self._text = ""

    def shift(self) -> float:
        """Return what has to be added to get seconds of the epoch; the system's clock may be set."""
        return time.time() - time.perf_counter()

    def at(self, when: float) -> str:
        """Return the time to the millisecond."""
        second = int(when)
        if second != self._second:
            self._second = second
            self._text = time.strftime(self._form, time.gmtime(second))
        return "%s%03d" % (self._text, (when - second) * 1000)


class _Text:
    def __init__(self, settings: Settings) -> None:
        self._clock = _Clock("%Y-%m-%d %H:%M:%S,")
        self._payloads = settings.log_payloads
        self._name = " I [%d] aciml.access - " % os.getpid()

    def lines(self, page: Iterable[Request]) -> bytes:
        lines: List[str] = []
        clock, name = self._clock, self._name
        # once a page: the system's clock may be set in between, and lines of one page have one order
        shift = clock.shift()
        for request in page:
            ended = request.ended
            path = request.path
            # nobody who calls may write a line, or move the cursor of who reads the log
            if not path.isascii() or not path.isprintable():
                # escaped and not dropped: what was asked for can still be read
                path = path.encode("unicode_escape").decode()
            when = clock.at(ended + shift)
            took = (ended - request.started) * 1000
            lines.append(
                "%s%s%s %s %d %.3fms %d %s\n"
                % (when, name, request.method or "-", path or "-", request.status, took, request.sent, _id(request))
            )
            if self._payloads:
                for which, text in (("request", _shown(request)), ("answer", _text(request.reply))):
                    # in ASCII: a body is the client's, and a line end in it would begin a line of the log
                    lines.append("%s%s%s of %s: %s\n" % (when, name, which, request.id.decode(), ascii(text)))
        return "".join(lines).encode()


class _Json:
    """Writes objects by a template: a general writer of JSON would cost three times as much."""

    def __init__(self, settings: Settings) -> None:
        self._clock = _Clock("%Y-%m-%dT%H:%M:%S.")
        self._payloads = settings.log_payloads
        self._models = {"/score/" + name: ', "model": "%s"' % _inner(name) for name in settings.models}
        self._form = (
            '{"time": "%%sZ", "level": "INFO", "logger": "aciml.access", "pid": %d, "message": "%%s %%s %%d", '
            '"method": "%%s", "path": "%%s", "status": %%d, "duration_ms": %%.3f, "request_bytes": %%d, "bytes": %%d, '
            '"request_id": "%%s"%%s}\n'
        ) % os.getpid()

    def lines(self, page: Iterable[Request]) -> bytes:
        clock, form = self._clock, self._form
        shift = clock.shift()
        lines: List[str] = []
        for request in page:
            ended, method, status = request.ended, request.method, request.status
            # the path is the client's word, and would end the text that it stands in
            path = _inner(request.path)
            took = (ended - request.started) * 1000
            lines.append(
                form
                % (
                    clock.at(ended + shift), method, path, status, method, path, status, took,
                    request.size, request.sent, _inner(request.id.decode("latin-1")), self._more(request),
                )
            )  # fmt: skip
        return "".join(lines).encode()

    def _more(self, request: Request) -> str:
        """Return the fields that not every line has."""
        more = ""
        # the worker wrote it there: to look for it costs less than to carry one more field with each answer
        at = request.head.find(_RUN)
        if at >= 0:
            at += _RUN_SIZE
            more = ', "run_ms": ' + request.head[at : request.head.index(b"\r", at)].decode("latin-1")
        route = request.route
        if route is not None and route.label in self._models:
            more += self._models[route.label]
        if request.trace is not None:
            more += ', "trace_id": "%s", "span_id": "%s"' % (request.trace.trace_id, request.trace.span_id)
        if self._payloads:
            bodies = {"request_body": _shown(request), "answer_body": _text(request.reply)}
            more += ", " + json.dumps(bodies)[1:-1]
        return more


def _id(request: Request) -> str:
    return request.id.decode("latin-1") or "-"


def _inner(text: str) -> str:
    """Return text as it stands between the quotes of JSON."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return json.dumps(text)[1:-1]


def run_ms(head: bytes) -> Optional[float]:
    """Find out how long ``run`` took, from the header lines of the answer; None if it was not called."""
    at = head.find(_RUN)
    if at < 0:
        return None
    at += _RUN_SIZE
    return float(head[at : head.index(b"\r", at)])


def _shown(request: Request) -> str:
    body = b"".join(request.body or ())
    coding = request.headers.get(b"content-encoding", b"")
    if coding in {b"gzip", b"deflate"}:
        import zlib

        try:
            body = zlib.decompressobj(47).decompress(body, _KEPT + 1)  # 32 + 15: gzip or zlib
        except zlib.error:
            return "<%d bytes that are no %s>" % (len(body), coding.decode())
    return _text(body)


def _text(body: bytes) -> str:
    body = bytes(body[: _KEPT + 1])
    try:
        text = body[:_KEPT].decode()
    except UnicodeDecodeError as error:
        if len(body) <= _KEPT or error.start < _KEPT - 3:  # not merely a letter that was cut
            return "<binary>"
        text = body[: error.start].decode()
    return text + ("..." if len(body) > _KEPT else "")
