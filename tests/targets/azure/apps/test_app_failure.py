"""What a revision, its replicas and its log tell of a failure, by value; and the stream that a log is read from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from aciml.core.errors import OutageError
from aciml.targets.azure.apps import stream
from aciml.targets.azure.apps.failure import Failure, code_in, failure_in, late
from aciml.targets.azure.apps.revision import is_our_name, ready_in, state_of, told
from aciml.targets.revisions import revision_name
from tests.simulators.ending_server import serving


def revision(**properties: Any) -> dict[str, Any]:
    return {"name": "iris--r0123456789", "properties": {"active": True, **properties}}


def replica(*, ready: bool = False, restarts: int = 0, details: str = "") -> dict[str, Any]:
    container = {"name": "iris", "ready": ready, "restartCount": restarts, "runningStateDetails": details}
    return {"name": "iris--r0123456789-x", "properties": {"containers": [container]}}


STATES: list[tuple[dict[str, Any], str]] = [
    ({"provisioningState": "Provisioning", "runningState": "Processing"}, "Starting"),
    ({"provisioningState": "Provisioned", "runningState": "Running", "replicas": 1}, "Running"),
    ({"provisioningState": "Provisioned", "runningState": "RunningAtMaxScale", "replicas": 9}, "Running"),
    ({"provisioningState": "Provisioned", "runningState": "Degraded", "replicas": 2}, "Running"),
    ({"provisioningState": "Provisioned", "runningState": "ScaledToZero", "replicas": 0}, "Running"),
    # an open list: a word that nobody knows is no failure
    ({"provisioningState": "Provisioned", "runningState": "Brandnew", "healthState": "Healthy"}, "Running"),
    ({"provisioningState": "Provisioned", "runningState": "Brandnew", "replicas": 1}, "Unknown"),
    ({"provisioningState": "Provisioned", "runningState": "Processing", "replicas": 1}, "Starting"),
    ({"provisioningState": "Failed", "runningState": "Running"}, "Failed"),
    ({"provisioningState": "Provisioned", "runningState": "Failed"}, "Failed"),
    ({"active": False, "provisioningState": "Provisioned"}, "Stopped"),
    ({"provisioningState": "Deprovisioned"}, "Stopped"),
]


@pytest.mark.parametrize(("properties", "state"), STATES, ids=[str(n) for n in range(len(STATES))])
def test_states_are_told_in_the_words_of_all_places(properties: dict[str, Any], state: str) -> None:
    assert state_of(revision(**properties)) == state


def test_a_revision_is_told_with_its_share_and_label() -> None:
    seen = revision(replicas=2, runningState="Running", template={"containers": [{"image": "i"}]}, createdTime="t")
    found = told(seen, [{"revisionName": seen["name"], "weight": 30, "label": "blue"}], 1)

    assert (found.weight, found.label, found.replicas, found.ready, found.image) == (30, "blue", 2, 1, "i")
    assert ready_in([replica(ready=True), replica(), {"properties": {}}]) == 1


def test_names_that_are_made_here_are_known() -> None:
    assert is_our_name(revision_name("iris", {"a": 1}))
    assert is_our_name("")
    assert not is_our_name("iris--by-hand")
    assert not is_our_name("iris--r012345678")


def test_a_crash_loop_is_told_before_the_service_gives_up() -> None:
    seen = revision(provisioningState="Provisioning")

    assert failure_in(seen, [replica(restarts=1)]) is None
    assert failure_in(seen, [replica(restarts=9, ready=True)]) is None
    found = failure_in(seen, [replica(restarts=2, details="terminated with exit code '3'")])
    assert found is not None
    assert (found.exit_code, found.container, found.replica) == (3, "iris", "iris--r0123456789-x")
    assert "exited with code 3, and was restarted 2 times" in found.what


def test_a_revision_that_failed_is_told_in_its_own_words() -> None:
    found = failure_in(revision(provisioningState="Failed", provisioningError="No\n cores."), [replica()])

    assert found is not None
    assert "revision iris--r0123456789: No cores." in found.what
    # the service's deadline is told as what it is, with the log of who was waited for
    late_one = failure_in(revision(provisioningState="Failed", provisioningError="Operation\n expired."), [replica()])
    assert late_one is not None
    assert "never answered 200: Azure has given up revision iris--r0123456789 before startup_timeout" in late_one.what
    assert late_one.replica
    assert "az containerapp env list-usages" in late(revision(), [], "did not answer").what
    assert late(revision(), [replica()], "did not answer").what == "did not answer"


def test_secrets_are_in_no_message() -> None:
    text = Failure("failed", "r", "iris", 1, ("the key is the-key", "ValueError: the-key")).describe("it", ["the-key"])

    assert "the-key" not in text
    assert "[secret]" in text


@pytest.mark.parametrize(
    ("details", "code"),
    [("exit code: 3", 3), ("exited with code 137", 137), ("exitCode=1", 1), ("", None), ("exit code 0", None)],
)
def test_exit_codes(details: str, code: int | None) -> None:
    assert code_in(details) == code


@contextmanager
def streaming(status: int, lines: str) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(lines.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}/logstream", asked


def test_a_log_is_read_with_its_own_token_and_times() -> None:
    lines = '{"TimeStamp": "2026-11-28T00:00:01Z", "Log": "one"}\nplain text\n{"other": 1}\n'
    with streaming(200, lines) as (url, asked):
        found = list(stream.read(url, "the-token", None, tail=7))

    assert found == [("2026-11-28T00:00:01Z", "one"), ("", "plain text"), ("", '{"other": 1}')]
    assert asked == ["/logstream?follow=false&tailLines=7&output=json Bearer the-token"]


def test_a_log_that_cannot_be_read_is_an_outage() -> None:
    with streaming(403, "") as (url, _), pytest.raises(OutageError, match="it answers 403"):
        list(stream.read(url, "t", None, tail=1))
    with pytest.raises(OutageError, match="cannot be read"):
        list(stream.read("http://127.0.0.1:1/logs", "t", None, tail=1))
    with pytest.raises(OutageError, match="is no address of a log"):
        list(stream.read("file:///etc/passwd", "t", None, tail=1))
