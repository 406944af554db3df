"""The program ``aciml`` in a project of a test."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aciml.cli import deployed, main
from tests.e2e.project import Project

Answer = subprocess.CompletedProcess[str]


class Reader:
    """Runs Pulumi, and what only reads a state once for each state: most commands begin by reading the same one."""

    READS = ({"stack", "export"}, {"stack", "history"})

    def __init__(self, state: Path) -> None:
        self._state, self._run = state, deployed._run
        self._known: dict[object, Answer] = {}

    def __call__(self, command: list[str], folder: Path, *, given: str = "", speaks: bool = False) -> Answer:
        reads = any(words <= set(command) for words in self.READS)
        if not reads or os.environ.get("PULUMI_BACKEND_URL") != f"file://{self._state}":
            return self._run(command, folder, given=given, speaks=speaks)
        files = sorted(path for path in self._state.rglob("*.json*") if path.is_file())
        seen = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]
        # whatever leads to a refusal
        around = [os.environ.get(name) for name in ("PATH", "PULUMI_CONFIG_PASSPHRASE")]
        key = (*command, folder, *around, *seen)
        answer = self._known.get(key) or self._run(command, folder, given=given, speaks=speaks)
        if not answer.returncode:
            self._known[key] = answer
        return answer


@cache
def _reader(state: Path) -> Reader:
    """Return the reader of all tests of a project."""
    return Reader(state)


class Commands:
    """Runs ``aciml`` in a project, from a folder below it."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self._patch = project, monkeypatch
        monkeypatch.setattr(deployed, "_run", _reader(project.folder / "state"))

    def __call__(self, *words: str, given: str = "", **changes: str) -> Answer:
        """Run a command within this process, whose start would take longer than most commands."""
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        with self._patch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, text in {**self.project.environ(), **changes}.items():
                patch.setenv(name, text)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
            patch.chdir(self.project.folder / "src")
            code = main(words)
        said = [stream.buffer.getvalue().decode() for stream in (out, err)]
        return subprocess.CompletedProcess(list(words), code, *said)

    def process(self, *words: str, **changes: str) -> Answer:
        """Run a command as a process of its own; it never has a traceback."""
        environ = {**self.project.environ(), **changes}
        command = [sys.executable, "-m", "aciml", *words]
        done = subprocess.run(
            command, cwd=self.project.folder / "src", env=environ, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a command with ``--json`` and return its object."""
        done = self(*words, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def status(self, *names: str, code: int = 0) -> dict[str, Any]:
        """Return the status of a service."""
        (found,) = self.json("status", *names, code=code)["services"]
        return dict(found)
