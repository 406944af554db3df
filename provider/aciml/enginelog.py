"""Live lines in ``pulumi up``: each goes to the engine with the resource's urn, so it appears in that row."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass

import grpc

from .core.errors import Cancelled, Overdue
from .protocol import engine_pb2, engine_pb2_grpc

_PAUSE = 1.0  # seconds between two live lines that begin alike: a log that is not a terminal keeps every one
_LONGEST = 60.0  # seconds at most between two that differ by their numbers alone
_NUMBER = re.compile(r"[0-9a-f]{12,}|\d+(?:\.\d+)?")


@dataclass
class _Kind:
    """The last line of those that begin alike; ``since``: when the first came that differs by its numbers alone."""

    text: str
    shape: str
    said: float
    since: float


class EngineLog:
    """One connection to the engine's log, shared by all resources."""

    def __init__(self, address: str) -> None:
        """Connect lazily to ``address`` (``host:port``); an empty address logs nowhere."""
        self.cancelled = threading.Event()
        self._stub: engine_pb2_grpc.EngineStub | None = None
        if address:
            # the engine listens on this machine, without TLS
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def send(self, urn: str, severity: int, text: str, *, ephemeral: bool = False) -> None:
        """Send one line. A log that cannot be delivered must not fail the work it tells of."""
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.ValueType(severity), message=text, urn=urn, streamId=0, ephemeral=ephemeral
        )
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError:
            # an engine that did not take one line will take none, and each would cost the time-out again
            self._stub = None

    def debug(self, urn: str, text: str) -> None:
        """Send what only ``--debug`` shows, such as a traceback."""
        self.send(urn, engine_pb2.DEBUG, text)


class RowProgress:
    """Progress of one resource, in its row."""

    def __init__(self, log: EngineLog, urn: str, timeout: float = 0.0, *, strict: bool = False) -> None:
        """Speak for ``urn``, whose operation may take ``timeout`` seconds (0: nothing was said).

        ``strict`` ends it at the first checkpoint after that. A target that has to bring things into order after its
        time looks at ``timeout`` itself.
        """
        self._log, self.urn, self.timeout = log, urn, timeout
        self._kinds, self._lock = dict[str, _Kind](), threading.Lock()
        self._ends = time.monotonic() + timeout if strict and timeout else None

    def say(self, text: str) -> None:
        """Show a line that the next one replaces; lines that come too fast are dropped.

        Lines that begin alike share a pace: work that goes on beside other work is seen too, and so is what comes next.
        Counters come in steps that grow with the time they have run, and no line comes twice in a row.
        """
        with self._lock:
            is_due = self._is_due(text, time.monotonic())
        # outside of the lock: a slow engine holds up this thread alone
        if is_due:
            self._log.send(self.urn, engine_pb2.INFO, text, ephemeral=True)

    def _is_due(self, text: str, now: float) -> bool:
        """Tell whether a line may be said now, and remember that it was."""
        # by the first word: lines of one task begin alike ("pulling ...", "layer ..."), whatever they count
        name, shape = text.partition(" ")[0], _NUMBER.sub("#", text)
        last = self._kinds.get(name)
        if last is None:
            self._kinds[name] = _Kind(text, shape, now, now)
            return True
        same = shape == last.shape
        pause = min(max(_PAUSE, (now - last.since) / 2), _LONGEST) if same else _PAUSE
        if text == last.text or now - last.said < pause:
            return False
        self._kinds[name] = _Kind(text, shape, now, last.since if same else now)
        return True

    def note(self, text: str) -> None:
        """Keep an information line."""
        self._log.send(self.urn, engine_pb2.INFO, text)

    def warn(self, text: str) -> None:
        """Keep a warning line."""
        self._log.send(self.urn, engine_pb2.WARNING, text)

    def checkpoint(self) -> None:
        """Raise ``Cancelled`` once the engine has cancelled, ``Overdue`` once the time is over."""
        if self._log.cancelled.is_set():
            raise Cancelled
        if self._ends is not None and time.monotonic() > self._ends:
            raise Overdue(self.timeout)
