"""Containers of groups as processes of this machine: the same programs, each group at an address of its own.

A container costs Docker, containerd, runc and the kernel half a second of a core, and a group has two. Where what
answers is not what is tested, the tiny images of ``tests/simulators/containers.py`` are run without them: a real server
that is started, asked, ended and started again by the same code. Nothing is pulled: an image is a name for a program.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker.errors import DockerException

from .group_runtime_engine import Engine
from .labels import loopback

HOLDER = "holder"
PORT = 5001
_WAITS = "sleep 1000"


@dataclass(frozen=True)
class Programs:
    """What images run: shell commands by digest or by name, for ``busybox``, with their files in ``folder``.

    A command listens at ``PORT`` and serves a folder below the root, as those of the images do. Another entry point is
    one of busybox's, which reads and writes no file.
    """

    busybox: Path
    folder: Path
    commands: Mapping[str, str]

    def require(self, image: str) -> None:
        """Make sure that an image has a program. Raises ``DockerException``, as an engine that does not find it."""
        if image.rpartition("@")[2] not in self.commands:
            raise DockerException(f"manifest for {image} not found: manifest unknown")

    def words(self, image: str, address: str, entrypoint: Sequence[str] = ()) -> list[str]:
        """Return the command of an image at an address; without an address it only waits."""
        if entrypoint and address:
            return [str(self.busybox), *entrypoint[1:]]
        command = self.commands[image.rpartition("@")[2]] if address else _WAITS
        here = command.replace(f"-p {PORT}", f"-p {address}:{PORT}").replace("-h /", f"-h {self.folder}/")
        return [str(self.busybox), "sh", "-c", here] if command else ["/bin/lost"]


class Processes(Engine):
    """Runs the containers of one group, and knows nothing of volumes and limits."""

    def __init__(self, programs: Programs, engine: Engine) -> None:
        # not what the base class does: nothing is made in Docker
        self.mark, self.labels, self.images, self.cores = engine.mark, {}, set(), engine.cores
        self.api: Any = _Api(programs)

    def holder_image(self) -> str:
        """Return a name: an address needs no process that holds it."""
        return HOLDER

    def remove(self, container: str) -> None:
        """End a process and forget it; fine if it is gone."""
        self.api.forget(container)


class _Api:
    """What the runtime of groups asks of Docker's API."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._addresses: dict[str, str] = {}
        self._runs: dict[str, _Run] = {}

    def create_host_config(self, **words: Any) -> dict[str, Any]:
        return words

    def create_container(self, image: str, **words: Any) -> dict[str, str]:
        made = uuid.uuid4().hex
        if image == HOLDER:
            self._addresses[made] = loopback(made)
            return {"Id": made}
        address = self._addresses.get(words["host_config"]["network_mode"].removeprefix("container:"), "")
        command = self._programs.words(image, address, words["entrypoint"] or ())
        self._runs[made] = _Run(command, words["environment"], address)
        return {"Id": made}

    def _run(self, container: str) -> _Run:
        """Return a run. Raises ``DockerException`` for one that somebody has removed meanwhile, such as a probe's."""
        try:
            return self._runs[container]
        except KeyError:
            raise DockerException(f"No such container: {container}") from None

    def start(self, container: str) -> None:
        if container not in self._addresses:
            self._run(container).start()

    def stop(self, container: str, timeout: int) -> None:
        self._run(container).end(timeout)

    def kill(self, container: str) -> None:
        self._run(container).end(0)

    def wait(self, container: str, timeout: float | None = None) -> dict[str, int]:
        return {"StatusCode": self._run(container).wait(timeout)}

    def inspect_container(self, container: str) -> dict[str, Any]:
        address = self._addresses.get(container, "")
        return {"NetworkSettings": {"IPAddress": address}, "State": {"OOMKilled": False}}

    def logs(self, container: str, tail: int | str, *, timestamps: bool) -> bytes:
        lines = self._run(container).lines
        shown = lines if tail == "all" else lines[-int(tail) :]
        return b"".join(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode() * timestamps + line for at, line in shown)

    def exec_create(self, container: str, command: list[str], user: str = "") -> dict[str, str]:
        raise DockerException("what would be run in a container would be run on this machine")

    def forget(self, container: str) -> None:
        self._addresses.pop(container, None)
        if run := self._runs.pop(container, None):
            run.end(0)


def _is_taken(address: str) -> bool:
    """Tell whether somebody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, PORT))
        except OSError:
            return True
    return False


@dataclass
class _Run:
    """One process with all that it starts, which end together as those of a container do."""

    words: list[str]
    environ: Mapping[str, str]
    address: str
    lines: list[tuple[datetime, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()

    def start(self) -> None:
        try:
            self._process = subprocess.Popen(
                self.words,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise DockerException(f"{self.words[0]}: no such file or directory") from error
        for work in (self._read, self._reap):
            threading.Thread(target=work, daemon=True).start()

    def end(self, patience: float) -> None:
        """Ask the program to end, wait for it, then make an end of all."""
        if self._process is None:
            return
        if patience:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            self._over.wait(patience)
        self._kill()
        self._over.wait()

    def wait(self, timeout: float | None) -> int:
        """Return the exit code, as a shell tells that of one that was killed."""
        self._over.wait(timeout)
        code = self._process.returncode if self._process else 0
        return 128 - code if code < 0 else code

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as out:
            for line in out:
                self.lines.append((datetime.now(UTC), line))

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait()
        self._kill()  # the first process of a container takes the others with it
        # and they are nobody's children now: that they are gone is seen by what they had
        while self.address and _is_taken(self.address):
            time.sleep(0.005)
        self._over.set()

    def _kill(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
