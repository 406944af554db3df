"""Log lines into a file descriptor, never waiting for its reader: a service must not stop because its log does."""

from __future__ import annotations

import os
import select
from typing import Callable, List

_ATOMIC = 4096
"""Bytes that a pipe takes whole (PIPE_BUF of Linux): lines of two processes are never mixed."""
_ROOM = 1024 * 1024
"""Bytes of lines that wait for a slow reader; more are counted and dropped."""


class Sheet:
    """Lines in the order in which they came."""

    def __init__(self, fd: int) -> None:
        """``fd`` stays open."""
        self._fd = fd
        self._rest: List[bytes] = []
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
        while data and not self._rest:
            if not self._can_write():
                break
            end = len(data)
            if end > _ATOMIC:
                end = data.rfind(b"\n", 0, _ATOMIC) + 1 or _ATOMIC
            data = data[self._put(data[:end]) :] if end < len(data) else data[self._put(data) :]
        if data:
            self._keep(data)

    def flush(self) -> None:
        """Write what waits, as far as somebody takes it."""
        rest, self._rest, self._size = self._rest, [], 0
        for at, data in enumerate(rest):
            self.write(data)
            if self._rest:
                for more in rest[at + 1 :]:
                    self._keep(more)
                return

    def _keep(self, data: bytes) -> None:
        if self._size + len(data) > _ROOM:
            self.dropped += data.count(b"\n")
        else:
            self._rest.append(data)
            self._size += len(data)

    def _put(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
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
