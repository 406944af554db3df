"""A user's folder outside the checkout: the documentation's program, on the installed wheel, by the real CLI."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

from aciml.settings import Settings
from tests.e2e.project import CONDA, LONG
from tests.e2e.python import pulumi_home
from tests.installed import ROOT, Installed, run

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


@dataclass(frozen=True)
class Outside:
    """A user's folder with the documentation's program; its project has a name that no other has."""

    folder: Path
    installed: Installed
    name: str
    cache: Path

    @classmethod
    def make(cls, folder: Path, installed: Installed, cache: Path) -> Outside:
        """Write what a user would below the folder; the state lies beside it."""
        made = cls(folder / "program", installed, f"out{uuid.uuid4().hex[:8]}", cache)
        for path in (folder / "state", made.folder, made.folder / "models"):
            path.mkdir(parents=True)
        made._write()
        return made

    def _write(self) -> None:
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
        (self.folder / "models/diabetes.joblib").write_bytes(pickle.dumps(MODEL))

    def _program(self) -> str:
        """Return the program as it is printed, but for a step that needs a Debian mirror."""
        section = (ROOT / "docs/pages/program.md").read_text().partition("\n## In Python\n")[2].partition("\n## ")[0]
        found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
        assert found
        program = re.sub(r" *(?:extra_)?steps=.*,\n", "", found[1])
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
            "PULUMI_HOME": str(pulumi_home()),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "ACIML_CACHE": str(self.cache),
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
        said = run(["docker", "ps", "-a", "--format", "{{.Names}}", "--filter", f"label=io.aciml.project={self.name}"])
        return said.splitlines()

    def clean(self) -> None:
        """Remove what a test that failed may have left, and the registry's volume, which outlives a stack."""
        for name in self.containers():
            subprocess.run(["docker", "rm", "-f", "-v", name], capture_output=True, check=False)
        for name in run(["docker", "volume", "ls", "-q", "--filter", f"label=io.aciml.project={self.name}"]).split():
            subprocess.run(["docker", "volume", "rm", name], capture_output=True, check=False)
