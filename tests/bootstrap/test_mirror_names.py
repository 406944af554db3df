"""The mirror of one cache folder is never another's."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from bootstrap import base_image
from bootstrap.base_image import ensure_base_image, mirror_name
from bootstrap.registry_image import ensure_registry_image
from bootstrap.say import Missing


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ACIML_CACHE", str(folder))
    return mirror_name()


def test_each_cache_folder_has_a_mirror_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (use(tmp_path / each, monkeypatch) for each in ("one", "two"))

    assert first != second
    assert first == use(tmp_path / "one", monkeypatch)


@pytest.mark.docker
def test_two_users_of_one_engine_have_two_mirrors_and_each_finds_its_own_again(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_registry_image(engine)
    pushed: list[str] = []
    monkeypatch.setattr(base_image, "_push", lambda _engine, name, _port: pushed.append(name))
    names = [use(tmp_path / each, monkeypatch) for each in ("one", "two")]
    try:
        ports: list[int] = []
        for each in ("one", "two"):
            use(tmp_path / each, monkeypatch)
            ports.append(ensure_base_image(engine, ports[0] if ports else 0))

        assert ports[0] != ports[1]
        assert pushed == names
        use(tmp_path / "one", monkeypatch)
        assert ensure_base_image(engine, ports[0]) == ports[0]
    finally:
        for name in names:
            engine.containers.get(name).remove(force=True)
            engine.volumes.get(name).remove()


@pytest.mark.docker
def test_a_container_of_that_name_that_is_no_mirror_is_left_alone(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_registry_image(engine)
    name = use(tmp_path, monkeypatch)
    theirs = engine.containers.create("registry:2", name=name)
    try:
        with pytest.raises(Missing, match="was not made as a mirror by us"):
            ensure_base_image(engine, 0)
        theirs.reload()
    finally:
        theirs.remove(v=True)
