"""When a batch goes, by the clock that it is told."""

from __future__ import annotations

from aciml_server.front.jobs import Job
from aciml_server.front.queues import Batching


def batching(*, delay: float = 0.0) -> Batching:
    return Batching(4, delay)


def arrive(queue: Batching, count: int, now: float) -> None:
    for _ in range(count):
        job = Job(None, 0, b"", [], 0)  # type: ignore[arg-type]  # nobody asks here
        job.queued = now
        queue.jobs.append(job)


def test_one_client_alone_never_waits() -> None:
    queue = batching()
    for now in (1.0, 2.0):
        arrive(queue, 1, now)
        assert queue.wait(now) <= 0
        assert len(queue.take(now)) == 1
        queue.answered(now + 0.01)


def test_clients_that_just_got_answers_are_waited_for_a_tenth_of_their_time() -> None:
    queue = batching()
    arrive(queue, 2, 1.0)
    queue.take(1.0)
    arrive(queue, 1, 1.005)
    queue.answered(1.01)

    assert 0.0009 < queue.wait(1.01) < 0.0011
    arrive(queue, 1, 1.0102)
    assert queue.wait(1.0102) > 0
    arrive(queue, 1, 1.0104)
    assert queue.wait(1.0104) <= 0


def test_those_who_do_not_come_back_are_not_waited_for_long() -> None:
    queue = batching()
    arrive(queue, 4, 1.0)
    queue.take(1.0)
    queue.answered(9.0)
    arrive(queue, 1, 9.0)

    assert queue.wait(9.0) < 0.003
    assert queue.wait(9.003) <= 0


def test_a_full_batch_goes_at_once_whatever_the_delay() -> None:
    queue = batching(delay=5.0)
    arrive(queue, 3, 1.0)
    assert queue.wait(2.0) == 4.0
    arrive(queue, 1, 2.0)

    assert queue.wait(2.0) == 0.0
