"""A container app in ARM's JSON, by value, and the way back to what was declared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aciml.model.declared import differing
from aciml.targets.azure.apps import traffic
from aciml.targets.azure.apps.drift import drift, imported
from aciml.targets.azure.apps.revisions import counted
from aciml.targets.azure.apps.secret import Secrets, named_in, needed
from aciml.targets.revisions import Seen
from tests.targets.azure.apps.app_samples import EVERYTHING, IDENTITY, IMAGE, SECRETS, answered, app, request, where


def body(**changes: Any) -> dict[str, Any]:
    return request(app(**changes)).to_put([{"revisionName": "iris--old", "weight": 100}])


def test_the_smallest_app_by_value() -> None:
    made = body()
    (container,) = made["properties"]["template"]["containers"]
    configuration = made["properties"]["configuration"]

    assert made["location"] == "westeurope"
    assert made["identity"] == {"type": "None"}
    assert made["properties"]["environmentId"].endswith("/managedEnvironments/aciml-westeurope")
    assert configuration["activeRevisionsMode"] == "Multiple"
    assert configuration["secrets"] == configuration["registries"] == configuration["identitySettings"] == []
    assert configuration["ingress"] == {
        "external": True,
        "targetPort": 5001,
        "transport": "auto",
        "allowInsecure": False,
        "traffic": [{"revisionName": "iris--old", "weight": 100}],
        "customDomains": [],
    }
    assert container["resources"] == {"cpu": 0.5, "memory": "1Gi"}
    assert {"name": "ACIML_PORT", "value": "5001"} in container["env"]
    assert [probe["type"] for probe in container["probes"]] == ["Liveness", "Readiness"]
    assert container["probes"][1]["httpGet"] == {"path": "/ready", "port": 5000, "scheme": "HTTP"}
    assert made["properties"]["template"]["scale"] == {
        "minReplicas": 1,
        "maxReplicas": 1,
        "cooldownPeriod": 300,
        "rules": [{"name": "requests", "http": {"metadata": {"concurrentRequests": "10"}}}],
    }
    assert made["properties"]["template"]["revisionSuffix"] == request(app()).suffix
    assert len(request(app()).revision) <= 54


def test_secrets_stand_in_the_list_of_secrets_alone() -> None:
    made = request(app(**EVERYTHING))
    whole = made.to_put([])
    secrets = whole["properties"]["configuration"].pop("secrets")

    assert {one["value"] for one in secrets} == {*SECRETS} - {"the-key"}  # that is the environment's
    assert not any(text in json.dumps(whole) for text in SECRETS)
    assert not any(text in repr(made) for text in SECRETS)
    assert {*named_in(whole["properties"]["template"])} < {one["name"] for one in secrets}
    for one in secrets:
        # the form of the service's refusal: lower-case letters, digits and hyphens
        assert one["name"] == one["name"].lower().strip("-")
        assert one["name"].replace("-", "").isalnum()
        assert len(one["name"]) <= 253


def test_an_identity_that_pulls_is_the_apps_own_and_hidden_from_the_script() -> None:
    made = body(pullIdentity=f"{IDENTITY}puller")
    configuration = made["properties"]["configuration"]

    assert made["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {f"{IDENTITY}puller": {}}}
    assert configuration["registries"] == [{"server": "contoso.azurecr.io", "identity": f"{IDENTITY}puller"}]
    assert configuration["identitySettings"] == [{"identity": f"{IDENTITY}puller", "lifecycle": "None"}]
    listed = body(pullIdentity=f"{IDENTITY}one", identities=[f"{IDENTITY}One"])
    assert listed["properties"]["configuration"]["identitySettings"] == []


def test_a_revision_is_named_by_what_makes_one() -> None:
    name = request(app()).revision
    other = {
        "image": IMAGE.replace("0000", "1111"),
        "cpuCores": 1,
        "memoryGb": 2,
        "scale": {"minReplicas": 2},
        "environmentVariables": {"A": "1"},
        "secureEnvironmentVariables": {"A": "1"},
        "replicaTimeout": 7,
        "livenessProbe": {"httpGet": {"port": 1}},
        "scoringTimeoutMs": 9,
    }
    names = {key: request(app(**{key: value})).revision for key, value in other.items()}
    assert name not in names.values()
    assert len(set(names.values())) == len(names)
    same = {
        "tags": {"a": "b"},
        "containerApp": {"allowInsecure": True},
        "identities": [f"{IDENTITY}a"],
        "traffic": {"canary": [{"percent": 1}]},
        "startupTimeout": 3,
        "scale": {"minReplicas": 1},
    }
    assert {request(app(**{key: value})).revision for key, value in same.items()} == {name}
    # another text of a secret is another revision, and says nothing of the text
    texts = [request(app(secureEnvironmentVariables={"A": text})).revision for text in ("1", "2")]
    assert len(set(texts)) == 2


def test_what_was_declared_is_seen_again_and_nothing_else() -> None:
    for changes in ({}, EVERYTHING):
        spec = app(**changes)
        found = drift(spec, where(spec), answered(spec), [revision_of(spec)])

        assert found.names == (), [(name, differing(spec.declared, found.now)) for name in found.names]


def revision_of(spec: Any, **changes: Any) -> dict[str, Any]:
    """What a GET of the revision of a spec answers."""
    made = request(spec)
    template = {**made.template, "revisionSuffix": made.suffix}
    properties = {"active": True, "trafficWeight": 100, "template": template, "provisioningState": "Provisioned"}
    return {"name": made.revision, "properties": {**properties, "runningState": "Running", **changes}}


DRIFTS: list[tuple[dict[str, Any], str]] = [
    ({"cpuCores": 2, "memoryGb": 4}, "cpu_cores"),
    ({"environmentVariables": {"MODE": "slow", "EMPTY": ""}}, "environment_variables"),
    ({"secureEnvironmentVariables": {"TOKEN": "another"}}, "secure_environment_variables"),
    ({"scale": {"minReplicas": 1, "maxReplicas": 5, "concurrentRequests": 3, "coolDown": 60}}, "scale"),
    ({"tags": {"team": "blue"}}, "tags"),
    ({"command": ["sh"]}, "command"),
    ({"scoringTimeoutMs": 6000}, "scoring_timeout_ms"),
    ({"identities": []}, "identities"),
    ({"pullIdentity": None}, "pull_identity"),
    ({"volumeMounts": []}, "volume_mounts"),
    ({"volumes": [{"name": "scratch", "emptyDir": {}}], "volumeMounts": []}, "volumes"),
    ({"initContainers": []}, "init_containers"),
    ({"livenessProbe": {"httpGet": {"port": 5000, "path": "/other"}}}, "liveness_probe"),
    ({"systemAssignedIdentity": False}, "system_assigned_identity"),
    ({"containerApp": {**EVERYTHING["containerApp"], "allowInsecure": False}}, "container_app"),
    ({"containerApp": {**EVERYTHING["containerApp"], "customDomain": "b.example.com"}}, "container_app"),
    ({"authEnabled": False}, "auth_enabled"),
]


@pytest.mark.parametrize(("changes", "name"), DRIFTS, ids=[f"{name}-{n}" for n, (_, name) in enumerate(DRIFTS)])
def test_what_somebody_changed_is_seen(changes: dict[str, Any], name: str) -> None:
    spec = app(**EVERYTHING)
    other = app(**{**EVERYTHING, **changes})
    found = drift(spec, where(spec), answered(other), [revision_of(other)])

    assert name in found.names
    assert not any(text in str(found.properties()) for text in ("another",))


def test_an_import_is_what_was_declared_without_secrets() -> None:
    spec = app(**EVERYTHING)
    found = imported(answered(spec), [revision_of(spec)], where(spec))

    assert found.now.runs.runs_on == "container_app"
    assert found.now.name == "iris"
    assert found.now.image == IMAGE
    assert found.now.runs.container_app
    assert found.now.runs.container_app.environment
    assert found.now.access.pull_identity == f"{IDENTITY}puller".replace("resourceGroups", "resourceGroups")
    assert not any(text in str(found.properties()) for text in SECRETS)


# shares


def test_shares_are_pinned_by_name_and_labels_stay() -> None:
    entries: list[dict[str, Any]] = [
        {"latestRevision": True, "weight": 80},
        {"revisionName": "a--1", "weight": 20, "label": "old"},
    ]

    assert traffic.pinned(entries, "a--2", ["a--1", "a--2"]) == [
        {"revisionName": "a--2", "weight": 80},
        {"revisionName": "a--1", "weight": 20, "label": "old"},
    ]
    # the entry of a deactivated revision may stay in an answer
    assert traffic.pinned(entries, "a--2", ["a--2"]) == [{"revisionName": "a--2", "weight": 100}]
    assert traffic.pinned(entries, "", []) == [{"latestRevision": True, "weight": 100}]
    assert traffic.pinned([], "a--2", ["a--2"]) == [{"revisionName": "a--2", "weight": 100}]
    both: list[dict[str, Any]] = [{"latestRevision": True, "weight": 40}, {"revisionName": "a--2", "weight": 60}]
    assert traffic.pinned(both, "a--2", ["a--2"]) == [{"revisionName": "a--2", "weight": 100}]


def test_other_weights_lose_no_label() -> None:
    entries = [
        {"revisionName": "a--1", "weight": 100, "label": "old"},
        {"revisionName": "a--0", "weight": 0, "label": "x"},
    ]

    assert traffic.weighed(entries, {"a--2": 100}) == [
        {"revisionName": "a--2", "weight": 100},
        {"revisionName": "a--1", "weight": 0, "label": "old"},
        {"revisionName": "a--0", "weight": 0, "label": "x"},
    ]
    moved = traffic.labelled(entries, "old", "a--2")
    assert moved == [
        {"revisionName": "a--1", "weight": 100},
        {"revisionName": "a--0", "weight": 0, "label": "x"},
        {"revisionName": "a--2", "weight": 0, "label": "old"},
    ]
    assert traffic.same(moved, list(reversed(moved)))
    assert not traffic.same(moved, entries)


# secrets


def test_a_secret_is_named_by_its_text_and_its_app() -> None:
    names = {Secrets(salt).put(about, text) for salt in ("a", "b") for about in ("X", "Y") for text in ("1", "2")}

    assert len(names) == 8
    assert Secrets("a").put("X", "1") == Secrets("A").put("X", "1")
    assert Secrets("a").put("A_B", "1").startswith("a-b-")
    held = Secrets("a")
    held.put("A", "the-text")
    assert "the-text" not in repr(held)


def test_secrets_that_a_kept_revision_refers_to_stay() -> None:
    template = {
        "containers": [{"env": [{"name": "A", "secretRef": "one"}, {"name": "B", "value": "x"}]}],
        "initContainers": [{"env": [{"name": "A", "secretRef": "two"}]}],
        "volumes": [{"secrets": [{"secretRef": "three"}]}],
        "scale": {"rules": [{"custom": {"auth": [{"secretRef": "four"}]}}]},
    }
    values = [{"name": name, "value": name.upper()} for name in ("one", "two", "three", "four", "five")]

    assert needed(values, [template]) == {"one": "ONE", "two": "TWO", "three": "THREE", "four": "FOUR"}


def test_what_azure_monitor_counted() -> None:
    def series(kind: str, *totals: float) -> dict[str, Any]:
        names = [{"name": {"value": "statusCodeCategory"}, "value": kind}]
        return {"metadatavalues": names, "data": [{"total": total} for total in totals] + [{}]}

    answer = {"value": [{"timeseries": [series("2xx", 10, 5), series("5xx", 1)]}]}
    assert counted(answer) == Seen(16, 1)
    assert counted({}) == Seen()
