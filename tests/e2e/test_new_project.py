"""A project that ``aciml new`` wrote, as its README says: on the real CLI, with the plugin found on PATH."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.venv import write_programs
from tests.e2e.project import LONG, environ_of, path_with
from tests.e2e.python import cold_python

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not here"),
]


class NewProject:
    """A new project in a folder of its own, and the environment that its README asks for."""

    def __init__(self, folder: Path, packed: Path) -> None:
        self.name = f"new{uuid.uuid4().hex[:8]}"
        self.folder, programs, state = folder / self.name, folder / "bin", folder / "state"
        for made in (programs, state):
            made.mkdir()
        write_programs(programs, Path(sys.executable))
        path = f"{programs}{os.pathsep}{path_with(cold_python())}"
        self.environ = environ_of(path, state, packed)

    def run(self, *command: str, folder: Path | None = None) -> str:
        """Return what a program says; it has to succeed."""
        done = subprocess.run(
            command,
            cwd=folder or self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def clean(self) -> None:
        """Remove what a test that failed may have left in the engine."""
        for kind, remove in (("container", ["rm", "-f", "-v"]), ("volume", ["volume", "rm"])):
            listed = ["docker", kind, "ls", *(["-a"] if kind == "container" else []), "-q", "-f", f"name={self.name}"]
            found = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()
            if found:
                subprocess.run(["docker", *remove, *found], capture_output=True, check=False)


@pytest.fixture
def new(packed: Path, tmp_path: Path) -> Iterator[NewProject]:
    project = NewProject(tmp_path, packed)
    try:
        yield project
    finally:
        project.clean()


def test_a_new_project_is_up_after_the_commands_of_its_page_and_answers_what_it_says(
    new: NewProject, tmp_path: Path
) -> None:
    new.run("aciml", "new", str(new.folder), folder=tmp_path)
    new.run("pulumi", "stack", "init", "local")
    new.run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")

    outputs = json.loads(new.run("pulumi", "stack", "output", "--json", "--show-secrets"))
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {outputs['primary_key']}"}
    request = urllib.request.Request(outputs["scoring_uri"], (new.folder / "sample.json").read_bytes(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        said = json.loads(answer.read())
    promised = re.search(r"The answer is `(.*)`", (new.folder / "README.md").read_text())
    assert promised
    assert said == json.loads(promised[1])

    new.run("pulumi", "preview", "--expect-no-changes", "--non-interactive")

    # what is planned and built without the engine is what the engine has pushed
    plan = json.loads(new.run("aciml", "plan", "--json"))
    built = json.loads(new.run("aciml", "build", "--json", "--to", f"oci:{tmp_path / 'layout'}"))
    assert plan["service"]["image"] == outputs["image"] == plan["against"]
    assert (plan["environment"]["upload"], plan["environment"]["packages"]["changed"]) == (0, {})
    assert outputs["image"].endswith(f"@{built['digest']}")
    assert json.loads((tmp_path / "layout/index.json").read_text())["manifests"][0]["digest"] == built["digest"]

    new.run("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive")
