"""What a preview without a change costs, beside a program that declares nothing: ``python bench/preview.py``.

Stacks of one service and of ten are brought up once (Docker, a channel, the CLI); then previews take turns with those
of an empty Python program, and CPU seconds of all their processes are compared, since seconds of a busy machine say
little.
Below that the time is shown by phase, each in fresh processes: imports of the program and of the plugin, start of gRPC
until the port is told, and opening of the catalog.
"""

from __future__ import annotations

import argparse
import os
import resource
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

from bench.goals import figure  # noqa: E402  # found through the line above, as what follows
from bench.scene import BASE, Scene, conda_file, scene  # noqa: E402
from bench.stack import PLUGINS, StackProject, link  # noqa: E402

_PROGRAM = """\
import pulumi

from pulumi_aciml import (
    EnvironmentImage, EnvironmentImageArgs, PackagesArgs, Registry, RegistryArgs, ScoringService, ScoringServiceArgs,
)

registry = Registry("bench", RegistryArgs(name="{name}", delete_data=True))
environment = EnvironmentImage(
    "environment",
    EnvironmentImageArgs(
        login_server=registry.login_server, base_image="{base}", packages=PackagesArgs(conda_file="conda.yml")
    ),
)
for number in range({count}):
    service = ScoringService(
        f"service-{{number}}",
        ScoringServiceArgs(
            name=f"{name}-{{number}}", login_server=registry.login_server, environment_image=environment.image,
            source_directory="src", auth_enabled=False, cpu_cores=0.2, memory_gb=0.5,
        ),
    )
pulumi.export("image", environment.image)
"""
_SCORE = "def init():\n    pass\n\n\ndef run(raw_data):\n    return 0\n"
_PACKAGES = ("python=3.11", "numpy", "pip")
_PHASES = (
    ("an interpreter", "pass"),
    ("program: import pulumi", "import pulumi"),
    ("program: import pulumi_aciml", "import pulumi_aciml"),
    ("plugin: import", "import aciml.serving"),
    (
        "catalog: read",
        """from contextlib import closing; from aciml.settings import Settings; from aciml.blobs.cache import Cache
with closing(Cache(Settings.read().cache).catalog): pass""",
    ),
)
_PATIENCE = 60.0  # seconds until the plugin tells its port


@dataclass
class Side:
    """A project, and the CPU seconds that each of its previews took in all processes."""

    name: str
    project: StackProject
    cpu: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def preview(self) -> None:
        """Preview once; what the CLI has waited for is counted with it."""
        before, began = _children(), time.perf_counter()
        self.project.pulumi("preview", "--expect-no-changes")
        self.seconds.append(time.perf_counter() - began)
        self.cpu.append(_children() - before)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--previews", type=int, default=9, help="of each program")
    parser.add_argument("--services", type=int, default=10, help="of the big stack")
    parser.add_argument("--folder", type=Path, help="where to work; a folder is made in it and removed")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    wishes = parser.parse_args()
    with scene(wishes.folder) as place:
        sides = measure(place, wishes.previews, wishes.services)
    for name, seconds in phases(wishes.previews).items():
        print(f"{name:32} {seconds * 1000:7.0f} ms of CPU")
    empty, *ours = sides
    values = {}
    for side in ours:
        values[f"preview-{side.name}-ratio"] = _ratio(side.cpu, empty.cpu)
        print(f"preview-{side.name}-elapsed-ratio: {_ratio(side.seconds, empty.seconds):.2f}")
    for side in sides:
        print(f"preview-{side.name}-cpu-seconds: {statistics.median(side.cpu):.2f}")
    for name, value in values.items():
        print(f"{name}: {value:.2f}")
    late = [name for name, value in values.items() if not figure(name).met(value)]
    for name in late:
        say(f"goal missed: {name} is {values[name]:.2f}, not {figure(name).goal}")
    sys.exit(1 if late and wishes.strict else 0)


def measure(place: Scene, previews: int, services: int) -> list[Side]:
    """Bring the stacks up and preview them by turns, the empty program's first."""
    sides = [Side("empty", StackProject(place, "empty", "", {}))]
    for name, count in (("one-service", 1), ("ten-services", services)):
        program = _PROGRAM.format(name=f"{place.name}-{name[:3]}", base=BASE, count=count)
        side = Side(name, StackProject(place, name, program, PLUGINS))
        link(side.project)
        conda_file(side.project.folder, _PACKAGES)
        (side.project.folder / "src").mkdir()
        (side.project.folder / "src" / "score.py").write_text(_SCORE, encoding="utf-8")
        sides.append(side)
    try:
        for side in sides:
            say(f"{side.name}: up")
            side.project.pulumi("up", "--yes", "--skip-preview")
            side.project.pulumi("preview", "--expect-no-changes")  # writes bytecode of what an up does not load
        for number in range(previews):
            for side in sides:
                side.preview()
            say(f"{number + 1} of {previews}: " + ", ".join(f"{side.name} {side.cpu[-1]:.2f} s" for side in sides))
    finally:
        for side in sides[1:]:
            side.project.pulumi("destroy", "--yes", "--skip-preview")
    return sides


def phases(repetitions: int) -> dict[str, float]:
    """Return CPU seconds by phase: medians of fresh processes, without the interpreter's own."""
    names = [*(name for name, _ in _PHASES), "plugin: import and gRPC start"]
    taken: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(repetitions):
        for name, text in _PHASES:
            taken[name].append(_cpu_of(partial(subprocess.run, _python("-c", text), env=_environ(), check=True)))
        taken["plugin: import and gRPC start"].append(_cpu_of(_start_plugin))
    bare = statistics.median(taken["an interpreter"])
    return {name: statistics.median(times) - (bare if name != "an interpreter" else 0) for name, times in taken.items()}


def _start_plugin() -> None:
    """Start the plugin as the engine does, and end it as soon as it says its port."""
    # nobody listens at this address: the plugin calls the engine only when it has something to tell
    command = _python(str(_ROOT / "provider" / "__main__.py"), "127.0.0.1:9")
    with subprocess.Popen(command, env=_environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as plugin:
        assert plugin.stdout is not None
        ready, _, _ = select.select([plugin.stdout], [], [], _PATIENCE)
        said = os.read(plugin.stdout.fileno(), 64) if ready else b""
        plugin.send_signal(signal.SIGKILL)
    if not said.strip().isdigit():
        raise SystemExit("the plugin did not tell its port")


def _python(*words: str) -> list[str]:
    return [sys.executable, *words]


def _environ() -> dict[str, str]:
    paths = (str(_ROOT / "provider"), str(_ROOT / ".venv" / "packages"))
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}


def _cpu_of(work: Callable[[], object]) -> float:
    before = _children()
    work()
    return _children() - before


def _children() -> float:
    """Return CPU seconds of all processes that ended and were waited for, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def say(text: str) -> None:
    """Tell on standard error how far the bench is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
