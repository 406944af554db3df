"""Traces and telemetry of requests, for OpenTelemetry collectors and Application Insights; off unless one is named.

Each request is a span of its own, a child of the client's (W3C Trace Context: ``traceparent``); ``run()`` gets it in
``request_headers``. What is recorded goes to a sender, whose thread does the rest.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional

from .. import records
from ..settings import Settings
from .access import run_ms
from .request import Request
from .trace import Scored, Trace, parent_of, sampler

if TYPE_CHECKING:
    from .delivery import Sender

_LOG = logging.getLogger("aciml.telemetry")
_SHIFT = time.perf_counter() - time.monotonic()


class Telemetry:
    """All exporters of one service."""

    def __init__(self, settings: Settings, spans: "Optional[Sender]", insights: "Optional[Sender]") -> None:
        """Take the senders that are wanted, at least one."""
        self._spans = spans
        self._insights = insights
        self.senders: "List[Sender]" = [sender for sender in (spans, insights) if sender is not None]
        self._keeps_answers = insights is not None and settings.app_insights_answers
        self._scheme = "https" if settings.tls_cert else "http"
        self._sample = sampler(settings.otel_sampler, settings.otel_sampler_arg)
        self._receiver: Optional[records.Receiver] = None
        if insights is not None and os.name == "posix":
            self._receiver = records.Receiver()
            os.environ[records.VARIABLE] = str(self._receiver.fd)  # workers take it
            logging.getLogger().addHandler(_Forward(self.record))

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen to what workers log, and let senders complain, now that a loop runs."""
        if self._receiver is not None:
            loop.add_reader(self._receiver.socket, self._listen)
        for sender in self.senders:
            sender.complain = lambda text: _say(loop, text)

    def begin(self, request: Request) -> None:
        """Give a request its span, and let ``run()`` see it as the parent of its own."""
        headers = request.headers
        request.trace = trace = self._trace(headers)
        headers[b"traceparent"] = ("00-%s-%s-%02d" % (trace.trace_id, trace.span_id, trace.sampled)).encode()
        # it means nothing without a parent that does (W3C Trace Context, section 3.3)
        if not trace.state:
            headers.pop(b"tracestate", None)

    def _trace(self, headers: Dict[bytes, bytes]) -> Trace:
        # both ids at once, 16 and 8 bytes (W3C Trace Context, section 3.2.2): one system call
        fresh = os.urandom(24).hex()
        found = parent_of(headers.get(b"traceparent", b""))
        if found is not None:
            trace_id, parent = found[2].decode(), found[3].decode()
            state = headers.get(b"tracestate", b"").decode("latin-1")
            sampled = self._sample(trace_id, bool(int(found[4], 16) & 1))
            return Trace(trace_id, fresh[32:], parent, state, sampled)
        return Trace(fresh[:32], fresh[32:], "", "", self._sample(fresh[:32], None))

    def take(self, page: Iterable[Request]) -> None:
        """Record finished requests."""
        shift = time.time() - time.perf_counter()
        for request in page:
            trace: Trace = request.trace or self._trace(request.headers)
            scored = self._scored(request, trace, shift)
            if self._spans is not None and trace.sampled:
                self._spans.put(scored)
            if self._insights is not None:
                self._insights.put(scored)

    def _scored(self, request: Request, trace: Trace, shift: float) -> Scored:
        headers = request.headers
        run = run_ms(request.head)
        waited = None
        if request.queued > 0.0:
            waited = max(0.0, (request.ended - request.queued - _SHIFT) * 1000 - (run or 0.0))
        return Scored(
            trace,
            int((request.started + shift) * 1e9),
            int((request.ended + shift) * 1e9),
            request.method,
            request.path,
            "" if request.route is None else request.route.label,
            request.status,
            run,
            waited,
            request.id.decode("latin-1"),
            headers.get(b"x-ms-client-request-id", b"").decode("latin-1"),
            headers.get(b"host", b"").decode("latin-1"),
            self._scheme,
            headers.get(b"user-agent", b"").decode("latin-1"),
            request.size,
            request.sent,
            request.reply[:8192] if self._keeps_answers else b"",
        )

    def record(self, record: Dict[str, Any]) -> None:
        """Record what was logged or printed."""
        if self._insights is not None:
            self._insights.put(record)

    def _listen(self) -> None:
        if self._receiver is not None:
            for record in self._receiver.records():
                self.record(record)

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        self._listen()
        for sender in self.senders:
            sender.end()
        until = time.monotonic() + 5.0
        for sender in self.senders:
            sender.join(until)


def open_telemetry(settings: Settings) -> Optional[Telemetry]:
    """Return the exporters that the settings name; None if there are none, and then nothing of them is imported."""
    spans = insights = None
    wanted = settings.otel_exporter.strip().lower() in {"", "otlp"} and not settings.otel_disabled
    if (settings.otlp_endpoint or settings.otlp_traces_endpoint) and wanted:
        from . import otlp

        spans = otlp.open_sender(settings)
    if settings.app_insights or settings.app_insights_on:
        from . import insights as breeze

        insights = breeze.open_sender(settings)
    if spans is None and insights is None:
        return None
    return Telemetry(settings, spans, insights)


def _say(loop: asyncio.AbstractEventLoop, text: str) -> None:
    try:
        # the sender's thread must not write: what it logs goes into the sheet, which is the loop's alone
        loop.call_soon_threadsafe(_LOG.warning, "%s", text)
    except RuntimeError:  # the loop has ended
        return


class _Forward(logging.Handler):
    """Records what the front itself logs; not what is said of telemetry, which would never end."""

    def __init__(self, record: Callable[[Dict[str, Any]], None]) -> None:
        super().__init__()
        self._record = record

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != _LOG.name:
            from ..logs import record_of

            self._record(record_of(record))
