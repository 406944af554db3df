"""Pythons that have imported already what a plugin or a program imports, and fork for each that the CLI starts.

``python warm.py SOCKET plugin|program|aciml`` listens until its standard input ends. ``warm_client.py``, which the CLI
starts in the place of Python, hands over its words, environment, folder and streams; a fork goes on with them as a new
process does: with its own ``sys.argv``, ``sys.path``, signals and exit code. When the client ends, the fork is
interrupted. For our own program (``tests/program.py``) a fourth word names the Python that a fork starts others by.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pkgutil
import random
import runpy
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("blobs", "conda", "docker", "images", "pip", "registry", "resources", "targets")
"""Of the plugin: a module that a fork takes when it needs it costs every fork what it costs once here."""
PLUGIN = (
    "aciml.plugin",
    "aciml.serving",
    "aciml.construct",
    "azure.containerregistry",
    "azure.core.pipeline.transport._bigger_block_size_http_adapters",
    "azure.core.pipeline.transport._requests_basic",
    "azure.core.rest._requests_basic",
    "azure.identity",
    "azure.mgmt.containerinstance.models",
    "azure.mgmt.containerregistry.models",
    "azure.mgmt.containerregistrytasks.models",
    "cyclonedx.output.json",
    "docker",
    "grpc.experimental",
    "msal_extensions",
    "ruamel.yaml",
)
PROGRAM = ("pulumi", "pulumi.runtime", "pulumi_aciml", "concurrent.futures.thread", "grpc.experimental", "ruamel.yaml")
SIZE = 8
"""Bytes in front of a request, which are its length."""
FAILED = 1
FORKS = "ACIML_TEST_FORKS"
"""Names a folder where a fork writes its number down: of a session that is ended with all its processes."""


@dataclass(frozen=True)
class Asked:
    """What a client hands over."""

    words: list[str]
    environ: dict[str, str]
    folder: str
    streams: list[int]

    @classmethod
    def read(cls, client: socket.socket) -> Asked:
        """Read ``size, folder, number of words, words, variables``, each text ended by NUL."""
        start, streams, _, _ = socket.recv_fds(client, SIZE, 3)
        rest, left = bytearray(), int(start)
        while len(rest) < left:
            rest += client.recv(left - len(rest))
        folder, count, *texts = bytes(rest).decode(errors="surrogateescape").split("\0")
        words, variables = texts[: int(count)], texts[int(count) :]
        return cls(words, dict(one.split("=", 1) for one in variables if one), folder, streams)


def serve(listener: socket.socket) -> Asked | None:
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
            with contextlib.suppress(BlockingIOError):
                ended.recv(4096)
            tell_of_ends(clients)
        if listener not in ready:
            continue
        client, _ = listener.accept()
        asked = Asked.read(client)
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for one in (listener, ended, tell, *clients.values()):
                one.close()
            become(asked, client)
            return asked
        for stream in asked.streams:
            os.close(stream)
        clients[child] = client


def tell_of_ends(clients: dict[int, socket.socket]) -> None:
    """Tell the clients of forks that ended how they did."""
    with contextlib.suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            with clients.pop(child) as client, contextlib.suppress(OSError):
                client.sendall(b"%d" % os.waitstatus_to_exitcode(status))


def note_itself(folder: Path) -> None:
    """Note the number of this process, and when it began: the number alone may be another one's a minute later."""
    number = str(os.getpid())
    # proc_pid_stat(5): the 22nd field is the start; the second one, in brackets, may have blanks
    began = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    note = folder / f".{number}"
    note.write_text(began)
    note.rename(folder / number)  # never seen half


def become(asked: Asked, client: socket.socket) -> None:
    """Make this fork what the client would have been."""
    for number, stream in enumerate(asked.streams):
        os.dup2(stream, number)
        os.close(stream)
    # a run in the background may have begun with SIGINT ignored: then nothing would end a fork, nor what waits for it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(asked.environ)
    if folder := os.environ.get(FORKS):
        note_itself(Path(folder))
    if os.environ.get("PYTHONUNBUFFERED"):
        for text in (sys.stdout, sys.stderr):
            text.reconfigure(write_through=True)  # type: ignore[union-attr]  # they are what Python opened
    is_module = asked.words[0] == "-m"
    sys.argv = asked.words[is_module:]
    sys.path[0] = asked.folder if is_module else str(Path(asked.words[0]).parent)
    random.seed()

    def interrupt_after_the_client() -> None:
        while client.recv(1):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt_after_the_client, daemon=True).start()


def below(folders: Sequence[str]) -> Iterator[str]:
    """Give the names of all modules in folders of the plugin."""
    for folder in folders:
        package = importlib.import_module(f"aciml.{folder}")
        yield from (one.name for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))


def modules_of(kind: str) -> Iterator[str]:
    """Give the names of what a fork of this kind needs at once or soon."""
    if kind == "program":
        yield from PROGRAM
    elif kind == "aciml":
        # of the plugin, too: `plan` and `build` do what it does
        yield from (*PLUGIN[1:], *below((*FOLDERS, "cli")))
    else:
        yield from (*PLUGIN, *below(FOLDERS))


def main() -> None:
    place, kind, *executable = sys.argv[1:]
    if kind == "plugin":
        # the modules are those that provider/__main__.py takes, at its paths
        start = Path(__file__).resolve().parents[2] / "provider/__main__.py"
        runpy.run_path(str(start))["use_checkout"]()
    for name in modules_of(kind):
        importlib.import_module(name)
    sys.executable = executable[0] if executable else sys.executable
    gc.freeze()  # a collection in a fork would copy every page
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(64)
        print("ready", flush=True)
        asked = serve(listener)
    if asked is not None and asked.words[0] == "-m":
        runpy.run_module(asked.words[1], run_name="__main__", alter_sys=True)
    elif asked is not None:
        runpy.run_path(asked.words[0], run_name="__main__")


if __name__ == "__main__":
    main()
