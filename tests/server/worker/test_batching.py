"""``run_batch`` and coroutines: many requests at once in one worker."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..conftest import PATIENCE, Reply, Running, Serve

BATCH = """
import json, os, sys, time

def run_batch(rows):
    names = [json.loads(row) for row in rows]
    print("batch", names, file=sys.stderr, flush=True)
    if "gate" in names: open(os.environ["GATE"]).read()
    if "crash" in names: os._exit(4)
    if "raise" in names: raise ValueError
    if "forever" in names: time.sleep(60)
    return [[name, len(names)] for name in names]
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "gate")  # pathlib cannot make pipes
    return tmp_path / "gate"


def _ask(server: Running, name: str) -> Reply:
    return server.ask("POST", "/score", json.dumps(name).encode())


def _behind_a_gate(server: Running, gate: Path, names: list[str]) -> tuple[Reply, list[Reply]]:
    """Ask for all names while a batch runs, so that they wait together."""
    with ThreadPoolExecutor(len(names) + 1) as pool:
        first = pool.submit(_ask, server, "gate")
        server.wait_for("batch .*gate")
        others = [pool.submit(_ask, server, name) for name in names]
        _until_queued(server, len(names))
        gate.write_text("")
        return first.result(PATIENCE), [other.result(PATIENCE) for other in others]


def _until_queued(server: Running, count: int) -> None:
    """Ask the metrics until so many requests wait."""
    while b"aciml_queue_length %d" % count not in server.ask("GET", "/metrics").body:
        pass


def test_what_waited_together_is_scored_together(start: Serve, gate: Path) -> None:
    server = start(BATCH, GATE=str(gate))
    first, others = _behind_a_gate(server, gate, ["a", "b", "c", "d"])

    assert json.loads(first.body) == ["gate", 1]
    assert sorted(json.loads(other.body) for other in others) == [["a", 4], ["b", 4], ["c", 4], ["d", 4]]


def test_a_batch_has_its_most(start: Serve, gate: Path) -> None:
    server = start(BATCH, GATE=str(gate), ACIML_BATCH_SIZE="3")
    _, others = _behind_a_gate(server, gate, ["a", "b", "c", "d", "e"])

    assert sorted(json.loads(other.body)[1] for other in others) == [2, 2, 3, 3, 3]


def test_a_batch_waits_for_others_if_it_may(start: Serve) -> None:
    server = start(BATCH, ACIML_BATCH_SIZE="3", ACIML_BATCH_DELAY_MS="60000")
    with ThreadPoolExecutor() as pool:
        replies = list(pool.map(lambda name: _ask(server, name), "abc"))

    assert [json.loads(reply.body)[1] for reply in replies] == [3, 3, 3]


def test_a_batch_that_never_fills_goes_when_its_time_is_over(start: Serve) -> None:
    server = start(BATCH, ACIML_BATCH_DELAY_MS="50")

    assert json.loads(_ask(server, "alone").body) == ["alone", 1]


def test_a_batch_that_raises_fails_whole_and_the_next_goes_on(start: Serve, gate: Path) -> None:
    server = start(BATCH, GATE=str(gate))
    _, others = _behind_a_gate(server, gate, ["a", "raise"])

    assert [other.status for other in others] == [500, 500]
    assert _ask(server, "a").status == 200


def test_a_crash_costs_the_running_batch_and_no_other(start: Serve, gate: Path) -> None:
    server = start(BATCH, GATE=str(gate), ACIML_BATCH_SIZE="2")
    first, others = _behind_a_gate(server, gate, ["crash"] + ["a"] * 5)

    assert first.status == 200
    statuses = [other.status for other in others]
    assert statuses[0] == 502
    assert sorted(statuses) == [200] * 4 + [502] * 2


def test_a_batch_that_takes_too_long_ends(start: Serve) -> None:
    server = start(BATCH, SCORING_TIMEOUT_MS="200")
    reply = _ask(server, "forever")

    assert (reply.status, json.loads(reply.body)) == (500, {"message": "Scoring timeout after 200 ms"})


ASYNC = """
import asyncio, json, os, sys, time
waiting = {}
events = []

async def run(raw_data):
    name = json.loads(raw_data)
    if name == "count": return len(waiting)
    if name == "crash": os._exit(6)
    if name == "block": time.sleep(60)
    if name == "open":
        for event in waiting.values(): event.set()
        return "opened"
    if name == "raise": raise ValueError
    waiting[name] = asyncio.Event()
    try:
        await waiting[name].wait()
    except asyncio.CancelledError:
        print("cancelled", name, file=sys.stderr, flush=True)
        raise
    finally:
        del waiting[name]
    return name
"""


def _until(server: Running, count: int) -> None:
    while json.loads(_ask(server, "count").body) != count:
        pass


TOGETHER = """
import asyncio
inside = most = 0

async def run(raw_data):
    global inside, most
    inside += 1
    most = max(most, inside)
    while most < 3:
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    inside -= 1
    return most
"""


def test_no_more_coroutines_run_together_than_may(start: Serve) -> None:
    server = start(TOGETHER, ACIML_ASYNC_CONCURRENCY="3")
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: server.ask("POST", "/score", b"1"), range(36)))

    assert {(reply.status, reply.body) for reply in replies} == {(200, b"3")}


def test_coroutines_of_one_worker_run_together(start: Serve) -> None:
    server = start(ASYNC)
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(_ask, server, f"w{number}") for number in range(20)]
        _until(server, 20)
        assert json.loads(_ask(server, "open").body) == "opened"
        assert [json.loads(one.result(PATIENCE).body) for one in waiting] == [f"w{number}" for number in range(20)]
    assert _ask(server, "raise").status == 500


def test_coroutines_are_not_more_than_the_limit(start: Serve) -> None:
    server = start(ASYNC, ACIML_ASYNC_CONCURRENCY="3", SCORING_TIMEOUT_MS="60000")
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(_ask, server, f"w{number}") for number in range(2)]
        _until(server, 2)
        _ask(server, "open")
        assert [one.result(PATIENCE).status for one in waiting] == [200, 200]


def test_a_coroutine_that_takes_too_long_is_cancelled_and_others_go_on(start: Serve) -> None:
    server = start(ASYNC, SCORING_TIMEOUT_MS="300")
    reply = _ask(server, "forever")

    assert (reply.status, json.loads(reply.body)) == (500, {"message": "Scoring timeout after 300 ms"})
    server.wait_for("cancelled forever")
    assert json.loads(_ask(server, "count").body) == 0


def test_a_coroutine_that_blocks_the_loop_ends_its_worker(start: Serve) -> None:
    server = start(ASYNC, SCORING_TIMEOUT_MS="300")
    reply = _ask(server, "block")

    assert (reply.status, json.loads(reply.body)) == (500, {"message": "Scoring timeout after 300 ms"})
    assert json.loads(_ask(server, "count").body) == 0


def test_a_crash_costs_all_coroutines_that_were_begun(start: Serve) -> None:
    server = start(ASYNC)
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(_ask, server, f"w{number}") for number in range(4)]
        _until(server, 4)
        crash = _ask(server, "crash")
        replies = [one.result(PATIENCE) for one in waiting]

    assert [crash.status] + [reply.status for reply in replies] == [502] * 5
    assert "exit code 6" in json.loads(crash.body)["message"]
    assert json.loads(_ask(server, "count").body) == 0


def test_a_coroutine_whose_client_left_is_cancelled(start: Serve) -> None:
    server = start(ASYNC)
    client = server.connect()
    client.request("POST", "/score", b'"left"')
    _until(server, 1)
    client.close()

    server.wait_for("cancelled left")
    assert json.loads(_ask(server, "count").body) == 0


def test_many_clients_share_one_async_worker(start: Serve) -> None:
    server = start("import asyncio\nasync def run(raw_data):\n    await asyncio.sleep(0.001)\n    return raw_data")
    wrong: list[bytes] = []

    def load(number: int) -> None:
        with contextlib.closing(server.connect()) as client:
            for turn in range(30):
                name = b"%d-%d" % (number, turn)
                client.request("POST", "/score", name)
                body = client.getresponse().read()
                if json.loads(body) != name.decode():
                    wrong.append(body)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert wrong == []
