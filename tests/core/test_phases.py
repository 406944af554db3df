"""The times of phases, in one line."""

from __future__ import annotations

import pytest

from aciml.core.phases import Phases


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_phases_come_in_the_order_in_which_they_began_with_their_times() -> None:
    clock = Clock()
    phases = Phases(clock)
    with phases.timed("base"):
        with phases.timed("packages"):
            clock.now += 3.14
        clock.now += 9
    with phases.timed("push"):
        clock.now += 0.25

    assert phases.line() == "base 12 s, packages 3.1 s, push 0.2 s"


def test_parts_of_a_phase_are_added_and_short_ones_are_not_told() -> None:
    clock = Clock()
    phases = Phases(clock)
    for seconds in (1, 2):
        with phases.timed("pull"):
            clock.now += seconds
    with phases.timed("start"):
        clock.now += 0.01

    assert phases.line() == "pull 3.0 s"
    assert Phases(clock).line() == ""


def test_a_phase_that_failed_is_counted() -> None:
    clock = Clock()
    phases = Phases(clock)

    def fail() -> None:
        with phases.timed("pull"):
            clock.now += 1
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()

    assert phases.line() == "pull 1.0 s"
