"""The worker's life: load the scripts, say so, do jobs until the front ends it."""

from __future__ import annotations

import atexit
import contextlib
import json
import mmap
import os
import signal
import socket
import sys
from typing import Any, List, Optional

from .. import logs, wire
from ..contract.model import Model
from ..settings import Settings
from .journal import SIZE, Journal
from .lifeline import tie
from .link import Link
from .loop import Loop
from .start import load_models, warm_up

INIT_FAILED = 3
"""Exit code when the script cannot serve, as in v1."""


def main(settings: Settings, *given: str) -> int:
    """Be a worker; return the exit code: 0 when the front ended it, 3 if the script cannot serve.

    ``given`` are descriptors: of the socket (``-``: it comes on stdin), of the journal and of the lifeline (-1: none).
    """
    prepare(settings)
    sock = _from_stdin() if given[0] == "-" else _socket(int(given[0]))
    journal = _journal(int(given[1]))
    if int(given[2]) >= 0:
        # they came here by inheritance; what the script starts must not hold them open after this process
        os.set_inheritable(int(given[2]), False)
        tie(int(given[2]))
    models = load_models(settings)
    return INIT_FAILED if models is None else serve(models, settings, sock, journal)


def prepare(settings: Settings) -> None:
    """Leave ctrl-C and SIGTERM to the front, and log as it does."""
    # a supervisor may signal every process of a service (systemd does); the front still wants the answers of what runs
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logs.configure_worker(settings)
    _let_the_front_finish()
    _let_the_front_live()


def _let_the_front_finish() -> None:
    """Do not interrupt the front on its core whenever it writes a job: it has more of them (Linux, ``sched(7)``)."""
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _let_the_front_live() -> None:
    """Be the one that the kernel ends when memory is short (Linux, ``proc_pid_oom_score_adj(5)``).

    The front may be the larger one while it takes in bodies: it counts as a tenth of the limit more.
    """
    with contextlib.suppress(OSError, ValueError), open("/proc/self/oom_score_adj", "r+", encoding="ascii") as score:
        more = min(int(score.read()) + 100, 1000)
        score.seek(0)
        score.write(str(more))


def serve(models: List[Model], settings: Settings, sock: socket.socket, journal: Optional[Journal]) -> int:
    """Warm up, tell the front what was loaded, and do its jobs; return the exit code."""
    if not warm_up(models, settings):
        return INIT_FAILED
    facts = {"pid": os.getpid(), "models": [model.facts._asdict() for model in models]}
    ready = wire.pack(wire.READY, meta=json.dumps(facts).encode())
    try:
        if any(model.facts.concurrent for model in models):
            from .async_loop import run

            run(sock, journal, models, settings, ready)
        else:
            link = Link(sock, journal)
            # after the warm-up: the front opens its port when it reads this
            link.send_now(ready)
            Loop(link, models, settings).run()
    except OSError:
        return 0  # the front is gone
    _say_goodbye()
    return 0


def _say_goodbye() -> None:
    """Let what the script registered with ``atexit`` run; the process ends without Python's own end."""
    try:
        atexit._run_exitfuncs()  # noqa: SLF001  # there is no other way before os._exit
    except BaseException as error:  # noqa: BLE001  # user code
        print("at exit: %s: %s" % (type(error).__name__, error), file=sys.stderr, flush=True)


def _socket(fd: int) -> socket.socket:
    os.set_inheritable(fd, False)
    return socket.socket(fileno=fd)


def _from_stdin() -> socket.socket:
    """Take a socket that Windows shared with this process."""
    shared: Any = getattr(socket, "fromshare", None)
    found: socket.socket = shared(sys.stdin.buffer.read())
    return found


def _journal(fd: int) -> Optional[Journal]:
    if fd < 0:
        return None
    memory = mmap.mmap(fd, SIZE)
    # the mapping lives without it, and a descriptor less is in the hands of user code
    os.close(fd)
    return Journal(memory)
