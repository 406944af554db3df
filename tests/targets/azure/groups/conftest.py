from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulators.azure.emulator import Emulator
    from tests.simulators.azure.group_runtime_processes import Programs
    from tests.targets.azure.life import Life


@pytest.fixture
def life(emulator: Emulator, images: tuple[str, dict[str, str]], programs: Programs, tmp_path: Path) -> Iterator[Life]:
    """Groups of one test, which are processes unless it asks for containers (``on_docker``)."""
    from tests.targets.azure.life import living

    with living(emulator, images, tmp_path, programs) as here:
        yield here
