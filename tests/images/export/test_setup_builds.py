"""A setup folder becomes, by plain ``docker build``, an image like the one that is made here without Docker."""

from __future__ import annotations

import ensurepip
import functools
import importlib.util
import json
import re
import shutil
import subprocess
import threading
import uuid
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from aciml.settings import Settings
from tests.images.world import World, write_project
from tests.pip.wheels import make_wheel

MARK = uuid.uuid4().hex[:8]
"""In the names of what this run makes: another one may be at work in the same engine."""
pytestmark = [pytest.mark.docker, pytest.mark.channel]
CONDA = """\
channels: [conda-forge]
dependencies:
- python=3.11
- numpy
- aciml-activate
- aciml-prefix
- pip: [--no-index, --find-links wheels, ./greeter-1.0-py3-none-any.whl]
variables: {GREETING: 'say "hi" for $5'}
"""
TELL = """
import glob, json, os, sys, importlib.metadata as m
import numpy, greeter
records = [json.load(open(path)) for path in glob.glob(sys.prefix + "/conda-meta/*.json")]
print(json.dumps({
    "conda": sorted([r["name"], r["version"], r["build"]] for r in records),
    "python": sorted({(d.name, d.version) for d in m.distributions()}),
    "environ": {key: value for key, value in os.environ.items() if key not in ("HOSTNAME", "HOME")},
    "who": [sys.executable, numpy.__version__, greeter.__file__, os.getcwd(), os.getuid()],
    "shebang": open(sys.prefix + "/bin/greet").readline(),
}))
"""


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def mirrors() -> Settings:
    settings = Settings.read()
    try:
        subprocess.run(["docker", "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no Docker Engine answers")
    base, channel = settings.registries.get("docker.io", ""), settings.channels.get("conda-forge", "")
    if not base.startswith("http://") or not channel.startswith("file:"):
        pytest.skip("no stand-in channel and base image are here: run make ready")
    return settings


@pytest.fixture
def served(mirrors: Settings) -> Iterator[str]:
    """The channel over HTTP, since a build sees no folder of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
            """Keep the terminal quiet."""

    class Forgiving(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of clients that have read enough."""

    folder = unquote(urlsplit(mirrors.channels["conda-forge"]).path)
    with Forgiving(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def base(mirrors: Settings) -> str:
    return f"{mirrors.registries['docker.io'].removeprefix('http://')}/library/debian:bookworm-slim"


@pytest.fixture
def installer(base: str, tmp_path: Path) -> Iterator[str]:
    """An image with a stand-in for micromamba: the same words, done by the library that the provider uses."""
    name, folder = f"aciml-test-micromamba:{MARK}", tmp_path / "installer"
    spec = importlib.util.find_spec("rattler")
    assert spec is not None
    assert spec.origin is not None
    shutil.copytree(Path(spec.origin).parent, folder / "rattler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name("standin_micromamba.py"), folder / "micromamba")
    (folder / "Dockerfile").write_text(
        f"FROM {base}\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3\n"
        "COPY rattler /usr/lib/python3/dist-packages/rattler\n"
        "COPY micromamba /usr/local/bin/micromamba\n"
    )
    (folder / "micromamba").chmod(0o755)
    docker("build", "--quiet", "--tag", name, str(folder))
    yield name
    docker("rmi", "--force", name)


@pytest.fixture
def world(served: str, base: str, tmp_path: Path) -> World:
    world = write_project(tmp_path, served)
    (world.folder / "conda.yml").write_text(CONDA)
    # the environment has no pip: the folder brings one, from where the section says that wheels are
    (world.folder / "wheels").mkdir()
    bundled = Path(ensurepip.__file__).with_name("_bundled")
    shutil.copy(next(bundled.glob("pip-*.whl")), world.folder / "wheels")
    make_wheel(world.folder, "greeter", entry_points="[console_scripts]\ngreet = greeter:main\n")
    return world


def told_by(image: str) -> Any:
    return json.loads(docker("run", "--rm", image, "python", "-c", TELL))


def test_docker_builds_an_equivalent_image(world: World, base: str, installer: str, tmp_path: Path) -> None:
    setup, archive, ours = tmp_path / "setup", tmp_path / "image.tar", f"aciml-test-setup:{MARK}"
    section = {"base_image": base, "conda_file": "conda.yml", "server_requirements": False}
    world.configure(**section, extra_steps=["RUN echo done >/etc/step", "COPY a.conf /etc/"], steps_context="context")
    (world.folder / "context").mkdir()
    (world.folder / "context/a.conf").write_text("of the step\n")
    world.run("export", "--mirrors", str(setup))
    world.configure(**section)  # steps are Docker's own affair; what is without them needs no registry
    world.run("export", "--format", "docker-archive", "--as", ours, str(archive))
    checker, builder = (setup / f"azureml-environment-setup/docker_env_{word}.sh" for word in ("checker", "builder"))
    found = re.search(r"azureml/azureml_[0-9a-f]{32}", builder.read_text())
    assert found is not None
    assert subprocess.run([checker], check=False).returncode != 0

    try:
        docker("load", "--input", str(archive))
        arguments = ["--network=host", "--build-arg", f"MICROMAMBA={installer}"]
        done = subprocess.run([builder, *arguments], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        assert subprocess.run([checker], check=False).returncode == 0
        stepped = docker("run", "--rm", found[0], "cat", "/etc/step", "/etc/a.conf")
        assert stepped == "done\nof the step\n"
        assert told_by(found[0]) == told_by(ours)
    finally:
        subprocess.run(["docker", "rmi", "--force", found[0], ours], check=False, capture_output=True)
