"""What a change of each property costs; one row for every property and field, none left out."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, NamedTuple

import pytest

from aciml.core.golden.request import Golden
from aciml.model.declared import rows_of, wire_paths, written
from aciml.model.group import FIELDS, Group
from aciml.model.server import SETTINGS
from aciml.targets.azure.groups.change import COSTS, group_changes, plan
from aciml.targets.azure.groups.life import sendable
from aciml.targets.protocol import Certificate, GroupSpec
from tests.targets.specs import declared

from .group_samples import IDENTITY, IMAGE, PLACE, SUBNET, group


class Row(NamedTuple):
    """A property, before and after (None: not given), what is sent, who says so; ``beside``: what else is set."""

    name: str
    old: Any
    new: Any
    plan: str
    source: str
    beside: dict[str, Any] = {}  # noqa: RUF012 - never written to


MICROSOFT, DELETE, OURS = "can be updated", "delete first", "own choice"
TERRAFORM, NOT_SENT = "terraform azurerm", "the request does not have it"
OTHER_IMAGE = IMAGE.replace("iris:1", "iris:2")
PROBE = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5}
KEY = {"cmkVaultBaseUrl": "https://v.vault.azure.net", "cmkKeyName": "k", "cmkKeyVersion": "1"}
NAMES = {"vnetName": "inside", "subnetName": "scoring"}
SHARE = {"shareName": "models", "storageAccountName": "store", "storageAccountKey": "hidden"}
VOLUME = {"name": "models", "azureFile": SHARE}
MOUNT = {"name": "models", "mountPath": "/models"}
INIT = {"name": "fetch", "image": IMAGE}
ACCOUNT = {"server": "other.example", "username": "u", "password": "p"}
WORKSPACE = {"workspaceId": "w", "workspaceKey": "k"}
_SAMPLES: dict[str, Any] = {
    "integer": 7,
    "number": 7.5,
    "boolean": True,
    "string": "json",
    "array": ["https://a.example"],
}
ROWS = [
    Row("name", "iris", "tulip", "replace", "resource's id"),
    Row("resourceGroup", "models", "others", "replace", "resource's id"),
    Row("location", "westeurope", "westus", "replace", TERRAFORM),
    Row("image", IMAGE, OTHER_IMAGE, "put", MICROSOFT),
    Row("image", IMAGE, IMAGE.replace("contoso", "fabrikam"), "put", MICROSOFT, {"pullIdentity": f"{IDENTITY}a"}),
    Row("cpuCores", 1, 2, "replace", DELETE),
    Row("memoryGb", 1, 1.5, "replace", DELETE),
    Row("cpuLimit", None, 2, "replace", "without a word"),
    Row("memoryLimit", 2, 3, "replace", "without a word"),
    Row("gpu", {"count": 1, "sku": "V100"}, None, "nothing", DELETE),
    Row("port", 0, 8080, "replace", "2018 said delete first"),
    Row("ports", None, [{"port": 9000}], "replace", "2018 said delete first"),
    Row("environmentVariables", {"A": "1"}, {"A": "2"}, "put", MICROSOFT),
    Row("secureEnvironmentVariables", {"A": "1"}, {"A": "2"}, "put", MICROSOFT),
    Row("authEnabled", False, True, "put", MICROSOFT),
    Row("primaryKey", "one", "two", "put", MICROSOFT, {"authEnabled": True}),
    Row("secondaryKey", "one", "two", "put", MICROSOFT, {"authEnabled": True}),
    Row("rotatePrimaryKey", "1", "2", "nothing", NOT_SENT),
    Row("rotateSecondaryKey", "1", "2", "nothing", NOT_SENT),
    Row("sslEnabled", False, True, "replace", OURS),
    Row("sslEnabled", False, True, "replace", OURS, {"port": 8443}),
    Row("certificateHash", "one", "two", "replace", OURS, {"sslEnabled": True}),
    Row("sslCertPemFile", "a.pem", "b.pem", "nothing", NOT_SENT),
    Row("sslKeyPemFile", "a.pem", "b.pem", "nothing", NOT_SENT),
    Row("sslClientCaPemFile", "a.pem", "b.pem", "nothing", NOT_SENT),
    Row("sslCname", "a.example", "b.example", "nothing", NOT_SENT),
    Row("startupTimeout", 300, 600, "nothing", NOT_SENT),
    Row("smokeTest", None, {"body": "{}"}, "nothing", NOT_SENT),
    Row("rollback", True, False, "nothing", NOT_SENT),
    Row("rollout", "in_place", "blue_green", "nothing", NOT_SENT),
    Row("stableName", None, {"trafficManagerEndpoint": "e"}, "nothing", NOT_SENT),
    Row("collectModelData", False, True, "nothing", "does nothing"),
    Row("tags", {"a": "1"}, {"a": "2"}, "tags", "PATCH"),
    Row("properties", None, {"a": "2"}, "tags", "PATCH"),
    Row("description", "old", "new", "tags", "PATCH"),
    Row("dnsNameLabel", "iris-one", "iris-two", "put", MICROSOFT),
    Row("dnsNameLabel", None, "iris-two", "put", MICROSOFT),
    Row("dnsNameLabel", "", "iris-two", "replace", "from or to no label"),
    Row("dnsNameLabelScope", "TenantReuse", "Unsecure", "replace", "29040"),
    Row("enableAppInsights", False, True, "put", MICROSOFT),
    Row("appInsightsConnectionString", "a", "b", "put", MICROSOFT, {"enableAppInsights": True}),
    Row("cmkVaultBaseUrl", KEY["cmkVaultBaseUrl"], "https://w.vault.azure.net", "replace", TERRAFORM, KEY),
    Row("cmkKeyName", "k", "l", "replace", TERRAFORM, KEY),
    Row("cmkKeyVersion", "1", "2", "replace", TERRAFORM, KEY),
    Row("cmkIdentity", f"{IDENTITY}a", f"{IDENTITY}b", "replace", OURS, KEY),
    Row("vnetName", "inside", "outside", "replace", DELETE, NAMES),
    Row("subnetName", "scoring", "other", "replace", DELETE, NAMES),
    Row("vnetResourceGroup", "net", "other", "replace", DELETE, NAMES),
    Row("subnetId", None, SUBNET, "replace", DELETE),
    Row("command", None, ["python", "serve.py"], "put", OURS),
    Row("osType", "Linux", "Windows", "replace", DELETE),
    Row("restartPolicy", "Always", "Never", "replace", DELETE),
    Row("sku", "Standard", "Confidential", "replace", TERRAFORM),
    Row("priority", "Regular", "Spot", "replace", TERRAFORM),
    Row("ccePolicy", "YQ==", "Yg==", "replace", OURS, {"sku": "Confidential"}),
    Row("zones", None, ["1"], "replace", DELETE),
    Row("ipAddressType", "Public", "None", "replace", TERRAFORM),
    Row("livenessProbe", None, PROBE, "put", OURS),
    Row("readinessProbe", PROBE, {**PROBE, "periodSeconds": 6}, "put", OURS),
    # the image has the user; the rest is Docker's
    Row("runAsRoot", None, True, "nothing", NOT_SENT),
    Row("readOnlyRoot", None, True, "nothing", NOT_SENT),
    Row("maxProcesses", None, 100, "nothing", NOT_SENT),
    Row("logSizeMb", None, 5, "nothing", NOT_SENT),
    Row("logFiles", None, 2, "nothing", NOT_SENT),
    Row("volumes", None, [VOLUME], "replace", "might not work"),
    Row(
        "volumes",
        [VOLUME],
        [{**VOLUME, "azureFile": {**SHARE, "storageAccountKey": "new"}}],
        "replace",
        "might not work",
    ),
    Row("volumeMounts", None, [MOUNT], "replace", "might not work", {"volumes": [VOLUME]}),
    Row("initContainers", None, [INIT], "replace", TERRAFORM),
    Row("systemAssignedIdentity", False, True, "put", TERRAFORM),
    Row("identities", None, [f"{IDENTITY}a"], "put", TERRAFORM),
    Row("pullIdentity", None, f"{IDENTITY}a", "put", OURS),
    Row("imageRegistryCredentials", [ACCOUNT], [{**ACCOUNT, "password": "q"}], "put", OURS),
    Row("dnsConfig", None, {"nameServers": ["10.0.0.1"]}, "replace", TERRAFORM),
    Row("logAnalytics", WORKSPACE, {**WORKSPACE, "workspaceKey": "l"}, "replace", "65195"),
    Row("securityContext", None, {"runAsUser": 1000}, "replace", TERRAFORM),
    # nothing of the group's own: who asks either kind makes another resource of it (`targets/runs_on.py`)
    Row("runsOn", "container_group", "container_app", "nothing", "two kinds"),
    Row("scale", None, {"minReplicas": 2}, "nothing", NOT_SENT),
    Row("traffic", None, {"previous": 2}, "nothing", NOT_SENT),
    Row("goldenHash", "a" * 64, "b" * 64, "nothing", NOT_SENT),
    Row("replicaTimeout", None, 60, "nothing", NOT_SENT),
    Row("containerApp", None, {"environment": "models"}, "nothing", NOT_SENT),
    *(
        Row(name, None, _SAMPLES[setting.part.row.kind], "put", "environment variable")
        for name, setting in SETTINGS.items()
    ),
]


def _spec(row: Row, value: Any) -> GroupSpec:
    given = {**row.beside, **({} if value is None else {row.name: value})}
    return group(**given)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}: {row.old} to {row.new}"[:70])
def test_a_change_costs_what_the_table_says(row: Row) -> None:
    old, new = _spec(row, row.old), _spec(row, row.new)

    assert plan(old, new, PLACE) == row.plan
    leaf = wire_paths(Group)[row.name][-1]
    assert row.source in COSTS[leaf].source
    named = group_changes(old, new, PLACE).get(leaf)
    if row.plan == "replace":
        assert named == "replace"
    elif row.plan != "nothing":
        assert named == "update"


def test_no_property_is_without_a_row() -> None:
    assert {row.name for row in ROWS} == set(FIELDS)


def test_every_property_has_a_cost_with_a_source() -> None:
    assert set(COSTS) == set(rows_of(Group))
    assert all(cost.source for cost in COSTS.values())


FIELD_ROWS: dict[str, tuple[Any, str]] = {
    "certificate": (Certificate(b"chain", b"key"), "replace"),
    "owner": ("urn:pulumi:dev::iris::t::iris", "tags"),
    "known_as": ("dev/iris/iris", "nothing"),
    "golden": (Golden(()), "nothing"),
}


@pytest.mark.parametrize("name", [field.name for field in fields(GroupSpec) if field.name != "declared"])
def test_what_stands_beside_the_declared_costs_what_its_row_says(name: str) -> None:
    value, wanted = FIELD_ROWS[name]
    old = group(restartPolicy="Never")

    assert plan(old, replace(old, **{name: value}), PLACE) == wanted


@pytest.mark.parametrize(
    "same",
    [
        {"port": 80},
        {"ipAddressType": "Public"},
        {"restartPolicy": "Always"},
        {"sku": "Standard"},
        {"priority": "Regular"},
        {"osType": "Linux"},
        {"dnsNameLabelScope": "TenantReuse"},
        {"location": "West Europe"},
        {"resourceGroup": "Models"},
        {"cpuLimit": 1},
        {"memoryLimit": 1.0},
        {"command": []},
        {"tags": {}},
        {"identities": []},
        {"systemAssignedIdentity": False},
        {"securityContext": {"privileged": False}},
        {"ports": [{"port": 80}]},
        {"ports": []},
        {"livenessProbe": {}},
        {"enableAppInsights": False},
    ],
    ids=str,
)
def test_a_default_that_is_said_is_no_change(same: dict[str, Any]) -> None:
    (name,) = same
    plain = written(group().declared)
    plain.pop(name, None)
    old, new = replace(group(), declared=declared(**plain)), group(**same)

    assert plan(old, new, PLACE) == plan(new, old, PLACE) == "nothing"
    assert group_changes(old, new, PLACE) == {}


def test_order_does_not_count_where_there_is_none() -> None:
    ports, names = [{"port": 1}, {"port": 2, "protocol": "UDP"}], [f"{IDENTITY}a", f"{IDENTITY}b"]
    volumes = [{"name": "first", "emptyDir": {}}, {"name": "second", "emptyDir": {}}]
    old = group(ports=ports, identities=names, volumes=volumes)
    new = group(ports=ports[::-1], identities=names[::-1], volumes=volumes[::-1])

    assert group_changes(old, new, PLACE) == {}


def test_order_counts_where_there_is_one() -> None:
    first, second = {**INIT, "name": "first"}, {**INIT, "name": "second"}

    assert plan(group(initContainers=[first, second]), group(initContainers=[second, first]), PLACE) == "replace"
    assert plan(group(command=["a", "b"]), group(command=["b", "a"]), PLACE) == "put"


def test_a_subnet_is_the_same_by_its_id_and_by_its_names() -> None:
    assert group_changes(group(subnetId=SUBNET.lower()), group(**NAMES), PLACE) == {}
    changed = group_changes(group(subnetId=SUBNET), group(**NAMES, image=OTHER_IMAGE), PLACE)
    assert changed == {"image": "update"}


def test_a_label_outside_of_a_public_address_matters_to_nobody() -> None:
    assert group_changes(group(subnetId=SUBNET), group(subnetId=SUBNET, dnsNameLabel="iris-one"), PLACE) == {}


def test_a_certificate_is_compared_by_its_hash_when_the_old_one_is_not_at_hand() -> None:
    from hashlib import sha256

    new = group(sslEnabled=True)
    assert new.certificate
    known = sha256(new.certificate.chain + new.certificate.key).hexdigest()

    assert plan(group(sslEnabled=True, certificateHash=known), new, PLACE) == "nothing"
    assert plan(group(sslEnabled=True, certificateHash="0" * 64), new, PLACE) == "replace"


def test_another_owner_alone_never_makes_a_new_group() -> None:
    old = replace(group(**NAMES), owner="urn:pulumi:dev::iris::t::iris")

    assert plan(old, group(subnetId=SUBNET), PLACE) == "tags"


def test_two_names_that_only_matter_together_are_felt() -> None:
    assert group_changes(group(), group(**NAMES), PLACE) == {"subnet_name": "replace", "vnet_name": "replace"}


def test_a_connection_string_that_was_a_variable_is_compared() -> None:
    old = group(enableAppInsights=True, secureEnvironmentVariables={"APPLICATIONINSIGHTS_CONNECTION_STRING": "a"})
    same, other = (group(enableAppInsights=True, appInsightsConnectionString=text) for text in "ab")

    assert (plan(old, same, PLACE), plan(old, other, PLACE)) == ("nothing", "put")


JWT = "eyJhbGciOiJSUzI1NiJ9.{}.c2ln"
TOKENS = {
    "of Entra ID": ("00000000-0000-0000-0000-000000000000", "one", "two", "nothing"),
    "of Amazon": ("AWS", "one", "two", "nothing"),
    "of Google": ("oauth2accesstoken", "one", "two", "nothing"),
    "a web token": ("robot", JWT.format("one"), JWT.format("two"), "nothing"),
    "a password": ("robot", "one", "two", "put"),
}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_new_short_lived_token_is_no_change_and_is_sent_with_the_next_one(kind: str) -> None:
    user, before, after, wanted = TOKENS[kind]
    old, new = (
        group(imageRegistryCredentials=[{"server": server, "username": user, "password": text}])
        for server, text in (("R.example", before), ("r.example", after))
    )

    assert plan(old, new, PLACE) == wanted
    assert bool(group_changes(old, new, PLACE)) == (wanted == "put")
    # the way back sends the newer token as well: by then the older one may have run out
    sent = sendable(old, new).declared.access.image_registry_credentials[0].password
    assert sent == (after if wanted == "nothing" else before)


def test_an_account_that_becomes_a_token_or_another_users_is_a_change() -> None:
    old, token, other = (
        group(imageRegistryCredentials=[{"server": "r.example", "username": user, "password": text}])
        for user, text in (("robot", "secret"), ("robot", JWT.format("x")), ("AWS", "x"))
    )

    assert plan(old, token, PLACE) == plan(old, other, PLACE) == plan(token, other, PLACE) == "put"
