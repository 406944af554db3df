"""What is refused of a container app, of its replicas and of its traffic: what was written, where, what comes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.model.declared import read
from aciml.model.group import FIELDS, Group
from aciml.model.rules import all_group_findings
from aciml.model.scale import Scale
from aciml.model.shape import shape_findings
from aciml.model.traffic import CanaryStep, Traffic
from aciml.properties import UNKNOWN

APP = {"runsOn": "container_app"}
ENVIRONMENT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/managedEnvironments/e"


def app(**words: Any) -> dict[str, Any]:
    return {**APP, "containerApp": words}


def traffic(**words: Any) -> dict[str, Any]:
    return {**APP, "traffic": words}


def canary(*percents: int) -> dict[str, Any]:
    return traffic(canary=[{"percent": percent} for percent in percents])


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    # replicas
    ({**APP, "scale": {"minReplicas": 3, "maxReplicas": 2}}, "scale.maxReplicas", "2 is less than scale.minReplicas 3"),
    ({**APP, "scale": {"maxReplicas": 0}}, "scale.maxReplicas", "maxReplicas is 0; write 1 to 1000"),
    ({**APP, "scale": {"minReplicas": 1001}}, "scale.minReplicas", "minReplicas is 1001; write 0 to 1000"),
    ({**APP, "scale": {"concurrentRequests": 0}}, "scale.concurrentRequests", "write 1 or more"),
    # steps
    (canary(50, 10), "traffic.canary[1].percent", "10 percent comes after 50 percent, and steps only go up"),
    (canary(50, 50), "traffic.canary[1].percent", "write more than 50"),
    (canary(100, 100), "traffic.canary[1].percent", "drop it: 100 percent is the last step"),
    (canary(101), "traffic.canary[0].percent", "percent is 101; write 1 to 100"),
    (canary(0), "traffic.canary[0].percent", "percent is 0; write 1 to 100"),
    (traffic(shadow=101), "traffic.shadow", "shadow is 101; write 0 to 100"),
    (traffic(hold=True, canary=[{"percent": 10}]), "traffic.canary", "held at 0 percent takes no steps"),
    (traffic(label="Blue"), "traffic.label", '"Blue" is no label'),
    (traffic(label="a--b"), "traffic.label", '"a--b" is no label'),
    (traffic(label="a-"), "traffic.label", '"a-" is no label'),
    (traffic(label="a" * 31), "traffic.label", "use 1 to 30 lower-case letters"),
    # proof
    (traffic(tolerances=[{"absolute": 1}]), "traffic.tolerances", "no file of them is named"),
    (traffic(golden="g", tolerances=[{"path": "$.a"}]), "traffic.tolerances[0]", "needs absolute or relative"),
    (traffic(golden="g", tolerances=[{"path": "a", "absolute": 1}]), "traffic.tolerances[0].path", "begin it with $"),
    (
        traffic(golden="g", tolerances=[{"absolute": 1}, {"relative": 1}]),
        "traffic.tolerances[1]",
        "two tolerances for $",
    ),
    (traffic(gate={"maxErrorRate": 2}), "traffic.gate.maxErrorRate", "write 0 to 1"),
    # words of the one kind in the other
    ({"scale": {"minReplicas": 2}}, "scale", "scale is that of a container app, and this service is a container group"),
    ({"replicaTimeout": 5}, "replicaTimeout", "write runsOn: container_app, or drop it"),
    ({"containerApp": {"environment": "e1"}}, "containerApp", "is that of a container app"),
    ({"traffic": {"canary": [{"percent": 10}]}}, "traffic.canary", "a container group is one container"),
    ({"traffic": {"hold": True}}, "traffic.hold", "needs two revisions side by side"),
    ({**APP, "dnsNameLabel": "a"}, "dnsNameLabel", "a container app has no dnsNameLabel"),
    ({**APP, "rollout": "blue_green"}, "rollout", "a new revision is always proven beside the old one"),
    ({**APP, "restartPolicy": "Never"}, "restartPolicy", "a replica that ends is always started again"),
    ({**APP, "zones": ["1"]}, "zones", "write containerApp.zoneRedundant"),
    ({**APP, "cpuLimit": 1, "cpuCores": 1}, "cpuLimit", "a replica may use what it is given, no more"),
    ({**APP, "livenessProbe": {"exec": {"command": ["true"]}}}, "livenessProbe.exec", "no probe by a command"),
    (
        {**APP, "volumes": [{"name": "models", "gitRepo": {"repository": "https://r"}}]},
        "volumes[0].gitRepo",
        "no volume of gitRepo",
    ),
    # environment and domain
    (app(environment="/subscriptions/s"), "containerApp.environment", "is no id of a managed environment"),
    (app(environment="1a"), "containerApp.environment", "a letter first"),
    (app(zoneRedundant=True), "containerApp.zoneRedundant", "needs a subnet; give subnetId"),
    (app(internal=True), "containerApp.internal", "needs a subnet; give subnetId"),
    (app(environment=ENVIRONMENT, internal=True), "containerApp.internal", "this one is given by its id; drop it"),
    (
        app(environment=ENVIRONMENT, workloadProfiles=[{"name": "a", "type": "D4"}]),
        "containerApp.workloadProfiles",
        "name one by workloadProfile",
    ),
    (
        app(workloadProfiles=[{"name": "a", "type": "D4"}, {"name": "a", "type": "D8"}]),
        "containerApp.workloadProfiles[1].name",
        'the profile "a" is there twice',
    ),
    (
        app(workloadProfiles=[{"name": "a", "type": "D4", "minimumCount": 3, "maximumCount": 2}]),
        "containerApp.workloadProfiles[0].maximumCount",
        "maximumCount 2 is less than minimumCount 3",
    ),
    (
        app(workloadProfiles=[{"name": "a", "type": "D4"}], workloadProfile="b"),
        "containerApp.workloadProfile",
        'there is no profile "b"; there are Consumption, a',
    ),
    (app(customDomain="a b", certificate="c"), "containerApp.customDomain", "is no host name"),
    (app(customDomain="a.example.com"), "containerApp.certificate", "needs its certificate"),
    (app(certificate="c"), "containerApp.certificate", "which is missing"),
    (app(managedCertificate="CNAME"), "containerApp.managedCertificate", "customDomain, which is missing"),
    (
        app(customDomain="a.example.com", certificate="c", managedCertificate="TXT"),
        "containerApp.managedCertificate",
        "named by certificate, too",
    ),
    (
        app(customDomain="a.example.com", managedCertificate="HTTP", external=False),
        "containerApp.managedCertificate",
        "drop containerApp.external",
    ),
    (
        app(customDomain=f"{'a' * 60}.example.com", managedCertificate="CNAME"),
        "containerApp.customDomain",
        "has 72 characters",
    ),
    (app(customDomain="a.example.com", managedCertificate="DNS"), "containerApp.managedCertificate", "CNAME"),
    (app(customDomain="a.example.com", certificate="/x"), "containerApp.certificate", "is no id of a certificate"),
]


@pytest.mark.parametrize(
    ("said", "where", "why"), REFUSED, ids=[f"{where}-{n}" for n, (_, where, _) in enumerate(REFUSED)]
)
def test_what_is_wrong_is_told_where_it_stands(said: dict[str, Any], where: str, why: str) -> None:
    found = [*shape_findings(said, FIELDS), *all_group_findings(said)]
    told = [one.why for one in found if one.where == where and why in one.why]

    assert len(told) == 1, found


FINE: list[dict[str, Any]] = [
    {},
    {"runsOn": "container_group", "osType": "Linux", "rollout": "blue_green", "dnsNameLabel": "score"},
    {"traffic": {"golden": "golden.json", "tolerances": [{"absolute": 0.1}]}},
    # what check of a container group fills in stays in the state of a service that moves
    {**APP, "osType": "Linux", "sku": "Standard", "priority": "Regular", "restartPolicy": "Always"},
    {**APP, "rollout": "in_place", "dnsNameLabelScope": "TenantReuse"},
    {**APP, "scale": {"minReplicas": 0, "maxReplicas": 1}},
    {**APP, "scale": {"minReplicas": 2}},
    canary(10, 50),
    canary(10, 50, 100),
    traffic(hold=True, label="next"),
    app(zoneRedundant=True, internal=True)
    | {"subnetId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s"},
    app(environment=ENVIRONMENT, workloadProfile="any"),
    {"runsOn": UNKNOWN, "scale": {"minReplicas": 2}, "dnsNameLabel": "score"},
    {**APP, "scale": UNKNOWN, "traffic": UNKNOWN, "containerApp": UNKNOWN},
    {**APP, "traffic": {"canary": [{"percent": UNKNOWN}, UNKNOWN, {"percent": 10}]}},
    app(zoneRedundant=True) | {"subnetId": UNKNOWN},
]


@pytest.mark.parametrize("said", FINE, ids=str)
def test_what_is_right_or_not_known_yet_is_not_refused(said: dict[str, Any]) -> None:
    assert [*shape_findings({"image": "i", **said}, FIELDS), *all_group_findings(said)] == []


@given(st.lists(st.integers(1, 100), max_size=6))
def test_steps_end_at_all_of_the_traffic_and_only_go_up_if_nothing_is_said(percents: list[int]) -> None:
    said = canary(*percents)
    wrong = all_group_findings(said)
    steps = read(Group, said).runs.traffic
    assert steps is not None

    assert bool(wrong) == (percents != sorted(set(percents)))
    assert steps.steps[-1].percent == 100
    if not wrong:
        assert [step.percent for step in steps.steps] == sorted({*percents, 100})


def test_silence_is_one_replica_and_one_step() -> None:
    assert (Scale().least, Scale().greatest) == (1, 1)
    assert (Scale(min_replicas=0).least, Scale(min_replicas=0).greatest) == (0, 1)
    assert Scale(min_replicas=3).greatest == 3
    assert Traffic().steps == (CanaryStep(percent=100, pause=0),)
    assert Traffic(hold=True).steps == ()
    assert (Traffic().named, Traffic().kept, CanaryStep(percent=5).seconds) == ("candidate", 1, 60)
