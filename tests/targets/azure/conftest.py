from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aciml.targets.azure.arm.session import AzureSession
    from aciml.targets.azure.config import AzureConfig
    from aciml.targets.azure.registries.life import AzureRegistries
    from tests.simulators.azure.emulator import Emulator
    from tests.targets.azure.life import Life


@pytest.fixture
def azure_config(emulator: Emulator) -> AzureConfig:
    """The provider's config, pointed at the emulator."""
    from aciml.targets.azure.config import AzureConfig

    return AzureConfig.read(emulator.config(), {})


@pytest.fixture
def session(azure_config: AzureConfig, tmp_path: Path) -> Iterator[AzureSession]:
    """Resource Manager of the emulated cloud, with an empty cache."""
    from aciml.settings import Settings
    from aciml.targets.azure.arm.session import AzureSession

    # a folder of its own, since a test may list what else is in the one it is given
    made = AzureSession(azure_config, Settings(tmp_path / "cache"))
    yield made
    made.close()


@pytest.fixture
def registries(session: AzureSession) -> AzureRegistries:
    """The target's registries in that cloud."""
    from aciml.targets.azure.registries.life import AzureRegistries

    return AzureRegistries(session)


@pytest.fixture
def on_docker(life: Life) -> None:
    """Let the groups of a test be containers: what stops a run on its way needs one that is waited for."""
    life.emulator.world.parts["groups"].programs = None
