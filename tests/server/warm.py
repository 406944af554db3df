"""A Python that has imported what a role of the server imports, and forks for each process of that role.

``python -B warm.py SOCKET front|worker`` listens until its standard input ends. Who asks (``forked.py``) sends words,
folder, variables and descriptors; a fork has these under the numbers that a new process would have, and goes on with
``run.py`` as that one does. The front of a test is a fork of one such Python, its workers are forks of another one: no
process has modules in memory that its role does not have.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import resource
import runpy
import select
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.server import forked
else:
    import forked  # beside this file, which is a program

SERVER = str(Path(__file__).resolve().parents[2] / "server")
IMPORTED = {
    "front": ("aciml_server.front.main", "uvloop"),
    "worker": ("aciml_server.worker.main", "aciml_server.worker.nursery"),
}
MOST = 64
"""Descriptors that a process may begin with."""
HIGH = 500
"""No process begins with a descriptor of this number or a higher one."""


def main(place: str, role: str) -> None:
    sys.path[0] = SERVER  # as if run.py had been started
    alone = list(sys.path)
    sys.path.append(SERVER)
    for name in IMPORTED[role]:
        __import__(name)
    sys.path[:] = alone
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(MOST)
        print("ready", flush=True)
        asked = serve(listener)
    if asked is not None:
        become(*asked)
        runpy.run_path(sys.argv[0], run_name="__main__")


def serve(listener: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Fork for each client; return what is asked in a fork, None where it began once nobody needs it any more."""
    clients: dict[int, socket.socket] = {}
    ended, tell = socket.socketpair()
    for end in (ended, tell):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(tell.fileno())
    while True:
        ready = select.select([listener, ended, sys.stdin], [], [])[0]
        if sys.stdin in ready:
            return None
        if ended in ready:
            ended.recv(4096)
            tell_of_ends(clients)
        if listener not in ready:
            continue
        client, _ = listener.accept()
        question, fds = read(client)
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for one in (ended, tell, client, *clients.values()):
                one.close()
            return question, fds
        for fd in fds:
            os.close(fd)
        clients[child] = client
        answer(client, child)


def read(client: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return a question, and its descriptors."""
    start, fds, _, _ = socket.recv_fds(client, forked.SIZE, MOST)
    rest, left = bytearray(), int(start)
    while len(rest) < left:
        rest += client.recv(left - len(rest))
    return json.loads(rest), list(fds)


def answer(client: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # it is gone
        client.sendall(b"%*d" % (forked.SIZE, number))


def tell_of_ends(clients: dict[int, socket.socket]) -> None:
    """Tell the clients of forks that ended how they did."""
    while clients:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        with clients.pop(child) as client:
            answer(client, os.waitstatus_to_exitcode(status))


def become(question: dict[str, Any], fds: list[int]) -> None:
    """Make this fork what a new process would be."""
    if question["session"]:
        os.setsid()
    resource.setrlimit(resource.RLIMIT_NOFILE, question["files"])
    # in two steps: a number that a descriptor has may be the one that another is to have
    held = [fcntl.fcntl(fd, fcntl.F_DUPFD, HIGH) for fd in fds]
    os.closerange(0, HIGH)
    for fd, number in zip(held, question["fds"], strict=True):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(question["folder"])
    forced = {"LC_CTYPE": os.environ["LC_CTYPE"]} if "LC_CTYPE" in os.environ else {}  # by Python itself (PEP 538)
    environ = {**forced, **question["environ"]}
    sys.path[1:2] = environ["PYTHONPATH"].split(os.pathsep)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = question["words"]
    if "random" in sys.modules:
        sys.modules["random"].seed()
    for text in (sys.stdout, sys.stderr):
        text.reconfigure(write_through=question["unbuffered"])  # type: ignore[union-attr]  # they are what Python opened
    if question["workers"]:
        from aciml_server.front import spawn

        spawn.subprocess = forked.Workers(question["workers"])  # type: ignore[assignment, attr-defined]  # what is used of it


if __name__ == "__main__":
    main(*sys.argv[1:])
