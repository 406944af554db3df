"""Start, stop, slow clients, logs: what a container does from its first to its last second."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import PATIENCE, PYTHONS, Running, Serve

GATED = """
import os, sys, threading

def run(raw_data):
    # prints which request runs, then waits until the file with its name is there
    print("running " + raw_data, file=sys.stderr, flush=True)
    with open(os.path.join(os.environ["GATES"], raw_data)) as gate:
        gate.read()
    return [raw_data, threading.current_thread() is threading.main_thread()]
"""


@pytest.fixture(params=PYTHONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Gates:
    """Named pipes: ``run()`` waits on one until it is opened."""

    def __init__(self, folder: str, *names: str) -> None:
        import os

        self.folder = folder
        for name in names:
            os.mkfifo(os.path.join(folder, name))  # noqa: PTH118  # pathlib cannot make pipes

    def open(self, name: str) -> None:
        with open(f"{self.folder}/{name}", "wb"):  # noqa: PTH123  # as above
            pass


def ended_by(start: Serve, script: str, **environ: str) -> tuple[int, str, str]:
    server = start(script, listening=False, **environ)
    return server.end(), server.log[-1], "\n".join(server.log)


def test_a_failing_init_ends_with_3_and_says_why_in_the_last_line(start: Serve, version: str) -> None:
    script = "def init():\n    import nowhere_to_be_found\ndef run(raw_data): ..."
    code, last, log = ended_by(start, script, version=version)

    assert (code, last) == (3, "init() raised ModuleNotFoundError: No module named 'nowhere_to_be_found'")
    assert "Traceback" in log
    assert "listening" not in log


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import nowhere_to_be_found", "init() raised ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def init(): pass", "score.py has no function run()"),
        ("def run(): pass", "run() takes no data: give it a parameter, as in run(raw_data)"),
        ("def run(a, b): pass", "run() gets one argument (the body as text), and nothing for b: "),
        ("import sys; sys.exit('two\\nlines')", "init() raised SystemExit: two lines"),
        ("def run(:", "init() raised SyntaxError: "),
    ],
)
def test_a_script_that_cannot_serve_is_told_apart(start: Serve, script: str, expected: str) -> None:
    code, last, _ = ended_by(start, script)

    assert code == 3
    assert last.startswith(expected)


def test_a_missing_script_is_named(start: Serve) -> None:
    code, last, _ = ended_by(start, "", AZUREML_ENTRY_SCRIPT="src/main.py")

    assert code == 3
    assert last.startswith("there is no entry script ")


def test_two_models_do_not_hide_why_one_fails(start: Serve) -> None:
    code, last, _ = ended_by(start, "def run(x): ...", ACIML_MODELS='{"other": "nowhere.py"}')

    assert code == 3
    assert "nowhere.py" in last


def test_a_taken_port_is_one_line(start: Serve) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        code, last, _ = ended_by(start, "def run(x): ...", ACIML_PORT=str(port))

    assert (code, last) == (1, f"cannot listen on port {port}: Address already in use")


def test_sigterm_during_init_ends_the_start(start: Serve) -> None:
    script = "import sys, threading\ndef init():\n    print('in init', file=sys.stderr, flush=True)\n"
    server = start(script + "    threading.Event().wait(60)\ndef run(x): ...", listening=False, cold=True)
    server.wait_for("in init")
    server.process.send_signal(signal.SIGTERM)

    assert server.end() == 0
    assert server.log[-1].endswith("stopped before init() was done")


def test_health_answers_while_run_works(start: Serve, version: str, tmp_path: object) -> None:
    gates = Gates(str(tmp_path), "one")
    server = start(GATED, version=version, GATES=str(tmp_path))
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(server.ask, "POST", "/score", b"one")
        server.wait_for("running one")

        assert server.ask("GET", "/").status == 200
        assert not slow.done()
        gates.open("one")
        assert json.loads(slow.result(PATIENCE).body) == ["one", True]


def test_sigterm_finishes_the_queue_and_takes_nothing_new(start: Serve, version: str, tmp_path: object) -> None:
    gates = Gates(str(tmp_path), "one", "two", "three")
    server = start(GATED, version=version, GATES=str(tmp_path))
    kept = server.connect()
    kept.request("GET", "/")
    kept.getresponse().read()
    with ThreadPoolExecutor() as pool:
        one = pool.submit(server.ask, "POST", "/score", b"one")
        server.wait_for("running one")
        queued = [_queued(server, b"two"), _queued(server, b"three")]
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("stopping")
        _until_refused(server)
        for name in ("one", "two", "three"):
            gates.open(name)
        assert one.result(PATIENCE).status == 200
        assert [_status(client) for client in queued] == [200, 200]
    kept.close()

    assert server.end() == 0
    assert server.log[-1].endswith("stopped")


def _queued(server: Running, body: bytes) -> socket.socket:
    """Send a request; a health check on the same connection cannot be used, so ask the log of the next one."""
    client = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    assert client.recv(1000).startswith(b"HTTP/1.1 100 ")  # its thread reads the body now
    client.sendall(body)
    return client


def _until_refused(server: Running) -> None:
    """Wait until the port is closed."""
    deadline = threading.Event()
    timer = threading.Timer(PATIENCE, deadline.set)
    timer.start()
    while not deadline.is_set():
        try:
            server.ask("GET", "/")
        except OSError:
            break
    timer.cancel()
    timer.join()
    assert not deadline.is_set()


def _status(client: socket.socket) -> int:
    with client, client.makefile("rb") as answer:
        return int(answer.readline().split()[1])


def test_slow_clients_do_not_block_others_and_are_sent_away(start: Serve) -> None:
    server = start("def run(raw_data): return raw_data", ACIML_CLIENT_TIMEOUT="1")
    half = (
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
    )
    clients = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(30)]
    for number, client in enumerate(clients):
        client.sendall(half[number % 2])

    assert server.ask("POST", "/score", b"x").status == 200
    answers = []
    for client in clients:
        with client, client.makefile("rb") as answer:
            answers.append(answer.readline())
    assert answers == [b"HTTP/1.1 408 Request Timeout\r\n"] * 30


def test_requests_of_clients_that_left_are_not_run(start: Serve, tmp_path: object) -> None:
    gates = Gates(str(tmp_path), "one", "left", "three")
    server = start(GATED, GATES=str(tmp_path))
    with ThreadPoolExecutor() as pool:
        one = pool.submit(server.ask, "POST", "/score", b"one")
        server.wait_for("running one")
        _queued(server, b"left").close()
        server.wait_for("POST /score 499")  # the front knows
        gates.open("one")
        three = pool.submit(server.ask, "POST", "/score", b"three")
        gates.open("three")
        assert (one.result(PATIENCE).status, three.result(PATIENCE).status) == (200, 200)

    server.process.send_signal(signal.SIGTERM)
    server.end()
    assert not [line for line in server.log if "running left" in line]


def test_the_log_has_no_payload_no_query_and_no_health_checks(start: Serve) -> None:
    server = start("def run(raw_data): raise ValueError('why')", ACIML_PRIMARY_KEY="the-key")
    key = {"Authorization": "Bearer the-key"}
    server.ask("GET", "/")
    server.ask("POST", "/score", b"payload", key)
    server.ask("GET", "/score?query=1", None, key)
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0

    log = "\n".join(server.log)
    assert not re.search("payload|query|the-key|GET / ", log)
    assert "ValueError: why" in log
    line = (
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} I \[\d+\] aciml\.access - POST /score 500 \d+\.\d{3}ms \d+ [0-9a-f-]{36}"
    )
    assert any(re.fullmatch(line, each) for each in server.log)
