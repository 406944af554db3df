"""Random container groups that a user may declare, and random changes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aciml.model.declared import differing, leaves
from aciml.targets.protocol import Certificate, GroupSpec
from tests.targets.specs import spec

NOTHING = object()
"""The property is left out."""

OTHER_GROUP = "elsewhere"
_IDENTITY = (
    "/subscriptions/{subscription}/resourceGroups/emulated/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
)
ONE, TWO = f"{_IDENTITY}one", f"{_IDENTITY}two"
_SUBNET = "/subscriptions/{subscription}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/"
_SHA = ("sha256:" + "1" * 64, "sha256:" + "2" * 64, "sha256:" + "3" * 64)
_PROBE = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5}
_FILE = {"shareName": "data", "storageAccountName": "store", "storageAccountKey": "a2V5MQ=="}
_VOLUMES = [
    {"name": "scratch", "emptyDir": {}},
    {"name": "files", "azureFile": _FILE},
    {"name": "words", "secret": {"a.txt": "first", "b.txt": "second"}},
    {"name": "clone", "gitRepo": {"repository": "https://example.com/repo.git", "revision": "main"}},
]
_MOUNTS = [
    {"name": "scratch", "mountPath": "/scratch"},
    {"name": "files", "mountPath": "/data", "readOnly": True},
    {"name": "words", "mountPath": "/words"},
]
_INIT = {
    "name": "before",
    "image": f"docker.io/library/busybox@{_SHA[0]}",
    "command": ["true"],
    "environmentVariables": {"A": "1"},
    "secureEnvironmentVariables": {"B": "secret"},
}
_ACCOUNT = {"server": "registry.example.com", "username": "me", "password": "first"}
_WORKSPACE = {"workspaceId": "w", "workspaceKey": "k1", "logType": "ContainerInsights"}
_KEY = {"cmkVaultBaseUrl": "https://vault.example.com", "cmkKeyName": "key", "cmkKeyVersion": "1"}

FIELDS: Mapping[str, tuple[Any, ...]] = {
    "image": tuple(f"registry.example.com/models/scoring@{sha}" for sha in _SHA),
    "cpuCores": (1.0, 2.0, 1.5),
    "memoryGb": (1.0, 1.5, 4.0),
    "port": (0, 8080, 5001),
    "environmentVariables": ({}, {"MODEL": "a"}, {"MODEL": "b", "EMPTY": ""}),
    "keys": ({}, {"primaryKey": "p1"}, {"primaryKey": "p2", "secondaryKey": "s"}),
    "startupTimeout": (300.0, 60.0),
    "smokeTest": (None, {"body": "[]"}),
    "certificate": (None, Certificate(b"chain", b"key"), Certificate(b"chain2", b"key2")),
    "rollback": (True, False),
}
"""What every group has; ``keys`` are those that are asked for, and a certificate means TLS."""
SETTINGS: Mapping[str, tuple[Any, ...]] = {
    "resourceGroup": (NOTHING, NOTHING, NOTHING, OTHER_GROUP),
    "location": (NOTHING, "westeurope", "West Europe", "northeurope"),
    "tags": (NOTHING, {"team": "a"}, {"team": "b", "cost": "12"}),
    "properties": (NOTHING, {"kind": "demo"}),
    "description": (NOTHING, "what it is for"),
    "dnsNameLabel": (NOTHING, "label-one", "label-two", ""),
    "dnsNameLabelScope": (NOTHING, "TenantReuse", "Unsecure", "Noreuse"),
    "enableAppInsights": (NOTHING, False, True),
    "appInsightsConnectionString": (NOTHING, "InstrumentationKey=1", "InstrumentationKey=2"),
    "collectModelData": (NOTHING, True),
    "command": (NOTHING, ["serve"], ["serve", "--fast"]),
    "osType": (NOTHING, "Linux"),
    "restartPolicy": (NOTHING, "Always", "OnFailure", "Never"),
    "sku": (NOTHING, "Standard", "Dedicated", "Confidential"),
    "priority": (NOTHING, "Regular", "Spot"),
    "ccePolicy": (NOTHING, "cG9saWN5", "b3RoZXI="),
    "zones": (NOTHING, [], ["1"], ["2"]),
    "ipAddressType": (NOTHING, "Public", "Private", "None"),
    "subnetId": (NOTHING, NOTHING, f"{_SUBNET}a", f"{_SUBNET}b"),
    "vnetName": (NOTHING, NOTHING, "v"),
    "vnetResourceGroup": (NOTHING, "net"),
    "subnetName": (NOTHING, "a"),
    "ports": (NOTHING, [{"port": 9000}], [{"port": 9000, "protocol": "UDP"}, {"port": 9001, "protocol": "TCP"}]),
    "cpuLimit": (NOTHING, 2.0, 1.0),
    "memoryLimit": (NOTHING, 1.5, 4.0),
    "livenessProbe": (NOTHING, _PROBE, {"exec": {"command": ["true"]}, "failureThreshold": 5}),
    "readinessProbe": (NOTHING, {**_PROBE, "periodSeconds": 10}, {**_PROBE, "initialDelaySeconds": 3}),
    "volumes": (
        NOTHING,
        _VOLUMES,
        _VOLUMES[::-1],
        [{"name": "scratch", "emptyDir": {}}, {"name": "words", "secret": {"a.txt": "changed"}}],
        [{"name": "files", "azureFile": {**_FILE, "storageAccountKey": "a2V5Mg=="}}],
    ),
    "volumeMounts": (NOTHING, _MOUNTS, _MOUNTS[:1]),
    "initContainers": (
        NOTHING,
        [_INIT],
        [{**_INIT, "secureEnvironmentVariables": {"B": "another"}}],
        [{name: value for name, value in _INIT.items() if name != "secureEnvironmentVariables"}],
    ),
    "systemAssignedIdentity": (NOTHING, False, True),
    "identities": (NOTHING, [ONE], [TWO, ONE]),
    "pullIdentity": (NOTHING, ONE, TWO),
    "imageRegistryCredentials": (
        NOTHING,
        [_ACCOUNT],
        [{**_ACCOUNT, "password": "second"}],
        [{"server": "registry.example.com", "identity": ONE}],
    ),
    "dnsConfig": (NOTHING, {"nameServers": ["10.0.0.1"]}, {"nameServers": ["10.0.0.2"], "options": "ndots:2"}),
    "logAnalytics": (NOTHING, _WORKSPACE, {**_WORKSPACE, "workspaceKey": "k2"}),
    "securityContext": (NOTHING, {"allowPrivilegeEscalation": False}, {"runAsUser": 1000, "runAsGroup": 0}),
    "cmk": (NOTHING, _KEY, {**_KEY, "cmkKeyVersion": "2"}, {**_KEY, "cmkIdentity": ONE}),
    "sslCname": (NOTHING, "scoring.example.com"),
    "rollout": (NOTHING, "in_place"),
}
"""Values by property; ``cmk`` stands for all that begin with it, which belong together."""


@dataclass(frozen=True)
class Wish:
    """What a user might declare: a value for each field of the spec and each setting; some may not go together."""

    fields: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def spec(self, subscription: str) -> GroupSpec:
        """Return the nearest spec that the service takes."""
        settings: dict[str, Any] = {name: value for name, value in self.settings.items() if value is not NOTHING}
        settings |= settings.pop("cmk", {})
        settings = _in_subscription(_agreed(settings), subscription)
        parts = {"image": FIELDS["image"][0], **self.fields}
        keys, certificate = parts.pop("keys", {}), parts.pop("certificate", None)
        asked = {"authEnabled": True, **keys} if keys else {}
        size = {"cpuLimit": parts.get("cpuCores"), "memoryLimit": parts.get("memoryGb")}
        # limits that are not between the request and what the group has in all are refused
        fit = _without(settings, *(name for name, most in size.items() if settings.get(name, most) != most))
        return spec("scoring", **parts, **asked, **fit, certificate=certificate)


def random_wish(random: Random) -> Wish:
    """Choose a value for each property; most settings are left out, as people do."""
    settings = {name: random.choice(values) for name, values in SETTINGS.items() if random.random() < 0.4}
    return Wish({name: random.choice(values) for name, values in FIELDS.items()}, settings)


def changed(wish: Wish, random: Random) -> Wish:
    """Choose one to four properties anew; some get the value that they have."""
    parts, settings = dict(wish.fields), dict(wish.settings)
    for name in random.sample([*FIELDS, *SETTINGS], random.choice((1, 1, 1, 2, 3, 4))):
        if name in FIELDS:
            parts[name] = random.choice(FIELDS[name])
        else:
            settings[name] = random.choice(SETTINGS[name])
    return Wish(parts, settings)


def differences(old: GroupSpec, new: GroupSpec) -> list[str]:
    """Tell in words what a change was, for the report of a failure."""
    before, after = leaves(old.declared), leaves(new.declared)
    said = [f"{name}: {before[name]!r} -> {after[name]!r}" for name in differing(old.declared, new.declared)]
    return [*said, *(["certificate"] if old.certificate != new.certificate else [])]


def _agreed(settings: dict[str, Any]) -> dict[str, Any]:
    """Take away what is refused beside the rest: networks, spot, confidential computing, telemetry, mounts."""
    if settings.get("priority") == "Spot":
        settings = _without(settings, "ipAddressType", "subnetId", "vnetName", "zones")
        settings.pop("sku", None) if settings.get("sku") == "Confidential" else None
    if settings.get("sku") != "Confidential":
        settings = _without(settings, "ccePolicy")
    if "subnetId" in settings:
        settings = _without(settings, "vnetName", "vnetResourceGroup", "subnetName")
    if "subnetId" in settings or {"vnetName", "subnetName"} <= settings.keys():
        settings["ipAddressType"] = "Private"
    elif settings.get("ipAddressType") == "Private":
        settings = _without(settings, "ipAddressType")
    if settings.get("priority") == "Spot" or settings.get("ipAddressType") in {"Private", "None"}:
        settings = _without(settings, "dnsNameLabel", "dnsNameLabelScope")
    if not (settings.get("enableAppInsights") and settings.get("appInsightsConnectionString")):
        settings = _without(settings, "enableAppInsights", "appInsightsConnectionString")
    volumes = {volume["name"] for volume in settings.get("volumes", [])}
    if "volumeMounts" in settings:
        settings["volumeMounts"] = [mount for mount in settings["volumeMounts"] if mount["name"] in volumes]
    return settings


def _without(settings: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


def _in_subscription(node: Any, subscription: str) -> Any:
    if isinstance(node, dict):
        return {name: _in_subscription(value, subscription) for name, value in node.items()}
    if isinstance(node, list):
        return [_in_subscription(one, subscription) for one in node]
    return node.replace("{subscription}", subscription) if isinstance(node, str) else node
