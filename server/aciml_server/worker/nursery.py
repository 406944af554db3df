"""A process that loads the scripts once and forks workers from itself, which share its memory until they write.

It gets descriptors over a socket, three for each worker: its socket, its journal, its lifeline. It answers with one
line for each worker that ended: process number and status. Python 3.8 has no ``recv_fds``, so this reads the message.
"""

from __future__ import annotations

import array
import gc
import logging
import os
import signal
import socket
import sys
import threading
from typing import Any, List, Set

from ..contract.model import Model
from ..settings import Settings
from .lifeline import tie
from .main import INIT_FAILED, _journal, _socket, prepare, serve
from .start import load_models

_FDS = 3
_POOLS = {"multiprocessing.pool", "concurrent.futures.process"}
_LOG = logging.getLogger("aciml")


class Nursery:
    """Knows its children, and tells the front when one ended."""

    def __init__(self, control: socket.socket, models: List[Model], settings: Settings) -> None:
        """Take SIGCHLD."""
        self._control = control
        self._models = models
        self._settings = settings
        self._children: Set[int] = set()
        signal.signal(signal.SIGCHLD, self._ended)

    def run(self) -> int:
        """Fork until the front is gone; return the exit code."""
        while True:
            fds = _receive(self._control)
            if len(fds) < _FDS:
                return 0
            # a child that ends at once must be known before ``_ended`` looks for it
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
            sys.stdout.flush()
            sys.stderr.flush()
            # with empty buffers: what is in them would be written twice
            pid = os.fork()
            if not pid:
                code = self._child(fds)
                sys.stdout.flush()
                sys.stderr.flush()
                # past the frames and the ``atexit`` of the parent, which are copied, too
                os._exit(code)
            self._children.add(pid)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            for fd in fds:
                os.close(fd)

    def _child(self, fds: List[int]) -> int:
        try:
            # children of the script are its own affair
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            # a group of its own: its end ends all that it started, and nothing else
            os.setsid()
            self._control.close()
            tie(fds[2])
            return serve(self._models, self._settings, _socket(fds[0]), _journal(fds[1]))
        except BaseException as error:  # noqa: BLE001  # nothing may come back into the parent's code
            print("the worker could not begin: %r" % error, file=sys.stderr, flush=True)
            return 1

    def _ended(self, _number: int, _frame: Any) -> None:
        for pid in list(self._children):  # only ours: others belong to the script
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._children.discard(pid)
                self._control.sendall(b"%d %d\n" % (pid, status))


def main(settings: Settings, control_fd: str, lifeline_fd: str) -> int:
    """Be a nursery; return the exit code: 0 when the front is gone, 3 if the script cannot serve."""
    prepare(settings)
    control = _socket(int(control_fd))
    os.set_inheritable(int(lifeline_fd), False)
    tie(int(lifeline_fd))
    models = load_models(settings)
    if models is None:
        return INIT_FAILED
    if _has_pool():
        return INIT_FAILED
    _warn_of_threads()
    # or what is garbage now would be frozen with the rest, and kept in every child
    gc.collect()
    gc.freeze()  # or the collector would write to each object, and unshare its page
    try:
        return Nursery(control, models, settings).run()
    except OSError:
        return 0


def _has_pool() -> bool:
    """Tell whether the script has left a pool open, of processes or of ``multiprocessing``; if so, say it and end it.

    Its tasks go through threads, which are in no worker: whoever asks it waits for ever. Nobody leaves such a pool open
    for nothing, so it is an error; a thread, or an executor of threads, may be a library's that nobody needs any more.
    """
    # the target is private, but there from 3.8 to 3.14 as long as its thread runs
    owners = {type(one).__module__ for one in threading.enumerate()}
    owners |= {getattr(getattr(one, "_target", None), "__module__", "") for one in threading.enumerate()}
    if not owners & _POOLS:
        return False
    import multiprocessing  # there already: the pool is one of its

    # a process of a pool has a copy of each descriptor, so that the front would not see the end of this one
    for child in multiprocessing.active_children():
        child.kill()
    told = (
        "the script left a pool of processes or threads open, and workers that share its memory have none of the"
        " threads that feed it: each request that uses it would wait for ever; make it at the first request, or set"
        " preload to false"
    )
    print(told, file=sys.stderr, flush=True)
    return True


def _warn_of_threads() -> None:
    """Say that threads of ``init()`` are in no worker: fork copies the thread that calls it, and locks as they are."""
    names = [one.name for one in threading.enumerate() if one is not threading.main_thread()]
    if names:
        _LOG.warning(
            "init() left %d threads running (%s), and workers that share its memory have none of them: whatever waits"
            " for one hangs; begin them at the first request, or set preload to false",
            len(names),
            ", ".join(names[:5]),
        )


def _receive(control: socket.socket) -> List[int]:
    fds = array.array("i")
    _, ancillary, _, _ = control.recvmsg(1, socket.CMSG_LEN(_FDS * fds.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return list(fds)
