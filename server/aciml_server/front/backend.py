"""The front's end of a worker: sends jobs, hands answers out, and tells when it ended."""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import signal
import socket
import time
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Optional, Protocol, Union

from .. import wire
from ..settings import Settings
from ..worker.journal import SIZE, Journal
from .jobs import Job
from .spawn import POSIX, Forked, Nursery, Started, shared_memory, watch_end

_SOCKET_BUFFER = 1024 * 1024
_JOINED = 65536
"""Bytes of a body up to which copying it is cheaper than a second write."""


class Events(Protocol):
    """Who is told of a worker's life."""

    def ready(self, backend: "Backend") -> None:
        """It can serve."""

    def done(self, count: int) -> None:
        """So many jobs are answered."""

    def lost(self, backend: "Backend") -> None:
        """Its connection or its process ended."""


class Backend(asyncio.Protocol):
    """One worker process. ``jobs`` were sent and are not answered, oldest first; ``streaming`` are being answered."""

    def __init__(self, settings: Settings, events: Events, nursery: Optional[Nursery] = None) -> None:
        """Start the process; ``connect`` comes when a loop runs."""
        self._events = events
        self.jobs: "OrderedDict[int, Job]" = OrderedDict()
        self.streaming: Dict[int, Job] = {}
        self.ready = self.retiring = self.ended = self.severed = self.concurrent = False
        self.answered = 0
        self.facts: List[Dict[str, Any]] = []
        self.since = self.started = time.monotonic()
        """When the worker said something last, or got something to do."""
        self.cost = 0.0
        """Smoothed seconds of a job; 0 before the first."""
        self.late: Optional[int] = None
        """The job that took too long, when that is why the worker was ended."""
        self.glancing = False
        self._parts: List[bytes] = []
        self._have = self._need = 0
        self._transport: Any = None
        self._journal: Optional[Journal] = None
        self._out: List[bytes] = []
        self._soon: Callable[..., Any]
        self._lifeline = self._pidfd = -1
        self.process: Union[Started, Forked] = self._start(settings, nursery)

    def _start(self, settings: Settings, nursery: Optional[Nursery]) -> Union[Started, Forked]:
        self._socket, theirs = socket.socketpair()
        self._spare = self._socket.dup()  # a write that fails closes the transport, and what came is not read yet
        # the usual 208 KiB (net.core.wmem_default) would stop the writer several times in a body of a megabyte
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER)
        shared = reading = -1
        if POSIX:
            shared = shared_memory()
            self._journal = Journal(mmap.mmap(shared, SIZE))
            # the end of this pipe ends the worker when this process is gone; see ``worker/lifeline.py``
            reading, self._lifeline = os.pipe()
        try:
            if nursery is not None:
                return nursery.fork(theirs, shared, reading)
            return Started(settings, theirs, shared, reading)
        finally:
            # the child has its own: with a copy here the socket would outlive it, and its end be seen by nobody
            theirs.close()
            for fd in (shared, reading):
                if fd >= 0:
                    os.close(fd)

    async def connect(self) -> None:
        """Begin to listen to the worker."""
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        await loop.create_connection(lambda: self, sock=self._socket)
        self._pidfd = watch_end(self.process.pid, loop, self.process_ended)

    def connection_made(self, transport: Any) -> None:
        """Keep the way to the worker."""
        self._transport = transport
        self._soon = asyncio.get_running_loop().call_soon
        transport.set_write_buffer_limits(high=4 * 1024 * 1024)

    # to the worker

    def send(self, job: Job, now: float) -> None:
        """Send a job; its answer comes to the job itself."""
        jobs = self.jobs
        # it had nothing to do until now: its time begins
        if not jobs and not self.streaming:
            self.since = now
        job.sent = now
        job.backend = self
        jobs[job.seq] = job
        meta = job.meta
        size = job.size
        head = wire.HEAD.pack(size, len(meta), job.seq, job.model, wire.JOB, 0)
        if size <= _JOINED:
            body = job.body
            data = (head + meta + body[0]) if len(body) == 1 else b"".join((head, meta, *body))
            self._write(data, alone=len(jobs) == 1)
        else:
            self._write(head + meta, alone=True)
            for piece in job.body:
                self._transport.write(piece)

    def _write(self, data: bytes, *, alone: bool) -> None:
        """Write at once what a worker with nothing to do waits for; the rest of a round of the loop in one piece.

        uvloop makes a system call of each write, and each of those may wake the worker.
        """
        out = self._out
        if alone:
            if out:
                self._flush()
            self._transport.write(data)
            return
        out.append(data)
        if len(out) == 1:
            self._soon(self._flush)

    def _flush(self) -> None:
        out = self._out
        if out and not self.ended:
            self._transport.write(b"".join(out))
        out.clear()

    def send_batch(self, jobs: List[Job], now: float) -> None:
        """Send jobs that belong together."""
        if len(jobs) > 1:
            self._write(wire.pack(wire.BATCH, number=len(jobs)), alone=False)
        for job in jobs:
            self.send(job, now)

    def command(self, frame: bytes) -> None:
        """Send a frame that is no job."""
        if self._transport is not None and not self.ended:
            self._write(frame, alone=True)

    def credit(self, job: Job) -> None:
        """Let the worker send more of a streamed body."""
        self.command(wire.pack(wire.CREDIT, job.seq, meta=wire.COUNT.pack(job.owed)))
        job.owed = 0
        self.since = time.monotonic()

    # from the worker

    def data_received(self, data: bytes) -> None:
        """Hand out what the worker sent."""
        if self._parts:
            self._parts.append(data)
            self._have += len(data)
            if self._have < self._need:
                return
            data = b"".join(self._parts)
            self._parts = []
        start, end, head, jobs = 0, len(data), wire.HEAD, self.jobs
        need = head.size
        count = 0
        while end - start >= head.size:
            body, meta, seq, number, kind, flags = head.unpack_from(data, start)
            first = start + head.size
            middle = first + meta
            last = middle + body
            if last > end:
                # no worker of ours says that: user code wrote into the socket, and no length can be believed
                if kind > wire.CREDIT or meta > wire.LARGEST_META:
                    self._sever()
                    return
                need = last - start
                break
            start = last
            # what nearly every frame is, in the fewest steps
            if kind == wire.ANSWER and not flags & wire.MORE:
                job = jobs.pop(seq, None)
                if job is not None:
                    count += 1
                    job.answered(number, data[first:middle], data[middle:last], flags)
            else:
                count += self._other(kind, seq, number, flags, data[first:middle], data[middle:last])
        if start < end:
            self._parts = [data[start:]]
            self._have, self._need = end - start, need
        self._count(count)

    def _count(self, count: int) -> None:
        now = time.monotonic()
        if count:
            # a moving average of some ten jobs: a model that becomes slow is known soon, one slow job is forgotten
            each = (now - self.since) / count
            self.cost = self.cost + (each - self.cost) * 0.2 if self.cost else each
            self.answered += count
            self.since = now
            self._events.done(count)
        else:
            self.since = now

    def _other(self, kind: int, seq: int, number: int, flags: int, meta: bytes, body: bytes) -> int:
        """Take a frame that is no whole answer; return how many jobs it ended."""
        if kind == wire.ANSWER:
            job = self.jobs.pop(seq, None)
            if job is not None:
                self.streaming[seq] = job
                job.answered(number, meta, body, flags)
            return 0
        if kind == wire.CHUNK:
            return self._chunk(self.streaming.get(seq), body, flags)
        if kind != wire.READY:
            self._sever()
            return 0
        told = json.loads(meta)
        # the nursery forks in its own time and does not say for whom; the worker itself does
        if not self.process.pid:
            self.process.pid = told["pid"]
            self._pidfd = watch_end(told["pid"], asyncio.get_running_loop(), self.process_ended)
        self.facts = told["models"]
        self.concurrent = any(fact["concurrent"] for fact in self.facts)
        self.ready = True
        self._events.ready(self)
        return 0

    def _chunk(self, job: Optional[Job], body: bytes, flags: int) -> int:
        if job is None:
            return 0
        if flags & wire.MORE:
            job.owed += len(body)
            if not job.gone:
                job.continued(body, True)
            # in quarters of the window: a frame for each piece would cost more than the piece, and the worker never
            # waits
            if not job.paused and job.owed >= wire.WINDOW // 4:
                self.credit(job)
            return 0
        del self.streaming[job.seq]
        if not job.gone:
            if flags & wire.FAILED:
                job.broken()
            else:
                job.continued(body, False)
        return 1

    def glean(self) -> None:
        """Take answers that are done, but wait in the worker behind a job that takes long."""
        # not into the middle of a frame that is still coming in
        if self._journal is not None and not self._parts and not self.concurrent:
            frames = self._journal.read_while_running()
            if frames:
                since = self.since
                self.data_received(frames)
                self.since = since  # the worker itself said nothing

    # its end

    def connection_lost(self, error: Optional[Exception]) -> None:  # noqa: ARG002  # the protocol's
        """Tell that the worker is gone."""
        if not self.ended and not self.severed:
            self._drain()
        self._is_lost()

    def process_ended(self) -> None:
        """Take what is still in the socket, and wait for no more: a child of the worker may keep it open."""
        self.close_watch()
        if self.ended:
            return
        # ``_drain`` reads from here on; what two read would be in no order
        self._transport.pause_reading()
        self._drain()
        self._is_lost()
        self._transport.abort()

    def _drain(self) -> None:
        while not self.severed:
            try:
                data = self._spare.recv(_SOCKET_BUFFER)
            except OSError:
                return
            if not data:
                return
            self.data_received(data)

    def _sever(self) -> None:
        """End a worker that sends what is no frame: somebody wrote into its socket."""
        self._parts = []
        self.severed = True
        self._transport.abort()

    def _is_lost(self) -> None:
        if not self.ended:
            self.ended = True
            self._spare.close()
            self._events.lost(self)

    def read_journal(self) -> Optional[int]:
        """Hand out finished answers that the dead worker could not send; return the job that it had begun, if any."""
        if self._journal is None:
            # Windows shares no journal: the oldest job is the one that ran, as far as anybody can tell
            return next(iter(self.jobs), None)
        # coroutines write their answers at once: their journal knows no more than which job began last
        frames, running = self._journal.read()
        self._parts = []  # what was cut in the middle is whole in the journal
        if not self.concurrent:
            self.data_received(frames)
        return running

    def close_watch(self) -> None:
        """Close what told of its end."""
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def close(self) -> None:
        """Give back what is left, after the end."""
        self.close_watch()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def alarm(self) -> None:
        """Remind the worker that its job takes too long."""
        # a number of a process that was waited for may be another's by now
        if hasattr(signal, "SIGALRM") and self.process.poll() is None:
            self.process.send_signal(signal.SIGALRM)

    def kill(self) -> None:
        """End the worker and what it started, whatever they do."""
        self.process.kill()
