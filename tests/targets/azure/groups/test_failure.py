"""Why a group does not serve, told from its events."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.targets.azure.groups.failure import failure_in

READINESS = "Readiness probe failed: HTTP probe failed with statuscode: 503"
LIVENESS = "Liveness probe failed: HTTP probe failed with statuscode: 503"


def seen(unhealthy: str) -> dict[str, Any]:
    """Return a group whose container was restarted and runs, after one of before was stopped."""
    events = [
        {"count": 1, "name": "Killing", "message": "Killing container with id 1", "type": "Normal"},
        {"count": 3, "name": "Unhealthy", "message": unhealthy, "type": "Warning"},
    ]
    view = {
        "restartCount": 9,
        "currentState": {"state": "Running"},
        "previousState": {"state": "Terminated", "exitCode": 3},
        "events": events,
    }
    container = {"name": "iris", "properties": {"image": "r/i", "instanceView": view}}
    return {"name": "iris", "properties": {"containers": [container], "restartPolicy": "Always"}}


@pytest.mark.parametrize(
    ("unhealthy", "told"),
    [
        (READINESS, "exited with code 3, 9 times"),
        (LIVENESS, "was restarted 9 times because its liveness probe failed"),
    ],
)
def test_a_container_that_is_not_ready_is_not_restarted_for_that(unhealthy: str, told: str) -> None:
    failure = failure_in(seen(unhealthy), {})

    assert failure
    assert told in failure.what
