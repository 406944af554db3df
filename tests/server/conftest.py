"""Real server processes, in every Python that is installed here."""

from __future__ import annotations

import atexit
import hashlib
import http.client
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from tests.server.forked import Fork

SERVER = Path(__file__).parents[2] / "server"
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
OF_THE_START = re.compile("PYTHON|LANG|LC_|LD_|TZ|MALLOC_|ACIML_VERSION")
"""Variables that a process reads when it starts, or imports: a fork would not."""
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

    process: subprocess.Popen[str] | Fork
    log: list[str] = field(default_factory=list)
    port: int = 0
    health_port: int = 0
    root: Path = Path()
    """The app root; the script is ``src/score.py`` there."""
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
            self._note(line)
            if found := re.search(pattern, line):
                return found
        self._lines.put(None)
        raise AssertionError(f"no {pattern!r} in the log:\n" + "\n".join(self.log))

    def _note(self, line: str) -> None:
        self.log.append(line)
        if found := re.search(r"health on port (\d+)", line):
            self.health_port = int(found[1])

    def end(self) -> int:
        """Wait for the exit code, and for the rest of the log."""
        code = self.process.wait(PATIENCE)
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self._note(line)
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


@lru_cache
def compiled(program: str) -> str:
    """Return the program, with bytecode for it beside the server's files, so that no server has to compile them.

    Servers of tests write none themselves: a script that a test writes again within a second would be a stale one.
    """
    subprocess.run([program, "-m", "compileall", "-q", SERVER / "aciml_server"], check=True)
    return program


@lru_cache
def packages(program: str, wanted: tuple[str, ...] = ()) -> Path:
    """Install what the server needs, and what a test wants beside it, for one Python.

    The folder stays in the user's cache, named after what is in it. The test is skipped if no index answers.
    """
    from uv import find_uv_bin

    lines = (SERVER / "requirements.txt").read_bytes()
    facts = subprocess.run([program, "-c", "import sys; print(sys.version)"], check=True, capture_output=True).stdout
    key = hashlib.sha256(b"\0".join([lines, facts, b"compiled", *(one.encode() for one in wanted)])).hexdigest()[:16]
    folder = user_cache_path("aciml") / "test-sites" / key
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        command = [find_uv_bin(), "pip", "install", "--quiet", "--no-build", "--python", program, "--target", scratch]
        command.append("--compile-bytecode")  # hundreds of servers import them, and may write none themselves
        done = subprocess.run(
            [*command, "-r", SERVER / "requirements.txt", *wanted], check=False, capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip("the package index does not give what the server needs: " + " ".join(done.stderr.split())[:300])
        try:
            Path(scratch).rename(folder)
        except OSError:
            assert folder.is_dir(), "another test run was faster"
        Path(scratch).mkdir(exist_ok=True)  # what the cleaning looks for
    return folder


def start_cold(program: str, variables: dict[str, str]) -> subprocess.Popen[str]:
    """Start a server as a container does."""
    return subprocess.Popen(
        [compiled(program), "-B", SERVER / "run.py"],
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def start_warm(variables: dict[str, str]) -> Fork:
    """Start a server as a fork of a Python that has its modules."""
    reading, writing = os.pipe()
    with open(os.devnull, "r+b", buffering=0) as nothing, os.fdopen(writing, "wb") as log:  # noqa: PTH123  # no path
        fds = {0: nothing.fileno(), 1: nothing.fileno(), 2: log.fileno()}
        process = Fork(warm("front"), [str(SERVER / "run.py")], variables, fds, workers=warm("worker"))
    process.stderr = os.fdopen(reading, errors="replace")
    return process


@lru_cache
def warm(role: str) -> str:
    """Start a Python that forks processes of a role until this process ends; return its socket."""
    folder = Path(tempfile.mkdtemp(prefix="aciml-server-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = str(folder / role)
    process = subprocess.Popen(
        [compiled(sys.executable), "-B", Path(__file__).with_name("warm.py"), place, role],
        stdin=subprocess.PIPE,  # its end is that of this process, too
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(packages(sys.executable))},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    atexit.register(process.wait)
    atexit.register(process.stdin.close)  # what was registered last is done first
    return place


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a server with a script; it runs to the end of the module at most.

    ``files``: more files of the app root, by path. ``wanted``: packages that the script imports; ``hidden`` ones
    cannot be imported. ``listening=False`` is for one that is expected to fail; other names are variables.

    A server of this Python is a fork of one that has the modules already, and so are its workers, unless its start, its
    memory or its family is what the test is about: then it is ``cold``. Those of other Pythons always are.
    """
    started: list[tuple[Running, threading.Thread]] = []

    def serve(
        script: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        version: str = "",
        listening: bool = True,
        wanted: tuple[str, ...] = (),
        hidden: tuple[str, ...] = (),
        cold: bool = False,
        **environ: str,
    ) -> Running:
        root = tmp_path_factory.mktemp("app")
        _write(root, {"src/score.py": script, **(files or {})})
        program = interpreter(version) if version else sys.executable
        variables = {**_environment(root, packages(program, wanted), hidden), **environ}
        is_cold = cold or bool(version or hidden) or any(map(OF_THE_START.match, environ))
        process = start_cold(program, variables) if is_cold else start_warm(variables)
        running = Running(process, root=root)
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


def _write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def _environment(root: Path, site: Path, hidden: tuple[str, ...]) -> dict[str, str]:
    folder = root.parent / f"{root.name}-hidden"
    _write(folder, {f"{name}.py": "raise ImportError" for name in hidden})
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(folder), str(site)]),
        "AML_APP_ROOT": str(root),
        "AZUREML_SOURCE_DIRECTORY": "src",
        "AZUREML_ENTRY_SCRIPT": "src/score.py",
        "ACIML_PORT": "0",
        "ACIML_HEALTH_PORT": "0",
    }
