"""Where an engine is looked for."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import docker
import pytest

from aciml.core.errors import OutageError
from aciml.docker.engine import candidates, connect


def with_context(home: Path, name: str, host: str) -> dict[str, str]:
    config = home / ".docker"
    meta = config / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    (config / "config.json").write_text(json.dumps({"currentContext": name}))
    return {"HOME": str(home)}


def test_docker_host_decides_alone(tmp_path: Path) -> None:
    env = {**with_context(tmp_path, "desktop", "unix:///x"), "DOCKER_HOST": "tcp://10.0.0.1:2375"}

    assert [found.address for found in candidates(env)] == ["tcp://10.0.0.1:2375"]


def test_the_current_context_decides_alone(tmp_path: Path) -> None:
    assert [found.address for found in candidates(with_context(tmp_path, "desktop", "unix:///x"))] == ["unix:///x"]


def test_without_both_the_usual_sockets_are_tried_in_turn() -> None:
    found = [candidate.address for candidate in candidates({"HOME": "/h", "XDG_RUNTIME_DIR": "/u"})]

    assert found == [
        "unix:///var/run/docker.sock",
        "unix:///h/.docker/run/docker.sock",
        "unix:///u/docker.sock",
        "unix:///u/podman/podman.sock",
        "unix:///run/podman/podman.sock",
    ]


def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutageError, match='context "gone" does not exist'):
        connect({"HOME": str(tmp_path), "DOCKER_CONTEXT": "gone"})


def test_an_engine_that_does_not_run_is_one_clear_sentence(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/none.sock"
    with pytest.raises(OutageError) as caught:
        connect({"DOCKER_HOST": address})

    assert str(caught.value).startswith(
        f"Docker does not answer at {address} (no such socket, named by DOCKER_HOST); start Docker"
    )


def test_a_port_that_nobody_listens_on_is_no_answer() -> None:
    with pytest.raises(OutageError, match=r"no answer, named by DOCKER_HOST"):
        connect({"DOCKER_HOST": "tcp://127.0.0.1:1"})


def test_an_engine_that_hangs_is_given_up(tmp_path: Path) -> None:
    path = str(tmp_path / "mute.sock")
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(path)
        mute.listen()
        with pytest.raises(OutageError, match=r"no answer, named by DOCKER_HOST"):
            connect({"DOCKER_HOST": f"unix://{path}"}, patience=0.1)


@pytest.mark.docker
def test_a_running_engine_is_found(engine: docker.DockerClient) -> None:
    assert engine.ping()
