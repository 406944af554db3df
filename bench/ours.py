"""Our way: pin, build and push through the Python API, in a fresh process with a fresh cache folder."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from aciml.core.place import Place
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.docker.engine import connect
from aciml.images.build import environment
from aciml.images.plan.base import find_base
from aciml.images.plan.pins import pin
from aciml.images.plan.recipe import recipe_of
from aciml.images.plan.sources import read_sources
from aciml.images.remote.base import BaseImages
from aciml.images.tools import Tools
from aciml.model.environment import read_environment
from aciml.settings import Settings
from aciml.targets.local.target import LocalTarget

from .phases import Phases
from .scene import BASE, ROOT, Scene, conda_file, peak_memory, run

PHASES = ("solve", "fetch", "link", "pack", "push", "manifest")
"""They overlap, so they add up to more than the whole; ``manifest`` is what was left to push when all was packed."""


@dataclass(frozen=True)
class OurRun:
    """One build and push.

    ``seconds`` from the start of the process to its last word; ``pushed`` and ``rss`` in bytes; ``layers`` has the size
    of each layer by digest, ``packages`` the lines of the lock.
    """

    seconds: float
    phases: dict[str, float]
    pushed: int
    rss: int
    image: str
    layers: dict[str, int]
    packages: list[str]


def build_and_push(scene: Scene, cache: Path, repository: str, specs: tuple[str, ...], *, slim: bool = False) -> OurRun:
    """Build what the cache folder does not have, nothing but the packages at hand, and push."""
    path = conda_file(cache.with_name(f"{cache.name}-specs"), specs)
    paths = os.pathsep.join((str(ROOT), str(ROOT / "provider")))
    command = [
        sys.executable,
        "-m",
        "bench.ours",
        str(path),
        scene.login_server,
        repository,
        *(["slim"] if slim else []),
    ]
    os.sync()  # what the other side wrote is not ours to wait for
    started = time.perf_counter()
    said = run(command, PYTHONPATH=paths, **scene.environ(cache))
    seconds = time.perf_counter() - started
    facts = json.loads(said.splitlines()[-1])
    return OurRun(seconds, **facts)


def warm_up(scene: Scene, *environments: tuple[str, ...]) -> None:
    """Fetch and unpack the packages, as a build of another day would have left them."""
    for specs in environments:
        build_and_push(scene, scene.warm, scene.new_name("warm"), specs)


def fresh_cache(scene: Scene) -> Path:
    """Return a cache folder that knows nothing but the packages."""
    folder = scene.folder / scene.new_name("cache")
    folder.mkdir()
    for part in ("pkgs", "repodata", "wheels"):
        (scene.warm / part).mkdir(parents=True, exist_ok=True)
        (folder / part).symlink_to(scene.warm / part)
    return folder


def new_repository(scene: Scene, cache: Path) -> str:
    """Return a repository with nothing but the base image in it, which the cache has looked into; as the other side's.

    The engine of the other side has the base image, and has pushed it there before.
    """
    settings, name = replace(scene.settings, cache=cache), scene.new_name("ours")
    shop = Tools.of(LocalTarget(connect, settings), settings)
    with closing(shop.cache.catalog):
        declared = read_environment({"baseImage": BASE, "condaFile": "conda.yml"})
        base = Reference.parse(BASE).at(find_base(shop, read_environment({}), declared, Silent()).digest or "")
        BaseImages(shop).copy(base, scene.login_server, name, Silent())
        shop.client(scene.login_server).close()
        shop.client(base.registry).close()
    return name


def main(path: str, login_server: str, repository: str, slim: str = "") -> None:
    """Build and push, and say in one line what it took."""
    phases = Phases(*PHASES)
    watch_all(phases)
    settings = Settings.read()
    shop = Tools.of(LocalTarget(connect, settings), settings)
    with closing(shop.cache.catalog):
        declared = read_environment({"baseImage": BASE, "condaFile": path, "slim": bool(slim)})
        pinned = pin(shop, read_environment({}), declared, read_sources(declared), Silent())
        recipe = recipe_of(shop, pinned)
        place = Place(login_server, repository)
        image = environment.EnvironmentBuilder(shop).build(recipe, place, Silent())
    facts = {
        "phases": phases.seconds,
        "pushed": phases.answers["manifest"].uploaded_bytes,
        "rss": peak_memory(),
        "image": f"{login_server}/{repository}@{image.digest}",
        "layers": {layer.digest: layer.size for layer in image.layers},
        "packages": recipe.conda.lines() if recipe.conda else [],
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def watch_all(phases: Phases) -> None:
    """Watch the functions that are the phases; ``link`` is all of rattler's work, ``fetch`` its downloads alone."""
    from aciml.conda import pack, partly, solve
    from aciml.conda.reporter import Reporter
    from aciml.images.build import parallel
    from aciml.pip import pack as wheel_pack

    phases.watch(solve, "solve", "solve")  # where it is: those who solve import it when they do
    phases.watch_between(Reporter, "on_download_start", "on_download_completed", "fetch")
    phases.watch(pack, "stage", "link")
    phases.watch(partly, "stage", "link")
    phases.watch(pack, "write_layer", "pack")
    phases.watch(wheel_pack, "write_layer", "pack")
    phases.watch(parallel.EarlyPush, "_send", "push")
    phases.watch(environment, "push", "manifest")


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # rattler's threads may outlive the interpreter and end the process with an error
