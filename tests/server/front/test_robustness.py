"""What no server of the comparison does as a whole: one test for each row."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ..conftest import PATIENCE, Reply, Running, Serve
from ..raw import connect, memory, post, statuses, until_closed

SCRIPT = """
import os, sys, threading, time

def run(raw_data):
    print("running " + raw_data, file=sys.stderr, flush=True)
    if raw_data.startswith("sleep"):
        time.sleep(float(raw_data.split()[1]))
    elif raw_data == "hold":
        pow(3, 60_000_000)  # some seconds of C without letting the lock go
    elif raw_data == "_exit":
        os._exit(7)
    elif raw_data == "exit":
        sys.exit(7)
    elif raw_data == "json":
        import json
        json.loads("{")
    return raw_data
"""


@pytest.fixture
def server(start: Serve) -> Running:
    return start(SCRIPT, ACIML_CLIENT_TIMEOUT="1", cold=True)


@pytest.mark.parametrize("body", [b"sleep 60", b"hold"])
def test_probes_are_answered_while_run_works(server: Running, body: bytes) -> None:
    with connect(server) as slow:
        slow.sendall(post(body))
        server.wait_for("running")
        assert [server.ask("GET", "/").status for _ in range(20)] == [200] * 20
        slow.setblocking(False)
        with pytest.raises(BlockingIOError):
            slow.recv(1)


@pytest.mark.parametrize("body", [b"sleep 60", b"hold"])
def test_the_health_port_answers_while_run_works(server: Running, body: bytes) -> None:
    if not server.health_port:
        pytest.skip("this server has no port for probes")
    health = Running(server.process, port=server.health_port)
    with connect(server) as slow:
        slow.sendall(post(body))
        server.wait_for("running")
        assert [health.ask("GET", path).status for path in ("/ready", "/live") * 10] == [200] * 20


def test_a_stop_answers_what_runs_and_what_waits(server: Running) -> None:
    clients = [connect(server) for _ in range(3)]
    for number, client in enumerate(clients):
        client.sendall(post(b"sleep 0.3" if number == 0 else b"quick"))
    server.wait_for("running sleep")
    server.ask("GET", "/")  # what was sent before is read
    server.process.terminate()
    answers = [statuses(until_closed(client)) for client in clients]

    assert answers == [[200]] * 3
    assert server.end() == 0
    with pytest.raises(OSError, match="refused"):
        connect(server)
    for client in clients:
        client.close()


def test_who_knocked_before_the_stop_is_let_in(server: Running) -> None:
    """They wait in the queue of the system while the front is busy: none of them is reset."""
    clients = [connect(server) for _ in range(200)]
    server.process.terminate()
    for client in clients:
        client.sendall(post(b"quick"))
    answers = [statuses(until_closed(client)) for client in clients]
    for client in clients:
        client.close()

    assert answers == [[200]] * 200
    assert server.end() == 0


def test_sixty_stalled_clients_stop_nobody_and_are_sent_away(server: Running) -> None:
    sent = (
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf",
    )
    clients = [connect(server) for _ in range(60)]
    for number, client in enumerate(clients):
        client.sendall(sent[number % 2])
    assert server.ask("POST", "/score", b"quick").status == 200
    answers = [statuses(until_closed(client)) for client in clients]
    for client in clients:
        client.close()

    assert answers == [[408]] * 60


def test_a_body_of_300_mb_costs_no_memory_and_is_refused(server: Running) -> None:
    server.ask("POST", "/score", b"quick")
    before = memory(server)
    with connect(server) as client:
        client.sendall(b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 300000000\r\n\r\n")
        for _ in range(300):
            client.sendall(b"x" * 1_000_000)
        assert statuses(until_closed(client)) == [413]

    assert memory(server) - before < 8_000_000


@pytest.mark.parametrize(("body", "status"), [(b"_exit", 502), (b"exit", 500), (b"json", 500)])
def test_what_run_does_to_its_process_costs_its_request_alone(server: Running, body: bytes, status: int) -> None:
    reply = server.ask("POST", "/score", body)

    assert reply.status == status
    assert json.loads(reply.body)["message"]
    assert server.ask("POST", "/score", b"quick").body == b'"quick"'


def test_the_queue_of_a_worker_that_died_is_done_by_the_next(server: Running) -> None:
    with ThreadPoolExecutor(8) as pool:
        slow = pool.submit(server.ask, "POST", "/score", b"sleep 0.2")
        server.wait_for("running sleep")
        bad = pool.submit(server.ask, "POST", "/score", b"_exit")
        others: list[Future[Reply]] = [pool.submit(server.ask, "POST", "/score", b"quick") for _ in range(6)]

        assert slow.result(PATIENCE).status == 200
        assert bad.result(PATIENCE).status == 502
        assert [other.result(PATIENCE).status for other in others] == [200] * 6


def test_nobody_waits_for_the_work_of_clients_that_left(server: Running) -> None:
    clients = [connect(server) for _ in range(5)]
    for number, client in enumerate(clients):
        client.sendall(post(b"sleep 0.2" if number == 0 else b"sleep 60"))
    server.wait_for("running sleep 0.2")
    server.ask("GET", "/")  # what was sent before is read
    for client in clients[1:]:
        client.close()
    for _ in clients[1:]:
        server.wait_for("POST /score 499")

    assert server.ask("POST", "/score", b"quick").status == 200
    assert statuses(clients[0].recv(1000)) == [200]
    clients[0].close()
    server.process.terminate()
    server.end()
    assert not [line for line in server.log if "running sleep 60" in line]


def test_other_requests_go_on_while_a_client_reads_slowly(start: Serve) -> None:
    server = start("def run(raw_data): return 'x' * 30_000_000", ACIML_CLIENT_TIMEOUT="1")
    with connect(server) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(post(b""))
        assert slow.recv(10) == b"HTTP/1.1 2"
        assert server.ask("GET", "/").status == 200
        assert server.ask("POST", "/score", b"").status == 200
        gone = threading.Event()
        timer = threading.Timer(PATIENCE, gone.set)
        timer.start()
        while len(_established(server)) and not gone.is_set():  # who reads nothing is sent away
            gone.wait(0.1)
        timer.cancel()
        timer.join()
        assert not gone.is_set()


def _established(server: Running) -> list[str]:
    with open("/proc/net/tcp", encoding="ascii") as table:  # noqa: PTH123  # no file of a folder
        rows = [line.split() for line in table][1:]
    return [row[1] for row in rows if row[1].endswith(f":{server.port:04X}") and row[3] == "01"]
