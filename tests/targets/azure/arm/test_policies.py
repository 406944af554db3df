"""How requests are repeated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.pipeline.transport._requests_basic import RequestsTransport  # typed there alone
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient

from aciml.targets.azure.arm.policies import ImmediateRetry, Patience
from tests.targets.azure.answering import Answering, answering

HERE = "/subscriptions/00000000-1111-2222-3333-444444444444"


class Hurried(RequestsTransport):
    """A transport whose clock does not stand in the way; ``slept`` are the pauses it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def sleep(self, duration: float) -> None:
        self.slept.append(duration)


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as world:
        yield world


def asked(server: Answering, *policies: Any) -> tuple[Any, list[str], list[float]]:
    transport = Hurried()
    client: ARMPipelineClient[Any, Any] = ARMPipelineClient(server.base, policies=list(policies), transport=transport)
    with client:
        answer = client.send_request(HttpRequest("GET", f"{server.base}{HERE}/thing"))
    return answer, [line.partition("?")[0] for line in server.seen], transport.slept


PAUSES = [("7", [7.0, 7.0, 7.0]), ("3600", []), ("", [0.8 * 2, 0.8 * 4])]


@pytest.mark.parametrize(("asks", "pauses"), PAUSES, ids=["as asked", "too long", "not asked"])
def test_pauses_are_those_that_azure_asks_for_up_to_a_minute(server: Answering, asks: str, pauses: list[float]) -> None:
    server.answers[f"GET {HERE}/thing"] = (429, {}, {"Retry-After": asks} if asks else {})

    answer, _, slept = asked(server, Patience(retry_total=4))

    assert answer.status_code == 429
    assert slept == pytest.approx(pauses)


def test_retry_after_zero_means_now_and_not_never_mind(server: Answering) -> None:
    server.answers[f"GET {HERE}/thing"] = (200, {}, {"Retry-After": "0"})

    answer, _, _ = asked(server, ImmediateRetry())

    assert 0 < float(answer.headers["Retry-After"]) < 1
