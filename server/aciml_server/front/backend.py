"""The front's end of a worker: starts the process, sends jobs, hands answers out, and tells how it ended."""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Optional

from .. import wire
from ..settings import Settings
from ..worker.link import JOURNAL, JOURNAL_HEAD
from .jobs import Job

_LAUNCHER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "run.py")


class Backend(asyncio.Protocol):
    """One worker process. ``jobs`` has what was sent and is not answered, oldest first."""

    def __init__(self, settings: Settings, events: "Events") -> None:
        """Start the process; ``connect`` comes when a loop runs."""
        self._events = events
        self._settings = settings
        self.jobs: "OrderedDict[int, Job]" = OrderedDict()
        self.streaming: Dict[int, Job] = {}
        self.ready = False
        self.retiring = False
        self.facts: List[Dict[str, Any]] = []
        self.busy_since = 0.0
        """When the oldest of ``jobs`` became the oldest, by ``time.monotonic``."""
        self.alarmed: Optional[int] = None
        self.cost = 0.0
        """Smoothed seconds of a job."""
        self.ended = False
        self._rest = b""
        self._transport: Optional[asyncio.Transport] = None
        self._journal: Optional[mmap.mmap] = None
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._socket, theirs = socket.socketpair()
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024 * 1024)
        shared = _shared_file()
        self._journal = mmap.mmap(shared, JOURNAL)
        fds = (theirs.fileno(), shared)
        command = [sys.executable, *(["-B"] if sys.dont_write_bytecode else []), _LAUNCHER, "--worker", *map(str, fds)]
        try:
            return subprocess.Popen(
                command,
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "ACIML_WORKER_SETTINGS": self._settings.for_worker()},
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(shared)

    async def connect(self) -> None:
        """Begin to listen to the worker."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, sock=self._socket)

    def connection_made(self, transport: Any) -> None:
        """Keep the way to the worker."""
        self._transport = transport
        transport.set_write_buffer_limits(high=4 * 1024 * 1024)

    def send(self, job: Job) -> None:
        """Send a job; its answer comes to the job itself."""
        if not self.jobs:
            self.busy_since = time.monotonic()
        self.jobs[job.seq] = job
        meta = job.meta
        size = job.size
        transport: Any = self._transport
        head = wire.HEAD.pack(size, len(meta), job.seq, job.model, wire.JOB, 0)
        if size <= 65536:
            transport.write(b"".join((head, meta, *job.body)))
        else:
            transport.write(head + meta)
            for piece in job.body:
                transport.write(piece)

    def command(self, frame: bytes) -> None:
        """Send a frame that is no job."""
        if self._transport is not None:
            self._transport.write(frame)

    def data_received(self, data: bytes) -> None:
        """Hand out what the worker sent."""
        if self._rest:
            data = self._rest + data
        start, end, head = 0, len(data), wire.HEAD
        while end - start >= head.size:
            body, meta, seq, number, kind, flags = head.unpack_from(data, start)
            first = start + head.size
            middle = first + meta
            last = middle + body
            if last > end:
                break
            self._frame(kind, seq, number, flags, data[first:middle], data[middle:last])
            start = last
        self._rest = data[start:] if start < end else b""

    def _frame(self, kind: int, seq: int, number: int, flags: int, meta: bytes, body: bytes) -> None:
        if kind == wire.ANSWER:
            job = self.jobs.pop(seq, None)
            if job is None:
                return
            now = time.monotonic()
            self.cost += (now - self.busy_since - self.cost) * 0.2
            self.busy_since = now
            more = flags & wire.MORE
            if more:
                self.streaming[seq] = job
            job.answered(number, meta, body, flags)
            if not more:
                self._events.done(self, job)
        elif kind == wire.CHUNK:
            job = self.streaming.get(seq)
            if job is not None:
                job.continued(body, bool(flags & wire.MORE))
                if not flags & wire.MORE:
                    del self.streaming[seq]
                    self._events.done(self, job)
        elif kind == wire.READY:
            self.facts = json.loads(meta)
            self.ready = True
            self._events.ready(self)

    def connection_lost(self, error: Optional[Exception]) -> None:  # noqa: ARG002  # the protocol's
        """Take finished answers from the journal, and tell that the worker is gone."""
        if self._journal is not None:
            waiting, running = JOURNAL_HEAD.unpack_from(self._journal, 0)
            self._rest = b""  # what was cut in the middle is whole in the journal
            start = JOURNAL_HEAD.size
            self.data_received(self._journal[start : start + min(waiting, JOURNAL - start)])
            self.began = running - 1 if running else None
        self.ended = True
        self._events.ended(self)

    began: Optional[int] = None
    """After the end: the job that was running."""

    def alarm(self) -> None:
        """Remind the worker that its job takes too long."""
        self._signal(signal.SIGALRM)

    def kill(self) -> None:
        """End the worker and what it started, whatever they do."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.process.kill()

    def _signal(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)


class Events:
    """Who is told of a worker's life."""

    ready: Callable[[Backend], None]
    done: Callable[[Backend, Job], None]
    ended: Callable[[Backend], None]


def _shared_file() -> int:
    if hasattr(os, "memfd_create"):
        shared = os.memfd_create("aciml-journal")
    else:
        shared, path = tempfile.mkstemp()
        os.unlink(path)
    os.ftruncate(shared, JOURNAL)
    return shared
