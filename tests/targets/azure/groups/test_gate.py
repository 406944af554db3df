"""Which log the gate shows of a container that ends again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from aciml.targets.azure.arm.patience import Clock
from aciml.targets.azure.groups import gate
from tests.heard import Heard

from .group_samples import group

BEGUN = "health on port 5000"
CAUSE = "ModuleNotFoundError: No module named 'lightgbm'"
ENDED = {"state": "Terminated", "exitCode": 3, "detailStatus": "Error"}


def looked(now: dict[str, Any]) -> dict[str, Any]:
    """Return a group without an address, whose container has ended twice before."""
    view = {"restartCount": 2, "currentState": now, "previousState": ENDED, "events": []}
    container = {"name": "iris", "properties": {"image": "r/i", "instanceView": view}}
    return {"name": "iris", "properties": {"containers": [container], "restartPolicy": "Always"}}


RUNS, DOWN = looked({"state": "Running"}), looked(ENDED)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "ASK_SECONDS", 0.001)


def told(looks: Iterator[dict[str, Any]], logs: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    one = gate.Gate(group(), lambda: next(looks), lambda _name: next(logs), Heard(), Clock(60))

    _, failure = one.wait(RUNS, fresh=True)

    assert failure is not None
    assert "exited with code 3" in failure.what
    return failure.lines


def test_the_log_of_a_run_that_has_just_begun_does_not_hide_why_the_last_one_ended() -> None:
    looks, logs = iter([RUNS, RUNS, DOWN]), iter([(BEGUN,), (BEGUN,), (BEGUN,), (BEGUN, CAUSE)])

    assert told(looks, logs) == (BEGUN, CAUSE)


def test_a_log_that_begins_anew_between_look_and_log_takes_nothing_away() -> None:
    looks, logs = iter([RUNS, DOWN]), iter([(BEGUN,), (BEGUN, CAUSE), (BEGUN,)])

    assert told(looks, logs) == (BEGUN, CAUSE)


def test_a_container_that_is_up_at_each_look_is_told_with_what_there_is() -> None:
    def always(one: Any) -> Iterator[Any]:
        while True:
            yield one

    assert told(always(RUNS), always((BEGUN,))) == (BEGUN,)
