"""Sends items in batches from a thread of its own: scoring neither waits for a collector nor fails with it."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Protocol
from urllib.parse import urlsplit

_DELAY = 5.0
"""Seconds that an item may wait for others (OTEL_BSP_SCHEDULE_DELAY's default)."""
# these two are also OpenTelemetry's: OTEL_BSP_MAX_QUEUE_SIZE and OTEL_BSP_MAX_EXPORT_BATCH_SIZE by default
_ROOM = 2048
_BATCH = 512
_TRIES = 6
_LONGEST = 60.0
"""Seconds of the longest wait between tries, whatever ``Retry-After`` says."""


class Reply(NamedTuple):
    """What a collector answered; status 0: nothing, and ``body`` says why."""

    status: int
    headers: Dict[str, str]
    body: bytes


class Outcome(NamedTuple):
    """What became of a batch: how many arrived, which items to send again, and what went wrong with the others."""

    sent: int
    again: List[Any]
    why: str = ""


class Destination(Protocol):
    """Knows the form of a collector's messages."""

    name: str

    def post(self, items: List[Any], timeout: float) -> Reply:
        """Send items."""

    def judge(self, items: List[Any], reply: Reply) -> Outcome:
        """Read the answer."""


class Sender:
    """A queue with room for 2,048 items and the thread behind it, which starts with the first item."""

    def __init__(self, destination: Destination, timeout: float) -> None:
        """``timeout`` is for one try, in seconds."""
        self.name = destination.name
        self.sent = 0
        self.dropped = 0
        self.complain: Callable[[str], None] = lambda text: None  # noqa: ARG005  # until somebody listens
        self._destination = destination
        self._timeout = timeout
        self._queue: Deque[Any] = deque()
        self._wake = threading.Event()
        self._until: Optional[float] = None
        self._ending = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._broken = False

    def put(self, item: Any) -> None:
        """Take an item, or count it as dropped if there is no room; never waits."""
        if len(self._queue) >= _ROOM:
            self.dropped += 1
            return
        self._queue.append(item)
        # a whole batch is worth no more waiting
        if len(self._queue) == _BATCH:
            self._wake.set()
        if self._thread is None:
            # a daemon: a collector that hangs does not keep the process
            self._thread = threading.Thread(target=self._run, name="aciml-telemetry", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Begin to send what is left, without delay."""
        self._until = time.monotonic() + 5.0
        self._ending.set()
        self._wake.set()

    def join(self, until: float) -> None:
        """Wait for the end, by ``time.monotonic``."""
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while True:
            self._wake.wait(_DELAY)
            self._wake.clear()
            while self._queue:
                # from this thread alone, so that nobody else takes what was counted
                batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
                self._deliver(batch)
            if self._ending.is_set():
                return

    def _deliver(self, batch: List[Any]) -> None:
        for attempt in range(_TRIES):
            left = self._timeout if self._until is None else self._until - time.monotonic()
            if left <= 0:
                break
            reply = self._destination.post(batch, min(self._timeout, left))
            outcome = self._destination.judge(batch, reply)
            self.sent += outcome.sent
            # neither taken nor wanted again
            self.dropped += len(batch) - outcome.sent - len(outcome.again)
            self._note(outcome, reply)
            batch = outcome.again
            if not batch:
                return
            # ends at once when the process does: the last tries have no pauses
            self._ending.wait(_pause(reply, attempt))
        self.dropped += len(batch)

    def _note(self, outcome: Outcome, reply: Reply) -> None:
        """Complain once per outage."""
        if outcome.why and not self._broken:
            status = "status %d: " % reply.status if reply.status else ""
            self.complain("telemetry for %s is not taken: %s%s" % (self.name, status, outcome.why))
        self._broken = bool(outcome.why)


def _pause(reply: Reply, attempt: int) -> float:
    """Return the seconds until the next try: what the collector wants, else longer each time."""
    asked = reply.headers.get("retry-after", "")
    if asked:
        from email.utils import parsedate_to_datetime

        try:
            # seconds or a date (RFC 9110, 10.2.3)
            seconds = (
                float(asked)
                if asked.replace(".", "").isdigit()
                else parsedate_to_datetime(asked).timestamp() - time.time()
            )
            return min(_LONGEST, max(0.0, seconds))
        except (ValueError, TypeError):
            pass
    return min(_LONGEST, (0.5 + random.random()) * 2.0**attempt)  # noqa: S311  # only to spread clients


class Channel:
    """One kept connection to a URL."""

    def __init__(self, url: str, headers: Dict[str, str]) -> None:
        """``url`` is http or https.

        Raises:
            ValueError: it is neither.
        """
        self.headers = headers
        self._connection: Optional[HTTPConnection] = None
        self.move(url)

    def move(self, url: str) -> None:
        """Go to another URL from now on.

        Raises:
            ValueError: it is no http or https URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("no http or https URL")
        self._secure, self.host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        self._close()

    def post(self, body: bytes, timeout: float) -> Reply:
        """Post a body; once more at once if the kept connection was closed meanwhile."""
        kept = self._connection is not None
        try:
            return self._post(body, timeout)
        except (OSError, HTTPException) as error:
            self._close()
            # a kept connection may be closed at any time (RFC 9112, section 9.5); that says nothing of the collector
            if kept and not isinstance(error, TimeoutError):
                return self.post(body, timeout)
            return Reply(0, {}, str(error or type(error).__name__).encode())

    def _post(self, body: bytes, timeout: float) -> Reply:
        connection = self._connection
        if connection is None:
            kind = HTTPSConnection if self._secure else HTTPConnection
            # not `urllib.request`, which connects, and shakes hands for TLS, anew for each request
            connection = self._connection = kind(self.host, self._port, timeout=timeout)
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        connection.request("POST", self._path, body, self.headers)
        got = connection.getresponse()
        reply = Reply(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read(1 << 20))
        # what is not read to its end would be taken for the next answer
        if got.will_close or not got.isclosed():
            self._close()
        return reply

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
