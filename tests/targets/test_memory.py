"""What the target in memory promises beyond the contract."""

from __future__ import annotations

from pathlib import Path

from aciml.core.progress import Silent
from aciml.targets.memory import MemoryTarget
from tests.targets.registries import wanted_registry
from tests.targets.specs import spec


def test_a_target_with_a_file_lives_on_in_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "memory.json"
    first = MemoryTarget(path)
    registry = first.registry.create(wanted_registry("r"), Silent())
    group = first.service.create(spec("g", "image", secureEnvironmentVariables={"KEY": "open-sesame"}), Silent())

    second = MemoryTarget(path)

    assert second.registry.read(registry.id) == registry
    assert second.service.read(group.id) == group
    assert "open-sesame" not in path.read_text()


def test_two_things_do_not_get_one_port() -> None:
    target = MemoryTarget()

    ports = {target.service.create(spec(name, "image"), Silent()).port for name in ("a", "b", "c")}

    assert len(ports) == 3
