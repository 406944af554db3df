"""The usual way for wheels: ``uv pip install`` with a cache mount in a Docker build, then ``docker push``.

In its favour: uv and the wheels are mounted into the build, the image with Python is in the registry before the clock
starts, nothing is resolved, and the cache mount has all wheels unpacked.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from uv import find_uv_bin

from aciml.conda.install import stage
from aciml.conda.solve import solve
from aciml.core.condafile import parse_conda_file
from aciml.core.progress import Silent

from .baseline import PREFIX, DockerRun, forget_builds, last_layer
from .scene import BASE, Scene, conda_file, run

_TOOL, _CACHE = "/tool", "/var/cache/aciml-bench"
_DOCKERFILE = f"""\
FROM {{tool}} AS tool
FROM {{python}}
ARG ROUND
ARG LINES
RUN --mount=type=bind,from=tool,target={_TOOL} --mount=type=cache,id={{cache}},target={_CACHE} \\
    : {{cache}} round $ROUND; UV_CACHE_DIR={_CACHE} UV_LINK_MODE=copy UV_NO_PROGRESS=1 {_TOOL}/uv pip install --quiet \\
    --python {PREFIX}/bin/python --no-deps --no-index --find-links {_TOOL}/wheels $LINES
"""


class WheelBaseline:
    """Builds with BuildKit; nothing is fetched and nothing is resolved."""

    def __init__(self, scene: Scene) -> None:
        """Only take notes; see ``wheel_baseline``."""
        self._scene = scene
        self._tool, self._python = f"{scene.name}-uv", f"{scene.name}-python"
        self._images = [self._tool, self._python]
        self._docker = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"
        self._folder = scene.folder / "wheel-baseline"
        self._context = self._folder / "context"

    def prepare(self, wheels: Iterable[Path], *environments: tuple[str, ...]) -> None:
        """Make the images with Python and with uv, and fill the cache mount; none of it is timed."""
        self._make_python(self._folder / "env")
        self._make_tool(self._folder / "tool", wheels)
        self._context.mkdir()
        text = _DOCKERFILE.format(tool=self._tool, python=self._python, cache=self._scene.name)
        (self._context / "Dockerfile").write_text(text, encoding="utf-8")
        for lines in environments:
            self._build(f"{self._scene.name}:warm", lines)

    def close(self) -> None:
        """Remove the images and what BuildKit has kept of the builds."""
        run([self._docker, "image", "rm", "--force", *dict.fromkeys(self._images)])
        forget_builds(self._scene.name)

    def new_repository(self) -> str:
        """Return a repository of the registry with nothing but the image with Python in it."""
        name = f"{self._scene.login_server}/{self._scene.new_name('wheels')}"
        run([self._docker, "tag", self._python, f"{name}:base"])
        self._images.append(f"{name}:base")
        run([self._docker, "push", "--quiet", f"{name}:base"])
        return name

    def build_and_push(self, repository: str, lines: tuple[str, ...]) -> DockerRun:
        """Build anew and push."""
        tag = f"{repository}:{self._scene.new_name('image')}"
        started = time.perf_counter()
        self._build(tag, lines)
        built = time.perf_counter()
        run([self._docker, "push", "--quiet", tag])
        return DockerRun(built - started, time.perf_counter() - built, last_layer(tag))

    def _build(self, tag: str, lines: tuple[str, ...]) -> None:
        arguments = [f"ROUND={self._scene.new_name('round')}", f"LINES={' '.join(lines)}"]
        flags = [flag for argument in arguments for flag in ("--build-arg", argument)]
        run([self._docker, "build", "--quiet", *flags, "--tag", tag, str(self._context)], DOCKER_BUILDKIT="1")
        self._images.append(tag)

    def _make_python(self, folder: Path) -> None:
        """Make an image of the base with the channel's Python at the prefix."""
        folder.mkdir(parents=True)
        file = parse_conda_file(conda_file(folder, ("python=3.11",)).read_text(encoding="utf-8"), "conda.yml")
        lock = solve(file, glibc="2.36", settings=self._scene.settings, progress=Silent())
        stage(lock.packages, folder / "env", self._scene.settings, Silent())
        (folder / "Dockerfile").write_text(f"FROM {BASE}\nCOPY env {PREFIX}\nENV PATH={PREFIX}/bin:$PATH\n", "utf-8")
        run([self._docker, "build", "--quiet", "--tag", self._python, str(folder)], DOCKER_BUILDKIT="1")
        shutil.rmtree(folder)

    def _make_tool(self, folder: Path, wheels: Iterable[Path]) -> None:
        """Make an image of uv and the wheels."""
        (folder / "wheels").mkdir(parents=True)
        shutil.copy(find_uv_bin(), folder / "uv")
        for wheel in wheels:
            shutil.copy(wheel, folder / "wheels")
        archive = shutil.make_archive(str(folder), "tar", folder)
        run([self._docker, "import", archive, self._tool])
        Path(archive).unlink()
        shutil.rmtree(folder)


@contextmanager
def wheel_baseline(scene: Scene, wheels: Iterable[Path], *environments: tuple[str, ...]) -> Iterator[WheelBaseline]:
    """Prepare the baseline, and clean up after it."""
    side = WheelBaseline(scene)
    try:
        side.prepare(wheels, *environments)
        yield side
    finally:
        side.close()
