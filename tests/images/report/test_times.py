"""How long a build took is kept beside the image, and read back where older records have nothing."""

from __future__ import annotations

import itertools

import pytest

from aciml.core.phases import Span
from aciml.images.remote.holders import RUNS, hold, runs_of
from aciml.images.remote.pushes import Push, PushRecord
from aciml.registry.client import RegistryClient
from tests.simulators.registry import RegistrySimulator

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
TOOK = (Span("packing", 0, 1.25, 1.25), Span("push", 1.25, 2, 3.5))


def test_a_record_of_pushes_keeps_how_long_each_took_and_reads_those_without() -> None:
    record = PushRecord().with_push(Push(ONE, 1.0), TOOK).with_push(Push(TWO, 2.0))

    assert PushRecord.of_json(record.to_json()) == record
    assert record.took == {ONE: TOOK}
    assert PushRecord.of_json(b'{"pushes": [["sha256:a", 1.0, []]], "seen": {}}').took == {}


def test_an_image_that_comes_again_keeps_the_time_of_when_it_was_made() -> None:
    fast = (Span("push", 0, 0.1, 0.1),)
    record = (
        PushRecord().with_push(Push(ONE, 1.0), TOOK).with_push(Push(TWO, 2.0), fast).with_push(Push(ONE, 3.0), fast)
    )

    assert record.took[ONE] == TOOK
    assert record.before(ONE) == TWO


def test_of_many_pushes_the_newest_have_their_times() -> None:
    record = PushRecord()
    for number in range(60):
        record = record.with_push(Push(f"sha256:{number}", number), TOOK)

    assert len(record.pushes) == 60
    assert set(record.took) == {f"sha256:{number}" for number in range(10, 60)}


@pytest.mark.parametrize("many", [1, 25])
def test_a_service_says_what_it_ran_and_how_long_that_took(many: int) -> None:
    clock = itertools.count(1.0)
    with RegistrySimulator() as registry, RegistryClient(registry.host) as client:
        for number in range(many):
            hold(client, "team/x", f"sha256:{number:064}", "me", lambda: next(clock), TOOK)
        ran = runs_of(client, "team/x")["me"]
        manifest = client.manifest("team/x", RUNS + "me")

    assert [run.since for run in ran] == list(range(1, many + 1))
    assert [bool(run.took) for run in ran] == [number >= many - 20 for number in range(many)]
    assert ran[-1].took == TOOK
    assert manifest
    # a digest in full would keep the image from clean-up
    assert manifest.body.count(b"sha256:0") == 1
