"""Processes of the server as forks of a Python that has its modules already (``warm.py``)."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO, Any

SIZE = 8
"""Bytes in front of a question, which are its length; and of each answer: the process's number, how it ended."""
FLAGS = {"-B", "-u"}
"""Flags of an interpreter that a fork may have, too."""


class Fork:
    """What is used of ``subprocess.Popen``."""

    def __init__(
        self,
        place: str,
        words: Sequence[str],
        environ: Mapping[str, str],
        fds: Mapping[int, int],
        *,
        workers: str = "",
        session: bool = False,
        unbuffered: bool = False,
    ) -> None:
        """Ask the warm Python at a place.

        Args:
            place: its socket.
            words: the program, and what follows it.
            environ: all variables.
            fds: descriptors of this process, by the number that they have there.
            workers: the socket of the Python that forks a front's workers.
            session: it leads a session of its own.
            unbuffered: ``-u``.
        """
        question = {
            "words": list(words),
            "environ": dict(environ),
            "fds": list(fds),
            "folder": os.getcwd(),  # noqa: PTH109  # a front has no pathlib
            "files": resource.getrlimit(resource.RLIMIT_NOFILE),
            "workers": workers,
            "session": session,
            "unbuffered": unbuffered,
        }
        data = json.dumps(question).encode()
        self.returncode: int | None = None
        self.stderr: IO[str] | None = None
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(place)
        socket.send_fds(self._socket, [b"%*d" % (SIZE, len(data))], list(fds.values()))
        self._socket.sendall(data)
        self.pid = int(self._socket.recv(SIZE))

    def poll(self) -> int | None:
        """Return how it ended, as ``returncode`` has it; None as long as it runs."""
        with contextlib.suppress(BlockingIOError):
            self._learn(socket.MSG_DONTWAIT)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            self._socket.settimeout(timeout)
            try:
                self._learn(0)
            except TimeoutError:
                raise subprocess.TimeoutExpired("a fork", timeout or 0) from None
        assert self.returncode is not None
        return self.returncode

    def _learn(self, flags: int) -> None:
        if self.returncode is None:
            self.returncode = int(self._socket.recv(SIZE, flags))
            self._socket.close()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Workers:
    """What a front uses of the module ``subprocess``: its workers are forks, too."""

    DEVNULL = subprocess.DEVNULL

    def __init__(self, place: str) -> None:
        """Take the socket of the Python that forks them."""
        self._place = place

    def Popen(self, command: list[str], env: dict[str, str], pass_fds: list[int], **options: Any) -> Any:  # noqa: N802
        """Start a worker, or the process that forks workers."""
        program = next(at for at, word in enumerate(command) if word.endswith(".py"))
        flags = set(command[1:program])
        if not flags <= FLAGS:
            return subprocess.Popen(command, env=env, pass_fds=pass_fds, **options)
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            fds = {0: nothing, 1: 1, 2: 2, **{fd: fd for fd in pass_fds}}
            return Fork(self._place, command[program:], env, fds, session=True, unbuffered="-u" in flags)
        finally:
            os.close(nothing)
