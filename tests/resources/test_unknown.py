"""An input that is not known yet hides nothing that is: groups and registries, here and in the cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.properties import UNKNOWN, Secret, Unknown, reveal
from aciml.resources.group import ContainerGroup
from aciml.resources.protocol import Existing
from aciml.resources.registry import ContainerRegistry
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.groups import room
from aciml.targets.memory import MemoryTarget
from aciml.targets.protocol import Targets
from tests.resources.unknowns import contradictions, leaves, unknown_names, with_unknown

Values = dict[str, Any]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
IMAGE = f"contoso.azurecr.io/iris:1@sha256:{'0' * 64}"
IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/models/providers/Microsoft.ManagedIdentity/"
    "userAssignedIdentities/reader"
)
SHARE = {"shareName": "data", "storageAccountName": "store", "storageAccountKey": Secret("a2V5MQ==")}
GROUP: Values = {
    "name": "diabetes",
    "image": IMAGE,
    "cpuCores": 2,
    "memoryGb": 4,
    "port": 8080,
    "authEnabled": True,
    "primaryKey": Secret("hush"),
    "rotateSecondaryKey": "once",
    "environmentVariables": {"MODE": "fast", "LEVEL": "3"},
    "secureEnvironmentVariables": Secret({"TOKEN": "hush"}),
    "startupTimeout": 60,
    "smokeTest": {"path": "/score", "expectStatus": 200, "expectJson": {"a": 1}},
    "workers": 2,
    "logFormat": "json",
    "corsOrigins": ["https://a.example", "https://b.example"],
    "healthPort": 5005,
    "enableAppInsights": True,
    "appInsightsConnectionString": Secret("InstrumentationKey=1"),
    "resourceGroup": "models",
    "location": "westeurope",
    "tags": {"team": "iris", "stage": "test"},
    "dnsNameLabel": "diabetes-label",
    "restartPolicy": "Always",
    "sku": "Standard",
    "zones": ["1"],
    "ports": [{"port": 8081, "protocol": "TCP"}, {"port": 8082, "protocol": "UDP"}],
    "livenessProbe": {"httpGet": {"path": "/live", "port": 5005, "scheme": "http"}, "periodSeconds": 5},
    "readinessProbe": {"exec": {"command": ["cat", "/tmp/ready"]}},
    "volumes": [{"name": "share", "azureFile": SHARE}, {"name": "files", "secret": Secret({"a": "b"})}],
    "volumeMounts": [{"name": "share", "mountPath": "/share", "readOnly": True}],
    "initContainers": [
        {
            "name": "first",
            "image": "alpine",
            "command": ["true"],
            "volumeMounts": [{"name": "files", "mountPath": "/f"}],
        }
    ],
    "identities": [IDENTITY],
    "imageRegistryCredentials": [{"server": "contoso.azurecr.io", "username": "me", "password": Secret("hush")}],
    "dnsConfig": {"nameServers": ["10.0.0.1"]},
    "logAnalytics": {"workspaceId": "w", "workspaceKey": Secret("k"), "logType": "ContainerInsights"},
    "rollout": "in_place",
}
REGISTRY: Values = {
    "name": "contoso",
    "sku": "Premium",
    "adminUserEnabled": False,
    "publicNetworkAccess": True,
    "ipRules": ["203.0.113.7", "203.0.113.0/24"],
    "networkDefaultAction": "Deny",
    "retentionDays": 7,
    "identities": [IDENTITY],
    "encryption": {"keyIdentifier": "https://v.vault.azure.net/keys/k", "identity": SUBSCRIPTION},
    "tags": {"team": "iris", "stage": "test"},
}


def azure(folder: Path) -> Targets:
    """Return the cloud; what is judged of a group, and of a registry that is there, asks nobody."""
    config = {"subscriptionId": SUBSCRIPTION, "tenantId": SUBSCRIPTION, "resourceGroup": "m", "location": "westeurope"}
    return AzureTarget(AzureConfig.read(config, {}), Settings(folder))


@pytest.fixture(scope="module", autouse=True)
def alone() -> Iterator[None]:
    """No region is asked what it has left: there is no login here."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(room, "_room_of", _unasked)
        yield


def _unasked(_session: object, _location: str) -> room.Room:
    raise UserError("no login")


TARGETS: dict[str, Callable[[Path], Targets]] = {"at home": lambda _: MemoryTarget(), "in the cloud": azure}


@pytest.fixture(scope="module", params=TARGETS)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Targets:
    return TARGETS[request.param](tmp_path_factory.mktemp("settings"))


def checked(resource: ContainerGroup | ContainerRegistry, values: Values, old: Values | None = None) -> Values:
    answer = resource.check(old, values, Silent())
    assert answer.findings == []
    return answer.inputs


def where_wrong(resource: ContainerGroup | ContainerRegistry, values: Values, old: Values | None = None) -> set[str]:
    return {finding.where for finding in resource.check(old, values, Silent()).findings}


def some_of(values: Values, most: int = 3, *without: str) -> st.SearchStrategy[list[Any]]:
    paths = [path for path in leaves(values) if path[0] not in without]
    return st.lists(st.sampled_from(paths), min_size=1, max_size=most, unique=True)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_is_unknown_of_a_group_nothing_is_wrong_and_the_rest_is_filled(
    target: Targets, data: st.DataObject
) -> None:
    group = ContainerGroup(target.service)
    left_out = data.draw(st.sets(st.sampled_from([*GROUP])))
    values = {name: value for name, value in GROUP.items() if name not in left_out}
    values |= {name: GROUP[name] for name in ("name", "image", "volumes", "enableAppInsights")}
    values |= {name: GROUP[name] for name in ("appInsightsConnectionString", "authEnabled")}
    full = checked(group, values)
    hidden = data.draw(some_of(values))

    inputs = checked(group, with_unknown(values, *hidden), full)
    state = group.create(inputs, Silent(), preview=True).state

    assert list(contradictions(inputs, full)) == []
    names = {str(path[0]) for path in hidden}
    waits = {"livenessProbe", "readinessProbe"} if "healthPort" in names else set()
    waits |= {"primaryKey", "secondaryKey"} if "authEnabled" in names else set()
    waits |= {"secondaryKey"} if "rotateSecondaryKey" in names else set()
    assert names <= unknown_names(inputs) <= names | waits
    assert all(isinstance(inputs[name], Secret) for name in values if isinstance(values[name], Secret))
    assert isinstance(state["scoringUri"], Unknown)
    assert isinstance(state.get("primaryKey", Secret(1)), Secret)
    assert isinstance(state["imageDigest"], Unknown) == ("image" in names)


@settings(max_examples=70, deadline=None)
@given(data=st.data())
def test_a_mistake_in_a_group_is_found_whatever_else_is_unknown(target: Targets, data: st.DataObject) -> None:
    probe = {**GROUP["livenessProbe"], "httpGet": {"port": 1, "scheme": "ftp"}}
    wrong: list[tuple[Values, str]] = [
        ({"environmentVariables": {"1X": "a", "B": "b"}}, 'environmentVariables["1X"]'),
        ({"livenessProbe": probe}, "livenessProbe.httpGet.scheme"),
        (
            {"volumeMounts": [{"name": "share", "mountPath": "/a"}, {"name": "none", "mountPath": "/b"}]},
            "volumeMounts[1].name",
        ),
        ({"ports": [{"port": 70000}, {"port": 1}]}, "ports[0].port"),
        ({"startupTimeout": -1}, "startupTimeout"),
        ({"image": "none"}, "image"),
        ({"tags": {"<": "a", "b": "c"}}, 'tags["<"]'),
    ]
    change, where = data.draw(st.sampled_from(wrong))
    values = {**GROUP, **change}
    hidden = data.draw(some_of(values, 3, *change, "volumes"))

    assert where_wrong(ContainerGroup(target.service), with_unknown(values, *hidden)) == {where}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"environmentVariables": {"A": UNKNOWN, "1X": "b"}}, 'environmentVariables["1X"]'),
        ({"environmentVariables": {"ACIML_WORKERS": UNKNOWN}}, 'environmentVariables["ACIML_WORKERS"]'),
        ({"livenessProbe": {"httpGet": {"port": UNKNOWN, "scheme": "ftp"}}}, "livenessProbe.httpGet.scheme"),
        ({"volumes": [{"name": "files", "emptyDir": {}}, {"name": UNKNOWN}]}, "volumes[1]"),
        (
            {"volumes": [{"name": "share", "azureFile": {**SHARE, "storageAccountKey": UNKNOWN}}]},
            "initContainers[0].volumeMounts[0].name",
        ),
        ({"smokeTest": {"body": UNKNOWN, "expectStatus": "200"}}, "smokeTest.expectStatus"),
    ],
    ids=str,
)
def test_an_unknown_part_of_a_property_does_not_hide_what_is_wrong_with_its_other_parts(
    target: Targets, change: Values, where: str
) -> None:
    assert where in where_wrong(ContainerGroup(target.service), {**GROUP, **change})


def test_a_variable_that_the_cloud_sets_is_found_beside_an_unknown_one(tmp_path: Path) -> None:
    variables = {"environmentVariables": {"ACIML_PORT": "1", "OTHER": UNKNOWN}}

    assert where_wrong(ContainerGroup(azure(tmp_path).service), {**GROUP, **variables}) == {
        'environmentVariables["ACIML_PORT"]'
    }


def test_a_certificate_is_not_missing_while_nobody_knows_whether_there_is_to_be_one(target: Targets) -> None:
    group, values = ContainerGroup(target.service), {**GROUP, "sslEnabled": UNKNOWN}

    assert checked(group, values)["certificateHash"] is UNKNOWN
    assert where_wrong(group, {**values, "sslCertPemFile": "none.pem"}) == {"sslCertPemFile"}
    assert where_wrong(group, {**GROUP, "sslEnabled": True, "sslKeyPemFile": UNKNOWN}) == {"sslCertPemFile"}


def test_probes_of_an_unknown_health_port_are_unknown_and_not_gone(tmp_path: Path) -> None:
    values = {"name": "diabetes", "image": IMAGE, "healthPort": UNKNOWN}

    inputs = checked(ContainerGroup(azure(tmp_path).service), values)

    assert inputs["livenessProbe"] is inputs["readinessProbe"] is UNKNOWN


@settings(max_examples=70, deadline=None)
@given(data=st.data())
def test_what_is_known_of_a_change_costs_what_it_costs_without_anything_unknown(
    target: Targets, data: st.DataObject
) -> None:
    group = ContainerGroup(target.service)
    old = checked(group, GROUP)
    changes = {"cpuCores": 3, "image": IMAGE.replace("0" * 64, "1" * 64), "tags": {"team": "other"}, "zones": ["2"]}
    change = {name: changes[name] for name in data.draw(st.sets(st.sampled_from([*changes])))}
    new = checked(group, {**GROUP, **change}, old)
    hidden = data.draw(some_of(GROUP, 3, *changes, "rollout", "name"))
    expected = group.diff(old, {}, new).detail

    seen = group.diff(old, {}, checked(group, with_unknown({**GROUP, **change}, *hidden), old)).detail

    names = {path.partition("[")[0]: cost for path, cost in seen.items()}
    assert {name: cost for name, cost in names.items() if name in change} == {
        path.partition("[")[0]: cost for path, cost in expected.items()
    }
    assert {str(path[0]) for path in hidden} <= names.keys()


@pytest.mark.parametrize(
    ("hidden", "cost"),
    [
        (("cpuCores",), "replace"),
        (("restartPolicy",), "replace"),
        (("volumes", 0, "azureFile", "storageAccountKey"), "replace"),
        (("ports", 1, "port"), "replace"),
        (("name",), "replace"),
        (("resourceGroup",), "replace"),
        (("image",), "update"),
        (("environmentVariables", "MODE"), "update"),
        (("tags", "team"), "update"),
        (("livenessProbe", "httpGet", "port"), "update"),
        (("workers",), "update"),
        (("rollout",), "update"),
        (("dnsNameLabel",), "update"),
    ],
    ids=str,
)
def test_what_is_unknown_costs_what_the_table_says_of_any_value(
    tmp_path: Path, hidden: tuple[str | int, ...], cost: str
) -> None:
    group = ContainerGroup(azure(tmp_path).service)
    old = checked(group, GROUP)

    detail = group.diff(old, {}, checked(group, with_unknown(GROUP, hidden), old)).detail

    assert set(detail.values()) == {cost}
    assert {path.partition("[")[0] for path in detail} == {hidden[0]}


def test_of_a_rollout_that_is_unknown_the_one_of_before_counts(tmp_path: Path) -> None:
    group = ContainerGroup(azure(tmp_path).service)
    old = checked(group, GROUP)
    new = checked(group, {**GROUP, "rollout": UNKNOWN, "cpuCores": 3}, old)

    # decisions/unknown-inputs.md: what is known decides, and what is not known is an update itself
    assert group.diff(old, {}, new).detail == {"cpuCores": "replace", "rollout": "update"}
    assert group.diff(old, {}, {**new, "rollout": "blue_green"}).detail["cpuCores"] == "update"


def test_a_known_replacement_is_deleted_first_though_something_is_unknown(tmp_path: Path) -> None:
    group = ContainerGroup(azure(tmp_path).service)
    new = checked(group, {**GROUP, "cpuCores": 3, "tags": {"team": UNKNOWN}})

    assert group.diff(checked(group, GROUP), {}, new).delete_first


def test_keys_are_not_foreseen_while_nobody_knows_whether_they_are_asked_for(target: Targets) -> None:
    group = ContainerGroup(target.service)
    values = {"name": "diabetes", "image": IMAGE, "authEnabled": UNKNOWN}

    state = group.create(checked(group, values), Silent(), preview=True).state

    assert isinstance(state["primaryKey"], Secret)
    assert reveal(state["primaryKey"]) is UNKNOWN


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_unknown_of_a_registry_nothing_is_wrong_and_its_changes_cost_what_they_cost(
    target: Targets, data: st.DataObject
) -> None:
    registry = ContainerRegistry(target.registry)
    full = checked(registry, REGISTRY, REGISTRY)
    choices: list[Values] = [{}, {"retentionDays": 8}, {"adminUserEnabled": True}]
    change = data.draw(st.sampled_from(choices))
    hidden = data.draw(some_of(REGISTRY, 2, "name", *change))
    old = {"name": "contoso", **full}

    inputs = checked(registry, with_unknown({**REGISTRY, **change}, *hidden), old)
    detail = registry.diff(old, {}, inputs).detail

    assert list(contradictions(inputs, {**full, **change})) == []
    assert {str(path[0]) for path in hidden} <= {path.partition("[")[0] for path in detail}
    assert all(detail[name] == registry.diff(old, {}, {**full, **change}).detail[name] for name in change)


def test_the_login_server_is_foreseen_unless_it_is_made_of_what_is_unknown(tmp_path: Path) -> None:
    def login(target: Targets, **values: Any) -> Any:
        registry = ContainerRegistry(target.registry)
        inputs = registry.check({"name": "contoso"}, {"name": "contoso", **values}, Silent()).inputs
        return registry.create(inputs, Silent(), preview=True).state["loginServer"]

    tags = {"team": UNKNOWN}
    assert login(azure(tmp_path), tags=tags) == "contoso.azurecr.io"
    assert login(azure(tmp_path), name=UNKNOWN) is UNKNOWN
    assert login(MemoryTarget(), tags=tags, port=5005) == "127.0.0.1:5005"
    assert login(MemoryTarget(), port=UNKNOWN) is UNKNOWN


def test_a_mistake_in_a_registry_is_found_beside_what_is_unknown(target: Targets) -> None:
    wrong = {**REGISTRY, "ipRules": [UNKNOWN, "none"], "tags": UNKNOWN, "retentionDays": 900}

    assert where_wrong(ContainerRegistry(target.registry), wrong, REGISTRY) == {"ipRules[1]", "retentionDays"}


def test_a_preview_of_an_update_keeps_the_address_though_a_variable_is_unknown(target: Targets) -> None:
    group = ContainerGroup(target.service)
    old = checked(group, GROUP)
    state = {**old, "scoringUri": "http://x/score", "fqdn": "x", "ip": "", "swaggerUri": "", "state": "Running"}
    new = checked(group, {**GROUP, "environmentVariables": {"MODE": UNKNOWN}}, old)

    seen = group.update(Existing("x", state, old), new, Silent(), preview=True)

    assert seen["scoringUri"] == "http://x/score"


LABELS: dict[str, tuple[dict[str, Any], bool, str]] = {
    "one label": (
        {},
        True,
        "deleted first, because both want one DNS label: a gap of a minute or two; the label shop-iris",
    ),
    "another label": ({"dnsNameLabel": "shop-other"}, False, "is made first"),
    "no fixed label": ({"dnsNameLabel": UNKNOWN}, False, "is made first"),
    "Noreuse": ({"dnsNameLabelScope": "Noreuse"}, False, "is made first"),
}


@pytest.mark.parametrize("what", LABELS)
def test_a_rename_with_a_fixed_label_deletes_first_and_says_the_gap(tmp_path: Path, what: str) -> None:
    change, first, words = LABELS[what]
    group, given = ContainerGroup(azure(tmp_path).service), {**GROUP, "dnsNameLabel": "shop-iris"}
    base = {**given, "dnsNameLabelScope": "Noreuse"} if what == "Noreuse" else given
    old = checked(group, base)

    changes = group.diff(old, {}, checked(group, {**base, **change, "name": "renamed"}, old))

    assert changes.detail["name"] == "replace"
    assert (changes.delete_first, words in changes.effect) == (first, True)
