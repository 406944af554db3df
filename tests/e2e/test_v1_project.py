"""A project of v1 outside the checkout: as ``aciml import`` writes it, and as a program reads it.

That the wheel does what the checkout does is seen in ``test_wheel.py`` and ``test_outside.py``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kept_state import kept_encryption, kept_outputs
from tests.e2e.project import LONG, PACKAGES, PASSPHRASE, ROOT, environ_of, path_with
from tests.e2e.python import quick_python
from tests.installed import run
from tests.simulators.vault import URL

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
EXAMPLE = ROOT / "examples/v1-project"
WRITTEN = ("Pulumi.yaml", "Pulumi.local.yaml", "__main__.py")


class V1Project:
    """A copy of the example under a name that no other has, and the environment of its commands."""

    def __init__(self, folder: Path, packed: Path) -> None:
        self.name = f"v1{uuid.uuid4().hex[:8]}"
        self.folder, state = folder / self.name, folder / "state"
        shutil.copytree(EXAMPLE, self.folder)
        state.mkdir()
        for name in WRITTEN:
            path = self.folder / name
            path.write_text(path.read_text().replace("v1-project", self.name))
        self.state = state
        self.environ = environ_of(path_with(quick_python(PACKAGES)), state, packed)

    def outputs(self) -> dict[str, Any]:
        """Return what the program exports, secrets shown."""
        (path,) = self.state.rglob("stacks/*/local.json")
        return kept_outputs(path, PASSPHRASE)

    def run(self, *command: str, folder: Path | None = None) -> str:
        """Return what a program says; it has to succeed."""
        done = subprocess.run(
            command,
            cwd=folder or self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONG,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def clean(self) -> None:
        """Remove what a test that failed may have left in the engine."""
        label = f"label=io.aciml.project={self.name}"
        for name in run(["docker", "ps", "-a", "-q", "--filter", label]).split():
            subprocess.run(["docker", "rm", "-f", "-v", name], capture_output=True, check=False)
        for name in run(["docker", "volume", "ls", "-q", "--filter", label]).split():
            subprocess.run(["docker", "volume", "rm", name], capture_output=True, check=False)


@pytest.fixture
def project(tools: None, packed: Path, tmp_path: Path) -> Iterator[V1Project]:
    made = V1Project(tmp_path, packed)
    try:
        yield made
    finally:
        made.clean()


def ask(url: str, key: str, body: bytes) -> object:
    import urllib.request

    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        return json.loads(answer.read())


def test_an_imported_project_serves_and_the_example_s_program_means_the_same(project: V1Project) -> None:
    before = {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}

    said = project.run("aciml", "import", ".", "--name", project.name, "--model", "iris=outputs/iris.json")

    assert "azureml-defaults is left out" in said
    assert {path: path.read_bytes() for path in before} == before
    deploy = project.folder / "deploy"
    project.run("pulumi", "stack", "init", "local", "--secrets-provider", URL, folder=deploy)
    project.run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", folder=deploy)
    outputs = project.outputs()
    sample = (project.folder / "sample.json").read_bytes()
    assert ask(outputs["scoring_uri"], outputs["primary_key"], sample) == ["setosa", "virginica"]
    with pytest.raises(OSError, match="401"):
        ask(outputs["scoring_uri"], "nobody's", sample)

    # the example, which reads v1's files when it runs, on the same stack
    config = project.folder / "Pulumi.local.yaml"
    config.write_text("\n".join([*kept_encryption(deploy / "Pulumi.local.yaml"), config.read_text()]))
    preview = project.run("pulumi", "preview", "--stack", "local", "--diff", "--non-interactive", "--expect-no-changes")
    assert "0.5 at home; on Azure 1" in preview

    project.run("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", folder=deploy)
