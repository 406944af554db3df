"""The worker's end of its socket: frames in, frames out, and a journal of what is not sent yet.

Answers are collected for a moment, because a system call for each would cost more than many a ``run()``. They wait in
memory that the front shares: if the worker dies, the front takes them from there, and nothing that was done is lost.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from typing import Deque, List, Optional

from .. import wire
from .journal import SIZE, START, Journal

_BUFFER = 256 * 1024
_LATE, _LATEST = 0.0003, 0.012
"""Seconds that a finished answer may wait for others: behind jobs that cost nothing, and at most."""
_JOBS = 8
"""How many jobs an answer may wait for. The front is woken once for all of them: each time it finds its caches cold and
takes the processor from the script, which costs it more than the answer (`decisions/scoring-server.md`)."""
_SPARE = 2
"""Jobs that have to be here beside the finished ones: the front needs their time to bring the next."""
_JOINED = 65536
"""Bytes of a body up to which copying it is cheaper than a second write."""


class Link:
    """Blocking frames for one thread."""

    def __init__(self, sock: socket.socket, journal: Optional[Journal]) -> None:
        """``journal`` is shared with the front; without one each answer is sent at once."""
        self._socket = sock
        self._journal = journal
        self._since = self._began = 0.0
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._from = self._to = 0
        self._ahead: Deque[wire.Frame] = deque()

    # frames in

    def receive(self) -> Optional[wire.Frame]:
        """Wait for a frame; None at the end. Answers that wait are sent before this waits."""
        if self._ahead:
            return self._ahead.popleft()
        head = wire.HEAD
        if self._to - self._from < head.size and not self._fill(head.size):
            return None
        body, meta, seq, number, kind, flags = head.unpack_from(self._buffer, self._from)
        self._from += head.size
        size = body + meta
        if size > _BUFFER - head.size:
            # memory of its own, which nobody writes again: a script
            # may keep an array over it without a copy (`values.OWN`)
            whole = self._large(size)
            if whole is None:
                return None
            return wire.Frame(kind, seq, number, flags, whole[:meta], whole[meta:])
        if self._to - self._from < size and not self._fill(size):
            return None
        start = self._from
        middle, self._from = start + meta, start + size
        return wire.Frame(kind, seq, number, flags, self._view[start:middle], self._view[middle : self._from])

    def look(self) -> List[wire.Frame]:
        """Read what is here without waiting; return what is no job, keep the jobs, and mark the cancelled ones.

        A cancelled job becomes a ``CANCEL`` whose ``number`` is 1.
        """
        others: List[wire.Frame] = []
        jobs, self._ahead = self._ahead, deque()
        # whole frames only: a part that is here is followed by its rest
        while self._to > self._from or select.select((self._socket,), (), (), 0)[0]:
            frame = self.receive()
            if frame is None:
                others.append(wire.Frame(wire.END, 0, 0, 0, b"", b""))
                break
            if frame.kind in (wire.JOB, wire.BATCH, wire.END):
                jobs.append(kept(frame))
            elif frame.kind == wire.CANCEL and _cancelled(jobs, frame.seq):
                continue
            else:
                others.append(kept(frame))
        self._ahead = jobs
        return others

    @property
    def has_jobs(self) -> bool:
        """Tell if ``look`` kept a job."""
        return bool(self._ahead)

    @property
    def has_more(self) -> bool:
        """Tell if a part of another frame is here already."""
        return self._to > self._from

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

    # frames out

    def begin(self, seq: int) -> None:
        """Note in the journal which job runs now."""
        if self._journal is not None:
            self._journal.begin(seq)
            self._began = time.perf_counter()

    def send(self, head: bytes, body: wire.Bytes = b"") -> None:
        """Send the answer of a job, now or soon.

        Raises:
            OSError: the front is gone.
        """
        journal = self._journal
        if journal is None or journal.end + len(head) + len(body) > SIZE:
            self.send_now(head, body)
            return
        now = time.perf_counter()
        if journal.end == START:
            self._since = now
        # from here on the answer survives this process; one that waits behind a job that turns out to be long is
        # taken by the front (`Backend.glean`)
        journal.add(head + body if body else head)
        if not self._may_wait(now):
            self.flush()

    def _may_wait(self, now: float) -> bool:
        """Tell if more answers will come soon enough for those that are done to wait for them."""
        cost = now - self._began
        late = min(max(_LATE, _JOBS * cost), _LATEST)
        if cost > _LATE:
            return now + cost - self._since <= late and self._has_spare()
        return self._to > self._from and now - self._since <= late

    def _has_spare(self) -> bool:
        """Tell if enough whole jobs are here already."""
        count, at, head = len(self._ahead), self._from, wire.HEAD
        while count < _SPARE and self._to - at >= head.size:
            body, meta, *_ = head.unpack_from(self._buffer, at)
            at += head.size + body + meta
            count += at <= self._to
        return count >= _SPARE

    def send_now(self, head: bytes, body: wire.Bytes = b"") -> None:
        """Send a frame after what waits.

        Raises:
            OSError: the front is gone.
        """
        self.flush()
        if len(body) < _JOINED:
            self._socket.sendall(head + bytes(body))
        else:
            self._socket.sendall(head)
            self._socket.sendall(body)
        if self._journal is not None:
            self._journal.idle()

    def flush(self) -> None:
        """Send what waits.

        Raises:
            OSError: the front is gone.
        """
        journal = self._journal
        if journal is not None and journal.end != START:
            self._socket.sendall(journal.waiting())
            journal.sent()


def kept(frame: wire.Frame) -> wire.Frame:
    """Return a frame that stays good when others are read."""
    # a larger one is not in the buffer that is used again, so it needs no copy
    body = frame.body if len(frame.body) > _BUFFER else bytes(frame.body)
    return frame._replace(meta=bytes(frame.meta), body=body)


def _cancelled(jobs: Deque[wire.Frame], seq: int) -> bool:
    for place, job in enumerate(jobs):
        if job.seq == seq and job.kind == wire.JOB:
            jobs[place] = wire.Frame(wire.CANCEL, seq, 1, 0, b"", b"")
            return True
    return False
