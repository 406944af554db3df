"""A program of its own in a temporary folder, driven by the real Pulumi CLI; nothing that it makes needs an engine.

Groups and registries live in memory (``aciml:target: memory``); images go to a registry in the test's process.
"""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kept_state import kept_encryption, kept_inputs, kept_outputs, kept_resources
from tests.e2e.new_stack import make_stack
from tests.e2e.project import PACKAGES, PASSPHRASE, ROOT, CheckedResult, lives_shortly, path_with, run_pulumi, run_up
from tests.e2e.python import pulumi_home, quick_python
from tests.images.world import push_base
from tests.simulators.registry import RegistrySimulator
from tests.simulators.vault import vault

HEADER = """
import pulumi
import pulumi_aciml as aciml
"""
SCORE = "def init():\n    pass\n\ndef run(raw_data):\n    return 1\n"
Step = dict[str, Any]
needs_the_cli = pytest.mark.skipif(
    shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH; run `make test`"
)


class Program:
    """A stack, a state and a cache of its own; ``write`` gives it its program."""

    stack = "here"

    def __init__(self, folder: Path, registry: RegistrySimulator) -> None:
        self.folder, self.registry = folder, registry
        self.base = push_base(folder / "base", registry.host)
        project = {
            "name": "scoring",
            "runtime": "python",
            "plugins": {"providers": [{"name": "aciml", "path": str(ROOT / "provider")}]},
        }
        self._file("Pulumi.yaml", json.dumps(project))
        self._file("src/score.py", SCORE)
        (folder / "state").mkdir()
        self.config: dict[str, Any] = {"aciml:target": "memory"}
        self.write("")
        state = folder / "state"
        make_stack(folder / "Pulumi.yaml", self.stack, config=self._config_file, state=state, home=pulumi_home())
        shutil.copytree(folder / "state", folder / "first-state")
        self._first_config = self._config_file.read_text()

    def _file(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_text(text)

    def write(self, program: str) -> None:
        """Write the program; ``REGISTRY`` and ``BASE`` are where images go, and what environments stand on."""
        names = f"REGISTRY, BASE = {self.registry.host!r}, {self.base!r}\n"
        self._file("__main__.py", HEADER + names + textwrap.dedent(program))

    def environ(self) -> dict[str, str]:
        """Return the environment of CLI calls; nothing is looked up elsewhere."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ARM_", "PULUMI_"))},
            "PYTHONPATH": PACKAGES,
            "PATH": path_with(quick_python(PACKAGES)),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "ACIML_CACHE": str(self.folder / "cache"),
            **lives_shortly(),
            **vault().environ,
        }

    @property
    def _config_file(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def save(self) -> None:
        """Write the stack config."""
        lines = [*kept_encryption(self._config_file), "config: " + json.dumps(self.config)]
        self._config_file.write_text("\n".join(lines) + "\n")

    def pulumi(self, *args: str, keep_config: bool = False, **changes: str) -> CheckedResult:
        """Run the CLI and return what it said, both streams together.

        Args:
            args: words of the command.
            keep_config: the stack config is what the CLI wrote, and is not written anew.
            changes: variables of the environment.
        """
        if not keep_config and args[0] != "stack":
            self.save()
        return run_pulumi(args, self.folder, {**self.environ(), **changes})

    def up(self, *args: str) -> CheckedResult:
        """Run ``pulumi up`` without a question."""
        self.save()
        return run_up(args, self.folder, self.environ())

    def destroy(self, *args: str) -> CheckedResult:
        """Run ``pulumi destroy`` without a question."""
        return self.pulumi("destroy", "--yes", "--skip-preview", *args)

    def refresh(self) -> CheckedResult:
        """Run ``pulumi refresh`` without a question."""
        return self.pulumi("refresh", "--yes", "--skip-preview")

    def preview(self) -> dict[str, str]:
        """Return what a preview does to each resource that it does not leave as it is, by name."""
        return {name: step["op"] for name, step in self.steps().items() if step["op"] != "same"}

    def steps(self) -> dict[str, Step]:
        """Return the steps of a preview by the name of the resource; the stack and providers are left out."""
        said = self.pulumi("preview", "--json").check_ok()
        steps = json.loads(said.text[said.text.index("{") :])["steps"]
        named = {step["urn"].rpartition("::")[2]: step for step in steps if _is_ours(step["urn"])}
        return {name: step for name, step in named.items() if step["op"] != "read"}

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return what the state says of each resource of ours, by its name, secrets encrypted."""
        resources = kept_resources(self._state)
        return {one["urn"].rpartition("::")[2]: one for one in resources if _is_ours(one["urn"])}

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Return the inputs that the state has of each resource, by its name, secrets shown."""
        return kept_inputs(self._state, PASSPHRASE)

    def providers(self) -> dict[str, dict[str, Any]]:
        """Return what the state says of each provider, by its name."""
        resources = kept_resources(self._state)
        return {one["urn"].rpartition("::")[2]: one for one in resources if "pulumi:providers" in one["type"]}

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secrets shown."""
        return kept_outputs(self._state, PASSPHRASE)

    @property
    def _state(self) -> Path:
        (path,) = (self.folder / "state").rglob(f"stacks/*/{self.stack}.json")
        return path

    def state(self) -> str:
        """Return all that is kept of the stack on disk, its history too."""
        return "".join(path.read_text() for path in (self.folder / "state").rglob("*.json*") if path.is_file())

    def world(self) -> dict[str, Any]:
        """Return all that was made in memory."""
        path = self.folder / "cache" / "memory-target.json"
        return dict(json.loads(path.read_text())) if path.exists() else {"registries": {}, "groups": {}, "volumes": {}}

    def forget(self) -> None:
        """Drop the stack with its history, and all that was made; the cache stays."""
        shutil.rmtree(self.folder / "state")
        shutil.copytree(self.folder / "first-state", self.folder / "state")
        (self.folder / "cache" / "memory-target.json").unlink(missing_ok=True)
        self.config = {"aciml:target": "memory"}
        self._config_file.write_text(self._first_config)


def _is_ours(urn: str) -> bool:
    return urn.split("::")[2].rpartition("$")[2].startswith("aciml:")
