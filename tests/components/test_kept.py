"""A program of Pulumi's language host has what it imported out of the collector's sight; others are left alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import grpc
import pytest
from pulumi.runtime import settings
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub

from pulumi_aciml.kept import keep_what_is_imported


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    engine = settings.SETTINGS.engine
    yield
    settings.SETTINGS.engine = engine
    gc.unfreeze()


def test_a_program_with_an_engine_keeps_what_is_there_and_collects_what_comes() -> None:
    gc.unfreeze()
    # nothing is called: a channel connects when it is first used
    settings.SETTINGS.engine = EngineStub(grpc.insecure_channel("127.0.0.1:9"))

    keep_what_is_imported()

    assert gc.get_freeze_count() > 10_000
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.collect() >= 1


def test_who_imports_us_outside_of_a_deployment_is_left_alone() -> None:
    gc.unfreeze()
    settings.SETTINGS.engine = None

    keep_what_is_imported()

    assert gc.get_freeze_count() == 0
