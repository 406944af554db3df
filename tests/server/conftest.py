"""Real server processes, in every Python that is installed here."""

from __future__ import annotations

import http.client
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "server"
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
PATIENCE = 30.0  # seconds until a test gives up on a process; never reached when all is well


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Running:
    """One server process and its log."""

    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)
    port: int = 0
    _lines: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)

    def follow(self) -> None:
        """Copy the log until its end; runs in a thread."""
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read the log until a line has the pattern."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.log.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"no {pattern!r} in the log:\n" + "\n".join(self.log))

    def end(self) -> int:
        """Wait for the exit code, and for the rest of the log."""
        code = self.process.wait(PATIENCE)
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.log.append(line)
        self._lines.put(None)
        return code

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection that keeps alive."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Send one request on a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            got = connection.getresponse()
            return Reply(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()


Serve = Callable[..., Running]


def interpreter(version: str) -> str:
    """Find a Python of this version, on PATH or where pyenv keeps them; skip the test if there is none."""
    if sys.version.startswith(version + "."):
        return sys.executable
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted(root.glob(f"versions/{version}.*/bin/python"))
    found = str(kept[0]) if kept else shutil.which(f"python{version}")
    if not found:
        pytest.skip(f"Python {version} is not installed here")
    return found


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a server with a script; ``listening=False`` for one that is expected to fail."""
    started: list[tuple[Running, threading.Thread]] = []

    def serve(script: str, *, version: str = "", listening: bool = True, **environ: str) -> Running:
        root = tmp_path_factory.mktemp("app")
        (root / "src").mkdir()
        (root / "src" / "score.py").write_text(script, encoding="utf-8")
        app = {"AML_APP_ROOT": root, "AZUREML_SOURCE_DIRECTORY": "src", "AZUREML_ENTRY_SCRIPT": "src/score.py"}
        env = {"PATH": os.environ["PATH"], **{k: str(v) for k, v in app.items()}, "ACIML_PORT": "0", **environ}
        program = interpreter(version) if version else sys.executable
        process = subprocess.Popen([program, "-B", SERVER / "run.py"], env=env, stderr=subprocess.PIPE, text=True)
        running = Running(process)
        thread = threading.Thread(target=running.follow)
        thread.start()
        started.append((running, thread))
        if listening:
            running.port = int(running.wait_for(r"listening on port (\d+)")[1])
        return running

    yield serve
    for running, thread in started:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGKILL)
        running.process.wait(PATIENCE)
        thread.join(PATIENCE)
