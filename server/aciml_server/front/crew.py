"""The worker processes: starts them, replaces who ended, slower if they end again and again, and lets them go."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Any, Callable, Dict, List, Optional, Set

from .. import wire
from ..settings import Settings
from .backend import Backend, Events
from .reasons import oom_kills, reason
from .spawn import POSIX, Nursery

_LOG = logging.getLogger("aciml.workers")
_FAILED = 3
"""Exit code when the script cannot serve, as in v1."""
_MOST_FAILURES = 5
"""Starts in a row that may fail while no worker serves."""
_DYING = 0.1
"""Seconds for a process that closed its connection to end by itself, so that its own reason is known."""
_GOODBYE = 2.0
"""Seconds for what a script does at its exit."""


class Crew:
    """``backends`` are all workers that did not end yet."""

    def __init__(self, settings: Settings, events: Events, on_fatal: Callable[[int], None]) -> None:
        """Start the processes at once."""
        self._settings = settings
        self._events = events
        self._on_fatal = on_fatal
        self._nursery = Nursery(settings) if settings.preload and POSIX and not settings.reload else None
        self._served = False
        self._fails = self._crashes = 0
        self._kills = oom_kills()
        self._fresh: List[Backend] = []
        self.stopping = False
        self.restarts = 0
        self.ends: Dict[str, int] = {}
        """How often a worker ended unasked, by reason: ``timeout``, ``oom``, ``exit``, or a signal's name."""
        self.last_failure = ""
        self._tasks: Set["asyncio.Future[None]"] = set()
        self.backends = [self._new() for _ in range(settings.workers)]

    def _new(self) -> Backend:
        return Backend(self._settings, self._events, self._nursery)

    async def connect(self) -> None:
        """Listen to all workers."""
        for backend in self.backends:
            await backend.connect()

    @property
    def is_ready(self) -> bool:
        """Tell if a worker can serve now."""
        return any(backend.ready and not backend.ended for backend in self.backends)

    @property
    def failing(self) -> bool:
        """Tell if workers end again and again."""
        return not self.is_ready and max(self._fails, self._crashes) >= _MOST_FAILURES - 2

    def ready(self, backend: Backend) -> None:
        """Note that a worker serves, and let the one go that it stands for."""
        self._served = True
        self._fails = 0
        if backend in self._fresh:
            self._fresh.remove(backend)
            # one for one: as many serve as before, at any time
            for old in self.backends:
                if old.started < backend.started and not old.retiring and old not in self._fresh:
                    self._retire(old)
                    break

    # one that ended

    async def bury(self, backend: Backend) -> str:
        """Wait until a worker is gone; return why it ended, without the subject."""
        code = await self._code(backend)
        kills = oom_kills()
        word, sentence = reason(code, short_of_memory=kills > self._kills)
        self._kills = kills
        if backend.late is not None:
            # the exit code tells of our own SIGKILL only
            word, sentence = "timeout", "its job took longer than %g ms" % self._settings.scoring_timeout_ms
        elif backend.severed:
            word, sentence = "exit", "it closed its connection to the front, or wrote into it"
        backend.close()
        if backend in self.backends:
            self.backends.remove(backend)
        if not self.stopping and not backend.retiring:
            self._count(backend, word, sentence, code)
        return sentence

    async def _code(self, backend: Backend) -> Optional[int]:
        # of one that never served nobody waits for an answer, and an interpreter with large modules takes its time to
        # end: its own exit code says why it failed, a SIGKILL of ours would not
        last = time.monotonic() + (_DYING if backend.ready else _GOODBYE)
        killed = False
        while True:
            code = backend.process.poll()
            if code is not None:
                kill_rest(backend)
                return code
            if not killed and (backend.severed or time.monotonic() > last):
                killed = backend.severed = True
                last = time.monotonic()
                backend.kill()
            if killed and time.monotonic() - last > 2:  # not even the kernel can end it now
                return None
            await asyncio.sleep(0.002)

    def _count(self, backend: Backend, word: str, sentence: str, code: Optional[int]) -> None:
        self.last_failure = "worker %d ended: %s" % (backend.process.pid, sentence)
        if backend in self._fresh:  # nobody waits for it: the old ones serve
            self._fresh.remove(backend)
            _LOG.error("the change cannot be loaded (%s); what ran before goes on", sentence)
            return
        if backend.ready:
            self.ends[word] = self.ends.get(word, 0) + 1
            self._crashes = 0 if backend.answered else self._crashes + 1
            _LOG.error(self.last_failure)
            # two may be two bad requests; a third that never answered one looks like the script
            self._replace(self._crashes - 2)
            return
        if code is not None and code < 0:
            _LOG.error("worker %d ended in init(): %s", backend.process.pid, sentence)
        self._fails += 1
        serving = self.is_ready
        # a script that never served will not do so the next time; after one that did, some starts may fail
        if not self._served or (self._fails >= _MOST_FAILURES and not serving):
            self._on_fatal(code if code is not None and code > 0 else _FAILED)
        else:
            self._replace(self._fails)

    def _replace(self, doubt: int) -> None:
        """Start another worker: at once, or later if the last ones did not serve."""
        self.restarts += 1
        if doubt <= 0:
            self._start()
        else:
            # longer each time, so that a script that dies at once does not fill the log and the processor
            asyncio.get_running_loop().call_later(min(10.0, 0.1 * 2**doubt), self._start)

    def _start(self) -> Optional[Backend]:
        if self.stopping:
            return None
        backend = self._new()
        self.backends.append(backend)
        task = asyncio.ensure_future(backend.connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return backend

    # changes, and the end

    def renew(self) -> None:
        """Start new workers, each of which takes the place of an old one as soon as it can serve."""
        # an edit while the last one still loads: nobody waits for what came between
        for late in self._fresh:
            late.retiring = True
            late.kill()
        alive = [backend for backend in self.backends if not backend.retiring]
        self._fresh = [one for one in (self._start() for _ in alive) if one is not None]

    def _retire(self, backend: Backend) -> None:
        backend.retiring = True
        self.release(backend)

    @staticmethod
    def release(backend: Backend) -> None:
        """Let a worker go that retires, if it has nothing left to do."""
        if not backend.jobs and not backend.streaming:
            backend.command(wire.pack(wire.END))

    async def finish(self) -> None:
        """Let all workers go; end those that do not."""
        self.stopping = True
        for backend in self.backends:
            backend.command(wire.pack(wire.END))
        end = time.monotonic() + _GOODBYE
        while any(not one.ended for one in self.backends) and time.monotonic() < end:  # noqa: ASYNC110  # seldom
            await asyncio.sleep(0.005)
        self.kill()

    def kill(self) -> None:
        """End all workers."""
        self.stopping = True
        for backend in self.backends:
            backend.kill()
        if self._nursery is not None:
            self._nursery.kill()

    def reap(self) -> None:
        """As process 1 of a container: bury orphans, which nobody else does."""
        # the kernel gives orphans to process 1 of a container, which has to wait for them or keep them as zombies
        if os.getpid() != 1 or not hasattr(os, "waitid"):
            return
        ours = {backend.process.pid for backend in self.backends}
        ours.add(self._nursery.pid if self._nursery is not None else 0)
        for _ in range(100):
            try:
                # look without taking (WNOWAIT): who takes the status of a worker takes it from ``subprocess``
                found: Any = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None or found.si_pid in ours:
                return
            os.waitpid(found.si_pid, os.WNOHANG)


def kill_rest(backend: Backend) -> None:
    """End what a dead worker started."""
    if POSIX and backend.process.pid:
        try:
            # a group lives on as long as one of its processes does, whoever led it
            os.killpg(backend.process.pid, 9)
        except (ProcessLookupError, PermissionError):
            return
