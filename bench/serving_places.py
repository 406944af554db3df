"""Where servers are installed and run: an environment for each, a folder with its files, a core of its own."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .peers import KEY, MODEL, PORT, TRIVIAL, Peer

SERVER_CPU = 0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PATIENCE = 60.0  # seconds that a server may take to its first answer


@dataclass(frozen=True)
class Home:
    """An installed server: its interpreter, the bytes and the number of distributions that the server itself brings."""

    python: Path
    size: int
    distributions: int


def install(peer: Peer, folder: Path) -> Home:
    """Make an environment for a server in ``folder``, unless it is there, and weigh it; numpy is added after that.

    Raises:
        SystemExit: it cannot be installed.
    """
    home = folder / f"{peer.name.partition('-')[0]}-{_mark(peer)}"
    facts = home / "facts.json"
    if not facts.is_file():
        shutil.rmtree(home, ignore_errors=True)
        _uv("venv", "--quiet", "--python", sys.executable, str(home))
        before = _weigh(home)
        _uv("pip", "install", "--quiet", "--python", str(home / "bin" / "python"), *peer.packages)
        size, count = (after - first for after, first in zip(_weigh(home), before, strict=True))
        _uv("pip", "install", "--quiet", "--python", str(home / "bin" / "python"), "numpy<3")
        facts.write_text(json.dumps({"size": size, "count": count}), encoding="utf-8")
    known = json.loads(facts.read_text(encoding="utf-8"))
    return Home(home / "bin" / "python", known["size"], known["count"])


def _mark(peer: Peer) -> str:
    return hashlib.sha256(" ".join(peer.packages).encode()).hexdigest()[:8]


def _weigh(home: Path) -> tuple[int, int]:
    site = next(home.glob("lib/python*/site-packages"))
    files = [path for path in site.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sum(path.stat().st_size for path in files), len(list(site.glob("*.dist-info")))


def _uv(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"uv {' '.join(command[:3])} failed:\n{done.stderr}")


@dataclass
class Server:
    """A server that runs. ``cold`` is the time from its start to its first 200, in seconds."""

    peer: Peer
    process: subprocess.Popen[bytes]
    cold: float

    @property
    def url(self) -> str:
        """Return where to ask."""
        scheme = "https" if self.peer.environ.get("ACIML_TLS_CERT") else "http"
        return f"{scheme}://127.0.0.1:{PORT}{self.peer.path}"

    @property
    def headers(self) -> dict[str, str]:
        """Return what each request carries."""
        key = {"Authorization": f"Bearer {KEY}"} if self.peer.keyed else {}
        return {"Content-Type": "application/json", **key}

    def body(self, values: object) -> bytes:
        """Return the request body for a JSON value, in the form that the server wants."""
        if self.peer.form == "v2":
            data: list[float] = [one for row in values for one in row] if _nested(values) else list(values)  # type: ignore[call-overload,attr-defined]
            one = {"name": "i", "shape": [1, len(data)], "datatype": "FP64", "data": data}
            return json.dumps({"inputs": [one]}).encode()
        if self.peer.form == "bento":
            return json.dumps({"data": values}).encode()
        if self.peer.form == "bento-many":
            return json.dumps({"data": [values]}).encode()
        return json.dumps(values).encode()

    def memory(self) -> int:
        """Return the proportional set size of all its processes, in bytes."""
        return sum(_pss(pid) for pid in _family(self.process.pid))


def _nested(values: object) -> bool:
    return isinstance(values, list) and bool(values) and isinstance(values[0], list)


@contextmanager
def running(peer: Peer, home: Home, work: str, probe: object) -> Iterator[Server]:
    """Start a server on its core, wait for its first good answer to ``probe``, and end it with all that it started."""
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as place:
        folder = Path(place)
        for name, text in {**peer.files, "model.py": TRIVIAL if work == "a" else MODEL}.items():
            (folder / name).write_text(text, encoding="utf-8")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
        environ |= dict.fromkeys(_THREADS, "1") | {"BENCH_WORK": work, "BENCH_PORT": str(PORT), **peer.environ}
        log = (folder / "log").open("wb")
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(home.python), *peer.command],
            cwd=folder,
            env={**environ, "PATH": f"{home.python.parent}:{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CPU}),  # noqa: PLW1509  # no threads here
        )
        server = Server(peer, process, 0.0)
        try:
            _wait(server, server.body(probe), folder / "log", started)
            yield server
        finally:
            log.close()
            _end(process)


def _wait(server: Server, body: bytes, log: Path, started: float) -> None:
    """Ask until a good answer comes; asking uses the other core."""
    careless = ssl._create_unverified_context()  # noqa: SLF001  # our own certificate
    while time.perf_counter() - started < _PATIENCE:
        if server.process.poll() is not None:
            break
        secure = server.url.startswith("https")
        connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection("127.0.0.1", PORT, timeout=20, context=careless)
            if secure
            else http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        )
        try:
            connection.request("POST", server.peer.path, body, server.headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                server.cold = time.perf_counter() - started
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.005)
    raise SystemExit(f"{server.peer.name} gives no good answer:\n{log.read_text(errors='replace')[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    family = _family(process.pid)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in family:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        try:
            process.wait(3)
            break
        except subprocess.TimeoutExpired:
            continue
    for pid in family:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    time.sleep(0.2)  # the port


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            text = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="utf-8")
        except OSError:
            continue
        found += [int(child) for child in text.split()]
    return found


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)
