"""The worker's end of its socket: frames in, frames out, and a journal of what is not sent yet.

Answers are collected for a moment, because a system call for each would cost more than many a ``run()``. They wait in
memory that the front shares: if the worker dies, the front takes them from there, and nothing that was done is lost.
"""

from __future__ import annotations

import mmap
import socket
import struct
import time
from typing import Optional

from .. import wire

JOURNAL = 256 * 1024
"""Bytes of the journal, with its head; a longer frame is sent at once."""
JOURNAL_HEAD = struct.Struct("<QQ")
"""Bytes of frames that wait, and one more than the sequence number of the job that runs (0: none)."""
_BUFFER = 256 * 1024
_LATE = 0.0003
"""Seconds that a finished answer may wait for others."""


class Link:
    """Blocking frames for one thread. After ``ended`` is set there is nobody at the other end."""

    def __init__(self, sock: socket.socket, journal: Optional[mmap.mmap]) -> None:
        """``journal`` is shared with the front; without one each answer is sent at once."""
        self._socket = sock
        self._journal = journal
        self._room = len(journal) if journal else 0
        self._end = JOURNAL_HEAD.size
        self._since = 0.0
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._from = self._to = 0
        if journal is not None:
            journal[: JOURNAL_HEAD.size] = bytes(JOURNAL_HEAD.size)

    def receive(self) -> Optional[wire.Frame]:
        """Wait for a frame; None at the end. Answers that wait are sent before this waits."""
        head = wire.HEAD
        have = self._to - self._from
        if have < head.size and not self._fill(head.size):
            return None
        body, meta, seq, number, kind, flags = head.unpack_from(self._buffer, self._from)
        self._from += head.size
        size = body + meta
        if size > _BUFFER - head.size:
            whole = self._large(size)
            if whole is None:
                return None
            return wire.Frame(kind, seq, number, flags, whole[:meta], whole[meta:])
        if self._to - self._from < size and not self._fill(size):
            return None
        start = self._from
        middle, self._from = start + meta, start + size
        return wire.Frame(kind, seq, number, flags, self._view[start:middle], self._view[middle : self._from])

    def waiting(self) -> bool:
        """Tell if the beginning of another frame is here."""
        return self._to > self._from

    def begin(self, seq: int) -> None:
        """Note in the journal which job runs now."""
        if self._journal is not None:
            JOURNAL_HEAD.pack_into(self._journal, 0, self._end - JOURNAL_HEAD.size, seq + 1)

    def send(self, head: bytes, body: wire.Bytes = b"", *, urgent: bool = False) -> None:
        """Send a frame, now or soon.

        Raises:
            OSError: the front is gone.
        """
        size = len(head) + len(body)
        end = self._end + size
        if self._journal is None or end > self._room:
            self.flush()
            self._send_now(head, body)
            return
        self._journal[self._end : end] = head + body if body else head
        if self._end == JOURNAL_HEAD.size:
            self._since = time.perf_counter()
        self._end = end
        JOURNAL_HEAD.pack_into(self._journal, 0, end - JOURNAL_HEAD.size, 0)
        if urgent or self._to <= self._from or time.perf_counter() - self._since > _LATE:
            self.flush()

    def flush(self) -> None:
        """Send what waits.

        Raises:
            OSError: the front is gone.
        """
        if self._journal is None or self._end == JOURNAL_HEAD.size:
            return
        self._socket.sendall(self._journal[JOURNAL_HEAD.size : self._end])
        self._end = JOURNAL_HEAD.size
        JOURNAL_HEAD.pack_into(self._journal, 0, 0, 0)

    def _send_now(self, head: bytes, body: wire.Bytes) -> None:
        if len(body) < 65536:
            self._socket.sendall(head + bytes(body))
        else:
            self._socket.sendall(head)
            self._socket.sendall(body)

    def _fill(self, size: int) -> bool:
        """Read until ``size`` bytes are in the buffer; frames given out before are no longer good."""
        if _BUFFER - self._from < size or self._from == self._to:
            have = self._to - self._from
            self._buffer[:have] = self._buffer[self._from : self._to]
            self._from, self._to = 0, have
        while self._to - self._from < size:
            self.flush()
            count = self._socket.recv_into(self._view[self._to :])
            if not count:
                return False
            self._to += count
        return True

    def _large(self, size: int) -> Optional[memoryview]:
        """Read a frame that does not fit into the buffer into memory of its own."""
        whole = memoryview(bytearray(size))
        have = min(self._to - self._from, size)
        whole[:have] = self._view[self._from : self._from + have]
        self._from += have
        while have < size:
            self.flush()
            count = self._socket.recv_into(whole[have:])
            if not count:
                return None
            have += count
        return whole
