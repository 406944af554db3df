"""Telemetry for Application Insights: requests, exceptions and log lines, as its endpoint (Breeze, track v2.1) has it.

Source: the public schema of RequestData, ExceptionData and MessageData, version 2, and the answers of the ingestion
service: 206 names what was not taken, 429 wants patience, 402 and 439 say that the quota is used up, 307 and 308 move.
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import platform
import socket
import uuid
from typing import Any, Dict, List, Optional

from .. import __version__
from ..logs import timestamp
from ..settings import Settings
from .delivery import Channel, Outcome, Reply, Sender
from .trace import Scored

_LOG = logging.getLogger("aciml.telemetry")
_ENDPOINT = "https://dc.services.visualstudio.com"
# 0 is no answer at all; 401 and 403 pass when somebody mends the key or its role, and items wait for that
_RETRY = frozenset((0, 401, 403, 408, 429, 500, 502, 503, 504))
_MOVED = frozenset((307, 308))
_TIMEOUT = 10.0
_LONG = 8192  # characters of a property; of a message there may be four times as many


def open_sender(settings: Settings) -> Optional[Sender]:
    """Return what sends to Application Insights; None, with a warning, if the settings do not say where to."""
    parts = read(settings.app_insights) if settings.app_insights else {"instrumentationkey": settings.app_insights_key}
    key = parts.get("instrumentationkey", "")
    try:
        key = str(uuid.UUID(key.strip()))
        endpoint = parts.get("ingestionendpoint") or _endpoint(parts)
        channel = Channel(
            endpoint.rstrip("/") + "/v2.1/track", {"content-type": "application/json", "content-encoding": "gzip"}
        )
    except ValueError:  # the key is not told: it lets everybody write
        _LOG.warning("Application Insights is off: the instrumentation key is no UUID, or the endpoint is no URL")
        return None
    return Sender(Insights(channel, key, settings), _TIMEOUT)


def read(text: str) -> Dict[str, str]:
    """Read a connection string; names are lower case."""
    found = {}
    for part in text.split(";"):
        name, separator, value = part.partition("=")
        if separator:
            found[name.strip().lower()] = value.strip()
    return found


def _endpoint(parts: Dict[str, str]) -> str:
    suffix = parts.get("endpointsuffix", "")
    if not suffix:
        return _ENDPOINT
    location = parts.get("location", "")
    return "https://%sdc.%s" % (location + "." if location else "", suffix)


class Insights:
    """An Application Insights resource."""

    name = "application_insights"

    def __init__(self, channel: Channel, key: str, settings: Settings) -> None:
        """``key`` is the instrumentation key."""
        self._channel = channel
        self._key = key
        self._tags = {
            "ai.cloud.role": settings.otel_service or settings.service_name,
            "ai.cloud.roleInstance": os.environ.get("HOSTNAME") or socket.gethostname(),
            "ai.application.ver": settings.service_version,
            "ai.internal.sdkVersion": "py%s:aciml%s" % (platform.python_version(), __version__),
        }
        self._common = {"Service Name": settings.service_name, "Workspace Name": os.environ.get("WORKSPACE_NAME", "")}

    def post(self, items: List[Any], timeout: float) -> Reply:
        """Send requests and records; where the service has moved to, it is found again at once."""
        body = gzip.compress(json.dumps([self.envelope(item) for item in items]).encode(), 5)
        reply = self._channel.post(body, timeout)
        # a service that sends in circles must not hold the thread
        # the ingestion service sends clients to the region of the resource
        for _ in range(3):
            if reply.status not in _MOVED:
                break
            try:
                self._channel.move(reply.headers.get("location", ""))
            except ValueError:
                return Reply(400, {}, b"it moved to no URL")
            reply = self._channel.post(body, timeout)
        return reply

    def judge(self, items: List[Any], reply: Reply) -> Outcome:
        """Read the answer: all, some, none, or later."""
        # some items are taken, and the body says of each other one why not
        if reply.status == 206:
            return _partly(items, reply)
        if reply.status in _RETRY:
            return Outcome(0, items, reply.body[:200].decode("utf-8", "replace") if not reply.status else "try later")
        if reply.status == 200:
            return Outcome(len(items), [])
        return Outcome(0, [], "the quota is used up" if reply.status in {402, 439} else "it refuses the items")

    def envelope(self, item: Any) -> Dict[str, Any]:
        """Return an item as the service takes it."""
        if isinstance(item, Scored):
            return self._request(item)
        return self._record(item)

    def _wrap(self, kind: str, seconds: float, tags: Dict[str, str], data: Dict[str, Any]) -> Dict[str, Any]:
        return {
            "ver": 1,
            "name": "Microsoft.ApplicationInsights." + kind,
            "time": timestamp(seconds),
            "sampleRate": 100.0,
            "iKey": self._key,
            "tags": {**self._tags, **{name: value for name, value in tags.items() if value}},
            "data": {"baseType": kind + "Data", "baseData": {"ver": 2, **data}},
        }

    def _request(self, scored: Scored) -> Dict[str, Any]:
        name = "%s %s" % (scored.method, scored.route or scored.path)
        trace = scored.trace
        properties = {
            **self._common,
            "Request Id": scored.request_id,
            "Client Request Id": scored.client_id,
            "Container Id": self._tags["ai.cloud.roleInstance"],
            "Response Value": scored.answer.decode("utf-8", "replace")[:_LONG],
        }
        measured = {"Run Duration (ms)": scored.run, "Wait Duration (ms)": scored.waited, "Response Bytes": scored.sent}
        data = {
            "id": trace.span_id,
            # more is not taken: 1,024 characters of a name, 2,048 of a URL, 8,192 of a property, 32,768 of a message
            "name": name[:1024],
            "duration": duration(scored.ended - scored.started),
            "responseCode": str(scored.status),
            "success": scored.status < 400,
            "url": ("%s://%s%s" % (scored.scheme, scored.host or "localhost", scored.path))[:2048],
            "properties": {key: value for key, value in properties.items() if value},
            "measurements": {key: value for key, value in measured.items() if value is not None},
        }
        tags = {
            "ai.operation.id": trace.trace_id,
            "ai.operation.parentId": trace.parent_id,
            "ai.operation.name": name[:1024],
        }
        return self._wrap("Request", scored.started / 1e9, tags, data)

    def _record(self, record: Dict[str, Any]) -> Dict[str, Any]:
        tags = {"ai.operation.id": record.get("trace_id", ""), "ai.operation.parentId": record.get("span_id", "")}
        properties = {**self._common, "Logger": record.get("logger", ""), "Request Id": record.get("request_id", "")}
        if record.get("dropped"):
            properties["Dropped Before"] = str(record["dropped"])
        data: Dict[str, Any] = {
            "severityLevel": severity(record.get("level", logging.INFO)),
            "properties": {key: str(value)[:_LONG] for key, value in properties.items() if value},
        }
        when = float(record.get("time") or 0.0)
        if "exception" not in record:
            return self._wrap(
                "Message", when, tags, {**data, "message": str(record.get("message", ""))[: 4 * _LONG] or "-"}
            )
        kind, message, stack = record["exception"]
        data["properties"]["Message"] = str(record.get("message", ""))[:_LONG]
        one = {
            "id": 1,
            "outerId": 0,
            "typeName": kind[:1024],
            "message": message[: 4 * _LONG] or kind,
            "hasFullStack": True,
        }
        return self._wrap("Exception", when, tags, {**data, "exceptions": [{**one, "stack": stack[: 4 * _LONG]}]})


def _partly(items: List[Any], reply: Reply) -> Outcome:
    """Read which items of a batch were not taken, and which of them may be sent again."""
    try:
        errors = json.loads(reply.body)["errors"]
        wrong = {int(error["index"]): int(error["statusCode"]) for error in errors}
    except (ValueError, KeyError, TypeError):
        # a 206 that names no item: nothing can be sent again
        return Outcome(len(items), [])
    wrong = {index: status for index, status in wrong.items() if 0 <= index < len(items)}
    # the others are faults of the items, which a second try would not mend
    again = [items[index] for index, status in sorted(wrong.items()) if status in _RETRY]
    return Outcome(len(items) - len(wrong), again, "some items are refused" if len(again) < len(wrong) else "")


def duration(nanoseconds: int) -> str:
    """Write a time span as ``d.hh:mm:ss.ffffff``."""
    seconds, rest = divmod(max(0, nanoseconds), 1_000_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return "%d.%02d:%02d:%02d.%06d" % (days, hours, minutes, seconds, rest // 1000)


def severity(level: int) -> int:
    """Return the severity of a level of ``logging``: 0 verbose, 1 information, 2 warning, 3 error, 4 critical."""
    return max(0, min(4, level // 10 - 1))
