"""Nothing changed: a stack that is up, its next ``up`` and ``preview``, beside a program that declares nothing."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .scene import BASE, BEFORE, ROOT, Scene, conda_file, count_writes, run

_PROGRAM = """\
import pulumi

from components import EnvironmentImage, EnvironmentImageArgs, Registry, RegistryArgs

registry = Registry("bench", RegistryArgs(name="{name}"))
environment = EnvironmentImage(
    "environment",
    EnvironmentImageArgs(login_server=registry.login_server, base_image="{base}", conda_file="conda.yml"),
)
pulumi.export("image", environment.image)
"""
_PLUGINS = {"plugins": {"providers": [{"name": "aciml", "path": "provider"}]}}


@dataclass(frozen=True)
class Unchanged:
    """``writes`` to the registry by an ``up``; seconds of one ``up``, and of each preview, ours and the empty one's."""

    writes: int
    up: float
    ours: list[float]
    empty: list[float]

    @property
    def ratio(self) -> float:
        """Return how much longer our preview takes."""
        return statistics.median(self.ours) / statistics.median(self.empty)


def measure_unchanged(scene: Scene, previews: int) -> Unchanged:
    """Bring the stack up, then look what it costs when nothing changed; the stack's registry is the scene's."""
    ours = _Project(scene, "ours", _PROGRAM.format(name=scene.name, base=BASE), _PLUGINS)
    empty = _Project(scene, "empty", "", {})
    for part in ("components", "provider", "server"):
        (ours.folder / part).symlink_to(ROOT / part)
    conda_file(ours.folder, BEFORE)
    for project in (ours, empty):
        project.pulumi("up", "--yes", "--skip-preview")
    log = scene.registry_log()
    if not count_writes(log):
        raise SystemExit("the registry's log has no requests, so that writes cannot be counted")
    started = time.perf_counter()
    ours.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    up = time.perf_counter() - started
    writes = count_writes(scene.registry_log()[len(log) :])
    times: dict[_Project, list[float]] = {empty: [], ours: []}
    for _ in range(previews):
        for project, taken in times.items():
            started = time.perf_counter()
            project.pulumi("preview", "--expect-no-changes")
            taken.append(time.perf_counter() - started)
    return Unchanged(writes, up, times[ours], times[empty])


class _Project:
    """A Pulumi project with one stack, whose state is in its folder."""

    def __init__(self, scene: Scene, name: str, program: str, more: Mapping[str, object]) -> None:
        self.folder = scene.folder / name
        self.folder.mkdir()
        (self.folder / "state").mkdir()
        (self.folder / "__main__.py").write_text(program, encoding="utf-8")
        facts = {"name": f"bench-{name}", "runtime": "python", "main": ".", **more}
        (self.folder / "Pulumi.yaml").write_text(json.dumps(facts), encoding="utf-8")  # YAML is a superset of JSON
        self._environ = scene.environ(scene.warm) | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        }
        self.pulumi("stack", "init", "local")

    def pulumi(self, *args: str) -> str:
        flags = ("--non-interactive", "--color", "never", "--cwd", str(self.folder))
        return run(["pulumi", *flags, *args], **self._environ)
