"""The program ``aciml`` in a project of a test."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aciml.cli import deployed, main
from tests.e2e.kept_state import kept_export
from tests.e2e.project import PASSPHRASE, Project
from tests.program import aciml

Answer = subprocess.CompletedProcess[str]


class Reader:
    """Runs Pulumi, and what only reads a state as seldom as can be: most commands begin by reading one.

    The first ``stack export`` is the CLI's own, and has to be what the file of the state has (``kept_export``): the
    file is read from then on. A history is asked for once for each state.
    """

    EXPORT, HISTORY, SECRETS = {"stack", "export"}, {"stack", "history"}, "--show-secrets"

    def __init__(self, project: Project) -> None:
        self._project, self._folder, self._run = project, project.folder / "state", deployed._run
        self._known: dict[object, Answer] = {}
        self._compared: list[Answer] = []

    def __call__(self, command: list[str], folder: Path, *, given: str = "", speaks: bool = False) -> Answer:
        words = set(command)
        known = words - {"--stack", self._project.stack}
        exports = known - {self.SECRETS} == {"pulumi", "--non-interactive", "--color", "never", *self.EXPORT}
        ours = {"PULUMI_BACKEND_URL": f"file://{self._folder}", "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
        # elsewhere, and where something leads to a refusal, nothing is known
        is_usual = os.environ.items() >= ours.items() and shutil.which("pulumi") is not None
        if not is_usual or not (exports or words >= self.HISTORY):
            return self._run(command, folder, given=given, speaks=speaks)
        if not exports:
            files = sorted(path for path in self._folder.rglob("*.json*") if path.is_file())
            seen = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]
            return self._once((*command, *seen), command, folder)
        kept = kept_export(self._project.kept, PASSPHRASE, secrets=self.SECRETS in words)
        first = self._once(self.SECRETS in words, command, folder)
        if first.returncode:
            return first
        if first not in self._compared:
            self._compared.append(first)
            assert json.loads(first.stdout)["deployment"]["resources"] == kept["deployment"]["resources"]
        return subprocess.CompletedProcess(command, 0, json.dumps(kept), "")

    def _once(self, key: object, command: list[str], folder: Path) -> Answer:
        answer = self._known.get(key) or self._run(command, folder)
        if not answer.returncode:
            self._known[key] = answer
        return answer


@cache
def _reader(project: Project) -> Reader:
    """Return the reader of all tests of a project."""
    return Reader(project)


class Commands:
    """Runs ``aciml`` in a project, from a folder below it."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self._patch = project, monkeypatch
        monkeypatch.setattr(deployed, "_run", _reader(project))

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
        done = aciml(*words, folder=self.project.folder / "src", environ={**self.project.environ(), **changes})
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
