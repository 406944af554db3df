"""What is wrong is refused on every target, in the same words: what previews at home previews in the cloud."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.resources.group import ContainerGroup
from aciml.resources.protocol import Checked
from aciml.resources.registry import ContainerRegistry
from tests.contract.worlds import World
from tests.heard import Heard

IDENTITY = "write /subscriptions/.../resourceGroups/.../providers/Microsoft.ManagedIdentity/userAssignedIdentities/..."


WRONG_GROUPS: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {"rollout": "bluegreen"},
        {"rollout": 'rollout is "bluegreen"; write in_place or blue_green; did you mean blue_green?'},
    ),
    (
        {"livenessProbe": {"httpGet": {"prt": 80, "scheme": "HTTP"}, "periodSeconds": 0}},
        {
            "livenessProbe.httpGet.prt": "in livenessProbe: in httpGet: unknown property prt; did you mean port?",
            "livenessProbe.httpGet.port": "in livenessProbe: in httpGet: port is missing; port to ask",
            "livenessProbe.httpGet.scheme": (
                'in livenessProbe: in httpGet: scheme is "HTTP"; write http or https; did you mean http?'
            ),
            "livenessProbe.periodSeconds": "in livenessProbe: periodSeconds is 0; write 1 or more",
        },
    ),
    ({"readinessProbe": {"timeoutSeconds": 5}}, {"readinessProbe": "readinessProbe needs one of exec and httpGet"}),
    (
        {"volumes": [{"name": "models"}], "volumeMounts": [{"name": "model", "mountPath": "/m"}]},
        {
            "volumes[0]": 'volume "models" has no kind; give one of azureFile, emptyDir, secret, gitRepo',
            "volumeMounts[0].name": 'there is no volume "model"; there are models',
        },
    ),
    (
        {"restartPolicy": "always", "port": 70000, "logLevel": "debug", "smokeTest": {"method": "PSOT"}},
        {
            "restartPolicy": ('restartPolicy is "always"; write Always, OnFailure or Never; did you mean Always?'),
            "port": "port is 70000; write 0 to 65535",
            "logLevel": 'logLevel is "debug"; write DEBUG, INFO, WARNING or ERROR; did you mean DEBUG?',
            "smokeTest.method": 'in smokeTest: method is "PSOT"; write POST or GET; did you mean POST?',
        },
    ),
    (
        {"pullIdentity": "me", "zones": ["1", "2"], "ipAddressType": "Private"},
        {
            "pullIdentity": f'"me" is no id of a user-assigned identity; {IDENTITY}',
            "zones": "2 zones are given; a group is in one: write one of 1, 2",
            "ipAddressType": ("a private address needs a virtual network; give subnetId, or vnetName and subnetName"),
        },
    ),
    (
        {"memoryGb": "1.5 GB", "environmentVariables": {"A B": "1"}, "tags": {"a?": "1"}},
        {
            "memoryGb": "memoryGb must be a number, not a text",
            'environmentVariables["A B"]': '"A B" is no variable name; use letters, digits, _, - and ., no digit first',
            'tags["a?"]': "a tag's name has 1 to 512 characters and none of < > % & \\ ? /; rename it",
        },
    ),
]
WRONG_REGISTRIES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"sku": "Premum"}, {"sku": 'sku is "Premum"; write Basic, Standard or Premium; did you mean Premium?'}),
    (
        {"sku": "standard", "ipRules": ["203.0.113.7/24"], "exportPolicy": False, "retentionDays": 400},
        {
            "ipRules": "ipRules needs sku Premium, and this registry has Standard; set sku: Premium",
            "ipRules[0]": '"203.0.113.7/24" is not the start of its range; did you mean 203.0.113.0/24?',
            "exportPolicy": (
                "exportPolicy: false needs sku Premium, and this registry has Standard; set sku: Premium\n"
                "exportPolicy: false needs publicNetworkAccess: false; set both"
            ),
            "retentionDays": (
                "retentionDays is 400; write 0 to 365\n"
                "retentionDays needs sku Premium, and this registry has Standard; set sku: Premium"
            ),
        },
    ),
]


def told(checked: Checked) -> dict[str, str]:
    """Return what is said of each property, a line a finding."""
    said: dict[str, list[str]] = {}
    for finding in checked.findings:
        said.setdefault(finding.where, []).append(finding.why)
    return {where: "\n".join(lines) for where, lines in said.items()}


@pytest.mark.parametrize(("wrong", "why"), WRONG_GROUPS, ids=", ".join)
def test_a_wrong_word_of_a_group_is_refused_in_the_same_words(
    world: World, wrong: dict[str, Any], why: dict[str, str]
) -> None:
    # nothing is made of it, and every place takes a group of that size
    right = {"name": "iris-one", "image": world.image("serves"), "cpuCores": 1, "memoryGb": 1}

    checked = ContainerGroup(world.target.service).check(None, {**right, **wrong}, Heard())

    assert told(checked) == why


@pytest.mark.parametrize(("wrong", "why"), WRONG_REGISTRIES, ids=", ".join)
def test_a_wrong_word_of_a_registry_is_refused_in_the_same_words(
    world: World, wrong: dict[str, Any], why: dict[str, str]
) -> None:
    right = {"name": world.registry_name()}

    checked = ContainerRegistry(world.target.registry).check(None, {**right, **wrong}, Heard())

    assert told(checked) == why


def test_what_is_right_for_a_cloud_alone_is_one_warning_where_it_has_no_effect(world: World) -> None:
    # nothing is made of it, and every place takes a group of that size
    right = {"name": "iris-one", "image": world.image("serves"), "cpuCores": 1, "memoryGb": 1}
    cloud = {"rollout": "blue_green", "livenessProbe": {"httpGet": {"port": 5000}}, "zones": ["1"]}
    heard = Heard()

    assert ContainerGroup(world.target.service).check(None, {**right, **cloud}, heard).findings == []
    near = world.target.name in ("memory", "local")
    assert heard.warnings == (["without effect on the local target: livenessProbe, rollout, zones"] if near else [])


def test_what_has_no_effect_is_told_once_when_it_is_new(world: World) -> None:
    # nothing is made of it, and every place takes a group of that size
    right = {"name": "iris-one", "image": world.image("serves"), "cpuCores": 1, "memoryGb": 1}
    cloud = {"rollout": "blue_green", "livenessProbe": {"httpGet": {"port": 5000}}, "zones": ["1"]}
    resource, heard = ContainerGroup(world.target.service), Heard()
    heard.urn = "urn:pulumi:local::scoring::aciml:compute:ContainerGroup::iris-group"

    was = resource.check(None, {**right, **cloud}, heard).inputs
    # as it was; another name, for which the engine checks a second time without what was
    resource.check(was, {**right, **cloud}, heard)
    resource.check(was, {**right, **cloud, "name": "iris-two"}, heard)
    resource.check(None, {**right, **cloud, "name": "iris-two"}, heard)
    # one is taken back, one is changed
    resource.check(was, {**right, "rollout": "blue_green", "zones": ["2"]}, heard)

    near = world.target.name in ("memory", "local")
    first = "without effect on the local target: livenessProbe, rollout, zones"
    assert heard.warnings == ([first, "without effect on the local target: zones"] if near else [])
