"""Where an engine is looked for."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import threading
import uuid
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import docker
import pytest

from aciml.core.errors import OutageError
from aciml.docker.engine import EngineLost, candidates, connect, engine_for
from tests.docker.conftest import Kitchen
from tests.simulators.ending_server import serving


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


def test_an_engine_of_another_age_is_told_as_such(tmp_path: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"ApiVersion":"1.18"}')

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as server, pytest.raises(OutageError) as caught:
        connect({"DOCKER_HOST": f"tcp://127.0.0.1:{server.server_port}"})

    assert "its API is too old: 1.24 is the oldest that is spoken here, named by DOCKER_HOST" in str(caught.value)
    assert str(caught.value).endswith("; update that engine, or set DOCKER_HOST to a newer one")


@pytest.mark.docker
def test_a_running_engine_is_found(engine: docker.DockerClient) -> None:
    assert engine.ping()


class Dying:
    """Stands between a client and the engine; once a word comes from the engine it closes all that it carries."""

    def __init__(self, folder: Path, word: bytes) -> None:
        self.address = str(folder / "docker.sock")
        self._word, self.over = word, False
        self._lines: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.over:  # accepted and closed: docker's package leaves a socket open that it cannot connect
                    near.close()
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                self._lines += [near, far]
                for ends in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._carry, args=ends, daemon=True))
                    self._threads[-1].start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
                if self._word in data:
                    self.close()
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.over = True
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def free(self) -> None:
        """Give all sockets back."""
        self.close()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
        for line in self._lines:
            line.close()


@pytest.mark.registry
@pytest.mark.parametrize("options", ["", "--mount=type=cache,target=/c "], ids=["classic", "BuildKit"])
def test_an_engine_that_is_lost_in_a_step_says_where_it_was_and_in_which_step(
    kitchen: Kitchen, tmp_path: Path, options: str
) -> None:
    if not Path("/var/run/docker.sock").exists() or os.environ.get("DOCKER_HOST"):
        pytest.skip("the engine is behind another address")
    word = f"last-{uuid.uuid4().hex[:8]}"
    between = Dying(tmp_path, f"gone {word}".encode() if not options else b"moby.buildkit.trace")
    engine = connect({"DOCKER_HOST": f"unix://{between.address}"})
    lost = Kitchen(engine, kitchen.host, kitchen.digest)
    try:
        with pytest.raises(EngineLost) as caught, engine_for("extraSteps need it"):
            lost.build(["ENV A=1", f"RUN {options}echo go''ne {word}; sleep 60"])
    finally:
        lost.client.close()
        engine.close()
        between.free()
        connect().close()  # what is named from here on is the engine itself again

    where = f"the Docker Engine at unix://{between.address}, named by DOCKER_HOST closed the connection"
    assert f"{where}; extraSteps need it; start Docker" in str(caught.value)
    assert options or str(caught.value).startswith("step 2 of 2: RUN echo go")
