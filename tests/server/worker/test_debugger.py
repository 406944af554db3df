"""A debugger, spoken to by the Debug Adapter Protocol: it stops ``run`` at a line, and the answer waits for it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest

from ..conftest import PATIENCE, Running, Serve, packages

DEBUGPY = ("debugpy==1.8.22",)
SCRIPT = "import json\ndef run(raw_data):\n    value = json.loads(raw_data)\n    return value + 1\n"


class Client:
    """What an editor says, on one connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("localhost", port), PATIENCE)
        self._file = self._socket.makefile("rwb")
        self._seq = 0

    def send(self, command: str, **arguments: Any) -> None:
        """Send a request."""
        self._seq += 1
        said = {"seq": self._seq, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(said).encode()
        self._file.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._file.flush()

    def until(self, name: str) -> dict[str, Any]:
        """Read until an event, or the response to a command, of this name; return its body."""
        while True:
            size = 0
            while (line := self._file.readline()) != b"\r\n":
                assert line, f"closed before {name}"
                size = int(line.split(b":")[1]) if line.lower().startswith(b"content-length") else size
            said = json.loads(self._file.read(size))
            assert said.get("success", True), said
            if name in {said.get("event"), said.get("command")}:
                return dict(said.get("body") or {})

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


@contextmanager
def adapter(client_port: int) -> Iterator[None]:
    """Run the part of a debugger that editors start."""
    environ = {**os.environ, "PYTHONPATH": str(packages(sys.executable, DEBUGPY))}
    command = [sys.executable, "-m", "debugpy.adapter", "--host", "127.0.0.1", "--port", str(client_port)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait(PATIENCE)


def stop_in_run(client: Client, server: Running) -> None:
    """Stop the next request, look at a variable, and let it go on."""
    client.until("initialized")
    client.send("setBreakpoints", source={"path": str(server.root / "src" / "score.py")}, breakpoints=[{"line": 4}])
    client.send("configurationDone")
    server.port = int(server.wait_for(r"listening on port (\d+)")[1])
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(server.ask, "POST", "/score", b"41")
        thread = client.until("stopped")["threadId"]
        client.send("stackTrace", threadId=thread)
        frame = client.until("stackTrace")["stackFrames"][0]
        client.send("evaluate", expression="value", frameId=frame["id"])
        assert (frame["name"], client.until("evaluate")["result"]) == ("run", "41")
        client.send("continue", threadId=thread)
        assert reply.result(PATIENCE).body == b"42"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def serve(start: Serve, port: int) -> Running:
    return start(SCRIPT, wanted=DEBUGPY, listening=False, AZUREML_DEBUG_PORT=str(port), SCORING_TIMEOUT_MS="1")


def test_a_debugger_that_listens_is_called(start: Serve, port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = taken.getsockname()[1]
    with adapter(other), closing(patient_client(other)) as client:
        client.send("initialize", adapterID="tests")
        client.send("attach", listen={"host": "127.0.0.1", "port": port})
        client.until("debugpyWaitingForServer")
        stop_in_run(client, serve(start, port))


def test_without_one_the_worker_listens_and_waits(start: Serve, port: int) -> None:
    server = serve(start, port)
    server.wait_for(f"waiting for a debugger on port {port}")
    with closing(Client(port)) as client:
        client.send("initialize", adapterID="tests")
        client.send("attach", justMyCode=True)
        stop_in_run(client, server)


def patient_client(port: int) -> Client:
    """Connect as soon as somebody listens."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return Client(port)
        except ConnectionRefusedError:
            assert time.monotonic() < until, "the adapter does not start"


def test_the_server_does_not_import_it_unasked(start: Serve) -> None:
    server = start("import sys\ndef run(raw_data): return 'debugpy' in sys.modules", wanted=DEBUGPY)

    assert server.ask("POST", "/score", b"").body == b"false"
