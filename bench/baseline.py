"""The usual way: the same solver and packages in a Docker build with a cache mount, then ``docker push``.

In its favour: the solver is mounted into the build instead of being a layer, the base image is in the registry before
the clock starts, and the cache mount has all packages unpacked.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import certifi

from aciml.conda.install import stage
from aciml.conda.solve import solve
from aciml.core.condafile import parse_conda_file
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.docker.engine import connect
from aciml.registry.client import RegistryClient
from aciml.registry.pull import pull_image

from .scene import AFTER, BASE, BEFORE, CHANNEL, Scene, conda_file, run

PREFIX = "/azureml-envs/aciml"
_TOOL = "/tool"
_CACHE = "/var/cache/aciml-bench"
_DOCKERFILE = f"""\
FROM {{tool}} AS tool
FROM {BASE}
ARG ROUND
ARG SPECS
RUN --mount=type=bind,from=tool,target={_TOOL} --mount=type=cache,id={{cache}},target={_CACHE} \\
    : {{cache}} round $ROUND; PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={_TOOL}/lib SSL_CERT_FILE={_TOOL}/ca.pem \\
    {_TOOL}/python/bin/python {_TOOL}/solver.py {PREFIX} {_CACHE} {{channel}} $SPECS
ENV PATH={PREFIX}/bin:$PATH
"""


@dataclass(frozen=True)
class DockerRun:
    """One build and push, in seconds; ``pushed`` is the bytes of the layer that was new."""

    build: float
    push: float
    pushed: int

    @property
    def seconds(self) -> float:
        """Return the time of both."""
        return self.build + self.push


def forget_builds(name: str) -> None:
    """Remove what BuildKit has kept of the builds that name ``name``."""
    with closing(connect()) as engine:
        kept = [row["ID"] for row in engine.df()["BuildCache"] or [] if name in row["Description"]]
        for identifier in kept:
            engine.api.prune_builds(filters={"id": identifier}, all=True)  # type: ignore[arg-type]  # the stubs lack id


class Baseline:
    """Builds with BuildKit, whatever front end the engine has built in; nothing is fetched."""

    def __init__(self, scene: Scene) -> None:
        """Only take notes; see ``baseline``."""
        self._scene, self._images = scene, [f"{scene.name}-tool"]
        self._docker = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"
        self._folder = scene.folder / "baseline"
        self._context = self._folder / "context"

    def prepare(self) -> None:
        """Make the image with the solver, and fill the cache mount; none of it is timed."""
        self._make_tool(self._folder / "tool")
        self._context.mkdir()
        text = _DOCKERFILE.format(tool=self._images[0], cache=self._scene.name, channel=self._channel)
        (self._context / "Dockerfile").write_text(text, encoding="utf-8")
        for specs in (BEFORE, AFTER):
            self._build(f"{self._scene.name}:warm", specs)

    def close(self) -> None:
        """Remove the images and what BuildKit has kept of the builds."""
        run([self._docker, "image", "rm", "--force", *self._images])
        forget_builds(self._scene.name)

    def new_repository(self) -> str:
        """Return a repository of the registry with nothing but the base image in it."""
        name = f"{self._scene.login_server}/{self._scene.new_name('baseline')}"
        run([self._docker, "tag", BASE, f"{name}:base"])
        self._images.append(f"{name}:base")
        run([self._docker, "push", "--quiet", f"{name}:base"])
        return name

    def build_and_push(self, repository: str, specs: tuple[str, ...]) -> DockerRun:
        """Build anew, nothing but the packages at hand, and push."""
        tag = f"{repository}:{self._scene.new_name('image')}"
        os.sync()  # what the other side wrote is not ours to wait for
        started = time.perf_counter()
        self._build(tag, specs)
        built = time.perf_counter()
        run([self._docker, "push", "--quiet", tag])
        pushed = time.perf_counter()
        return DockerRun(built - started, pushed - built, last_layer(tag))

    def check(self, repository: str) -> None:
        """Insist that the environment works."""
        tag = f"{repository}:check"
        self._build(tag, BEFORE)
        run([self._docker, "run", "--rm", tag, "python", "-c", "import sklearn.svm, pandas"])

    def _build(self, tag: str, specs: tuple[str, ...]) -> None:
        arguments = [f"ROUND={self._scene.new_name('round')}", f"SPECS={' '.join(specs)}"]
        flags = [flag for argument in arguments for flag in ("--build-arg", argument)]
        run([self._docker, "build", "--quiet", *flags, "--tag", tag, str(self._context)], DOCKER_BUILDKIT="1")
        self._images.append(tag)

    @property
    def _channel(self) -> str:
        mirror = self._scene.settings.channels.get(CHANNEL, CHANNEL)
        return f"file://{_TOOL}/channel" if mirror.startswith("file://") else mirror

    def _make_tool(self, folder: Path) -> None:
        """Make an image of an interpreter from the channel, the host's rattler, and the channel if it is a folder."""
        folder.mkdir(parents=True)
        file = parse_conda_file(conda_file(folder, ("python=3.11",)).read_text(encoding="utf-8"), "conda.yml")
        lock = solve(file, glibc="2.36", settings=self._scene.settings, progress=Silent())
        stage(lock.packages, folder / "python", self._scene.settings, Silent())
        found = find_spec("rattler")
        if sys.platform != "linux" or found is None or found.origin is None:
            raise SystemExit("the baseline copies this Python's rattler into a build; run the bench on Linux")
        shutil.copytree(Path(found.origin).parent, folder / "lib" / "rattler")
        shutil.copy(Path(__file__).with_name("solver.py"), folder)
        shutil.copy(self._scene.settings.ca_bundle or certifi.where(), folder / "ca.pem")
        mirror = self._scene.settings.channels.get(CHANNEL, "")
        if mirror.startswith("file://"):
            shutil.copytree(mirror.removeprefix("file://"), folder / "channel")
        archive = shutil.make_archive(str(folder), "tar", folder)
        run([self._docker, "import", archive, self._images[0]])
        Path(archive).unlink()


@contextmanager
def baseline(scene: Scene) -> Iterator[Baseline]:
    """Prepare the baseline, and clean up after it."""
    side = Baseline(scene)
    try:
        side.prepare()
        yield side
    finally:
        side.close()


def last_layer(tag: str) -> int:
    """Return the bytes of the uppermost layer of an image in its registry."""
    reference = Reference.parse(tag)
    with RegistryClient(reference.registry) as client:
        return pull_image(client, reference).image.layers[-1].size
