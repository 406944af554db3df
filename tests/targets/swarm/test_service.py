"""What is judged of a service in a swarm before anything is made, and what a change is said to cost."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.errors import OutageError
from aciml.targets.home.place import Workspace
from aciml.targets.local.swarm.service import SwarmServices
from tests.heard import Heard
from tests.targets.specs import declared
from tests.targets.swarm.test_cluster import ACTIVE, INFO

LOCAL = "127.0.0.1:5000/iris@sha256:" + "a" * 64


class Client:
    """Says what engine it is; one that is gone does not answer."""

    def __init__(self, info: dict[str, Any] | None, name: str = "Engine") -> None:
        self._info, self._name = info, name

    def info(self) -> dict[str, Any]:
        if self._info is None:
            raise OutageError("Docker does not answer")
        return self._info

    def version(self) -> dict[str, Any]:
        return {"Components": [{"Name": self._name}]}


class Apps:
    """Knows no service, and whether there is room for a network."""

    def __init__(self, client: Client, room: tuple[str, str] | None = None) -> None:
        self.client, self.swarm, self._room = client, self, room

    def findings(self) -> tuple[str, str] | None:
        return self._room

    def look(self, name: str, claim: object) -> None:
        """Find nothing."""


def judged(client: Client, *, room: tuple[str, str] | None = None, **said: Any) -> tuple[list[str], list[str]]:
    """Return what stops a service, with its property, and the warnings."""
    apps: Any = Apps(client, room)
    heard = Heard()
    new = declared(name="iris", image=said.pop("image", LOCAL), runsOn="container_app", **said)
    found = SwarmServices(apps, Workspace("here")).judge(None, new, heard)
    return [f"{one.where}: {one.why}" for one in found], heard.warnings


def test_a_service_that_can_be_is_neither_refused_nor_warned_of() -> None:
    assert judged(Client(INFO), scale={"minReplicas": 2}) == ([], [])


@pytest.mark.parametrize(
    ("info", "name", "why"),
    [
        (INFO, "Podman Engine", "runsOn: Podman has no swarm; run Docker, or write runs_on: container_group"),
        ({**INFO, "SecurityOptions": ["name=rootless"]}, "Engine", "runsOn: Docker runs rootless here"),
    ],
)
def test_an_engine_without_swarms_is_refused_in_one_sentence(info: dict[str, Any], name: str, why: str) -> None:
    (found,) = judged(Client(info, name))[0]

    assert found.startswith(why)


def test_no_room_for_a_network_is_refused_with_the_variable_that_makes_some() -> None:
    (found,) = judged(Client(INFO), room=("no address range is free", "name one by ACIML_SWARM_POOL"))[0]

    assert found == "runsOn: no address range is free; name one by ACIML_SWARM_POOL"


def test_an_engine_that_does_not_answer_hides_nothing_else() -> None:
    found, _ = judged(Client(None), environmentVariables={"ACIML_IMAGE_DIGEST": "x"})

    assert len(found) == 1
    assert "ACIML_IMAGE_DIGEST" in found[0]


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        ({"minReplicas": 2, "maxReplicas": 5}, "2 replicas run, and scale.maxReplicas has no effect"),
        ({"minReplicas": 0, "coolDown": 60}, "1 replica runs, and scale.minReplicas 0, scale.coolDown have no effect"),
        ({"concurrentRequests": 4}, "1 replica runs, and scale.concurrentRequests has no effect"),
    ],
)
def test_one_warning_says_that_swarm_has_no_autoscaler(scale: dict[str, Any], said: str) -> None:
    _, warnings = judged(Client(INFO), scale=scale)

    assert len(warnings) == 1
    assert "Docker Swarm has no autoscaler" in warnings[0]
    assert said in warnings[0]


@pytest.mark.parametrize("scale", [{"minReplicas": 3}, {"minReplicas": 3, "maxReplicas": 3}, {"maxReplicas": 1}])
def test_replicas_that_run_anyway_are_no_reason_for_it(scale: dict[str, Any]) -> None:
    assert judged(Client(INFO), scale=scale)[1] == []


def test_a_registry_of_this_machine_is_another_one_on_each_node() -> None:
    several = {**INFO, "Swarm": {**ACTIVE, "Nodes": 3}}

    _, warnings = judged(Client(several))
    assert len(warnings) == 1
    assert "the swarm has 3 nodes" in warnings[0]
    assert judged(Client(several), image="models.example/iris@sha256:" + "a" * 64)[1] == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"image": "update"}, "a new revision is proven at 0 % (health), then gets 100 %; a step that fails goes back"),
        ({"primary_key": "update"}, "replicas restart one after the other"),
        ({"primary_key": "update", "cpu_cores": "update"}, "a new revision is proven"),
        ({"scale": "update"}, "nothing restarts"),
        ({"traffic": "update", "port": "update"}, "nothing restarts; the port moves"),
        ({"name": "replace"}, "a new address"),
    ],
)
def test_a_preview_says_what_a_change_costs(changed: dict[str, Any], said: str) -> None:
    apps: Any = Apps(Client(INFO))
    service = SwarmServices(apps, Workspace("here"))

    assert said in service.effect(changed, declared(name="iris", image=LOCAL, runsOn="container_app"))
