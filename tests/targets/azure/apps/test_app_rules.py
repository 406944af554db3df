"""What check says of a container app with its numbers, what each change costs, and the words of a preview."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.errors import Finding
from aciml.model.declared import rows_of
from aciml.model.group import Group
from aciml.model.rules import group_of
from aciml.targets.azure.apps import environment
from aciml.targets.azure.apps.change import COSTS, app_changes, cost_of, effect
from tests.targets.azure.apps.app_samples import BASE, ENVIRONMENT, EVERYTHING, IDENTITY, PLACE, SUBNET, app, judged

PROFILES = [{"name": "big", "type": "D4", "minimumCount": 1, "maximumCount": 2}]


def home(**words: Any) -> dict[str, Any]:
    return {"containerApp": words}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    # pairs of cores and memory
    ({"cpuCores": 1, "memoryGb": 1}, "memoryGb", "1 cores go with 2 GiB, and memoryGb is 1; write 2, or cpuCores 0.5"),
    ({"cpuCores": 0.5, "memoryGb": 3}, "memoryGb", "write 1, or cpuCores 1.5"),
    ({"cpuCores": 0.5, "memoryGb": 9}, "memoryGb", "0.5 cores go with 1 GiB, and memoryGb is 9; write 1"),
    ({"cpuCores": 0.3, "memoryGb": 0.6}, "cpuCores", "0.25 to 4 cores in steps of 0.25: write 0.25"),
    ({"cpuCores": 8, "memoryGb": 16}, "cpuCores", "cpuCores is 8; a replica has 0.25 to 4 cores"),
    # names
    ({"name": "a" * 33}, "name", "use 2 to 32 lower-case letters"),
    ({"name": "a--b"}, "name", "no name of a container app"),
    ({"name": "1a"}, "name", "a letter first"),
    ({"environmentVariables": {"A-B": "1"}}, 'environmentVariables["A-B"]', "use letters, digits and _"),
    (
        {"environmentVariables": {"ACIML_PORT": "1"}},
        'environmentVariables["ACIML_PORT"]',
        "is set by the property port",
    ),
    # the way in
    ({"port": 8080}, "port", "a container app is called at 443"),
    ({"sslEnabled": True}, "sslEnabled", "speaks TLS by itself"),
    ({"readOnlyRoot": True}, "readOnlyRoot", "cannot make a container's root read-only"),
    # probes
    (
        {"livenessProbe": {"httpGet": {"port": 1}, "failureThreshold": 11}},
        "livenessProbe.failureThreshold",
        "is 11; a container app takes 1 to 10",
    ),
    (
        {"readinessProbe": {"httpGet": {"port": 1}, "initialDelaySeconds": 61}},
        "readinessProbe.initialDelaySeconds",
        "is 61; a container app takes 0 to 60",
    ),
    # volumes
    (
        {
            "volumes": [{"name": "scratch", "emptyDir": {}}],
            "volumeMounts": [{"name": "scratch", "mountPath": "/s", "readOnly": True}],
        },
        "volumeMounts[0].readOnly",
        "no mount that is read-only; drop it",
    ),
    # time
    ({"replicaTimeout": 241}, "replicaTimeout", "waits 240 seconds; write 240 or less"),
    ({"replicaTimeout": 1801, **home(workloadProfiles=PROFILES)}, "replicaTimeout", "waits longer than 1800 seconds"),
    # identity
    ({"pullIdentity": "system"}, "pullIdentity", "nobody can have given it a role before"),
    (
        {"traffic": {"shadow": 10}},
        "traffic.shadow",
        "by two keys that it may; give authEnabled: true, or drop shadow",
    ),
    # the environment
    (
        {"logAnalytics": {"workspaceId": "w", "workspaceKey": "k"}, **home(environment=ENVIRONMENT)},
        "logAnalytics",
        "given by its id; drop it",
    ),
    ({"subnetId": SUBNET, **home(environment=ENVIRONMENT)}, "subnetId", "in the subnet of its environment"),
]


@pytest.mark.parametrize(("said", "path", "why"), REFUSED, ids=[f"{p}-{n}" for n, (_, p, _) in enumerate(REFUSED)])
def test_what_the_service_would_refuse_is_told_with_its_number(said: dict[str, Any], path: str, why: str) -> None:
    found = [one.why for one in judged(said) if one.where == path]

    assert len(found) == 1, judged(said)
    assert why in found[0]


def test_all_that_is_wrong_is_told_at_once() -> None:
    said = {"cpuCores": 1, "memoryGb": 1, "port": 1, "name": "A", "sslEnabled": True, "replicaTimeout": 999}

    assert {one.where for one in judged(said)} >= {"memoryGb", "port", "name", "sslEnabled", "replicaTimeout"}


FINE: list[dict[str, Any]] = [
    {},
    EVERYTHING,
    {"cpuCores": 4, "memoryGb": 8},
    {"cpuCores": 0.25, "memoryGb": 0.5},
    {"cpuCores": 7, "memoryGb": 3, **home(workloadProfile="big")},
    {"replicaTimeout": 240},
    {"replicaTimeout": 900, **home(workloadProfiles=PROFILES)},
    {"replicaTimeout": 900, **home(environment=ENVIRONMENT)},
    {"port": 443},
    {"subnetId": SUBNET, **home(internal=True, zoneRedundant=True)},
]


@pytest.mark.parametrize("said", FINE, ids=[str(n) for n in range(len(FINE))])
def test_what_the_service_takes_is_not_refused(said: dict[str, Any]) -> None:
    assert judged(said) == []


def test_an_environment_keeps_its_network() -> None:
    inside = {"subnetId": SUBNET, **home(internal=True)}

    (found,) = judged(inside, old={"subnetId": SUBNET, **home()})
    assert found.where == "containerApp.internal"
    assert "keeps its network from when it was made" in found.why
    (found,) = judged({"subnetId": SUBNET, **home(zoneRedundant=True)}, old={"subnetId": SUBNET, **home()})
    assert found.where == "containerApp.zoneRedundant"
    assert judged({"subnetId": SUBNET, **home(environment="other", internal=True)}, old={"subnetId": SUBNET}) == []


# what changes cost

CHANGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = [
    ({}, {}, {}),
    ({}, {"runsOn": "container_app"}, {}),
    ({"port": 443}, {}, {}),
    ({}, {"image": f"{BASE['image'][:-1]}1"}, {"image": "update"}),
    ({}, {"scale": {"minReplicas": 1, "maxReplicas": 1}}, {}),
    ({}, {"scale": {"minReplicas": 2}}, {"scale": "update"}),
    ({}, {"tags": {"a": "b"}}, {"tags": "update"}),
    ({}, {"name": "other"}, {"name": "replace"}),
    ({}, {"location": "northeurope"}, {"location": "replace"}),
    ({}, {"resourceGroup": "others"}, {"resource_group": "replace"}),
    ({}, home(environment="other"), {"container_app": "replace"}),
    ({}, home(environment="aciml-westeurope"), {}),
    ({}, home(allowInsecure=True), {"container_app": "update"}),
    ({}, home(external=True), {}),
    ({}, {"subnetId": SUBNET}, {"subnet_id": "replace"}),
    ({}, {"pullIdentity": f"{IDENTITY}a"}, {"pull_identity": "update"}),
    ({}, {"traffic": {"canary": [{"percent": 10}]}}, {"traffic": "update"}),
    ({}, {"startupTimeout": 10}, {"startup_timeout": "update"}),
    ({}, {"scoringTimeoutMs": 10}, {"scoring_timeout_ms": "update"}),
    ({}, {"replicaTimeout": 10}, {"replica_timeout": "update"}),
    ({"authEnabled": True}, {"authEnabled": True, "primaryKey": "new"}, {"primary_key": "update"}),
    (
        {"secureEnvironmentVariables": {"A": "1"}},
        {"secureEnvironmentVariables": {"A": "2"}},
        {"secure_environment_variables": "update"},
    ),
]


@pytest.mark.parametrize(("old", "new", "wanted"), CHANGES, ids=[str(n) for n in range(len(CHANGES))])
def test_each_difference_costs_what_its_source_says(
    old: dict[str, Any], new: dict[str, Any], wanted: dict[str, str]
) -> None:
    assert app_changes(app(**old), app(**new), PLACE) == wanted


def test_every_property_has_a_cost_with_a_source() -> None:
    for name in rows_of(Group):
        assert cost_of(name).source
        assert cost_of(name).kind in {"revision", "app", "tags", "replace", "none"}
    assert COSTS.keys() <= rows_of(Group).keys()


def test_an_import_is_no_change() -> None:
    seen = {name: value for name, value in EVERYTHING.items() if name != "secureEnvironmentVariables"}
    old = app(**{**seen, "secureEnvironmentVariables": {"TOKEN": ""}})

    assert app_changes(old, app(**EVERYTHING), PLACE) in ({}, {"secure_environment_variables": "update"})


WORDS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"image": "update"}, {}, "a new revision is proven at 0 % (health), then gets 100 %"),
    ({"image": "update"}, {}, "the address stays"),
    (
        {"image": "update"},
        {"traffic": {"canary": [{"percent": 10}, {"percent": 50}], "golden": "g.json"}},
        "gets 10 % for 60 s, 50 % for 60 s, 100 %",
    ),
    ({"image": "update"}, {"traffic": {"hold": True}}, "is held there"),
    ({"image": "update"}, {"scale": {"minReplicas": 0}}, "the first request after a pause waits for a cold start"),
    ({"container_app": "update"}, {}, "the app is changed as a whole: nothing restarts"),
    ({"tags": "update"}, {}, "nothing restarts"),
    ({"startup_timeout": "update"}, {}, "nothing is sent, nothing restarts"),
    ({"name": "replace"}, {}, "a new app under another name is made first"),
    ({"location": "replace"}, {}, "deleted first: a gap of a minute or two"),
]


@pytest.mark.parametrize(("changed", "said", "words"), WORDS, ids=[str(n) for n in range(len(WORDS))])
def test_a_preview_says_what_it_costs(changed: dict[str, Any], said: dict[str, Any], words: str) -> None:
    assert words in effect(changed, group_of({**BASE, **said}))


# environments


def test_what_an_environment_cannot_become_and_what_it_lacks() -> None:
    wanted = environment.to_arm(
        group_of({**BASE, "subnetId": SUBNET, **home(internal=True, zoneRedundant=True)}), PLACE
    )
    seen = {"location": "West Europe", "properties": {"vnetConfiguration": {"infrastructureSubnetId": SUBNET.upper()}}}

    assert [*environment.mismatches(wanted, seen)] == ["it has a public address", "it is not zone redundant"]
    assert [*environment.mismatches(wanted, {**wanted, "properties": dict(wanted["properties"])})] == []
    elsewhere = environment.mismatches(wanted, {"location": "northeurope", "properties": {}})
    assert next(elsewhere) == "it is in northeurope, not in westeurope"

    asked = environment.to_arm(group_of({**BASE, "replicaTimeout": 700, **home(workloadProfiles=PROFILES)}), PLACE)
    consumption = {"name": "Consumption", "workloadProfileType": "Consumption"}
    theirs = {"name": "theirs", "workloadProfileType": "E4"}
    lacks = environment.lacks(asked, {"properties": {"workloadProfiles": [consumption, theirs]}})
    assert [one["name"] for one in lacks["workloadProfiles"]] == ["Consumption", "theirs", "big"]
    assert lacks["ingressConfiguration"] == {"workloadProfileName": "big", "requestIdleTimeout": 12}
    assert environment.lacks(asked, {"properties": asked["properties"]}) == {}


def test_findings_are_findings() -> None:
    assert all(isinstance(one, Finding) for one in judged({"port": 1}))
