"""What a GET may answer for a group: what the service fills in, leaves out and spells as it likes is no difference.

Each row was written down from the specification (containerInstance.json 2023-05-01) and its examples before it was run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from aciml.targets.azure.groups import drift as drifting
from aciml.targets.azure.groups.account import foreseen_pull
from aciml.targets.azure.groups.group import to_arm
from tests.targets.specs import told

from .group_samples import IDENTITY, IMAGE, PLACE, SUBNET, answered, group
from .test_body import EVERYTHING

Json = dict[str, Any]


class Row(NamedTuple):
    """Properties, what an answer is changed by, and the properties that differ then."""

    what: str
    declared: Json
    change: Callable[[Json], Any]
    differs: set[str]


FULL = {name: value for name, value in EVERYTHING.items() if name not in ("subnetId", "zones")}
PLAIN: Json = {}
NONE: set[str] = set()
PROBES: Json = {
    "livenessProbe": {"httpGet": {"path": "/", "port": 80, "httpHeaders": {"A": "b"}}},
    "readinessProbe": {"exec": {"command": ["true"]}},
}
LABEL = {"dnsNameLabel": "iris-one"}
SHARE = {"shareName": "m", "storageAccountName": "store", "storageAccountKey": "k"}
EMPTY, MOUNT = {"name": "models", "emptyDir": {}}, {"name": "models", "mountPath": "/models"}
MOUNTED = {"volumes": [EMPTY], "volumeMounts": [MOUNT]}
KEY = {"cmkVaultBaseUrl": "https://v.vault.azure.net", "cmkKeyName": "k", "cmkKeyVersion": "1"}
ACCOUNT = {"imageRegistryCredentials": [{"server": "other.example", "username": "u", "password": "p"}]}
LOGS = {"workspaceId": "0000-AB", "workspaceKey": "k"}


def whole(seen: Json) -> Json:
    """Return the properties of the group."""
    found: Json = seen["properties"]
    return found


def serving(seen: Json) -> Json:
    """Return the properties of the container that serves."""
    found: Json = whole(seen)["containers"][0]["properties"]
    return found


def env(seen: Json, name: str) -> Json:
    return next(one for one in serving(seen)["environmentVariables"] if one["name"] == name)


def _with_nulls(seen: Json) -> None:
    for one in serving(seen)["environmentVariables"]:
        one.update({"value": None, "secureValue": None, "secureValueReference": None, **one})


def _ports(seen: Json, protocol: Json | None) -> None:
    for one in whole(seen)["ipAddress"]["ports"]:
        one.pop("protocol", None)
        one.update(protocol or {})


def _reversed(seen: Json) -> None:
    for name in ("volumes", "imageRegistryCredentials"):
        whole(seen)[name].reverse()
    for name in ("ports", "environmentVariables", "volumeMounts"):
        serving(seen)[name].reverse()


ROWS = [
    # null and empty where nothing was said
    Row(
        "nulls of a plain group",
        PLAIN,
        lambda s: (
            whole(s).update(
                initContainers=None,
                volumes=None,
                imageRegistryCredentials=None,
                dnsConfig=None,
                diagnostics=None,
                subnetIds=None,
                encryptionProperties=None,
                confidentialComputeProperties=None,
                extensions=None,
            ),
            s.update(zones=None, identity=None),
        ),
        NONE,
    ),
    Row(
        "nulls of a plain container",
        PLAIN,
        lambda s: serving(s).update(command=None, volumeMounts=None, securityContext=None, configMap=None),
        NONE,
    ),
    Row(
        "empties of a plain group",
        PLAIN,
        lambda s: (
            whole(s).update(
                initContainers=[],
                volumes=[],
                imageRegistryCredentials=[],
                dnsConfig={},
                diagnostics={},
                subnetIds=[],
                extensions=[],
            ),
            s.update(zones=[], identity={"type": "None"}),
        ),
        NONE,
    ),
    Row(
        "identity with null users",
        PLAIN,
        lambda s: s.update(identity={"type": "None", "userAssignedIdentities": None, "principalId": None}),
        NONE,
    ),
    Row("identity type None in lower case", PLAIN, lambda s: s.update(identity={"type": "none"}), NONE),
    Row("null exec beside httpGet", PROBES, lambda s: serving(s)["livenessProbe"].update(exec=None), NONE),
    Row("null httpGet beside exec", PROBES, lambda s: serving(s)["readinessProbe"].update(httpGet=None), NONE),
    Row("empty exec beside httpGet", PROBES, lambda s: serving(s)["livenessProbe"].update(exec={}), NONE),
    Row(
        "exec with a null command beside httpGet",
        PROBES,
        lambda s: serving(s)["livenessProbe"].update(exec={"command": None}),
        NONE,
    ),
    Row("scheme in upper case", PROBES, lambda s: serving(s)["livenessProbe"]["httpGet"].update(scheme="HTTP"), NONE),
    Row("no scheme", PROBES, lambda s: serving(s)["livenessProbe"]["httpGet"].pop("scheme"), NONE),
    Row("no path", PROBES, lambda s: serving(s)["livenessProbe"]["httpGet"].pop("path"), NONE),
    Row("port as text", PROBES, lambda s: serving(s)["livenessProbe"]["httpGet"].update(port="80"), NONE),
    Row(
        "headers in another order and case",
        {"livenessProbe": {"httpGet": {"port": 80, "httpHeaders": {"A": "b", "C": "d"}}}},
        lambda s: serving(s)["livenessProbe"]["httpGet"].update(
            httpHeaders=[{"name": "c", "value": "d"}, {"name": "a", "value": "b"}]
        ),
        NONE,
    ),
    Row(
        "null probe times",
        PROBES,
        lambda s: serving(s)["livenessProbe"].update(periodSeconds=None, timeoutSeconds=None),
        NONE,
    ),
    Row("probe of a server gone", PROBES, lambda s: serving(s).update(livenessProbe=None), {"livenessProbe"}),
    Row("probe period 20", PROBES, lambda s: serving(s)["livenessProbe"].update(periodSeconds=20), {"livenessProbe"}),
    # resources
    Row(
        "gpu null, limits the request",
        PLAIN,
        lambda s: serving(s)["resources"].update(
            requests={"cpu": 1.0, "memoryInGB": 1.0, "gpu": None}, limits={"cpu": 1.0, "memoryInGB": 1.0}
        ),
        NONE,
    ),
    Row(
        "limits null members",
        PLAIN,
        lambda s: serving(s)["resources"].update(limits={"cpu": None, "memoryInGB": None, "gpu": None}),
        NONE,
    ),
    Row("limits empty", PLAIN, lambda s: serving(s)["resources"].update(limits={}), NONE),
    Row("memory 1.5", PLAIN, lambda s: serving(s)["resources"]["requests"].update(memoryInGB=1.5), {"memoryGb"}),
    # variables
    Row(
        "variables with nulls",
        {"environmentVariables": {"A": "1"}, "secureEnvironmentVariables": {"S": "x"}},
        _with_nulls,
        NONE,
    ),
    Row("an empty value", {"environmentVariables": {"A": ""}}, lambda s: env(s, "A").update(value=""), NONE),
    Row("an empty value left out", {"environmentVariables": {"A": ""}}, lambda s: env(s, "A").pop("value", None), NONE),
    Row(
        "a variable by hand",
        {},
        lambda s: serving(s)["environmentVariables"].append({"name": "NEW", "value": "1"}),
        {"environmentVariables"},
    ),
    Row(
        "a variable's value by hand",
        {"environmentVariables": {"A": "1"}},
        lambda s: env(s, "A").update(value="2"),
        {"environmentVariables"},
    ),
    # address
    Row(
        "address with extras",
        LABEL,
        lambda s: whole(s)["ipAddress"].update(fqdn="x", ip="1.2.3.4", dnsNameLabelReusePolicy="TenantReuse"),
        NONE,
    ),
    Row("label in another case", LABEL, lambda s: whole(s)["ipAddress"].update(dnsNameLabel="IRIS-ONE"), NONE),
    Row("type in lower case", PLAIN, lambda s: whole(s)["ipAddress"].update(type="public"), NONE),
    Row("protocol absent", PLAIN, lambda s: _ports(s, None), NONE),
    Row("protocol null", PLAIN, lambda s: _ports(s, {"protocol": None}), NONE),
    Row("container ports null", PLAIN, lambda s: serving(s).update(ports=None), NONE),
    Row("address lost", PLAIN, lambda s: whole(s).pop("ipAddress"), {"ipAddressType", "dnsNameLabel"}),
    Row(
        "group with no address answers null", {"ipAddressType": "None"}, lambda s: whole(s).update(ipAddress=None), NONE
    ),
    Row(
        "subnet id with a name and another case",
        {"subnetId": SUBNET},
        lambda s: whole(s).update(subnetIds=[{"id": SUBNET.lower(), "name": None}]),
        NONE,
    ),
    Row(
        "private address of a subnet has no label",
        {"subnetId": SUBNET},
        lambda s: whole(s)["ipAddress"].update(dnsNameLabel=None, autoGeneratedDomainNameLabelScope=None),
        NONE,
    ),
    Row(
        "a deprecated networkProfile", {"subnetId": SUBNET}, lambda s: whole(s).update(networkProfile={"id": "x"}), NONE
    ),
    # dns
    Row(
        "dns empties",
        {"dnsConfig": {"nameServers": ["1.1.1.1"]}},
        lambda s: whole(s)["dnsConfig"].update(searchDomains="", options=None),
        NONE,
    ),
    # volumes
    Row(
        "volume with null kinds",
        MOUNTED,
        lambda s: whole(s)["volumes"][0].update(azureFile=None, secret=None, gitRepo=None, secretReference=None),
        NONE,
    ),
    Row(
        "share with a null key",
        {"volumes": [{"name": "models", "azureFile": SHARE}], "volumeMounts": [MOUNT]},
        lambda s: whole(s)["volumes"][0]["azureFile"].update(storageAccountKey=None, storageAccountKeyReference=None),
        NONE,
    ),
    Row(
        "secret volume answers its names with null",
        {"volumes": [{"name": "models", "secret": {"a": "b"}}], "volumeMounts": [MOUNT]},
        lambda s: whole(s)["volumes"][0].update(secret={"a": None}),
        NONE,
    ),
    Row(
        "secret volume answers its names with empty texts",
        {"volumes": [{"name": "models", "secret": {"a": "b"}}], "volumeMounts": [MOUNT]},
        lambda s: whole(s)["volumes"][0].update(secret={"a": ""}),
        NONE,
    ),
    Row(
        "volume gone",
        MOUNTED,
        lambda s: (whole(s).update(volumes=None), serving(s).update(volumeMounts=None)),
        {"volumes", "volumeMounts"},
    ),
    Row(
        "mount path with a slash at its end",
        MOUNTED,
        lambda s: serving(s)["volumeMounts"][0].update(mountPath="/models/"),
        NONE,
    ),
    Row(
        "git directory null",
        {"volumes": [{"name": "models", "gitRepo": {"repository": "https://h/r.git"}}]},
        lambda s: whole(s)["volumes"][0]["gitRepo"].update(directory=None, revision=None),
        NONE,
    ),
    # init
    Row(
        "init with extras",
        {"initContainers": [{"name": "fetch", "image": IMAGE}]},
        lambda s: whole(s)["initContainers"][0]["properties"].update(
            environmentVariables=None,
            volumeMounts=None,
            securityContext=None,
            instanceView={"restartCount": 0},
            command=None,
        ),
        NONE,
    ),
    Row(
        "init with plain rights",
        {"initContainers": [{"name": "fetch", "image": IMAGE}]},
        lambda s: whole(s)["initContainers"][0]["properties"].update(securityContext={"privileged": False}),
        NONE,
    ),
    # identity, accounts
    Row(
        "identities with ids of the directory",
        {"identities": [f"{IDENTITY}a"]},
        lambda s: s["identity"].update(principalId="p", tenantId="t"),
        NONE,
    ),
    Row(
        "identity type in one word",
        {"identities": [f"{IDENTITY}a"], "systemAssignedIdentity": True},
        lambda s: s["identity"].update(type="UserAssigned,SystemAssigned"),
        NONE,
    ),
    Row(
        "identity values null",
        {"identities": [f"{IDENTITY}a"]},
        lambda s: s["identity"].update(userAssignedIdentities=dict.fromkeys(s["identity"]["userAssignedIdentities"])),
        NONE,
    ),
    Row(
        "accounts with nulls",
        ACCOUNT,
        lambda s: whole(s)["imageRegistryCredentials"][0].update(
            identity=None, identityUrl=None, password=None, passwordReference=None
        ),
        NONE,
    ),
    Row(
        "accounts with empty identity",
        ACCOUNT,
        lambda s: whole(s)["imageRegistryCredentials"][0].update(identity="", password=""),
        NONE,
    ),
    Row(
        "account user by hand",
        ACCOUNT,
        lambda s: whole(s)["imageRegistryCredentials"][0].update(username="z"),
        {"imageRegistryCredentials"},
    ),
    # logs, key
    Row(
        "workspace id alone",
        {"logAnalytics": {**LOGS, "logType": "ContainerInsights", "metadata": {"a": "b"}}},
        lambda s: whole(s).update(diagnostics={"logAnalytics": {"workspaceId": "0000-ab"}}),
        NONE,
    ),
    Row(
        "workspace nulls",
        {"logAnalytics": LOGS},
        lambda s: whole(s)["diagnostics"]["logAnalytics"].update(
            workspaceKey=None, logType=None, metadata=None, workspaceResourceId={}
        ),
        NONE,
    ),
    Row(
        "workspace with a default type",
        {"logAnalytics": LOGS},
        lambda s: whole(s)["diagnostics"]["logAnalytics"].update(logType="ContainerInstanceLogs", metadata={}),
        NONE,
    ),
    Row("key with identity null", KEY, lambda s: whole(s)["encryptionProperties"].update(identity=None), NONE),
    Row(
        "key url upper and slash",
        KEY,
        lambda s: whole(s)["encryptionProperties"].update(vaultBaseUrl="HTTPS://V.VAULT.AZURE.NET/"),
        NONE,
    ),
    # rights
    Row(
        "rights filled in",
        PLAIN,
        lambda s: serving(s).update(
            securityContext={
                "privileged": False,
                "allowPrivilegeEscalation": False,
                "capabilities": {"add": [], "drop": []},
                "runAsGroup": None,
                "runAsUser": None,
                "seccompProfile": "",
            }
        ),
        NONE,
    ),
    Row(
        "rights with runAsUser 0 by hand",
        PLAIN,
        lambda s: serving(s).update(securityContext={"runAsUser": 0}),
        {"securityContext"},
    ),
    # words, extras
    Row(
        "newer api's extras",
        PLAIN,
        lambda s: (
            whole(s).update(
                secretReferences=[],
                identityAcls=None,
                containerGroupProfile=None,
                standbyPoolProfile=None,
                isCreatedFromStandbyPool=False,
                orchestratorId="",
            ),
            s.update(systemData={"createdBy": "x"}, etag="1", plan=None),
        ),
        NONE,
    ),
    Row(
        "words in lower case",
        PLAIN,
        lambda s: whole(s).update(osType="linux", restartPolicy="always", sku="standard", priority="regular"),
        NONE,
    ),
    Row("words null", PLAIN, lambda s: whole(s).update(sku=None, priority=None, osType=None, restartPolicy=None), NONE),
    Row("ccePolicy empty", PLAIN, lambda s: whole(s).update(confidentialComputeProperties={"ccePolicy": ""}), NONE),
    Row("zones as numbers", {"zones": ["1"]}, lambda s: s.update(zones=[1]), NONE),
    Row("location null", PLAIN, lambda s: s.update(location=None), NONE),
    # tags
    Row("tags null, none declared", PLAIN, lambda s: s.update(tags=None), NONE),
    Row(
        "tags of a policy in our names' case",
        {"tags": {"Team": "a"}},
        lambda s: s.update(tags={**{k.upper(): v for k, v in s["tags"].items()}, "CostCenter": "1"}),
        NONE,
    ),
    Row("tag value by hand", {"tags": {"team": "a"}}, lambda s: s["tags"].update(team="b"), {"tags"}),
    Row("tag removed by hand", {"tags": {"team": "a"}}, lambda s: s["tags"].pop("team"), {"tags"}),
    Row("hidden-link tag", {"tags": {"team": "a"}}, lambda s: s["tags"].update({"hidden-link:/x": "Resource"}), NONE),
    Row("description of somebody", PLAIN, lambda s: s["tags"].update(description="x"), NONE),
    Row(
        "name of the group in another case",
        PLAIN,
        lambda s: (s.update(name="IRIS"), whole(s)["containers"][0].update(name="Iris")),
        NONE,
    ),
    # everything at once
    Row("everything, all lists reversed", FULL, _reversed, NONE),
    Row(
        "everything in a failed state",
        FULL,
        lambda s: whole(s).update(provisioningState="Failed", instanceView={"state": "Failed", "events": None}),
        NONE,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_only_what_somebody_changed_has_drifted(row: Row) -> None:
    spec = group(**row.declared)
    body = to_arm(spec, PLACE, foreseen_pull(spec.declared))
    seen = answered(body, 1)
    row.change(seen)

    assert set(told(drifting.drift(spec, body, seen))) == row.differs
    assert drifting.imported(seen).names  # and can be taken over
