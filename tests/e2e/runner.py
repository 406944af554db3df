"""A runner of pipelines: the commands of a file, in order, in a clean container a job without Docker.

The container has this machine's programs and libraries read-only, a home of its own that is empty, and no variable but
those that the service gives; of Docker it has no socket. Steps that use an action or a task of the service (checkout,
login, Python, cache) are passed over: what they bring is there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.e2e.project import LONG, ROOT

IMAGE = "debian:bookworm-slim"


@dataclass(frozen=True)
class Step:
    """A step that runs commands: its job, its name, and what is set for it."""

    job: str
    name: str
    script: str
    variables: Mapping[str, str]


def github_steps(path: Path, known: Mapping[str, str]) -> Iterator[Step]:
    """Give the ``run`` steps of a workflow, expressions filled in; ``known`` has them by their text."""
    file = _read(path)
    for name, job in file["jobs"].items():
        for step in job["steps"]:
            if "run" in step:
                env = {**file.get("env", {}), **job.get("env", {}), **step.get("env", {})}
                filled = {key: _filled(str(value), known) for key, value in env.items()}
                yield Step(name, step["name"], _filled(step["run"], known), filled)


def azure_steps(path: Path, known: Mapping[str, str]) -> Iterator[Step]:
    """Give the steps with commands of Azure Pipelines, variables filled in."""
    for stage in _read(path)["stages"]:
        for job in stage["jobs"]:
            steps = job.get("steps") or job["strategy"]["runOnce"]["deploy"]["steps"]
            for step in steps:
                script = step.get("bash") or step.get("inputs", {}).get("inlineScript")
                if script:
                    env = {key: _variable(str(value), known) for key, value in step.get("env", {}).items()}
                    yield Step(stage["stage"], step["displayName"], _variable(script, known), env)


def azure_said(printed: str) -> dict[str, str]:
    """Return the variables that a step of Azure Pipelines sets for those after it, by its logging commands.

    Source: Microsoft, "Logging commands", SetVariable.
    """
    pattern = r"^##vso\[task\.setvariable variable=(\w+)[^\]]*\](.*)$"
    return {found[1]: found[2] for found in re.finditer(pattern, printed, re.MULTILINE)}


def _filled(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: known.get(found[1], ""), text)


def _variable(text: str, known: Mapping[str, str]) -> str:
    # $(pulumi ...) is the shell's: names of variables have no space
    return re.sub(r"\$\(([A-Za-z_.]+)\)", lambda found: known.get(found[1], ""), text)


def _read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


@dataclass(frozen=True)
class Runner:
    """Containers in which the steps of a job run one after the other, each as on a fresh machine of the service."""

    folder: Path
    """The checkout; all else of a run lies beside it."""
    mounts: tuple[Path, ...]
    path: str
    environ: Mapping[str, str]
    machines: dict[str, str] = field(default_factory=dict)
    """The containers by their jobs."""

    def run(self, step: Step) -> subprocess.CompletedProcess[str]:
        """Run a step with the shell and the options that GitHub and Azure Pipelines use."""
        home = self.folder.parent / "home"
        home.mkdir(exist_ok=True)
        command = ["docker", "exec", "--workdir", str(self.folder)]
        for name, value in {"HOME": str(home), "PATH": self.path, **self.environ, **step.variables}.items():
            command += ["--env", f"{name}={value}"]
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script]
        return subprocess.run(
            [*command, self._machine(step.job), *shell], capture_output=True, text=True, check=False, timeout=LONG
        )

    def _machine(self, job: str) -> str:
        if job not in self.machines:
            command = ["docker", "run", "--detach", "--rm", "--network", "host"]
            for one in dict.fromkeys((Path("/usr"), Path("/etc/ssl"), ROOT, Path(sys.base_prefix), *self.mounts)):
                command += ["--volume", f"{one}:{one}:ro"]
            command += ["--volume", f"{self.folder.parent}:{self.folder.parent}", IMAGE, "sleep", "infinity"]
            self.machines[job] = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        return self.machines[job]

    def close(self) -> None:
        """Take the machines away: those of the next jobs are fresh again."""
        for machine in self.machines.values():
            subprocess.run(["docker", "rm", "--force", machine], capture_output=True, check=False)
        self.machines.clear()
