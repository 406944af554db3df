"""A whole project in a temporary folder, driven by the real Pulumi CLI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aciml.core.progress import Silent
from aciml.docker.engine import connect
from aciml.settings import Settings
from aciml.targets.local.pull import ensure_image
from tests.e2e.event_log import refreshed_of, steps_of
from tests.e2e.kept_state import kept_encryption, kept_outputs, kept_resources
from tests.e2e.new_stack import make_stack
from tests.e2e.python import pulumi_home, quick_python
from tests.simulators.containers import changes_what_runs
from tests.simulators.flat import ARGS, nested
from tests.simulators.vault import vault

if TYPE_CHECKING:
    import docker

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = str(ROOT / ".venv/packages")
"""The ``PYTHONPATH`` of CLI calls."""
PASSPHRASE = "correct horse"
LONG = 900  # seconds; a bound for a hanging CLI, no measurement
LIVES_SHORTLY = {"GOGC": "off", "GOMEMLIMIT": "400MiB"}
"""For programs in Go: one that ends after a second need not look for rubbish before it has a lot."""


@dataclass
class Result:
    """What a CLI call said."""

    code: int
    text: str


SCORE = """
import json
import numpy
import tabulate

def init():
    print("init ran")

def run(raw_data):
    if raw_data == "[]":
        return len(b"x" * (4 << 30))  # more than the container has, and each page is written
    return {"sum": float(numpy.sum(json.loads(raw_data)))}
"""
CONDA = """
channels: [conda-forge]
dependencies:
  - python=3.11
  - numpy=1.26.4
  - joblib=1.4.2
  - pip
  - pip:
      - tabulate==0.9.0
"""


class Project:
    """A project in a folder of its own, with a stack, a state, a cache and names of its own; on the local target."""

    stack = "local"

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        for part in ("provider", "server"):
            (folder / part).symlink_to(ROOT / part)
        for part in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(ROOT / part, folder / part)
        for part in ("stacks", "state", "src", "context"):
            (folder / part).mkdir()
        self.write("src/score.py", SCORE)
        self.write("conda.yml", CONDA)
        self.write("context/service.conf", "mode = test\n")
        self.config: dict[str, Any] = {
            **{f"aciml:{key}": value for key, value in self.provider_config().items()},
            "scoring:registry": self.registry_config(),
            "scoring:environment": {
                "base_image": "debian:bookworm-slim",
                "conda_file": "conda.yml",
                "extra_steps": ["RUN echo first > /etc/first", "COPY service.conf /etc/service.conf"],
                "steps_context": "context",
            },
            "scoring:service": {
                "name": name,
                "source_directory": "src",
                "cpu_cores": 1,
                "memory_gb": 1,
                "auth_enabled": True,
            },
        }
        self.make_stack()

    def make_stack(self) -> None:
        """Make the stack, and select it."""
        make_stack(
            self.folder / "Pulumi.yaml",
            self.stack,
            config=self.config_file,
            state=self.folder / "state",
            home=pulumi_home(),
        )

    @property
    def config_file(self) -> Path:
        """The stack's config."""
        return self.folder / "stacks" / f"Pulumi.{self.stack}.yaml"

    def provider_config(self) -> dict[str, str]:
        """Return the provider's configuration."""
        return {"target": "local"}

    def registry_config(self) -> dict[str, Any]:
        """Return the section of the registry."""
        return {"name": self.name, "port": 0}

    def without_steps(self) -> None:
        """Take the extra steps away, which take time."""
        for key in ("extra_steps", "steps_context"):
            del self.config["scoring:environment"][key]

    def importable(self) -> tuple[str, ...]:
        """Return the resources whose import shows no difference (a local group gives no keys and variables back)."""
        return ("aciml:registry:ContainerRegistry", "aciml:image:Environment", "aciml:image:Service")

    def write(self, path: str, text: str) -> None:
        """Write a file of the project.

        A script gets a line that no other project's has: an engine gives equal images of several processes one id, and
        while one process removes its name of it, the other one's pull of it may end with nothing.
        """
        (self.folder / path).write_text(f"{text}\n# {self.name}\n" if path.endswith("score.py") else text)

    def environ(self) -> dict[str, str]:
        """Return the environment of CLI calls; the venv that runs the tests is first on PATH."""
        return environ_of(path_with(quick_python(PACKAGES)), self.folder / "state", self.folder / "cache")

    def save(self) -> None:
        """Write the stack config, each word at its place; YAML is a superset of JSON."""
        path = self.config_file
        sections = {f"scoring:{name}": name for name in ARGS}
        config = {key: nested(sections[key], value) if key in sections else value for key, value in self.config.items()}
        path.write_text("\n".join([*kept_encryption(path), "config: " + json.dumps(config)]) + "\n")

    def pulumi(self, *args: str, **changes: str) -> CheckedResult:
        """Run the CLI and return what it said, both streams together."""
        if args[0] != "stack":
            self.save()
        return run_pulumi(args, self.folder, {**self.environ(), **changes})

    def up(self, *args: str, **changes: str) -> CheckedResult:
        """Run ``pulumi up`` without a question; its ``steps`` tell what became of each resource."""
        self.save()
        return run_up(args, self.folder, {**self.environ(), **changes})

    def preview(self) -> list[dict[str, Any]]:
        """Return the steps that a preview plans, without those that keep a resource as it is."""
        said = self.pulumi("preview", "--json").check_ok()
        steps: list[dict[str, Any]] = json.loads(said.text[said.text.index("{") :])["steps"]
        return [step for step in steps if step["op"] != "same"]

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secrets shown."""
        return kept_outputs(self.kept, PASSPHRASE)

    def in_state(self) -> list[dict[str, Any]]:
        """Return the resources in the state, secrets encrypted."""
        return kept_resources(self.kept)

    @property
    def kept(self) -> Path:
        """The file of the stack's state."""
        (path,) = (self.folder / "state").rglob(f"stacks/*/{self.stack}.json")
        return path

    def state(self) -> str:
        """Return the state file as it lies on disk."""
        return "".join(path.read_text() for path in (self.folder / "state").rglob(f"{self.stack}.json"))

    def ask(self, body: str = "[1, 2, 3.5]") -> Any:
        """POST a request with the key, and return the answer."""
        outputs = self.outputs()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {outputs['primary_key']}"}
        request = urllib.request.Request(outputs["scoring_uri"], body.encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def container(self, kind: str = "") -> dict[str, Any] | None:
        """Return what the engine says of the service's container (or the registry's); None if there is none."""
        name = f"aciml-registry-{self.name}" if kind == "registry" else f"aciml-{self.name}"
        said = subprocess.run(["docker", "container", "inspect", name], capture_output=True, text=True, check=False)
        return None if said.returncode else dict(json.loads(said.stdout)[0])

    def run_in(self, image: str, script: str) -> str:
        """Run a script in an image and return what it says.

        The image is pulled as the project does it: Podman's ``docker run`` does not pull from a registry without TLS.
        """
        engine = connect()
        try:
            self.fetch(engine, image)
        finally:
            engine.close()
        command = ["docker", "run", "--rm", image, "sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def fetch(self, engine: docker.DockerClient, image: str) -> None:
        """Pull an image."""
        ensure_image(engine, image, {}, Silent())

    def cores(self) -> float:
        """Return how many cores the service may use."""
        container = self.container()
        assert container is not None
        limits = container["HostConfig"]
        return float(limits["CpuQuota"] / limits["CpuPeriod"])

    def service_parts(self) -> list[str]:
        """Return the names of what the engine has of the service: containers and networks."""
        found = []
        for words in (("ps", "--all", "--format", "{{.Names}}"), ("network", "ls", "--format", "{{.Name}}")):
            said = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
            own = (f"aciml-{self.name}", f"aciml-{self.name}-next", f"aciml-{self.name}.front")
            found += [name for name in said.stdout.split() if name in own]
        return found

    def remove_service(self) -> None:
        """Remove the service behind the project's back."""
        subprocess.run(["docker", "rm", "-f", f"aciml-{self.name}"], check=True, capture_output=True)

    @contextmanager
    def registry_down(self) -> Iterator[None]:
        """Let the registry not answer; on this target it takes an `up` to bring it back."""
        subprocess.run(["docker", "stop", f"aciml-registry-{self.name}"], check=True, capture_output=True)
        yield

    def gone(self) -> bool:
        """Tell whether nothing of the stack runs any more."""
        return not self.service_parts() and self.container("registry") is None

    def images_kept(self) -> bool:
        """Tell whether the images outlived the stack."""
        volumes = subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True)
        return f"aciml-registry-{self.name}" in volumes.stdout.split()

    def changes_what_runs(self) -> bool:
        """Tell whether the engine can change a container; if not, another one takes its place."""
        engine = connect()
        try:
            return changes_what_runs(engine)
        finally:
            engine.close()

    def clean(self) -> None:
        """Remove what the project may have left in the engine."""
        group = f"aciml-{self.name}"
        for name in (group, f"{group}-next", f"{group}.front", f"aciml-registry-{self.name}"):
            subprocess.run(["docker", "rm", "-f", "-v", name], capture_output=True, check=False)
        subprocess.run(["docker", "network", "rm", f"{group}.front"], capture_output=True, check=False)
        subprocess.run(["docker", "volume", "rm", f"aciml-registry-{self.name}"], capture_output=True, check=False)


class InMemory(Project):
    """A project whose registry and service are in memory; it needs no Docker."""

    def provider_config(self) -> dict[str, str]:
        return {"target": "memory"}


@dataclass
class CheckedResult(Result):
    """A result that can insist."""

    log: Path | None = None
    """The engine's own account of an ``up``."""

    def steps(self) -> list[dict[str, Any]]:
        """Return what an ``up`` did, in a preview's words, without what was left as it is."""
        assert self.log is not None
        return [step for step in steps_of(self.log) if step["op"] != "same"]

    def refreshed(self) -> list[dict[str, Any]]:
        """Return what the refresh of an ``up`` has found of each resource."""
        assert self.log is not None
        return list(refreshed_of(self.log))

    def check_ok(self) -> CheckedResult:
        assert self.code == 0, self.text
        return self

    def check_failed(self, *words: str) -> CheckedResult:
        """Insist that the CLI failed, with each of the words, and without a traceback of ours.

        The traceback of a user's script is not ours, and belongs there. Pulumi's SDK would add its own when the
        engine ends a program that waits for another resource.
        """
        assert self.code != 0, self.text
        for word in words:
            assert word in self.text, f"{word!r} is not in:\n{self.text}"
        assert "provider/aciml/" not in self.text, self.text
        assert "fault of aciml" not in self.text, self.text
        assert "KeyboardInterrupt" not in self.text, self.text
        return self


def environ_of(path: str, state: Path, cache: Path) -> dict[str, str]:
    """Return the environment of CLI calls, with the mirrors of this machine if it has some."""
    mirrors = Settings.read().cache / "mirrors.toml"
    known = {"ACIML_MIRRORS": str(mirrors)} if mirrors.exists() else {}
    return {
        **known,
        **os.environ,
        "PYTHONPATH": PACKAGES,
        "PATH": path,
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        "ACIML_CACHE": str(cache),
        **lives_shortly(),
        **vault().environ,
    }


def lives_shortly() -> dict[str, str]:
    """Return variables for a CLI that ends after a second: it looks at no rubbish, and at the logs of few others."""
    return {**LIVES_SHORTLY, "PULUMI_HOME": str(pulumi_home())}


def path_with(python: Path) -> str:
    """Return a ``PATH`` with a folder's Python, then what the venv that runs the tests has."""
    return os.pathsep.join([str(python), str(Path(sys.executable).parent), os.environ["PATH"]])


def run_up(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> CheckedResult:
    """Run ``pulumi up`` in a folder, without a question; the engine's account is kept in a file of its own."""
    handle, name = tempfile.mkstemp(".json", "events-", folder)
    os.close(handle)
    # the CLI knows the option only if it is asked for its hidden ones
    words = ("up", "--yes", "--skip-preview", "--event-log", name, *words)
    done = run_pulumi(words, folder, {**environ, "PULUMI_DEBUG_COMMANDS": "1"})
    return CheckedResult(done.code, done.text, Path(name))


def run_pulumi(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> CheckedResult:
    """Run the CLI in a folder and return what it said, both streams together."""
    done = subprocess.run(
        ["pulumi", "--non-interactive", "--color", "never", *words],
        cwd=folder,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LONG,
    )
    return CheckedResult(done.returncode, done.stdout)
