"""Spans in OTLP/HTTP with JSON, the stable protocol of OpenTelemetry 1.x.

Source: opentelemetry.io/docs/specs/otlp (ids are hexadecimal, 64-bit integers are strings, enums are numbers) and the
semantic conventions of HTTP servers.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import socket
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import unquote

from .. import __version__
from ..settings import Settings
from .delivery import Channel, Outcome, Reply, Sender
from .trace import Scored

_LOG = logging.getLogger("aciml.telemetry")
_SERVER = 2  # SPAN_KIND_SERVER
_ERROR = 2  # STATUS_CODE_ERROR
_RETRY = frozenset((0, 429, 502, 503, 504))  # those of OTLP, section "Failures", and no answer at all


def open_sender(settings: Settings) -> Optional[Sender]:
    """Return what sends spans; None, with a warning, if the endpoint is no URL."""
    url = settings.otlp_traces_endpoint or settings.otlp_endpoint.rstrip("/") + "/v1/traces"
    if settings.otlp_protocol not in {"", "http/json"}:
        _LOG.warning(
            "spans are sent as http/json; OTEL_EXPORTER_OTLP_PROTOCOL %r is not known here", settings.otlp_protocol
        )
    headers = {
        "content-type": "application/json",
        "user-agent": "aciml/" + __version__,
        **dict(pairs(settings.otlp_headers)),
    }
    try:
        channel = Channel(url, headers)
    except ValueError as error:
        _LOG.warning("no spans are sent: the endpoint is %s", error)
        return None
    return Sender(Otlp(channel, resource(settings)), settings.otlp_timeout_ms / 1000)


def pairs(text: str) -> List[Tuple[str, str]]:
    """Read ``name=value,name=value``, percent-encoded, as the OTEL variables have it."""
    found = []
    for part in text.split(","):
        name, separator, value = part.partition("=")
        if separator and name.strip():
            found.append((unquote(name.strip()), unquote(value.strip())))
    return found


def resource(settings: Settings) -> List[Dict[str, Any]]:
    """Return the attributes of the service; the user's win."""
    found: Dict[str, Any] = {
        "service.name": settings.service_name,
        "service.version": settings.service_version,
        "service.instance.id": "%s-%d" % (socket.gethostname(), os.getpid()),
        "host.name": socket.gethostname(),
        "process.runtime.name": platform.python_implementation().lower(),
        "process.runtime.version": platform.python_version(),
        # not "opentelemetry", which is kept for the project's own SDKs (semantic conventions, "Telemetry SDK")
        "telemetry.sdk.name": "aciml",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": __version__,
    }
    # before the name: OTEL_SERVICE_NAME wins over a service.name in here (SDK environment variables)
    found.update(pairs(settings.otel_attributes))
    if settings.otel_service:
        found["service.name"] = settings.otel_service
    return attributes(found)


def attributes(found: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Write attributes; those that are None or empty are left out."""
    return [{"key": name, "value": _value(value)} for name, value in found.items() if value is not None and value != ""]


def _value(value: Any) -> Dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}


def span(scored: Scored) -> Dict[str, Any]:
    """Return a request as a span."""
    trace = scored.trace
    host, port = _host(scored.host)
    # 4xx is the client's, and no error of a server's span (semantic conventions of HTTP)
    failed = scored.status >= 500
    found: Dict[str, Any] = {
        "traceId": trace.trace_id,
        "spanId": trace.span_id,
        "flags": 1,  # sampled
        "name": "%s %s" % (scored.method, scored.route) if scored.route else scored.method or "HTTP",
        "kind": _SERVER,
        "startTimeUnixNano": str(scored.started),
        "endTimeUnixNano": str(scored.ended),
        "attributes": attributes(
            {
                "http.request.method": scored.method or "_OTHER",
                "url.path": scored.path,
                "url.scheme": scored.scheme,
                "http.route": scored.route,
                "http.response.status_code": scored.status,
                "server.address": host,
                "server.port": port,
                "user_agent.original": scored.agent,
                "http.request.body.size": scored.received,
                "http.response.body.size": scored.sent,
                "error.type": str(scored.status) if failed else None,
                "aciml.request_id": scored.request_id,
                "aciml.run.duration_ms": scored.run,
                "aciml.wait.duration_ms": scored.waited,
            }
        ),
        "status": {"code": _ERROR} if failed else {},
    }
    if trace.parent_id:
        found["parentSpanId"] = trace.parent_id
    if trace.state:
        found["traceState"] = trace.state
    return found


def _host(text: str) -> Tuple[str, Optional[int]]:
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit():
        return host.strip("[]"), int(port)
    return text.strip("[]"), None


class Otlp:
    """A collector."""

    name = "otlp"

    def __init__(self, channel: Channel, resource: List[Dict[str, Any]]) -> None:
        """``resource`` is sent with each batch."""
        self._channel = channel
        self._resource = resource

    def post(self, items: List[Any], timeout: float) -> Reply:
        """Send spans."""
        scope = {"name": "aciml", "version": __version__}
        spans = [{"scope": scope, "spans": [span(item) for item in items]}]
        whole = {"resourceSpans": [{"resource": {"attributes": self._resource}, "scopeSpans": spans}]}
        return self._channel.post(json.dumps(whole).encode(), timeout)

    def judge(self, items: List[Any], reply: Reply) -> Outcome:
        """Read the answer: some may be rejected for good, or all be wanted later."""
        if reply.status in _RETRY:
            return Outcome(0, items, _reason(reply))
        if not 200 <= reply.status < 300:
            return Outcome(0, [], _reason(reply))
        try:
            partial = json.loads(reply.body or b"{}").get("partialSuccess") or {}
            rejected = min(len(items), int(partial.get("rejectedSpans") or 0))
            return Outcome(
                len(items) - rejected, [], str(partial.get("errorMessage") or "rejected")[:200] if rejected else ""
            )
        except (ValueError, AttributeError, TypeError):  # an answer in another form is a success all the same
            return Outcome(len(items), [])


def _reason(reply: Reply) -> str:
    return reply.body[:200].decode("utf-8", "replace") or "no reason given"
