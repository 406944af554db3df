"""The registry that people run: Docker's ``registry:2``, as a program or as a container."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import requests

_LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.[01]" \d{3}')
_IMAGE = "registry:2"
_STARTS = 5
T = TypeVar("T")


class RegistryProgram:
    """A running registry; ``requests`` reads its own access log."""

    def __init__(self, host: str, read_log: Callable[[], str]) -> None:
        """Take the address and a way to read the log."""
        self.host, self._read_log = host, read_log
        self._marks = 0

    def requests(self) -> list[str]:
        """Return all requests so far as ``METHOD /path``; a last one of our own shows that the log is complete."""
        self._marks += 1
        mark = f"GET /v2/mark-{self._marks}/tags/list"
        _ask(f"http://{self.host}{mark.partition(' ')[2]}")
        log = _until(lambda: lines if mark in (lines := self._lines()) else [])
        return [line for line in log if "/mark-" not in line]

    def answers(self) -> bool:
        """Tell whether it answers: by its log, since somebody else may answer at its port."""
        return _ask(f"http://{self.host}/v2/") == 200 and bool(self._lines())

    def _lines(self) -> list[str]:
        return [f"{found['method']} {found['path'].partition('?')[0]}" for found in _LINE.finditer(self._read_log())]


def missing_reason() -> str:
    """Return why there is no such registry on this machine; empty if there is one."""
    if shutil.which("docker-registry") or _has_image():
        return ""
    return f"neither the docker-registry program nor the image {_IMAGE} is here"


@contextlib.contextmanager
def running_registry(folder: Path) -> Iterator[RegistryProgram]:
    """Run a registry that keeps its data in ``folder`` (the container: in itself) and lets manifests be deleted."""
    start = _program if shutil.which("docker-registry") else _container
    with start(folder) as registry:
        yield registry


@contextlib.contextmanager
def _program(folder: Path) -> Iterator[RegistryProgram]:
    # whoever asks for any free port between our look and its start may be given ours: then it ends, and gets another
    for _ in range(_STARTS):
        with _served(folder) as (process, registry):
            _until(lambda: process.poll() is not None or registry.answers())
            if process.poll() is None:
                yield registry
                return
    raise OSError(f"the registry does not start: {(folder / 'log').read_text(errors='replace')[-500:]}")


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], RegistryProgram]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}}
    config = {"version": "0.1", "log": {"level": "error"}, "storage": storage, "http": {"addr": host}}
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    log = folder / "log"
    with log.open("wb") as sink:
        command = ["docker-registry", "serve", str(folder / "config.yml")]
        process = subprocess.Popen(command, stdout=sink, stderr=sink)
        try:
            yield process, RegistryProgram(host, lambda: log.read_text(errors="replace"))
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _container(_: Path) -> Iterator[RegistryProgram]:
    options = ["-p", "127.0.0.1::5000", "-e", "REGISTRY_STORAGE_DELETE_ENABLED=true"]
    name = _docker("run", "-d", "--rm", *options, _IMAGE).strip()
    try:
        registry = RegistryProgram(_docker("port", name, "5000").split()[0], lambda: _docker("logs", name))
        _until(registry.answers)
        yield registry
    finally:
        _docker("rm", "-f", "-v", name)


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=True, text=True, stdout=-1, stderr=subprocess.STDOUT)
    return done.stdout


def _has_image() -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "image", "inspect", _IMAGE], check=False, capture_output=True).returncode == 0


def _ask(url: str) -> int:
    with contextlib.suppress(requests.RequestException), requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=5).status_code
    return 0


def _until(look: Callable[[], T]) -> T:
    """Look again and again, for at most 20 seconds."""
    deadline = time.monotonic() + 20
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError("the registry does not answer, or does not log")
        time.sleep(0.02)
    return seen
