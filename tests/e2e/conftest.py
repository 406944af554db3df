"""A project that lives through all tests of a module."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.cache import only_one_run
from bootstrap.pulumi_languages import ensure_yaml_host
from bootstrap.say import Missing
from tests.e2e.program import Program
from tests.e2e.project import InMemory, Project
from tests.installed import Installed, dist, install, make_venv
from tests.program import aciml
from tests.run_folder import once
from tests.simulators.registry import RegistrySimulator


@pytest.fixture(scope="session")
def tools() -> None:
    """Skip where the Pulumi CLI or Docker is missing."""
    _need_all()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a venv of its own."""
    folder = tmp_path_factory.mktemp("installed")
    place = make_venv(folder / "venv")
    install(next(dist().glob("*.whl")), place)
    return place


@pytest.fixture(scope="session")
def yaml_host() -> Path:
    """The language host of YAML, found or built once."""
    try:
        with only_one_run():
            return ensure_yaml_host()
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def project(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project on the local target."""
    _need_all()
    folder, name = tmp_path_factory.mktemp("project"), f"e2e{uuid.uuid4().hex[:8]}"
    (folder / "cache").symlink_to(packed)
    project = Project(folder, name)
    try:
        yield project
    finally:
        project.clean()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Give a program without Docker that a module's tests share, with its cache."""
    registry = RegistrySimulator()
    try:
        yield Program(tmp_path_factory.mktemp("program"), registry)
    finally:
        registry.close()


@pytest.fixture
def program(lasting: Program) -> Iterator[Program]:
    """A stack in which nothing is made yet; the cache stays."""
    yield lasting
    lasting.forget()


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of several modules, in whichever process they run: what they pack is the same.

    What most of them need is in it before the first begins: else as many would pack it as there are processes.
    """
    _need_all()
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "packed"
    folder.mkdir(exist_ok=True)

    def pack(_: Path) -> None:
        project = InMemory(tmp_path_factory.mktemp("packing"), "packing")
        (project.folder / "cache").symlink_to(folder)
        project.without_steps()
        project.save()
        done = aciml("plan", "--make", "--stack", project.stack, folder=project.folder, environ=project.environ())
        assert done.returncode == 0, done.stderr

    once("packed", pack)
    return folder


@pytest.fixture(scope="module")
def azure(packed: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A project without extra steps in the emulated cloud, an ``AzureProject``."""
    _need_all()
    from tests.e2e.azure_project import AzureProject

    folder, name = tmp_path_factory.mktemp("project"), f"e2e{uuid.uuid4().hex[:8]}"
    (folder / "cache").symlink_to(packed)
    project = AzureProject(folder, name, request.getfixturevalue("cloud"))
    project.without_steps()
    try:
        yield project
    finally:
        project.clean()


def _need_all() -> None:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH; run `make test`")
    from aciml.core.errors import AcimlError
    from aciml.docker.engine import connect

    try:
        connect().close()
    except AcimlError as error:
        pytest.skip(str(error))
