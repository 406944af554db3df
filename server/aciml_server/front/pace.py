"""How fast a client is. A sweep asks every now and then: a timer for each connection would cost more than it tells."""

from __future__ import annotations

import time

_SLOWEST = 1000  # bytes per second, in any time as long as the patience, that a body must bring
LINGER = 2.0
"""Seconds of silence after which a refused client is not listened to any more."""


class Pace:
    """Of one client. All times are by ``time.monotonic``."""

    __slots__ = ("_left", "_left_since", "_until", "heard", "since")

    def __init__(self) -> None:
        """Time begins now."""
        self.since = time.monotonic()
        """When the part of a request that is being read began, or the connection became idle or deaf."""
        self.heard = 0
        """Bytes of the body that had come by then."""
        self._left = 0
        self._left_since = 0.0
        self._until = 0.0

    def mark(self) -> None:
        """Begin to wait anew."""
        self.since = time.monotonic()

    def brings_enough(self, size: int, now: float) -> bool:
        """Tell if a body, now of ``size`` bytes, came fast enough; if so, the time begins anew."""
        # bytes of this stretch alone: a quick beginning does not pay for a client that stopped
        if size - self.heard <= _SLOWEST * (now - self.since):
            return False
        self.heard, self.since = size, now
        return True

    def choke(self) -> None:
        """Begin to watch an answer that the client does not take."""
        self._left, self._left_since = 0, time.monotonic()

    def is_stuck(self, left: int, now: float, patience: float) -> bool:
        """Tell if a client takes nothing of its answer for long; ``left`` bytes of it are not taken."""
        if left != self._left:
            self._left, self._left_since = left, now
            return False
        return now - self._left_since > patience

    def linger(self, patience: float) -> None:
        """Begin to listen in vain, ``patience`` seconds at most, however much still comes."""
        self.mark()
        self._until = self.since + patience

    def hear_in_vain(self) -> None:
        """Note that something came which nobody will answer."""
        self.since = min(time.monotonic(), self._until)
