"""Live lines of one resource: what is dropped so that a log which keeps every line can be read."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from aciml.enginelog import EngineLog, RowProgress


class Heard(EngineLog):
    """A log that is kept here."""

    def __init__(self) -> None:
        super().__init__("")
        self.lines: list[str] = []

    def send(self, urn: str, severity: int, text: str, *, ephemeral: bool = False) -> None:
        self.lines.append(text)


class Row:
    """A resource that speaks by a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.log = 5000.0, Heard()
        self.progress = RowProgress(self.log, "urn:pulumi:s::p::t::n")
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def say(self, text: str, after: float = 0.0) -> None:
        self.now += after
        self.progress.say(text)


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Row:
    return Row(monkeypatch)


def test_the_first_line_is_said_at_once_even_by_a_clock_that_has_just_begun(row: Row) -> None:
    row.now = 0.0
    row.say("solving the conda environment")

    assert row.log.lines == ["solving the conda environment"]


def test_no_line_comes_twice_in_a_row_however_long_it_is_said(row: Row) -> None:
    for _ in range(100):
        row.say("waiting for the registry", after=5)

    assert row.log.lines == ["waiting for the registry"]


def test_a_counter_comes_in_steps_that_grow_and_still_lives_after_an_hour(row: Row) -> None:
    begun = row.now
    for second in range(3600):
        row.say(f"waiting for 200 on http://127.0.0.1:5000/, {second} of 9000 s (no answer)", after=1)
        if second == 299:
            assert len(row.log.lines) < 20

    told = [int(line.split(", ")[1].split()[0]) for line in row.log.lines]
    steps = [after - before for before, after in pairwise(told)]
    assert steps[0] == 1
    assert steps == sorted(steps)
    assert max(steps) == 60
    assert row.now - begun == 3600


def test_layers_that_differ_by_their_digest_alone_are_counters_too(row: Row) -> None:
    for number in range(100):
        row.say(f"layer {number:012x}: 0 of 20 MB (0 %)", after=0.1)

    assert len(row.log.lines) < 10


def test_names_that_fly_by_are_thinned(row: Row) -> None:
    names = [letter * 3 for letter in "abcdefghijklmnopqrst"]
    for name in names:
        row.say(f"linking {name}, 1 of 20", after=0.1)

    assert row.log.lines == ["linking aaa, 1 of 20", "linking kkk, 1 of 20"]


def test_work_that_goes_on_beside_is_seen_too(row: Row) -> None:
    for number in range(30):
        row.say(f"packing conda layer numpy: {number} MiB", after=0.05)
        row.say(f"step 1 of 2: RUN make: line {'x' * number}")

    assert {line.split()[0] for line in row.log.lines[:2]} == {"packing", "step"}


def test_the_line_of_a_new_task_does_not_wait_as_long_as_the_counter_before_it(row: Row) -> None:
    for second in range(120):
        row.say(f"step 1 of 2: RUN make: {second} %", after=1)
    row.say("step 2 of 2: COPY a /a", after=1)

    assert row.log.lines[-1] == "step 2 of 2: COPY a /a"


def test_what_is_kept_is_never_dropped(row: Row) -> None:
    for _ in range(2):
        row.progress.note("3 layers pushed")
        row.progress.warn("it is large")

    assert row.log.lines == ["3 layers pushed", "it is large"] * 2
