"""What a change of a container group's inputs costs, from `check` to what the preview says: one row a change.

The verdicts were written down from Microsoft's pages on updating groups, on tags and on limits before they were run.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.properties import UNKNOWN, Secret
from aciml.resources.group import ContainerGroup
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.groups import room

from .group_samples import IDENTITY, IMAGE, SUBNET, SUBSCRIPTION


class Row(NamedTuple):
    """A change: inputs before and after beside ``BASE`` (None: not given), and what it is."""

    what: str
    before: dict[str, Any]
    after: dict[str, Any]
    verdict: str


BASE = {"name": "iris", "image": IMAGE, "resourceGroup": "models", "location": "westeurope"}
OTHER = IMAGE.replace("iris:1", "iris:2")
SHARE = {"shareName": "m", "storageAccountName": "store", "storageAccountKey": "k"}
MOUNT = {"name": "models", "mountPath": "/models"}
VOLUME: dict[str, Any] = {"name": "models", "emptyDir": {}}
OTHER_VOLUME: dict[str, Any] = {"name": "other", "emptyDir": {}}
PROBE = {"httpGet": {"path": "/", "port": 80}}
KEY = {"cmkVaultBaseUrl": "https://v.vault.azure.net", "cmkKeyName": "k", "cmkKeyVersion": "1"}
LOGS = {"workspaceId": "0000-AB", "workspaceKey": "k"}
INIT = {"name": "fetch", "image": IMAGE}
LABEL = {"dnsNameLabel": "iris-one"}
NAMES = {"vnetName": "inside", "subnetName": "scoring"}
SPOT = {"priority": "Spot", "location": "westus"}
GREEN = {"rollout": "blue_green"}
LOGIN = "00000000-0000-0000-0000-000000000000"


def volume(**kind: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "models", **kind}]}


def account(**members: Any) -> dict[str, Any]:
    return {"server": "other.example", "username": "u", "password": "p", **members}


def accounts(*every: dict[str, Any]) -> dict[str, Any]:
    return {"imageRegistryCredentials": list(every)}


ROWS = [
    # identity of the resource
    Row("name", {}, {"name": "tulip"}, "replace first"),
    Row("name with a fixed label", LABEL, {**LABEL, "name": "tulip"}, "replace after"),
    Row(
        "name with fixed label, Noreuse",
        {**LABEL, "dnsNameLabelScope": "Noreuse"},
        {**LABEL, "dnsNameLabelScope": "Noreuse", "name": "tulip"},
        "replace first",
    ),
    Row("name with fixed label in another case", LABEL, {"dnsNameLabel": "iris-one", "name": "tulip"}, "replace after"),
    Row("name and cores", {}, {"name": "tulip", "cpuCores": 2}, "replace after"),
    Row("name in vnet", {"subnetId": SUBNET}, {"subnetId": SUBNET, "name": "tulip"}, "replace first"),
    Row("location spelled", {}, {"location": "West Europe"}, "same"),
    Row("location upper", {}, {"location": "WESTEUROPE"}, "same"),
    Row("location other", {}, {"location": "northeurope"}, "replace after"),
    Row("location dropped (provider's own is the same)", {}, {"location": None}, "same"),
    Row("resource group case", {}, {"resourceGroup": "MODELS"}, "same"),
    Row("resource group dropped", {}, {"resourceGroup": None}, "replace after"),  # provider's is "m"
    # image
    Row("image tag only, same digest", {}, {"image": OTHER}, "restart"),
    Row("image digest", {}, {"image": IMAGE.replace("0" * 64, "1" * 64)}, "restart"),
    Row("image host case", {}, {"image": IMAGE.replace("contoso", "Contoso")}, "same"),
    Row("image without a digest", {}, {"image": "contoso.azurecr.io/iris:1"}, "refused"),
    Row("image empty", {}, {"image": ""}, "refused"),
    Row("image in capitals", {}, {"image": IMAGE.replace("/iris", "/Iris")}, "refused"),
    Row("image with a short digest", {}, {"image": IMAGE[:-1]}, "refused"),
    Row("image with a blank", {}, {"image": f"{IMAGE} "}, "refused"),
    # sizes
    Row("cores 1.0", {"cpuCores": 1}, {"cpuCores": 1.0}, "same"),
    Row("cores 1.5", {"cpuCores": 1}, {"cpuCores": 1.5}, "replace after"),
    Row("cores 2 and image", {"cpuCores": 1}, {"cpuCores": 2, "image": OTHER}, "replace after"),
    Row("cores 32", {}, {"cpuCores": 32}, "refused"),
    Row("cores 0.5", {}, {"cpuCores": 0.5}, "refused"),
    Row("cores negative", {}, {"cpuCores": -1}, "refused"),
    Row("cores nan", {}, {"cpuCores": float("nan")}, "refused"),
    Row("cores as text", {}, {"cpuCores": "2"}, "refused"),
    Row("memory 1.25", {}, {"memoryGb": 1.25}, "refused"),
    Row("memory 240.1", {}, {"memoryGb": 240.1}, "refused"),
    Row("memory dropped to default", {"memoryGb": 1}, {"memoryGb": None}, "same"),
    Row("limit equal to request added", {"cpuCores": 2}, {"cpuCores": 2, "cpuLimit": 2}, "same"),
    Row("limit above the group", {"cpuCores": 2}, {"cpuCores": 2, "cpuLimit": 3}, "refused"),
    Row("limit removed", {"cpuCores": 2, "cpuLimit": 2}, {"cpuCores": 2}, "same"),
    Row("gpu", {}, {"gpu": {"count": 1, "sku": "V100"}}, "refused"),
    # ports
    Row("port 80 said", {"port": 0}, {"port": 80}, "same"),
    Row("port 8080", {}, {"port": 8080}, "replace after"),
    Row("port 3389", {}, {"port": 3389}, "refused"),
    Row("port 65535", {}, {"port": 65535}, "replace after"),
    Row("ports reorder", {"ports": [{"port": 1}, {"port": 2}]}, {"ports": [{"port": 2}, {"port": 1}]}, "same"),
    Row("ports protocol said", {"ports": [{"port": 81}]}, {"ports": [{"port": 81, "protocol": "TCP"}]}, "same"),
    Row("ports protocol case", {"ports": [{"port": 81}]}, {"ports": [{"port": 81, "protocol": "tcp"}]}, "refused"),
    Row("ports UDP", {"ports": [{"port": 81}]}, {"ports": [{"port": 81, "protocol": "UDP"}]}, "replace after"),
    Row("ports removed", {"ports": [{"port": 81}]}, {}, "replace after"),
    Row("ports twice", {}, {"ports": [{"port": 81}, {"port": 81}]}, "refused"),
    # variables
    Row("env added", {}, {"environmentVariables": {"A": "1"}}, "restart"),
    Row("env removed", {"environmentVariables": {"A": "1"}}, {}, "restart"),
    Row("env empty value", {"environmentVariables": {"A": "1"}}, {"environmentVariables": {"A": ""}}, "restart"),
    Row("env name case", {"environmentVariables": {"a": "1"}}, {"environmentVariables": {"A": "1"}}, "restart"),
    Row("env number", {}, {"environmentVariables": {"A": 1}}, "refused"),
    Row("env null", {}, {"environmentVariables": None}, "same"),
    Row("env null value", {}, {"environmentVariables": {"A": None}}, "refused"),
    Row(
        "env to secret, same text",
        {"environmentVariables": {"A": "1"}},
        {"environmentVariables": {"A": Secret("1")}},
        "restart",
    ),
    Row(
        "env moved to secure",
        {"environmentVariables": {"A": "1"}},
        {"secureEnvironmentVariables": {"A": "1"}},
        "restart",
    ),
    Row(
        "secure env as one secret, same",
        {"secureEnvironmentVariables": {"A": "1"}},
        {"secureEnvironmentVariables": Secret({"A": "1"})},
        "same",
    ),
    Row("secure env emptied", {"secureEnvironmentVariables": {}}, {}, "same"),
    Row("env 64 long name", {}, {"environmentVariables": {"A" * 64: "1"}}, "refused"),
    Row("env 63 long name", {}, {"environmentVariables": {"A" * 63: "1"}}, "restart"),
    Row("env with a dot and dash", {}, {"environmentVariables": {"a.b-c": "1"}}, "restart"),
    # probes
    Row(
        "liveness default said",
        {},
        {"livenessProbe": {**PROBE, "periodSeconds": 10}, "readinessProbe": None},
        "restart",
    ),
    Row(
        "probe defaults said",
        {"livenessProbe": PROBE},
        {
            "livenessProbe": {
                **PROBE,
                "periodSeconds": 10,
                "failureThreshold": 3,
                "successThreshold": 1,
                "timeoutSeconds": 1,
                "initialDelaySeconds": 0,
            }
        },
        "same",
    ),
    Row(
        "probe scheme said",
        {"livenessProbe": PROBE},
        {"livenessProbe": {"httpGet": {"port": 80, "scheme": "http"}}},
        "same",
    ),
    Row(
        "probe scheme case",
        {"livenessProbe": PROBE},
        {"livenessProbe": {"httpGet": {"port": 80, "scheme": "HTTP"}}},
        "refused",
    ),
    Row("probe path", {"livenessProbe": PROBE}, {"livenessProbe": {"httpGet": {"port": 80, "path": "/x"}}}, "restart"),
    Row(
        "probe header",
        {"livenessProbe": PROBE},
        {"livenessProbe": {"httpGet": {"port": 80, "path": "/", "httpHeaders": {"A": "b"}}}},
        "restart",
    ),
    Row("probe exec", {"livenessProbe": PROBE}, {"livenessProbe": {"exec": {"command": ["true"]}}}, "restart"),
    Row("probe period 0", {}, {"livenessProbe": {**PROBE, "periodSeconds": 0}}, "refused"),
    Row("probe removed", {"readinessProbe": PROBE}, {"readinessProbe": {}}, "restart"),
    # command
    Row("command added", {}, {"command": ["a"]}, "restart"),
    Row("command removed", {"command": ["a"]}, {}, "restart"),
    Row("command text", {}, {"command": "a"}, "refused"),
    Row("command reordered", {"command": ["a", "b"]}, {"command": ["b", "a"]}, "restart"),
    # kinds
    Row("os windows", {}, {"osType": "Windows"}, "refused"),
    Row("restart policy", {}, {"restartPolicy": "OnFailure"}, "replace after"),
    Row("restart policy dropped", {"restartPolicy": "Always"}, {"restartPolicy": None}, "same"),
    Row("restart policy case", {}, {"restartPolicy": "always"}, "refused"),
    Row("restart policy wrong", {}, {"restartPolicy": "Sometimes"}, "refused"),
    Row("sku Dedicated", {}, {"sku": "Dedicated"}, "replace after"),
    Row("sku case", {}, {"sku": "standard"}, "refused"),
    Row("spot", {"location": "westus"}, SPOT, "replace after"),
    Row("spot in west europe", {}, {"priority": "Spot"}, "replace after"),
    Row("spot and 5 cores", SPOT, {**SPOT, "cpuCores": 5}, "refused"),
    Row("priority Regular said", {"priority": None}, {"priority": "Regular"}, "same"),
    Row("cce policy", {"sku": "Confidential", "ccePolicy": "YQ=="}, {"sku": "Confidential"}, "replace after"),
    # zones
    Row("zone added", {}, {"zones": ["1"]}, "replace after"),
    Row("zone other", {"zones": ["1"]}, {"zones": ["2"]}, "replace after"),
    Row("zone removed", {"zones": ["1"]}, {}, "replace after"),
    Row("zone empty list", {}, {"zones": []}, "same"),
    Row("zone 4", {}, {"zones": ["4"]}, "replace after"),
    # network
    Row("label", LABEL, {"dnsNameLabel": "iris-two"}, "restart"),
    Row("label case", LABEL, {"dnsNameLabel": "Iris-One"}, "refused"),
    Row("label dropped to made", LABEL, {}, "restart"),
    Row("label to none", LABEL, {"dnsNameLabel": ""}, "replace after"),
    Row("label too short", LABEL, {"dnsNameLabel": "iris"}, "refused"),
    Row("label scope", LABEL, {**LABEL, "dnsNameLabelScope": "Unsecure"}, "replace after"),
    Row("label scope said", LABEL, {**LABEL, "dnsNameLabelScope": "TenantReuse"}, "same"),
    Row("ip None", {}, {"ipAddressType": "None"}, "replace after"),
    Row("ip Private without net", {}, {"ipAddressType": "Private"}, "refused"),
    Row("ip Private said in a net", {"subnetId": SUBNET}, {"subnetId": SUBNET, "ipAddressType": "Private"}, "same"),
    Row(
        "subnet id case",
        {"subnetId": SUBNET},
        {"subnetId": SUBNET.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/")},
        "same",
    ),
    Row("subnet other", {"subnetId": SUBNET}, {"subnetId": SUBNET + "2"}, "replace after"),
    Row(
        "subnet by names", {"subnetId": SUBNET.replace("resourceGroups/models", "resourceGroups/models")}, NAMES, "same"
    ),
    Row("subnet names case", NAMES, {"vnetName": "INSIDE", "subnetName": "Scoring"}, "same"),
    Row("vnet group said", NAMES, {**NAMES, "vnetResourceGroup": "Models"}, "same"),
    Row("vnet without subnet", NAMES, {"vnetName": "inside"}, "refused"),
    Row(
        "dns servers reorder",
        {"dnsConfig": {"nameServers": ["1.1.1.1", "2.2.2.2"]}},
        {"dnsConfig": {"nameServers": ["2.2.2.2", "1.1.1.1"]}},
        "replace after",
    ),
    Row(
        "dns empty options",
        {"dnsConfig": {"nameServers": ["1.1.1.1"]}},
        {"dnsConfig": {"nameServers": ["1.1.1.1"], "options": ""}},
        "same",
    ),
    Row("dns no servers", {}, {"dnsConfig": {"searchDomains": "a"}}, "refused"),
    # tags
    Row("tag added", {}, {"tags": {"a": "1"}}, "tags"),
    Row("tag removed", {"tags": {"a": "1"}}, {}, "tags"),
    Row("tag value", {"tags": {"a": "1"}}, {"tags": {"a": "2"}}, "tags"),
    Row("tag name case", {"tags": {"a": "1"}}, {"tags": {"A": "1"}}, "same"),
    Row("tag moved to properties", {"tags": {"a": "1"}}, {"properties": {"a": "1"}}, "same"),
    Row("tag names that differ by case", {}, {"tags": {"a": "1", "A": "2"}}, "refused"),
    Row("tag in tags and properties by case", {}, {"tags": {"a": "1"}, "properties": {"A": "2"}}, "refused"),
    Row("tag Description beside description", {}, {"tags": {"Description": "1"}, "description": "x"}, "refused"),
    Row("tag of ours in another case", {}, {"tags": {"Aciml-Owner": "me"}}, "refused"),
    Row("tag number", {}, {"tags": {"a": 1}}, "refused"),
    Row("tag and image", {}, {"tags": {"a": "1"}, "image": OTHER}, "restart"),
    Row("tag reserved prefix azure", {}, {"tags": {"azure-x": "1"}}, "refused"),
    Row("tag reserved prefix microsoft", {}, {"tags": {"Microsoft.x": "1"}}, "refused"),
    Row("tag name 513", {}, {"tags": {"a" * 513: "1"}}, "refused"),
    Row("tag null", {}, {"tags": None}, "same"),
    Row("description", {"description": "a"}, {"description": "b"}, "tags"),
    Row("description empty", {}, {"description": ""}, "same"),
    # volumes
    Row("volume added", {}, volume(emptyDir={}), "replace after"),
    Row(
        "volumes reorder",
        {"volumes": [VOLUME, OTHER_VOLUME]},
        {"volumes": [OTHER_VOLUME, VOLUME]},
        "same",
    ),
    Row("secret file", volume(secret={"a": "1"}), volume(secret={"a": "2"}), "replace after"),
    Row(
        "git revision",
        volume(gitRepo={"repository": "https://h/r.git"}),
        volume(gitRepo={"repository": "https://h/r.git", "revision": "x"}),
        "replace after",
    ),
    Row("share readOnly said", volume(azureFile=SHARE), volume(azureFile={**SHARE, "readOnly": False}), "same"),
    Row(
        "share readOnly",
        volume(azureFile=SHARE),
        volume(azureFile={**SHARE, "readOnly": True}),
        "replace after",
    ),
    Row(
        "mount readOnly said",
        {**volume(emptyDir={}), "volumeMounts": [MOUNT]},
        {**volume(emptyDir={}), "volumeMounts": [{**MOUNT, "readOnly": False}]},
        "same",
    ),
    Row(
        "mount path",
        {**volume(emptyDir={}), "volumeMounts": [MOUNT]},
        {**volume(emptyDir={}), "volumeMounts": [{**MOUNT, "mountPath": "/x"}]},
        "replace after",
    ),
    Row("mount relative", {}, {**volume(emptyDir={}), "volumeMounts": [{**MOUNT, "mountPath": "x"}]}, "refused"),
    Row(
        "mount twice at one path",
        {},
        {"volumes": [VOLUME, OTHER_VOLUME], "volumeMounts": [MOUNT, {"name": "other", "mountPath": "/models"}]},
        "refused",
    ),
    Row(
        "mount twice at one path with a slash",
        {},
        {
            "volumes": [VOLUME, OTHER_VOLUME],
            "volumeMounts": [MOUNT, {"name": "other", "mountPath": "/models/"}],
        },
        "refused",
    ),
    # init containers
    Row("init image", {"initContainers": [INIT]}, {"initContainers": [{**INIT, "image": OTHER}]}, "replace after"),
    Row(
        "init env",
        {"initContainers": [INIT]},
        {"initContainers": [{**INIT, "environmentVariables": {"A": "1"}}]},
        "replace after",
    ),
    Row(
        "init env emptied",
        {"initContainers": [INIT]},
        {"initContainers": [{**INIT, "environmentVariables": {}, "command": []}]},
        "same",
    ),
    Row("init twice one name", {}, {"initContainers": [INIT, INIT]}, "refused"),
    Row("init image that is none", {}, {"initContainers": [{**INIT, "image": "No Image"}]}, "refused"),
    Row("init without image", {}, {"initContainers": [{"name": "fetch"}]}, "refused"),
    # who it is
    Row("system identity", {}, {"systemAssignedIdentity": True}, "restart"),
    Row("identity added", {}, {"identities": [f"{IDENTITY}a"]}, "restart"),
    Row(
        "identity case",
        {"identities": [f"{IDENTITY}a"]},
        {"identities": [f"{IDENTITY}A".replace("resourceGroups", "RESOURCEGROUPS")]},
        "same",
    ),
    Row("identity twice", {"identities": [f"{IDENTITY}a"]}, {"identities": [f"{IDENTITY}a", f"{IDENTITY}A"]}, "same"),
    Row("pull identity case", {"pullIdentity": f"{IDENTITY}a"}, {"pullIdentity": f"{IDENTITY}A"}, "same"),
    Row("pull identity other", {"pullIdentity": f"{IDENTITY}a"}, {"pullIdentity": f"{IDENTITY}b"}, "restart"),
    Row("account server case", accounts(account()), accounts(account(server="Other.Example")), "same"),
    Row("account user", accounts(account()), accounts(account(username="v")), "restart"),
    Row("account removed", accounts(account()), {}, "restart"),
    Row(
        "accounts reorder",
        accounts(account(), account(server="b.example")),
        accounts(account(server="b.example"), account()),
        "same",
    ),
    Row(
        "acr token",
        accounts(account(username=LOGIN, password="eyJ.a.b")),
        accounts(account(username=LOGIN, password="eyJ.c.d")),
        "same",
    ),
    Row("password to secret mark", accounts(account()), accounts(account(password=Secret("p"))), "same"),
    # keys, logs, rights
    Row("cmk url slash", KEY, {**KEY, "cmkVaultBaseUrl": "https://v.vault.azure.net/"}, "same"),
    Row("cmk url case", KEY, {**KEY, "cmkVaultBaseUrl": "https://V.vault.azure.net"}, "same"),
    Row("cmk name case", KEY, {**KEY, "cmkKeyName": "K"}, "same"),
    Row("cmk version", KEY, {**KEY, "cmkKeyVersion": "2"}, "replace after"),
    Row("cmk removed", KEY, {}, "replace after"),
    Row("cmk half", KEY, {"cmkKeyName": "k"}, "refused"),
    Row("workspace case", {"logAnalytics": LOGS}, {"logAnalytics": {**LOGS, "workspaceId": "0000-ab"}}, "same"),
    Row("workspace key", {"logAnalytics": LOGS}, {"logAnalytics": {**LOGS, "workspaceKey": "l"}}, "replace after"),
    Row("workspace metadata {}", {"logAnalytics": LOGS}, {"logAnalytics": {**LOGS, "metadata": {}}}, "same"),
    Row(
        "log type case",
        {"logAnalytics": {**LOGS, "logType": "ContainerInsights"}},
        {"logAnalytics": {**LOGS, "logType": "containerinsights"}},
        "refused",
    ),
    Row("rights", {}, {"securityContext": {"runAsUser": 5}}, "replace after"),
    Row("rights privileged false", {}, {"securityContext": {"privileged": False}}, "same"),
    Row(
        "rights caps reorder",
        {"securityContext": {"capabilities": {"drop": ["A", "B"]}}},
        {"securityContext": {"capabilities": {"drop": ["B", "A"]}}},
        "same",
    ),
    Row("rights caps empty", {}, {"securityContext": {"capabilities": {"add": [], "drop": []}}}, "same"),
    Row("rights empty", {}, {"securityContext": {}}, "same"),
    # server, keys
    Row("auth on", {}, {"authEnabled": True}, "restart"),
    Row("workers", {}, {"workers": 2}, "restart"),
    Row("smoke test", {}, {"smokeTest": {"body": "{}"}}, "free"),
    Row("startup timeout", {}, {"startupTimeout": 900}, "free"),
    Row("rollback", {}, {"rollback": False}, "free"),
    Row("rollout", {}, GREEN, "free"),
    Row("smoke test and tags", {}, {"smokeTest": {"body": "{}"}, "tags": {"a": "1"}}, "tags"),
    Row("blue green cores", GREEN, {**GREEN, "cpuCores": 2}, "beside"),
    Row("blue green location", GREEN, {**GREEN, "location": "northeurope"}, "replace after"),
    Row("blue green tags", GREEN, {**GREEN, "tags": {"a": "1"}}, "tags"),
    Row("misspelt property", {}, {"cpuCore": 2}, "refused"),
    # unknown
    Row("unknown image", {}, {"image": UNKNOWN}, "restart"),
    Row("unknown image, cores", {}, {"image": UNKNOWN, "cpuCores": 2}, "replace after"),
    Row(
        "unknown env value, policy",
        {"environmentVariables": {"A": "1"}},
        {"environmentVariables": {"A": UNKNOWN}, "restartPolicy": "Never"},
        "replace after",
    ),
    Row("unknown tag", {"tags": {"a": "1"}}, {"tags": {"a": UNKNOWN}}, "tags"),
    Row("unknown tag, image", {"tags": {"a": "1"}}, {"tags": {"a": UNKNOWN}, "image": OTHER}, "restart"),
    Row(
        "unknown storage key",
        volume(azureFile=SHARE),
        volume(azureFile={**SHARE, "storageAccountKey": UNKNOWN}),
        "replace after",
    ),
    Row("unknown subnet", {"subnetId": SUBNET}, {"subnetId": UNKNOWN}, "replace after"),
    Row("unknown location", {}, {"location": UNKNOWN}, "replace after"),
    Row("unknown label", LABEL, {"dnsNameLabel": UNKNOWN}, "restart"),
    Row("unknown image, tags known", {}, {"image": UNKNOWN, "tags": {"a": "1"}}, "restart"),
    Row("unknown smoke test", {}, {"smokeTest": {"body": UNKNOWN}}, "free"),
    Row(
        "unknown env, location spelled",
        {"environmentVariables": {"A": "1"}},
        {"environmentVariables": {"A": UNKNOWN}, "location": "West Europe"},
        "restart",
    ),
    Row("unknown env map", {"environmentVariables": {"A": "1"}}, {"environmentVariables": UNKNOWN}, "restart"),
    Row(
        "unknown password, zone",
        accounts(account()),
        {"imageRegistryCredentials": [account(password=UNKNOWN)], "zones": ["1"]},
        "replace after",
    ),
    Row("unknown identity", {"identities": [f"{IDENTITY}a"]}, {"identities": [UNKNOWN]}, "restart"),
    Row("unknown switch that was not said", {}, {"sslEnabled": UNKNOWN}, "replace after"),
    Row("unknown kind of service", {}, {"runsOn": UNKNOWN}, "replace first"),
    Row("unknown image, a wrong word", {}, {"image": UNKNOWN, "restartPolicy": "Sometimes"}, "refused"),
    Row(
        "unknown workspace key",
        {"logAnalytics": LOGS},
        {"logAnalytics": {**LOGS, "workspaceKey": UNKNOWN}},
        "replace after",
    ),
]


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> ContainerGroup:
    here = {"subscriptionId": SUBSCRIPTION, "tenantId": SUBSCRIPTION, "resourceGroup": "m", "location": "westeurope"}
    settings = Settings(tmp_path_factory.mktemp("settings"))
    return ContainerGroup(AzureTarget(AzureConfig.read(here, {}), settings).service)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No region is asked what it has left: there is no login here."""
    monkeypatch.setattr(room, "_room_of", _unasked)


def _unasked(_session: object, _location: str) -> room.Room:
    raise UserError("no login")


def given(change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**BASE, **change}.items() if value is not None}


def verdict(group: ContainerGroup, before: dict[str, Any], after: dict[str, Any]) -> str:
    old = group.check(None, given(before), Silent())
    assert old.findings == []
    new = group.check(old.inputs, given(after), Silent())
    if new.findings:
        return "refused"
    changes = group.diff(old.inputs, {**old.inputs, "state": "Running"}, new.inputs)
    if "replace" in changes.detail.values():
        return "replace after" if changes.delete_first else "replace first"
    said = {"": "same", "nothing is sent, nothing restarts": "free", "nothing restarts": "tags"}
    assert bool(changes.detail) == bool(changes.effect)
    return said.get(changes.effect, "beside" if "second group" in changes.effect else "restart")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_change_is_what_the_published_rules_make_of_it(group: ContainerGroup, row: Row) -> None:
    assert verdict(group, row.before, row.after) == row.verdict


def test_a_variable_that_is_hidden_from_now_on_is_hidden_at_once(group: ContainerGroup) -> None:
    first = [{"name": "fetch", "image": IMAGE, "environmentVariables": {"A": "1"}}]
    marked = [{**first[0], "environmentVariables": {"A": Secret("1")}}]
    for before, after, path in (
        (
            {"environmentVariables": {"A": "1"}},
            {"environmentVariables": {"A": Secret("1")}},
            'environmentVariables["A"]',
        ),
        (
            {"environmentVariables": {"A": "1"}},
            {"environmentVariables": Secret({"A": "1"})},
            'environmentVariables["A"]',
        ),
        ({"initContainers": first}, {"initContainers": marked}, "initContainers"),
    ):
        old, new = (group.check(None, given(one), Silent()).inputs for one in (before, after))
        assert group.diff(old, old, new).detail.keys() == {path}
        assert group.diff(new, new, new).detail == {}
