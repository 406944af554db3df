"""Limits: what is too large, too slow or too much is told so, and costs no memory; a stop loses nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..conftest import PATIENCE, Running, Serve
from ..raw import ECHO, connect, memory, post, statuses, talk, until_closed

MIB = 1024 * 1024
GATED = """
import os, sys

def run(raw_data):
    print("running " + raw_data[:10], file=sys.stderr, flush=True)
    with open(os.path.join(os.environ["GATES"], raw_data[:10])) as gate:
        gate.read()
    return raw_data[:10]
"""
IDS = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id")


def gates(folder: Path, *names: str) -> None:
    for name in names:
        os.mkfifo(folder / name)


def open_gate(folder: Path, name: str) -> None:
    with (folder / name).open("wb"):
        pass


def test_a_body_of_300_mb_is_refused_before_it_comes_and_costs_nothing(start: Serve) -> None:
    server = start(ECHO, cold=True)
    server.ask("POST", "/score", b"warm")
    before = memory(server)
    reply = server.ask("POST", "/score", b"x" * (300 * MIB))  # this client reads no answer before all is sent

    assert reply.status == 413
    assert reply.headers["connection"] == "close"
    assert memory(server) - before < 8 * MIB


def test_chunks_are_counted(start: Serve) -> None:
    server = start(ECHO, ACIML_MAX_BODY="100000")
    chunk = b"%x\r\n%b\r\n" % (10_000, b"x" * 10_000)
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    assert statuses(talk(server, head + chunk * 10 + b"0\r\n\r\n")) == [200]
    assert statuses(talk(server, head + chunk * 11 + b"0\r\n\r\n")) == [413]
    assert statuses(talk(server, head + chunk * 1000)) == [413]


def test_a_refusal_before_a_small_body_keeps_the_connection(start: Serve) -> None:
    server = start(ECHO, ACIML_PRIMARY_KEY="k")
    received = talk(server, post(b"abc") + post(b"abcd", "Authorization: Bearer k", "Connection: close"))

    assert statuses(received) == [401, 200]


def test_who_waits_for_100_is_refused_at_once(start: Serve) -> None:
    server = start(ECHO, ACIML_PRIMARY_KEY="k")
    with connect(server) as client:
        client.sendall(b"POST /score HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_100_comes_when_the_turn_of_the_request_has_come(start: Serve, tmp_path: Path) -> None:
    gates(tmp_path, "one")
    server = start(GATED, GATES=str(tmp_path))
    with connect(server) as client:
        client.sendall(
            post(b"one") + b"POST /score HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        server.wait_for("running one")
        open_gate(tmp_path, "one")
        received = b""
        while not received.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            received += client.recv(1000)
        assert statuses(received) == [200]


def test_too_many_requests_are_told_when_to_come_again(start: Serve, tmp_path: Path) -> None:
    gates(tmp_path, "one", "two")
    server = start(GATED, GATES=str(tmp_path), ACIML_MAX_IN_FLIGHT="2")
    with ThreadPoolExecutor() as pool:
        one = pool.submit(server.ask, "POST", "/score", b"one")
        server.wait_for("running one")
        two = connect(server)
        two.sendall(post(b"two"))
        server.ask("GET", "/")  # read after what was sent before
        refused = server.ask("POST", "/score", b"three")
        open_gate(tmp_path, "one")
        open_gate(tmp_path, "two")
        assert one.result(PATIENCE).status == 200
        assert two.recv(1000).startswith(b"HTTP/1.1 200 ")
        two.close()

    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert server.ask("GET", "/").status == 200


def test_a_body_that_comes_when_others_took_all_places_is_refused_too(start: Serve, tmp_path: Path) -> None:
    gates(tmp_path, "one", "two")
    server = start(GATED, GATES=str(tmp_path), ACIML_MAX_IN_FLIGHT="1")
    with connect(server) as one, connect(server) as two:
        for client in (one, two):
            client.sendall(post(b"???")[:-3])
        server.ask("GET", "/")  # both heads are read
        one.sendall(b"one")
        server.wait_for("running one")
        two.sendall(b"two")
        assert two.recv(1000).startswith(b"HTTP/1.1 503 ")
        open_gate(tmp_path, "one")
        assert one.recv(1000).startswith(b"HTTP/1.1 200 ")
        two.sendall(post(b"two"))
        server.wait_for("running two")
        open_gate(tmp_path, "two")
        assert two.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_bodies_beyond_the_room_wait_for_their_turn(start: Serve) -> None:
    server = start(ECHO, ACIML_MAX_BUFFERED=str(8 * MIB), cold=True)
    server.ask("POST", "/score", b"warm")
    before = memory(server)
    body = b"x" * (6 * MIB)
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: server.ask("POST", "/score", body), range(12)))

    assert [reply.body for reply in replies] == [b"%d" % len(body)] * 12
    assert memory(server) - before < 40 * MIB


def test_a_body_that_finds_no_room_in_time_is_503(start: Serve) -> None:
    server = start(ECHO, ACIML_MAX_BUFFERED=str(MIB), ACIML_CLIENT_TIMEOUT="1")
    head = b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n"
    with connect(server) as slow, connect(server) as other:
        slow.sendall(head + b"x" * 100_000)
        server.ask("GET", "/")
        other.sendall(head)
        answers = [until_closed(other), until_closed(slow)]

    assert statuses(answers[0])[:1] in ([503], [408])  # 408 if the room came first
    assert statuses(answers[1]) == [408]
    assert server.ask("POST", "/score", b"x" * 900_000).body == b"900000"


def test_requests_behind_the_last_answer_give_their_room_back(start: Serve) -> None:
    script = """
import time

def pieces():
    yield b"begin "
    time.sleep(0.5)  # the other request is read meanwhile
    yield b"end"

def run(raw_data):
    return len(raw_data) if raw_data else pieces()
"""
    server = start(script, ACIML_MAX_BUFFERED=str(MIB), ACIML_CLIENT_TIMEOUT="2")
    # only its end ends a stream of HTTP/1.0
    stream = b"POST /score HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"

    assert talk(server, stream + post(b"x" * 900_000)).endswith(b"begin end")
    assert server.ask("POST", "/score", b"x" * 900_000).body == b"900000"


def test_small_requests_pass_large_ones_that_wait(start: Serve) -> None:
    server = start(ECHO, ACIML_MAX_BUFFERED=str(MIB))
    head = b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n"
    with connect(server) as first, connect(server) as second:
        first.sendall(head)
        second.sendall(head)
        assert server.ask("POST", "/score", b"small").body == b"5"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/score", 405)])
def test_errors_of_the_router_carry_the_ids(start: Serve, method: str, path: str, status: int) -> None:
    server = start(ECHO)
    reply = server.ask(method, path, None, {"x-ms-client-request-id": "mine"})

    assert reply.status == status
    assert json.loads(reply.body)["message"]
    assert reply.headers["x-ms-client-request-id"] == reply.headers["x-ms-request-id"] == "mine"
    assert all(reply.headers[name] for name in IDS)


def test_old_clients_are_answered_in_their_version(start: Serve) -> None:
    server = start(ECHO)
    received = talk(server, b"POST /score HTTP/1.0\r\nContent-Length: 2\r\n\r\nab")
    kept = talk(server, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD / HTTP/1.0\r\n\r\n")

    assert received.endswith(b"\r\n\r\n2")
    assert b"connection: close" in received
    assert statuses(kept) == [200, 200]
    assert kept.count(b"Healthy") == 1


def test_the_codes_of_the_old_gateway(start: Serve) -> None:
    script = """
import time
from azureml.contrib.services.aml_response import AMLResponse

def run(raw_data):
    if raw_data == "says so":
        return AMLResponse({"message": "Scoring timeout after all"}, 500)
    if raw_data:
        raise ValueError
    time.sleep(60)
"""
    server = start(script, ACIML_V1_GATEWAY_CODES="true", SCORING_TIMEOUT_MS="100")

    failed, late = server.ask("POST", "/score", b"x"), server.ask("POST", "/score", b"")
    said = server.ask("POST", "/score", b"says so")
    assert [failed.status, late.status, said.status] == [502, 504, 502]
    assert json.loads(late.body)["message"].startswith("Scoring timeout")


def test_a_stop_under_load_resets_no_request(start: Serve) -> None:
    server = start(ECHO)
    stop = threading.Event()

    def ask_until_refused(_: int) -> tuple[int, int]:
        """Return how many requests were answered, and how many were begun and not."""
        answered = lost = 0
        while not stop.is_set():
            try:
                client = connect(server)
            except OSError:
                break
            with client:
                again = True
                while again:
                    try:
                        client.sendall(post(b"abc"))
                        received = client.recv(10_000)
                    except OSError:
                        received = b""
                    if not received:
                        lost += 1
                        break
                    answered += 1
                    again = b"connection: close" not in received
        return answered, lost

    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(ask_until_refused, number) for number in range(16)]
        while server.ask("POST", "/score", b"x").status != 200:
            pass
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == 0
        stop.set()
        results = [client.result(PATIENCE) for client in clients]

    assert [lost for _, lost in results] == [0] * 16
    assert sum(answered for answered, _ in results) > 16


def test_a_second_signal_hurries(start: Serve, tmp_path: Path) -> None:
    gates(tmp_path, "one")
    server = start(GATED, GATES=str(tmp_path))
    with ThreadPoolExecutor() as pool:
        one = pool.submit(server.ask, "POST", "/score", b"one")
        server.wait_for("running one")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("stopping")
        server.process.send_signal(signal.SIGTERM)
        assert one.result(PATIENCE).status == 503

    assert server.end() == 0


def test_an_idle_connection_does_not_hold_up_the_end(start: Serve) -> None:
    server = start(ECHO)
    with contextlib.closing(connect(server)) as idle, contextlib.closing(connect(server)) as half:
        half.sendall(post(b"abc"))
        assert half.recv(1000).startswith(b"HTTP/1.1 200 ")
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == 0
        assert idle.recv(1) == b""


def test_the_server_works_without_uvloop(start: Serve) -> None:
    server = start(ECHO, hidden=("uvloop",))
    body = b"x" * (3 * MIB)

    assert server.ask("POST", "/score", body).body == b"%d" % len(body)
    assert statuses(talk(server, post(b"ab") * 300, half_close=True)) == [200] * 300
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0


def test_a_client_that_is_gone_is_told_from_one_that_listens(start: Serve, tmp_path: Path) -> None:
    gates(tmp_path, "one", "half", "gone")
    server: Running = start(GATED, GATES=str(tmp_path))
    with ThreadPoolExecutor() as pool:
        one = pool.submit(server.ask, "POST", "/score", b"one")
        server.wait_for("running one")
        gone, half = connect(server), connect(server)
        gone.sendall(post(b"gone"))
        half.sendall(post(b"half"))
        server.ask("GET", "/")
        half.shutdown(socket.SHUT_WR)
        gone.close()
        server.wait_for("POST /score 499")
        open_gate(tmp_path, "one")
        open_gate(tmp_path, "half")
        assert one.result(PATIENCE).status == 200
        assert statuses(until_closed(half)) == [200]
        half.close()

    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0
    assert not [line for line in server.log if "running gone" in line]
