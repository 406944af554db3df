"""Starts worker processes, each on its system's own way, and knows whether they still run."""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Optional

from .. import records
from ..setting import threads
from ..settings import Settings
from ..worker.journal import SIZE

_LAUNCHER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "run.py")
POSIX = os.name == "posix"


def launch(settings: Settings, role: str, fds: List[int], **options: Any) -> "subprocess.Popen[bytes]":
    """Start this program in another role, in a session of its own, so that it can be ended with all it started."""
    # variables are inherited, flags of the interpreter are not
    optimised = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    flags = [*(["-B"] if sys.dont_write_bytecode else []), *(["-u"] if _unbuffered() else []), *optimised]
    command = [sys.executable, *flags, _LAUNCHER, role, *(str(fd) if fd >= 0 else "-1" for fd in fds)]
    env = {**os.environ, **threads(os.environ), "ACIML_WORKER_SETTINGS": settings.for_worker()}
    if POSIX:
        kept = [*records.inherited, *(fd for fd in fds if fd >= 0)]
        # who reads stdin finds its end: workers must not take turns in what a terminal sends to the front
        options.update(pass_fds=kept, stdin=subprocess.DEVNULL, start_new_session=True)
    return subprocess.Popen(command, env=env, **options)


def _unbuffered() -> bool:
    return bool(getattr(sys.stdout, "write_through", False))


def shared_memory() -> int:
    """Return a descriptor of memory for a journal."""
    if hasattr(os, "memfd_create"):
        # memory that needs no place: /tmp may be read-only, and /dev/shm has 64 MB in a container of Docker's
        shared = os.memfd_create("aciml-journal")
    else:
        shared, path = tempfile.mkstemp()
        os.unlink(path)
    os.ftruncate(shared, SIZE)
    return shared


class Started:
    """A process that this one started."""

    def __init__(self, settings: Settings, sock: socket.socket, journal: int, lifeline: int) -> None:
        """Hand over the descriptors; the caller closes its own."""
        if POSIX:
            self._process = launch(settings, "--worker", [sock.fileno(), journal, lifeline])
        else:  # Windows: a socket is shared with a process that runs already
            self._process = _launch_on_windows(settings, sock)
        self.pid = self._process.pid

    def poll(self) -> Optional[int]:
        """Return the exit code (negative: a signal), None as long as it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End it and what it started, whatever they do."""
        if self._process.poll() is None:
            kill_group(self.pid)
            if not POSIX:
                self._process.kill()

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)


def _launch_on_windows(settings: Settings, sock: Any) -> "subprocess.Popen[bytes]":
    env = {**os.environ, "ACIML_WORKER_SETTINGS": settings.for_worker()}
    command = [sys.executable, _LAUNCHER, "--worker", "-", "-1", "-1"]
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE)
    if process.stdin is not None:
        with process.stdin as stdin:
            stdin.write(sock.share(process.pid))
    return process


def kill_group(pid: int) -> None:
    """End a process and those of its group."""
    # a child that has not called setsid yet has no group of that number; then it alone is ended
    for kill in (getattr(os, "killpg", None), os.kill):
        if kill is not None and pid:
            try:
                kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            except (ProcessLookupError, PermissionError):
                continue
            return


class Nursery:
    """The process that forks workers; started with the first that is needed, and again if it ended."""

    def __init__(self, settings: Settings) -> None:
        """Nothing runs yet."""
        self._settings = settings
        self._control: Optional[socket.socket] = None
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self._lifeline = -1
        self._statuses: Dict[int, int] = {}
        self._rest = b""

    def fork(self, sock: socket.socket, journal: int, lifeline: int) -> "Forked":
        """Ask for a worker; it comes when the scripts are loaded."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        fds = array.array("i", [sock.fileno(), journal, lifeline])
        control: Any = self._control
        with contextlib.suppress(OSError):  # it just ended; the worker's socket says so, too
            # descriptors travel beside data only, one byte of it at least (unix(7))
            control.sendmsg([b"w"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        return Forked(self)

    def _start(self) -> None:
        if self._control is not None:
            self._control.close()
            os.close(self._lifeline)
        self._control, theirs = socket.socketpair()
        reading, self._lifeline = os.pipe()
        try:
            self._process = launch(self._settings, "--nursery", [theirs.fileno(), reading])
        finally:
            theirs.close()
            os.close(reading)
        # `status` asks in passing, between requests
        self._control.setblocking(False)

    def status(self, pid: int) -> Optional[int]:
        """Return the exit code of a worker (negative: a signal), None as long as it runs."""
        control: Any = self._control
        with contextlib.suppress(OSError):  # nothing new
            self._rest += control.recv(65536)
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            ended, status = map(int, line.split())
            # the word of wait(2); os.waitstatus_to_exitcode came with Python 3.9
            self._statuses[ended] = -(status & 127) if status & 127 else status >> 8
        return self._statuses.pop(pid, None)

    @property
    def pid(self) -> int:
        """Return its process number, 0 before its start."""
        return self._process.pid if self._process is not None else 0

    @property
    def code(self) -> Optional[int]:
        """Return its own exit code, None as long as it runs."""
        return self._process.poll() if self._process is not None else None

    def kill(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            kill_group(self._process.pid)


class Forked:
    """A process that the nursery forked; ``pid`` is 0 until it says it."""

    def __init__(self, nursery: Nursery) -> None:
        """Nothing is known yet."""
        self._nursery = nursery
        self._code: Optional[int] = None
        self.pid = 0

    def poll(self) -> Optional[int]:
        """Return the exit code (negative: a signal), None as long as it runs or nobody knows."""
        if self._code is None:
            self._code = self._nursery.status(self.pid) if self.pid else None
            if self._code is None:
                self._code = self._nursery.code
        return self._code

    def kill(self) -> None:
        """End it and what it started, whatever they do."""
        kill_group(self.pid)

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        if self.pid:
            os.kill(self.pid, number)


def watch_end(pid: int, loop: asyncio.AbstractEventLoop, ended: Any) -> int:
    """Have ``ended`` called when the process ends, if the system can tell; return the descriptor to close, or -1."""
    opening = getattr(os, "pidfd_open", None)
    if opening is None or not pid:
        return -1
    try:
        # readable when the process has ended (pidfd_open(2)), without a signal that could interrupt anything
        fd: int = opening(pid)
    except OSError:
        return -1
    loop.add_reader(fd, ended)
    return fd
