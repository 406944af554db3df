"""One request as a span: where it belongs, if it is sampled, and what exporters are told of it."""

from __future__ import annotations

import logging
import re
from typing import Callable, NamedTuple, Optional

_LOG = logging.getLogger("aciml.telemetry")
# lower case alone: the specification forbids capitals in ids, and a header with them is to be ignored
_PARENT = re.compile(b"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Trace(NamedTuple):
    """Where a request belongs; ids are hexadecimal, ``parent_id`` is empty at a root."""

    trace_id: str
    span_id: str
    parent_id: str
    state: str
    sampled: bool


class Scored(NamedTuple):
    """What exporters are told of a request; times in nanoseconds of the epoch, durations in milliseconds."""

    trace: Trace
    started: int
    ended: int
    method: str
    path: str
    route: str
    status: int
    run: Optional[float]
    waited: Optional[float]
    request_id: str
    client_id: str
    host: str
    scheme: str
    agent: str
    received: int
    sent: int
    answer: bytes


def parent_of(header: bytes) -> Optional["re.Match[bytes]"]:
    """Return version, trace id, parent id and flags of a ``traceparent``; None for one that means nothing.

    Source: W3C Trace Context, section 3.2.2.
    """
    found = _PARENT.fullmatch(header)
    if found is None:
        return None
    version, trace_id, parent, _, more = found.groups()
    if version == b"ff" or (version == b"00" and more):  # ff is forbidden; later versions may be longer, 00 may not
        return None
    return found if trace_id.strip(b"0") and parent.strip(b"0") else None  # ids of zeros alone are invalid


def sampler(name: str, argument: str) -> Callable[[str, Optional[bool]], bool]:
    """Return what decides, by name of ``OTEL_TRACES_SAMPLER``, on a trace id and the parent's decision (None: root)."""
    name = name.strip().lower()
    root = name[len("parentbased_") :] if name.startswith("parentbased_") else name  # noqa: FURB188  # Python 3.8
    if root not in {"always_on", "always_off", "traceidratio"}:
        _LOG.warning("OTEL_TRACES_SAMPLER %r is not known; parentbased_always_on is used", name)
        name, root = "parentbased_always_on", "always_on"
    share = {"always_on": 1.0, "always_off": 0.0}.get(root)
    if share is None:
        try:
            share = min(1.0, max(0.0, float(argument or "1")))
        except ValueError:
            _LOG.warning("OTEL_TRACES_SAMPLER_ARG %r is no number; all traces are taken", argument)
            share = 1.0
    bound = round(share * (1 << 64))

    def decide(trace_id: str, parent: Optional[bool]) -> bool:  # noqa: FBT001  # a fact, and there is only one
        if parent is not None and name.startswith("parentbased_"):
            return parent
        # by the lower 64 bits, as the SDKs of OpenTelemetry do: all services of a trace decide alike
        return int(trace_id[16:], 16) < bound

    return decide
