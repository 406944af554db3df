"""Nothing changed: a stack that is up, its next ``up`` and ``preview``, beside a program that declares nothing."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from aciml.core.progress import Silent
from aciml.docker.engine import connect
from aciml.images.plan.base import find_base
from aciml.images.plan.lock import lock_text, solve_anew
from aciml.images.plan.sources import read_sources
from aciml.images.tools import Tools
from aciml.model.environment import read_environment
from aciml.targets.local.target import LocalTarget

from .scene import BASE, BEFORE, ROOT, Scene, conda_file, count_writes, run

_PROGRAM = """\
import pulumi

from pulumi_aciml import EnvironmentImage, EnvironmentImageArgs, PackagesArgs, Registry, RegistryArgs

registry = Registry("bench", RegistryArgs(name="{name}", delete_data=True))
environment = EnvironmentImage(
    "environment",
    EnvironmentImageArgs(
        login_server=registry.login_server, base_image="{base}", packages=PackagesArgs(conda_file="conda.yml")
    ),
)
pulumi.export("image", environment.image)
"""
_PUSHED = """\
from pulumi_aciml import EnvironmentImage, EnvironmentImageArgs, PackagesArgs

EnvironmentImage(
    "environment",
    EnvironmentImageArgs(
        login_server="{host}", repository="fresh", base_image="{base}",
        packages=PackagesArgs(conda_file="conda.yml", lock_mode="frozen"),
    ),
)
"""
PLUGINS = {"plugins": {"providers": [{"name": "aciml", "path": "provider"}]}}


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


@dataclass(frozen=True)
class Fresh:
    """Seconds of previews on a machine that has never seen the environment, beside those of an empty program.

    ``known`` has those of the stack that another machine brought up, ``new`` those of a stack that nobody did.
    """

    known: list[float]
    new: list[float]
    empty: list[float]

    def above(self, times: list[float]) -> float:
        """Return by how many seconds these take longer than the empty program's."""
        return statistics.median(times) - statistics.median(self.empty)


def measure_fresh(scene: Scene, previews: int) -> Fresh:
    """Push by one machine, then preview by others: each has the project with its lock file, and an empty cache."""
    ours = StackProject(scene, "fresh", _PUSHED.format(host=scene.login_server, base=BASE), PLUGINS)
    empty = StackProject(scene, "nothing", "", {})
    link(ours)
    _write_lock(scene, conda_file(ours.folder, BEFORE))
    ours.pulumi("up", "--yes", "--skip-preview")
    empty.pulumi("up", "--yes", "--skip-preview")
    ours.pulumi("stack", "init", "other")
    times: dict[str, list[float]] = {"local": [], "other": [], "": []}
    for number in range(previews):
        for stack, taken in times.items():
            cache = scene.folder / f"machine-{number}-{stack}"
            flags = ("--stack", stack) if stack else ()
            started = time.perf_counter()
            said = (ours if stack else empty).pulumi("preview", *flags, ACIML_CACHE=str(cache))
            taken.append(time.perf_counter() - started)
            if stack and (cache / "pkgs").exists():
                raise SystemExit(f"the preview of a machine that knows nothing made layers:\n{said}")
    return Fresh(times["local"], times["other"], times[""])


def _write_lock(scene: Scene, conda: Path) -> None:
    """Lock the packages, as ``aciml lock`` does."""
    settings = replace(scene.settings, cache=scene.warm)
    shop = Tools.of(LocalTarget(connect, settings), settings)
    declared = read_environment({"baseImage": BASE, "condaFile": str(conda)})
    with closing(shop.cache.catalog):
        found = find_base(shop, read_environment({}), declared, Silent())
        sources, limits = read_sources(declared), declared.but(base=declared.base.but(glibc=found.glibc)).limits
        lock = conda.with_suffix(".lock")
        text = lock_text(shop, solve_anew(shop, sources, limits, Silent()), sources, limits, lock, {})
    lock.write_text(text, encoding="utf-8")


def link(project: StackProject) -> None:
    """Give the project the plugin of this checkout, and the server that images of services have."""
    for part in ("provider", "server"):
        (project.folder / part).symlink_to(ROOT / part)


def measure_unchanged(scene: Scene, previews: int) -> Unchanged:
    """Bring the stack up, then look what it costs when nothing changed; the stack has a registry of its own."""
    name = f"{scene.name}-own"  # that of the scene belongs to no stack, and a stack takes nobody's
    ours = StackProject(scene, "ours", _PROGRAM.format(name=name, base=BASE), PLUGINS)
    empty = StackProject(scene, "empty", "", {})
    link(ours)
    conda_file(ours.folder, BEFORE)
    try:
        for project in (ours, empty):
            project.pulumi("up", "--yes", "--skip-preview")
        return _look_again(scene, ours, empty, f"aciml-registry-{name}", previews)
    finally:
        ours.pulumi("destroy", "--yes", "--skip-preview")


def _look_again(scene: Scene, ours: StackProject, empty: StackProject, container: str, previews: int) -> Unchanged:
    log = scene.registry_log(container)
    if not count_writes(log):
        raise SystemExit("the registry's log has no requests, so that writes cannot be counted")
    started = time.perf_counter()
    ours.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    up = time.perf_counter() - started
    writes = count_writes(scene.registry_log(container)[len(log) :])
    times: dict[StackProject, list[float]] = {empty: [], ours: []}
    for _ in range(previews):
        for project, taken in times.items():
            started = time.perf_counter()
            project.pulumi("preview", "--expect-no-changes")
            taken.append(time.perf_counter() - started)
    return Unchanged(writes, up, times[ours], times[empty])


class StackProject:
    """A Pulumi project with one stack, whose state is in its folder."""

    def __init__(self, scene: Scene, name: str, program: str, more: Mapping[str, object]) -> None:
        """Write the project into the scene's folder, with ``more`` in its ``Pulumi.yaml``, and make the stack."""
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

    def pulumi(self, *args: str, **variables: str) -> str:
        """Run the CLI; return what it said."""
        flags = ("--non-interactive", "--color", "never", "--cwd", str(self.folder))
        return run(["pulumi", *flags, *args], **self._environ | variables)
