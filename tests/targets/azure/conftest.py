"""The emulated cloud for tests: one process-wide server, as new for each test that asks for ``emulator``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.simulators.azure.emulator import Emulator, running_emulator

if TYPE_CHECKING:
    from aciml.targets.azure.config import AzureConfig


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The server; tests take ``emulator``."""
    with running_emulator(tmp_path_factory.mktemp("azure")) as emulator:
        yield emulator


@pytest.fixture
def emulator(cloud: Emulator) -> Iterator[Emulator]:
    """A cloud with one empty resource group; the test fails if a request or an answer broke the specification."""
    cloud.latency = 0
    cloud.reset()
    yield cloud
    found = list(cloud.violations)
    cloud.reset()
    assert not found, "\n".join(found)


@pytest.fixture
def azure_config(emulator: Emulator) -> AzureConfig:
    """The provider's config, pointed at the emulator."""
    from aciml.targets.azure.config import AzureConfig

    return AzureConfig.read(emulator.config(), {})
