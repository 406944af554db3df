"""A project whose program is a Pulumi.yaml: the components are made by the plugin."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.e2e.project import CONDA, ROOT, SCORE, Project


class YamlProject(Project):
    """The program is a value in ``program``; each CLI call writes it down. YAML is a superset of JSON."""

    def __init__(self, folder: Path, name: str, host: Path) -> None:
        self.folder, self.name, self.host = folder, name, host
        for part in ("state", "src"):
            (folder / part).mkdir()
        self.write("src/score.py", SCORE)
        self.write("conda.yml", CONDA)
        self.config = {"aciml:target": "local"}
        self.program = self.first_program()
        self.save()
        self.make_stack()

    @property
    def config_file(self) -> Path:
        """The stack's config, which is the CLI's once it is there."""
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def make_stack(self) -> None:
        """Make the stack, and select it; its config has what is declared."""
        super().make_stack()
        with self.config_file.open("a") as config:
            config.write(f"config: {json.dumps(self.config)}\n")

    def first_program(self) -> dict[str, Any]:
        """Return a program with the three components, two of them environments, so that several are made at once."""
        base = {"loginServer": "${models.loginServer}", "baseImage": "debian:bookworm-slim"}
        return {
            "models": resource("Registry", {"name": self.name, "deleteData": True}),
            "sklearn": resource(
                "EnvironmentImage",
                {**base, "steps": {"lines": ["RUN echo first > /etc/first"]}, "packages": {"condaFile": "conda.yml"}},
            ),
            "second": resource(
                "EnvironmentImage",
                {
                    **base,
                    "repository": "azureml/second",
                    "packages": {"condaFile": "conda.yml"},
                    "layers": {"compression": "zstd", "sbom": False},
                },
            ),
            "diabetes": resource(
                "ScoringService",
                {
                    "name": self.name,
                    "loginServer": "${models.loginServer}",
                    "environmentImage": "${sklearn.image}",
                    "sourceDirectory": "src",
                    "cpuCores": 1,
                    "memoryGb": 1,
                    "authEnabled": True,
                    "environmentVariables": {"PLAIN_ONE": "1", "HIDDEN": "${hidden}"},
                    "smokeTest": {"body": "[1, 2]", "expectJson": {"sum": 3.0}},
                    "server": {
                        "workers": 1,
                        "limits": {"scoringTimeoutMs": 60000},
                        "logs": {"logFormat": "json"},
                        "telemetry": {"otlpEndpoint": "http://127.0.0.1:9", "otlpHeaders": "key=${hidden}"},
                    },
                    "azure": {"livenessProbe": {"httpGet": {"port": 5000, "path": "/live"}, "periodSeconds": 10}},
                },
            ),
        }

    def save(self) -> None:
        """Write the program."""
        outputs = {
            "image": "${diabetes.image}",
            "primary_key": "${diabetes.primaryKey}",
            "scoring_uri": "${diabetes.scoringUri}",
            "second": "${second.image}",
        }
        program = {
            "name": "yamlscoring",
            "runtime": "yaml",
            "plugins": {"providers": [{"name": "aciml", "path": str(ROOT / "provider")}]},
            "config": {"hidden": {"type": "string", "secret": True}},
            "resources": self.program,
            "outputs": {name: value for name, value in outputs.items() if value[2:].partition(".")[0] in self.program},
        }
        self.write("Pulumi.yaml", json.dumps(program, indent=1))

    def environ(self) -> dict[str, str]:
        """Return the environment of CLI calls, with the YAML host on PATH."""
        known = super().environ()
        return {**known, "PATH": f"{known['PATH']}{os.pathsep}{self.host}"}

    def kinds(self) -> dict[str, str]:
        """Return what a preview plans, by the name of the resource."""
        return {step["urn"].rpartition("::")[2]: step["op"] for step in self.preview()}

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the resources of the state by name."""
        return {one["urn"].rpartition("::")[2]: one for one in self.in_state()}


def resource(token: str, properties: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return a component as a program declares it."""
    return {"type": f"aciml:{token}", "properties": properties, **({"options": options} if options else {})}
