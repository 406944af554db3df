"""Room for bodies: how many bytes of them may be in memory at once, and who waits for some."""

from __future__ import annotations

from collections import deque
from typing import Deque, Protocol, Tuple

FREE = 64 * 1024
"""Bytes of a body that nobody counts; the limits on connections and requests bound those."""
STEP = 1024 * 1024
"""Bytes that are set aside at once for a body that does not say how long it is."""


class Guest(Protocol):
    """Who waits for room."""

    def granted(self) -> None:
        """Go on: the room is taken."""


class Room:
    """``limit`` bytes, given out whole and in turn, so that each body that was begun can be read to its end."""

    def __init__(self, limit: int) -> None:
        """``limit`` is in bytes."""
        self._limit = self._free = limit
        self._queue: Deque[Tuple[Guest, int]] = deque()

    def take(self, size: int) -> bool:
        """Take room if there is some and nobody waits; a body larger than all of it may have it alone."""
        # who waits is not passed: small bodies would keep a large one waiting for ever
        if self._queue or (size > self._free and self._free < self._limit):
            return False
        self._free -= size
        return True

    def wait(self, guest: Guest, size: int) -> None:
        """Have ``guest`` told as soon as its room is taken for it."""
        self._queue.append((guest, size))

    def leave(self, guest: Guest) -> None:
        """Wait no more."""
        self._queue = deque(one for one in self._queue if one[0] is not guest)
        self._grant()

    def give(self, size: int) -> None:
        """Give room back."""
        self._free += size
        self._grant()

    def _grant(self) -> None:
        while self._queue:
            guest, size = self._queue[0]
            if size > self._free and self._free < self._limit:
                return
            self._queue.popleft()
            self._free -= size
            guest.granted()
