from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aciml.targets.azure.config import AzureConfig
    from tests.simulators.azure.emulator import Emulator
    from tests.targets.azure.life import Life


@pytest.fixture
def azure_config(emulator: Emulator) -> AzureConfig:
    """The provider's config, pointed at the emulator."""
    from aciml.targets.azure.config import AzureConfig

    return AzureConfig.read(emulator.config(), {})


@pytest.fixture
def on_docker(life: Life) -> None:
    """Let the groups of a test be containers: what stops a run on its way needs one that is waited for."""
    life.emulator.world.parts["groups"].programs = None
