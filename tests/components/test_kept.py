"""A program of Pulumi's language host has what it imported out of the collector's sight; others are left alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import grpc
import pytest
from pulumi.runtime import settings
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub

from pulumi_aciml.kept import go_on, pause


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    engine = settings.SETTINGS.engine
    gc.unfreeze()
    yield
    settings.SETTINGS.engine = engine
    gc.unfreeze()
    gc.enable()


def engine() -> EngineStub:
    # nothing is called: a channel connects when it is first used
    return EngineStub(grpc.insecure_channel("127.0.0.1:9"))


def test_a_program_with_an_engine_keeps_what_is_there_and_collects_what_comes() -> None:
    settings.SETTINGS.engine = engine()

    paused = pause()

    assert paused
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 10_000
    go_on(paused=paused)
    assert gc.isenabled()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.collect() >= 1


def test_a_collector_that_the_program_has_stopped_stays_so() -> None:
    settings.SETTINGS.engine = engine()
    gc.disable()

    go_on(paused=pause())

    assert not gc.isenabled()


def test_who_imports_us_outside_of_a_deployment_is_left_alone() -> None:
    settings.SETTINGS.engine = None

    go_on(paused=pause())

    assert gc.get_freeze_count() == 0
    assert gc.isenabled()
