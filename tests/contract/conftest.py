from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aciml.core.progress import Silent
from aciml.docker.podman import is_podman
from aciml.targets.local.swarm.cluster import Swarm, alone, look
from tests.contract.apps_world import AppsWorld
from tests.contract.azure_world import AzureWorld
from tests.contract.swarm_world import SwarmWorld
from tests.contract.worlds import LocalWorld, MemoryWorld, World
from tests.simulators.azure.emulator import Emulator

if TYPE_CHECKING:
    import docker

    from tests.simulators.azure.group_runtime_processes import Programs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what says the same twice: registries beside a swarm, doors or apps are those of the target."""
    same = ("[swarm", "[local-door", "[azure-apps")
    again = [
        item
        for item in items
        if any(world in item.name for world in same) and ("registry" in item.name or "images_are" in item.name)
    ]
    items[:] = [item for item in items if item not in again]


@pytest.fixture(scope="session")
def engine(tiny: docker.DockerClient) -> docker.DockerClient:
    return tiny


@pytest.fixture(scope="session")
def images(pushed: tuple[str, dict[str, str]]) -> tuple[str, dict[str, str]]:
    return pushed


@pytest.fixture
def local(engine: docker.DockerClient, images: tuple[str, dict[str, str]], tmp_path: Path) -> Iterator[LocalWorld]:
    world = LocalWorld(f"t{uuid.uuid4().hex[:8]}", engine, *images, tmp_path)
    yield world
    world.clean()


@pytest.fixture
def local_door(engine: docker.DockerClient, images: tuple[str, dict[str, str]], tmp_path: Path) -> Iterator[LocalWorld]:
    if is_podman(engine):
        pytest.skip("doors are for Docker")
    world = LocalWorld(f"t{uuid.uuid4().hex[:8]}", engine, *images, tmp_path, door=True)
    yield world
    world.clean()


@pytest.fixture(scope="session")
def kept_swarm(engine: docker.DockerClient) -> Iterator[None]:
    """Keep the engine in a swarm, which takes seconds to make and to leave: by something that stands in it.

    Several processes test on one engine, and the last one of them leaves what the first one made. A swarm that was
    there before stays, by the rules of the target itself.
    """
    if obstacle := look(engine).obstacle:
        pytest.skip(obstacle[0])
    held, here = Swarm(engine), look(engine)
    with alone(here, "the swarm", Silent()):
        held.ensure(Silent())
        kept = engine.configs.create(name=f"aciml-test-{uuid.uuid4().hex[:8]}", data=b"kept")
    yield
    kept.remove()
    held.leave(Silent())


@pytest.fixture
def swarm(
    engine: docker.DockerClient,
    images: tuple[str, dict[str, str]],
    tmp_path: Path,
    kept_swarm: None,
) -> Iterator[SwarmWorld]:
    world = SwarmWorld(f"t{uuid.uuid4().hex[:8]}", engine, *images, tmp_path)
    yield world
    world.clean()


@pytest.fixture
def without_docker(emulator: Emulator, programs: Programs) -> Emulator:
    """The cloud with groups that are processes; what a container is to it, ``tests/azure`` and ``tests/e2e`` know."""
    emulator.world.parts["groups"].programs = programs
    return emulator


@pytest.fixture
def azure(images: tuple[str, dict[str, str]], without_docker: Emulator, tmp_path: Path) -> AzureWorld:
    return AzureWorld(f"t{uuid.uuid4().hex[:8]}", without_docker, images[1], tmp_path)


@pytest.fixture
def azure_apps(images: tuple[str, dict[str, str]], without_docker: Emulator, tmp_path: Path) -> AppsWorld:
    return AppsWorld(f"t{uuid.uuid4().hex[:8]}", without_docker, images[1], tmp_path)


@pytest.fixture(
    params=[
        "memory",
        *(
            pytest.param(name, marks=pytest.mark.docker)
            for name in ("local", "local-door", "swarm", "azure", "azure-apps")
        ),
    ]
)
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return MemoryWorld("t")
    here: World = request.getfixturevalue(request.param.replace("-", "_"))
    return here
