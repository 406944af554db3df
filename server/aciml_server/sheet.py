"""Log lines into a file descriptor, never waiting for its reader: a service must not stop because its log does."""

from __future__ import annotations

import os
import select
from collections import deque
from typing import Callable, Deque

_ATOMIC = 4096
"""Bytes that a pipe takes whole (PIPE_BUF of Linux): lines of two processes are never mixed."""
_ROOM = 1024 * 1024
"""Bytes of lines that wait for a slow reader; more are counted and dropped."""


class Sheet:
    """Lines in the order in which they came."""

    def __init__(self, fd: int) -> None:
        """``fd`` stays open."""
        self._fd = fd
        self._rest: Deque[bytes] = deque()
        self._size = 0
        self.dropped = 0
        """Lines that nobody read."""
        self.before: Callable[[], None] = lambda: None
        """Called before a line is written, so that what happened earlier is written first."""
        self._can_write = _poll(fd)

    @property
    def waits(self) -> bool:
        """Tell if lines wait for a slow reader."""
        return bool(self._rest)

    def line(self, data: bytes) -> None:
        """Write a line after all that happened before it."""
        self.before()
        self.write(data)

    def write(self, data: bytes) -> None:
        """Write lines as soon as somebody takes them."""
        if self._rest:
            self.flush()
        if not self._rest:
            data = self._give(data)
        if data:
            self._keep(data)

    def flush(self) -> None:
        """Write what waits, as far as somebody takes it."""
        rest = self._rest
        while rest:
            data = rest.popleft()
            left = self._give(data)
            self._size -= len(data) - len(left)
            if left:
                rest.appendleft(left)
                return

    def _give(self, data: bytes) -> bytes:
        """Write what is taken now, and return the rest."""
        # asked before each write: the descriptor is shared with others, and must stay a blocking one for them
        while data and self._can_write():
            end = len(data)
            if end > _ATOMIC:
                end = data.rfind(b"\n", 0, _ATOMIC) + 1 or _ATOMIC
            data = data[self._put(data[:end]) :] if end < len(data) else data[self._put(data) :]
        return data

    def _keep(self, data: bytes) -> None:
        # the first one is kept whatever its size: there may be one page that is larger than the room
        if self._rest and self._size + len(data) > _ROOM:
            self.dropped += data.count(b"\n")
        else:
            self._rest.append(data)
            self._size += len(data)

    def _put(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        # somebody else made the shared descriptor a non-blocking one, and the pipe has filled since it was asked
        except BlockingIOError:
            return 0
        except OSError:  # nobody will ever read it
            self.dropped += data.count(b"\n")
            return len(data)


def _poll(fd: int) -> Callable[[], bool]:
    """Return a question: would a write be taken now."""
    if not hasattr(select, "poll"):  # Windows
        return lambda: True
    asked = select.poll()
    asked.register(fd, select.POLLOUT)
    return lambda: bool(asked.poll(0))
