"""When finished answers go to the front: at once, or with others of jobs that are here already."""

from __future__ import annotations

import mmap
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aciml_server import wire
from aciml_server.worker import link as module
from aciml_server.worker.journal import SIZE, Journal
from aciml_server.worker.link import Link


class Worker:
    """A link with a clock of its own; each job takes as long as ``work`` is told."""

    def __init__(self) -> None:
        self.front, self.theirs = socket.socketpair()
        self.front.setblocking(False)
        self.now = 100.0
        self.journal = Journal(mmap.mmap(-1, SIZE))
        self.link = Link(self.theirs, self.journal)

    def give(self, *jobs: int) -> None:
        self.front.sendall(b"".join(wire.pack(wire.JOB, seq, meta=b"{}") for seq in jobs))

    def work(self, seconds: float) -> None:
        frame = self.link.receive()
        assert frame is not None
        self.link.begin(frame.seq)
        self.now += seconds
        self.link.send(wire.pack(wire.ANSWER, frame.seq, 200))

    def sent(self) -> list[int]:
        """Return whose answers the front has got since the last look."""
        data, found = b"", []
        try:
            data = self.front.recv(1 << 16)
        except BlockingIOError:
            return []
        while data:
            body, meta, seq, *_ = wire.HEAD.unpack_from(data)
            found.append(seq)
            data = data[wire.HEAD.size + body + meta :]
        return found


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    made = Worker()
    clock: Callable[[], float] = lambda: made.now  # noqa: E731 - a clock that is read and not named
    monkeypatch.setattr(module, "time", type("Clock", (), {"perf_counter": staticmethod(clock)}))
    yield made
    made.front.close()
    made.theirs.close()


def sent_after_each(worker: Worker, costs: list[float]) -> list[list[int]]:
    worker.give(*range(len(costs)))
    found = []
    for cost in costs:
        worker.work(cost)
        found.append(worker.sent())
    return found


def test_an_answer_goes_at_once_where_no_other_job_is_here(worker: Worker) -> None:
    for seq, cost in enumerate((0.00001, 0.0016, 0.5)):
        worker.give(seq)
        worker.work(cost)
        assert worker.sent() == [seq]


def test_answers_of_a_model_wait_for_one_another_and_leave_the_front_time_to_bring_more(worker: Worker) -> None:
    # ten jobs of 1.6 ms: eight are answered in one piece within 12 ms, the last two keep the worker busy meanwhile
    assert sent_after_each(worker, [0.0016] * 10) == [[]] * 7 + [list(range(8))] + [[8], [9]]


def test_two_jobs_are_not_made_to_wait_for_each_other(worker: Worker) -> None:
    assert sent_after_each(worker, [0.0016] * 2) == [[0], [1]]


def test_jobs_that_cost_nothing_wait_no_longer_than_a_moment(worker: Worker) -> None:
    found = sent_after_each(worker, [0.0001] * 12)

    assert [seq for one in found for seq in one] == list(range(12))
    assert max(len(one) for one in found) <= 10  # those of 0.9 ms
    assert found[-1]


@pytest.mark.parametrize("cost", [0.013, 0.1, 60.0])
def test_long_jobs_are_answered_one_by_one(worker: Worker, cost: float) -> None:
    assert sent_after_each(worker, [cost] * 5) == [[seq] for seq in range(5)]


def test_what_waits_behind_a_job_that_turns_out_long_is_in_the_journal(worker: Worker) -> None:
    worker.give(*range(5))
    worker.work(0.002)
    frame: Any = worker.link.receive()
    worker.link.begin(frame.seq)

    assert worker.sent() == []
    waiting = worker.journal.read_while_running()
    assert wire.HEAD.unpack_from(waiting)[2] == 0
