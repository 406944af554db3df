"""The program ``aciml`` in a project of a test."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest

from aciml.cli import main
from tests.e2e.project import Project


class Commands:
    """Runs ``aciml`` in a project, from a folder below it."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self._patch = project, monkeypatch

    def __call__(self, *words: str, given: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
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

    def process(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
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
