"""How fast an image of wheels is made, beside ``uv pip install`` in a Docker build; a part of ``bench/image.py``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import ours
from .baseline import DockerRun
from .goals import bound
from .report import Case, Reuse
from .scene import Scene, run
from .wheels_baseline import WheelBaseline, wheel_baseline
from .wheels_memory import measure_memory
from .wheels_scene import CHANGED, WHEELS_AFTER, WHEELS_BEFORE, WHEELS_SECOND, with_python


@dataclass(frozen=True)
class WheelFigures:
    """What was measured; ``memory`` and ``memory_seconds`` of the big wheel, ``changed`` bytes of the changed wheel."""

    cases: list[Case]
    reuse: Reuse
    memory: float
    memory_seconds: float
    changed: int

    def print(self) -> None:
        """Print the figures, each on a line of its own."""
        for case in self.cases:
            print(f"{case.name}-ratio: {case.ratio:.2f}")
            print(f"{case.name}-docker-seconds: {_middle([run.seconds for run in case.theirs]):.2f}")
            print(f"{case.name}-seconds: {_middle([run.seconds for run in case.ours]):.2f}")
            print(f"{case.name}-docker-bytes-pushed: {_middle([run.pushed for run in case.theirs]):.0f}")
            print(f"{case.name}-peak-memory-bytes: {max(run.rss for run in case.ours)}")
        print(f"wheels-changed-bytes: {self.changed}")
        print(f"wheels-changed-new-layers: {len(self.reuse.new_layers)}")
        print(f"wheels-changed-bytes-pushed: {sum(self.reuse.new_layers.values())}")
        print(f"wheels-second-packages-shared: {self.wheels_shared:.2f}")
        print(f"wheels-second-bytes-shared: {self.reuse.bytes_shared:.2f}")
        print(f"wheels-big-peak-memory-bytes: {self.memory:.0f}")
        print(f"wheels-big-seconds: {self.memory_seconds:.1f}")

    @property
    def wheels_shared(self) -> float:
        """Return the share of the second environment's wheels that the first has, too."""
        return len(set(WHEELS_SECOND) & set(WHEELS_BEFORE)) / len(WHEELS_SECOND)

    def missed(self) -> list[str]:
        """Name the goals that were not reached."""
        late = [f"{case.name} is {case.ratio:.1f} times faster" for case in self.cases if case.ratio < case.goal]
        if len(self.reuse.new_layers) > 1:
            late.append(f"one changed wheel made {len(self.reuse.new_layers)} new layers")
        if self.reuse.bytes_shared < bound("wheels-second-bytes-shared"):
            late.append(f"another environment of wheels shares {self.reuse.bytes_shared:.0%} of its bytes, not 66 %")
        if self.memory > bound("wheels-big-peak-memory-bytes"):
            late.append(f"a wheel of 2.5 GB takes {self.memory / 1e6:.0f} MB of memory, not 400")
        return late


def measure_wheels(place: Scene, repetitions: int, say: Callable[[str], None]) -> WheelFigures:
    """Build and push by turns, cold and with one wheel changed; then ours another environment, and a big wheel."""
    before, after, second = map(with_python, (WHEELS_BEFORE, WHEELS_AFTER, WHEELS_SECOND))
    say("fetching wheels, for both sides")
    ours.warm_up(place, before, after, second)
    wheels = sorted((place.warm / "wheels").glob("*/*.whl"))
    with wheel_baseline(place, wheels, WHEELS_BEFORE, WHEELS_AFTER) as docker:
        cases, first, last, mine, cache = _measure_builds(place, docker, before, after, repetitions, say)
    reuse = Reuse(first, last, ours.build_and_push(place, cache, mine, second))
    say("one wheel of 2.5 GB")
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        big = measure_memory(Path(folder))
    changed = next(path for path in wheels if path.name.startswith(CHANGED[1].replace("==", "-")))
    return WheelFigures(cases, reuse, big["rss"], big["seconds"], changed.stat().st_size)


def _measure_builds(
    place: Scene,
    docker: WheelBaseline,
    before: tuple[str, ...],
    after: tuple[str, ...],
    repetitions: int,
    say: Callable[[str], None],
) -> tuple[list[Case], ours.OurRun, ours.OurRun, str, Path]:
    theirs: dict[str, list[DockerRun]] = {"wheels-cold": [], "wheels-changed": []}
    own: dict[str, list[ours.OurRun]] = {"wheels-cold": [], "wheels-changed": []}
    for number in range(1, repetitions + 1):
        repository, cache = docker.new_repository(), ours.fresh_cache(place)
        mine = ours.new_repository(place, cache)
        for name, lines, specs in (
            ("wheels-cold", WHEELS_BEFORE, before),
            ("wheels-changed", WHEELS_AFTER, after),
        ):
            theirs[name].append(docker.build_and_push(repository, lines))
            own[name].append(ours.build_and_push(place, cache, mine, specs))
            both = f"docker {theirs[name][-1].seconds:.1f} s, ours {own[name][-1].seconds:.1f} s"
            say(f"{number} of {repetitions}, {name}: {both}, {own[name][-1].phases}")
    check(own["wheels-changed"][-1].image)
    cases = [Case("wheels-cold", theirs["wheels-cold"], own["wheels-cold"])]
    cases.append(Case("wheels-changed", theirs["wheels-changed"], own["wheels-changed"]))
    return cases, own["wheels-cold"][-1], own["wheels-changed"][-1], mine, cache


def check(image: str) -> None:
    """Insist that our image works too."""
    python = ["docker", "run", "--rm", "--entrypoint", "/azureml-envs/aciml/bin/python", image]
    run([*python, "-c", "import sklearn.svm, pandas, transformers, requests; assert requests.__version__ == '2.32.4'"])
    run(["docker", "image", "rm", image])


def _middle(values: list[float] | list[int]) -> float:
    return float(sorted(values)[len(values) // 2])
