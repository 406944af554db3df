"""Our way: pin, build and push through the Python API, in a fresh process with a fresh cache folder."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .scene import BASE, ROOT, Scene, conda_file, peak_memory, run

PHASES = ("solve", "link", "pack", "push")


@dataclass(frozen=True)
class OurRun:
    """One build and push. ``seconds`` from the start of the process to its last word; ``rss`` in bytes."""

    seconds: float
    phases: dict[str, float]
    pushed: int
    rss: int
    image: str


def build_and_push(scene: Scene, cache: Path, repository: str, specs: tuple[str, ...]) -> OurRun:
    """Build what the cache folder does not have, nothing but the packages at hand, and push."""
    path = conda_file(cache.with_name(f"{cache.name}-specs"), specs)
    paths = os.pathsep.join((str(ROOT), str(ROOT / "provider")))
    command = [sys.executable, "-m", "bench.ours", str(path), scene.login_server, repository]
    os.sync()  # what the other side wrote is not ours to wait for
    started = time.perf_counter()
    said = run(command, PYTHONPATH=paths, **scene.environ(cache))
    seconds = time.perf_counter() - started
    facts = json.loads(said.splitlines()[-1])
    return OurRun(seconds, facts["phases"], facts["pushed"], facts["rss"], facts["image"])


def warm_up(scene: Scene, *environments: tuple[str, ...]) -> None:
    """Fetch and unpack the packages, as a build of another day would have left them."""
    for specs in environments:
        build_and_push(scene, scene.warm, scene.new_name("warm"), specs)


def fresh_cache(scene: Scene) -> Path:
    """Return a cache folder that knows nothing but the packages."""
    folder = scene.folder / scene.new_name("cache")
    folder.mkdir()
    for part in ("pkgs", "repodata"):
        (folder / part).symlink_to(scene.warm / part)
    return folder


def main(path: str, login_server: str, repository: str) -> None:
    """Build and push, and say in one line what it took."""
    from aciml.conda import pack
    from aciml.core.progress import Silent
    from aciml.docker.engine import connect
    from aciml.images import environment, pin, pushing
    from aciml.images.recipe import read_sources
    from aciml.images.workshop import Workshop
    from aciml.registry import push
    from aciml.settings import Settings
    from aciml.targets.local import LocalTarget

    phases, answers = dict.fromkeys(PHASES, 0.0), dict[str, Any]()
    for phase, module, name in (("link", pack, "stage"), ("push", push, "push_image"), ("solve", pin, "solve")):
        _watch(module, name, phase, phases, answers)
    _watch(pack._Build, "_pack", "pack", phases, answers)  # noqa: SLF001  # a phase that has no name outside
    settings = Settings.read()
    shop = Workshop(LocalTarget(connect, settings), settings)
    with closing(shop.catalog):
        inputs: dict[str, Any] = {"baseImage": BASE, "condaFile": path}
        inputs |= pin.pin_base(shop, {}, inputs, Silent())
        inputs |= pin.pin_packages(shop, {}, inputs, read_sources(inputs), Silent())
        recipe = pin.recipe_of(shop, inputs, None)
        place = pushing.Place(login_server, repository)
        image = environment.EnvironmentBuilder(shop).build(recipe, place, Silent())
    rss = peak_memory()
    name = f"{login_server}/{repository}@{image.digest}"
    facts = {"phases": phases, "pushed": answers["push"].uploaded_bytes, "rss": rss, "image": name}
    sys.stdout.write(json.dumps(facts) + "\n")


def _watch(owner: ModuleType | type, name: str, phase: str, phases: dict[str, float], answers: dict[str, Any]) -> None:
    """Add the time in a function to its phase, and keep its last answer."""
    inner: Callable[..., Any] = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            answers[phase] = inner(*args, **kwargs)
        finally:
            phases[phase] += time.perf_counter() - started
        return answers[phase]

    setattr(owner, name, watched)


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # rattler's threads may outlive the interpreter and end the process with an error
