"""Outside the checkout: the wheel in a venv of its own, and the plugin's folder as Pulumi's language host uses it."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc

import aciml
from aciml.settings import Settings
from tests.e2e.project import LONG
from tests.installed import ROOT, Installed, build, install, make_venv, run

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

SCORE = """
import os
import joblib
import numpy

def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "diabetes.joblib"))

def run(data: numpy.ndarray):
    return data @ numpy.array(model["coefficients"]) + model["intercept"]
"""
MODEL = {"coefficients": [2.0, -1.0], "intercept": 0.5}
CONDA = """
channels: [conda-forge]
dependencies:
  - python=3.11
  - numpy=1.26.4
  - joblib=1.4.2
"""
CONFIG = """
# Everything that a stack says of where its services run; the program says what they are.
config:
  # at home: the registry is a container of the Docker Engine that answers here, and so is the service
  aciml:target: local
  # in the cloud this would be
  # aciml:target: azure
  # aciml:resourceGroup: scoring
  # aciml:location: westeurope
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    place = make_venv(folder / "venv")
    install(build(folder / "dist"), place)
    return place


@dataclass(frozen=True)
class Outside:
    """A user's folder with the README's program; its names have a part that no other has."""

    folder: Path
    installed: Installed
    name: str

    def write(self) -> None:
        """Write what a user would."""
        files = {
            "__main__.py": self._program(),
            "Pulumi.yaml": f"name: {self.name}\nruntime: python\n",
            "Pulumi.dev.yaml": CONFIG,
            "conda.yml": CONDA,
            "src/score.py": SCORE,
        }
        for path, text in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text)
        (self.folder / "models").mkdir()
        (self.folder / "models/diabetes.joblib").write_bytes(pickle.dumps(MODEL))

    def _program(self) -> str:
        """Return the program as it is printed, with names of its own, and without a step that needs a Debian mirror."""
        section = (ROOT / "README.md").read_text().partition("\n## A program\n")[2].partition("\n## ")[0]
        found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
        assert found
        program = re.sub(r" *extra_steps=\[.*\],\n", "", found[1])
        program = re.sub(r'((?:Registry|ScoringService)\(\s*)"(\w+)"', rf'\1"\2-{self.name}"', program)
        # a key that is not exported cannot be used here
        return program if "key" in program.partition("pulumi.export")[2] else program.replace("auth_enabled=True,", "")

    def environ(self) -> dict[str, str]:
        mirrors = Settings.read().cache / "mirrors.toml"
        known = {"ACIML_MIRRORS": str(mirrors)} if mirrors.exists() else {}
        return {
            **known,
            **self.installed.environ(),
            "PULUMI_BACKEND_URL": f"file://{self.folder.parent / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "ACIML_CACHE": str(self.folder.parent / "cache"),
        }

    def pulumi(self, *args: str) -> str:
        """Run the real CLI and return what it said."""
        command = ["pulumi", "--non-interactive", "--color", "never", *args]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONG,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def ask(self, body: str) -> object:
        """POST a request, with the key if the program exports one, and return the answer."""
        outputs = json.loads(self.pulumi("stack", "output", "--json", "--show-secrets"))
        keys = [value for name, value in outputs.items() if "key" in name]
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {keys[0]}"} if keys else {}
        request = urllib.request.Request(outputs["scoring_uri"], body.encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def containers(self) -> list[str]:
        """Return the names of the containers that are this program's."""
        said = run(["docker", "ps", "-a", "--format", "{{.Names}}", "--filter", f"name={self.name}"])
        return said.splitlines()

    def clean(self) -> None:
        """Remove what a test that failed may have left, and the registry's volume, which outlives a stack."""
        for name in self.containers():
            subprocess.run(["docker", "rm", "-f", "-v", name], capture_output=True, check=False)
        for name in run(["docker", "volume", "ls", "-q", "--filter", f"name={self.name}"]).split():
            subprocess.run(["docker", "volume", "rm", name], capture_output=True, check=False)


@pytest.fixture
def outside(tools: None, installed: Installed, tmp_path: Path) -> Iterator[Outside]:
    made = Outside(tmp_path / "program", installed, f"out{uuid.uuid4().hex[:8]}")
    (tmp_path / "state").mkdir()
    made.folder.mkdir()
    made.write()
    try:
        yield made
    finally:
        made.clean()


def test_what_is_installed_fits_together_and_has_no_general_name(installed: Installed, tmp_path: Path) -> None:
    tops = {path.name for path in installed.packages.iterdir()}

    assert "No broken requirements" in run([installed.python, "-m", "pip", "check"], tmp_path)
    assert not tops & {"components", "provider", "server", "tests", "bench", "bootstrap", "examples"}
    assert "aciml" in installed.distributions()
    assert "usage: aciml" in run([installed.venv / "bin/aciml", "--help"], tmp_path, installed.environ())


def test_the_program_of_the_readme_is_up_and_answers_and_goes(outside: Outside) -> None:
    outside.pulumi("stack", "init", "dev")

    said = outside.pulumi("up", "--yes", "--skip-preview")

    assert str(outside.installed.venv / "bin/pulumi-resource-aciml") in said, "another plugin was used"
    assert outside.ask('{"data": [[1, 2], [3, 4]]}') == [0.5, 2.5]
    assert len(outside.containers()) == 2
    assert f"{aciml.__version__}" in outside.pulumi("stack", "export"), "state does not say which plugin it needs"
    outside.pulumi("destroy", "--yes", "--skip-preview")
    assert outside.containers() == []


@contextmanager
def answering(command: list[str | Path], folder: Path, environ: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Start a plugin as a language host does; give the version and the schema that it answers."""
    with subprocess.Popen([*command, "127.0.0.1:1"], cwd=folder, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                version = stub.GetPluginInfo(empty_pb2.Empty()).version
                yield version, stub.GetSchema(proto.GetSchemaRequest()).schema
        finally:
            process.kill()


def test_the_folder_of_the_plugin_works_with_the_venv_that_a_language_host_makes_of_it(tmp_path: Path) -> None:
    """A stand-in for the host: the one that can be built here passes over the folder of a plugin."""
    clone, elsewhere = tmp_path / "clone", tmp_path / "elsewhere"
    run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone])
    elsewhere.mkdir()
    folder, python = clone / "provider", clone / "provider/.venv/bin/python"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    run([sys.executable, "-m", "venv", folder / ".venv"], folder, environ)
    run([python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt"], folder, environ)
    with answering([python, folder], elsewhere, environ) as (version, schema):
        assert version == aciml.__version__
        assert "aciml:image:Environment" in schema
    bare = {**environ, "PATH": "/usr/bin:/bin"}  # no Python there has what the plugin needs
    with answering([folder / "pulumi-resource-aciml"], elsewhere, bare) as (version, _):
        assert version == aciml.__version__
    assert run(["git", "status", "--porcelain"], clone) == ""


def test_the_folder_of_the_plugin_is_taken_as_it_is_beside_an_installed_wheel(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "provider").symlink_to(ROOT / "provider")

    with answering([tmp_path / "provider/pulumi-resource-aciml"], tmp_path, installed.environ()) as (version, _):
        assert version == aciml.__version__
    ask = "import runpy, sys; runpy.run_path(sys.argv[1])['use_checkout'](); import aciml, pulumi_aciml as c; "
    ask += "print(aciml.__file__, c.__file__)"
    said = run([installed.python, "-c", ask, ROOT / "provider/__main__.py"], tmp_path, installed.environ())
    assert str(ROOT / "provider/aciml") in said
    assert str(ROOT / "components") in said
