"""Probes: answered by a process without user code, on a port of its own, from the first moment to the last."""

from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from pathlib import Path
from typing import Self

import pytest

from ..conftest import PYTHONS, Reply, Running, Serve

PATIENCE = 30.0
SCRIPT = """
import json, os, re, time

def init():
    print("pid", os.getpid(), flush=True)

def run(raw_data):
    told = json.loads(raw_data)
    open(told["began"], "w").close()
    if told["do"] == "sleep":
        until = time.monotonic() + 30
        while not os.path.exists(told["until"]) and time.monotonic() < until:
            time.sleep(0.01)
    elif told["do"] == "hold the lock":
        re.match("(a|a)+$", "a" * 23 + "b")  # in C for a good while, and nothing else in this process runs
    elif told["do"] == "die":
        os._exit(9)
    return "done"
"""


def probe(running: Running, path: str, port: int = 0) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port or running.health_port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        got = connection.getresponse()
        return Reply(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
    finally:
        connection.close()


def wait_until(running: Running, path: str, status: int) -> Reply:
    until = time.monotonic() + PATIENCE
    while (reply := probe(running, path)).status != status:
        assert time.monotonic() < until, reply
        time.sleep(0.01)
    return reply


@pytest.fixture(scope="module", params=PYTHONS)
def server(request: pytest.FixtureRequest, start: Serve) -> Running:
    return start(SCRIPT, version=request.param, ACIML_PRIMARY_KEY="key")


class Busy:
    """A request that is running while the body of a ``with`` looks at the service."""

    def __init__(self, running: Running, folder: Path, what: str) -> None:
        self.began, self.until = folder / "began", folder / "until"
        self._running, self._what = running, what
        self.replies: list[Reply] = []
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        told = {"do": self._what, "began": str(self.began), "until": str(self.until)}
        self.replies.append(
            self._running.ask("POST", "/score", json.dumps(told).encode(), {"Authorization": "Bearer key"})
        )

    def __enter__(self) -> Self:
        self._thread.start()
        until = time.monotonic() + PATIENCE
        while not self.began.exists():
            assert time.monotonic() < until
            time.sleep(0.001)
        return self

    def __exit__(self, *_: object) -> None:
        self.until.touch()
        self._thread.join(PATIENCE)


def test_probes_are_answered_while_run_is_busy(server: Running, tmp_path: Path) -> None:
    answered_while(server, tmp_path, "sleep")


def test_probes_are_answered_while_nothing_else_can_run_in_the_worker(start: Serve, tmp_path: Path) -> None:
    answered_while(start(SCRIPT, ACIML_PRIMARY_KEY="key"), tmp_path, "hold the lock")


def answered_while(server: Running, folder: Path, what: str) -> None:
    with Busy(server, folder, what) as busy:
        told = [probe(server, path, port).status for path in ("/ready", "/live") for port in (0, server.port)]
        waits = not busy.replies

    assert told == [200, 200, 200, 200]
    assert waits
    assert (busy.replies[0].status, busy.replies[0].body) == (200, b'"done"')


def test_ready_says_so(server: Running) -> None:
    reply = probe(server, "/ready")

    assert (reply.status, json.loads(reply.body)) == (200, {"status": "ready"})
    assert reply.headers["cache-control"] == "no-store"


def test_probes_need_no_key_and_metrics_of_the_main_port_do(server: Running) -> None:
    open_, guarded = probe(server, "/metrics"), probe(server, "/metrics", server.port)

    assert (open_.status, guarded.status) == (200, 401)
    assert open_.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_the_health_port_has_no_other_routes(server: Running) -> None:
    assert [probe(server, path).status for path in ("/score", "/swagger.json", "/docs", "/")] == [404, 404, 404, 200]


def test_ready_waits_for_init_and_live_does_not(start: Serve, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    script = f"import os, time\ndef init():\n    while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
    server = start(script + "def run(raw_data): return 1\n", listening=False)
    server.wait_for(r"health on port \d+")

    early, alive = probe(server, "/ready"), probe(server, "/live")
    gate.touch()
    wait_until(server, "/ready", 200)

    told = json.loads(early.body)
    assert (early.status, told["status"], told["message"]) == (503, "starting", "init() has not returned yet")
    assert told["seconds"] >= 0
    assert early.headers["retry-after"] == "1"
    assert alive.status == 200


def test_a_service_that_stops_is_alive_but_not_ready(start: Serve, tmp_path: Path) -> None:
    server = start(SCRIPT, ACIML_PRIMARY_KEY="key")
    with Busy(server, tmp_path, "sleep") as busy:
        server.process.send_signal(signal.SIGTERM)
        reply = wait_until(server, "/ready", 503)
        alive = probe(server, "/live")

    assert json.loads(reply.body)["status"] == "draining"
    assert alive.status == 200
    assert busy.replies[0].status == 200
    assert server.end() == 0


def test_a_worker_that_is_replaced_makes_the_service_wait(start: Serve, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    slow = f"def init():\n    while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n\ndef former():"
    server = start(SCRIPT.replace("def init():", slow), ACIML_PRIMARY_KEY="key")
    gate.unlink()
    with Busy(server, tmp_path, "die"):
        pass
    reply = wait_until(server, "/ready", 503)
    alive = probe(server, "/live")
    gate.touch()
    wait_until(server, "/ready", 200)

    told = json.loads(reply.body)
    assert told["status"] == "replacing"
    assert "exit code 9" in told["last_failure"]
    assert alive.status == 200


def test_a_health_port_that_is_taken_ends_the_start(start: Serve, server: Running) -> None:
    second = start(SCRIPT, listening=False, ACIML_HEALTH_PORT=str(server.health_port))

    assert second.end() == 1
    assert any(f"cannot listen on port {server.health_port}" in line for line in second.log)
    assert any("ACIML_HEALTH_PORT" in line for line in second.log)


def test_the_health_port_can_be_switched_off(start: Serve) -> None:
    server = start(SCRIPT, ACIML_HEALTH_PORT="off")

    assert server.health_port == 0
    assert probe(server, "/ready", server.port).status == 200
    assert not any("health on port" in line for line in server.log)


def test_a_storm_on_the_main_port_leaves_the_health_port_free(start: Serve) -> None:
    server = start(SCRIPT, ACIML_MAX_CONNECTIONS="4")
    held = [server.connect() for _ in range(20)]
    try:
        for connection in held:
            connection.connect()
        assert probe(server, "/ready").status == 200
    finally:
        for connection in held:
            connection.close()


def test_a_body_for_a_probe_is_refused(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.health_port, timeout=PATIENCE)
    try:
        connection.request("GET", "/ready", b"x" * 100_000)
        assert connection.getresponse().status in (200, 413)
    finally:
        connection.close()
    assert probe(server, "/ready").status == 200


def test_a_service_whose_workers_end_again_and_again_is_not_alive(start: Serve, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    script = f"import os\ndef init():\n    if os.path.exists({str(gate)!r}): os._exit(7)\n"
    server = start(script + "def run(raw_data): os._exit(8)\n")
    gate.touch()
    assert server.ask("POST", "/score", b"x").status == 502
    reply = wait_until(server, "/live", 503)

    assert json.loads(reply.body) == {"message": "workers end again and again"}
    assert json.loads(probe(server, "/ready").body)["status"] == "failing"
