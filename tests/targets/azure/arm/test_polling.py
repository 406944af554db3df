"""Waiting for operations of Azure: heard, bounded, stopped without stopping them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aciml.core.errors import Cancelled
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.azure.arm.polling import TimedOut, spoken_time, wait_for
from tests.heard import Heard
from tests.targets.azure.answering import Answering, answering


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as world:
        world.answers["PUT /thing"] = (201, {"name": "g"}, {"Azure-AsyncOperation": f"{world.base}/operation"})
        world.answers["GET /thing"] = (200, {"name": "g", "done": True}, {})
        world.answers["GET /operation"] = (200, {"status": "InProgress"}, {"Retry-After": "0.05"})
        yield world
        finish(world)


def finish(server: Answering, status: str = "Succeeded") -> None:
    server.answers["GET /operation"] = (200, {"status": status}, {})


class Finishing(Heard):
    """Ends the operation when it was asked for the third time."""

    def __init__(self, server: Answering) -> None:
        super().__init__()
        self._server = server

    def checkpoint(self) -> None:
        super().checkpoint()
        if self.checkpoints == 3:
            finish(self._server)


def test_the_result_is_that_of_the_operations_end_and_the_time_is_told(server: Answering) -> None:
    progress = Finishing(server)

    result = wait_for(server.begin(), "creating g", progress, timeout=30)

    assert result == {"name": "g", "done": True}
    assert progress.lines[0] == "creating g: 0 s"
    assert progress.checkpoints >= 3


def test_retry_after_is_honoured(server: Answering) -> None:
    poller = server.begin()
    wait_for(poller, "creating g", Finishing(server), timeout=30)

    polls = [line for line in server.seen if line.startswith("GET /operation")]
    assert 2 <= len(polls) <= 30  # the client's own interval is none here: it would ask hundreds of times


def test_ctrl_c_leaves_the_operation_running(server: Answering) -> None:
    poller = server.begin()

    with pytest.raises(Cancelled):
        wait_for(poller, "creating g", Heard(stop_at=3), timeout=30)

    assert not poller.done()
    assert not [line for line in server.seen if line.startswith("DELETE")]


def test_a_time_out_says_that_azure_goes_on_and_what_to_do(server: Answering) -> None:
    poller = server.begin()

    with pytest.raises(TimedOut) as caught:
        wait_for(poller, "creating g", Heard(), timeout=0)

    assert caught.value.message == "creating g: not done after 0 s; Azure says InProgress, and goes on with it"
    assert "run the same command again" in caught.value.advice
    assert not poller.done()


def test_a_failure_is_told_with_what_was_tried(server: Answering) -> None:
    failed = {"status": "Failed", "error": {"code": "ContainerGroupQuotaReached", "message": "Limit: '10'."}}
    server.answers["GET /operation"] = (200, failed, {})

    with pytest.raises(AzureError) as caught:
        wait_for(server.begin(), "creating g", Heard(), timeout=30, region="eastus")

    assert caught.value.code == "ContainerGroupQuotaReached"
    assert "Limit: '10' (tried: region eastus)" in caught.value.message


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (125, "2 min 5 s")])
def test_time_is_told_in_minutes_and_seconds(seconds: float, text: str) -> None:
    assert spoken_time(seconds) == text
