from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulators.containers import COMMANDS, find_busybox, write_pages

if TYPE_CHECKING:
    from aciml.targets.azure.config import AzureConfig
    from tests.simulators.azure.emulator import Emulator
    from tests.simulators.azure.group_runtime_processes import Programs
    from tests.targets.azure.life import Life


@pytest.fixture
def azure_config(emulator: Emulator) -> AzureConfig:
    """The provider's config, pointed at the emulator."""
    from aciml.targets.azure.config import AzureConfig

    return AzureConfig.read(emulator.config(), {})


@pytest.fixture(scope="session")
def programs(images: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """What the tiny images run, to be run without Docker."""
    from tests.simulators.azure.group_runtime_processes import Programs

    folder = tmp_path_factory.mktemp("programs")
    busybox = find_busybox(folder)
    assert busybox is not None, "the images were made of one"
    write_pages(folder)
    digests = {name: image.rpartition("@")[2] for name, image in images[1].items()}
    return Programs(busybox, folder, {digests[name]: command for name, command in COMMANDS.items()})


@pytest.fixture
def on_docker(life: Life) -> None:
    """Let the groups of a test be containers: what stops a run on its way needs one that is waited for."""
    life.emulator.world.parts["groups"].programs = None
