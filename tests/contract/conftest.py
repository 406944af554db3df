from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract.apps_world import AppsWorld
from tests.contract.azure_world import AzureWorld
from tests.contract.worlds import LocalWorld, MemoryWorld, World, pushed_images
from tests.simulators.azure.emulator import Emulator
from tests.simulators.containers import missing_engine

if TYPE_CHECKING:
    import docker


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    if reason := missing_engine():
        pytest.skip(reason)
    import docker

    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def images(
    engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    with pushed_images(engine, tmp_path_factory.mktemp("cache")) as made:
        if not made[1]:
            pytest.skip("neither a registry nor a static busybox can be had to make tiny images of")
        yield made


@pytest.fixture
def local(engine: docker.DockerClient, images: tuple[str, dict[str, str]], tmp_path: Path) -> Iterator[LocalWorld]:
    world = LocalWorld(f"t{uuid.uuid4().hex[:8]}", engine, *images, tmp_path)
    yield world
    world.clean()


@pytest.fixture
def azure(images: tuple[str, dict[str, str]], emulator: Emulator, tmp_path: Path) -> AzureWorld:
    return AzureWorld(f"t{uuid.uuid4().hex[:8]}", emulator, images[1], tmp_path)


@pytest.fixture
def azure_apps(images: tuple[str, dict[str, str]], emulator: Emulator, tmp_path: Path) -> AppsWorld:
    return AppsWorld(f"t{uuid.uuid4().hex[:8]}", emulator, images[1], tmp_path)


@pytest.fixture(
    params=["memory", *(pytest.param(name, marks=pytest.mark.docker) for name in ("local", "azure", "azure-apps"))]
)
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return MemoryWorld("t")
    here: World = request.getfixturevalue(request.param.replace("-", "_"))
    return here
