from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aciml.targets.azure.config import AzureConfig
    from tests.simulators.azure.emulator import Emulator


@pytest.fixture
def azure_config(emulator: Emulator) -> AzureConfig:
    """The provider's config, pointed at the emulator."""
    from aciml.targets.azure.config import AzureConfig

    return AzureConfig.read(emulator.config(), {})
