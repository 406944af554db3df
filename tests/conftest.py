"""What tests of several folders share: the emulated cloud, one process-wide server, as new for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.simulators.azure.emulator import Emulator


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The server; tests take ``emulator``."""
    from tests.simulators.azure.emulator import running_emulator

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
