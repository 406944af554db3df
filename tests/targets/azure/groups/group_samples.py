"""Container groups to test with: specs as the resource makes them, and answers as the service gives them."""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import HealthCheck, settings

from aciml.core.errors import Finding
from aciml.model.declared import written
from aciml.model.group import FIELDS
from aciml.model.rules import all_group_findings, group_of
from aciml.model.shape import shape_findings
from aciml.resources.group_spec import spec_of
from aciml.targets.azure.groups.defaults import DEFAULTS, judge_group
from aciml.targets.azure.groups.place import Somewhere
from aciml.targets.protocol import Certificate, GroupSpec

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
PLACE = Somewhere(SUBSCRIPTION, "models", "westeurope")
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/models"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/inside/subnets/scoring"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
DIGEST = "sha256:" + "0" * 64
IMAGE = f"contoso.azurecr.io/iris:1@{DIGEST}"
URN = "urn:pulumi:prod::iris::aciml:index:ScoringService$aciml:compute:ContainerGroup::iris"
CERTIFICATE = Certificate(b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN PRIVATE KEY-----\n")
KEYS = {"primaryKey": "first", "secondaryKey": "second"}
PATIENT = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For random groups, of which one takes some milliseconds to draw."""
_PROBES = ("livenessProbe", "readinessProbe")
BASE: dict[str, Any] = {n: value for n, value in written(DEFAULTS).items() if n not in _PROBES}
BASE |= {"name": "iris", "image": IMAGE, "resourceGroup": "models", "location": "westeurope"}


def properties(**changes: Any) -> dict[str, Any]:
    """The properties of a group, defaults filled in."""
    return {**BASE, **changes}


def judged(given: dict[str, Any]) -> list[Finding]:
    """All that check says of properties: what every target refuses, and what this one does."""
    return [*shape_findings(given, FIELDS), *all_group_findings(given), *judge_group(group_of(given))]


def group(**changes: Any) -> GroupSpec:
    """The spec of a group, as the resource makes it from properties; with TLS the certificate is ours."""
    given = properties(**changes)
    keys = {name: given.get(name, key) for name, key in KEYS.items()} if given.get("authEnabled") else {}
    certificate = CERTIFICATE if given.get("sslEnabled") and "certificateHash" not in given else None
    return spec_of(given, keys, owner=URN, certificate=certificate)


def answered(body: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """What a GET answers for a request: no secrets, defaults filled in, lists and the case of ids as it likes."""
    dice, group = random.Random(seed), copy.deepcopy(body)
    properties = group["properties"]
    for container in (*properties["containers"], *properties.get("initContainers", ())):
        _answer_container(container["properties"], dice)
    for account in properties.setdefault("imageRegistryCredentials", []):
        account.pop("password", None)
    for volume in properties.get("volumes", []):
        _answer_volume(volume)
    for name in ("imageRegistryCredentials", "volumes"):
        dice.shuffle(properties.get(name, []))
    _answer_place(group, dice)
    properties.get("diagnostics", {}).get("logAnalytics", {}).pop("workspaceKey", None)
    properties |= {"provisioningState": "Succeeded", "instanceView": {"events": [], "state": "Running"}}
    properties |= {"isCustomProvisioningTimeout": False, "provisioningTimeoutInSeconds": 1800}
    properties.setdefault("initContainers", [])
    name = properties["containers"][0]["name"]
    ids = {"id": f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/{name}", "name": name}
    return {**group, **ids, "type": "Microsoft.ContainerInstance/containerGroups"}


def _answer_container(properties: dict[str, Any], dice: random.Random) -> None:
    properties.setdefault("command", [])
    variables = properties.setdefault("environmentVariables", [])
    dice.shuffle(variables)
    for variable in variables:
        variable.pop("secureValue", None)
    dice.shuffle(properties.get("ports", []))
    for name in ("livenessProbe", "readinessProbe"):
        if probe := properties.get(name):
            probe |= {"periodSeconds": 10, **probe}
            probe |= {"failureThreshold": 3, "successThreshold": 1, "timeoutSeconds": 1, **probe}
    for mount in properties.get("volumeMounts", []):
        mount.setdefault("readOnly", False)
    dice.shuffle(properties.get("volumeMounts", []))
    properties["instanceView"] = {"restartCount": 0, "currentState": {"state": "Running", "detailStatus": ""}}


def _answer_volume(volume: dict[str, Any]) -> None:
    if file := volume.get("azureFile"):
        file.pop("storageAccountKey", None)
        file.setdefault("readOnly", False)
    if "secret" in volume:
        volume["secret"] = {}


def _answer_place(group: dict[str, Any], dice: random.Random) -> None:
    """Write ids in another case, as the service does, and addresses as it gives them."""
    identity = group.pop("identity")
    if identity["type"] != "None":
        users = [
            name.replace("resourceGroups", "resourcegroups") for name in identity.get("userAssignedIdentities", {})
        ]
        dice.shuffle(users)
        group["identity"] = {"type": identity["type"], "tenantId": SUBSCRIPTION}
        group["identity"] |= (
            {"userAssignedIdentities": {name: {"clientId": SUBSCRIPTION} for name in users}} if users else {}
        )
    if address := group["properties"].get("ipAddress"):
        dice.shuffle(address["ports"])
        address["ip"] = "10.0.0.4"
    for subnet in group["properties"].get("subnetIds", []):
        subnet["id"] = subnet["id"].replace("resourceGroups", "resourcegroups")
    if key := group["properties"].get("encryptionProperties"):
        key["vaultBaseUrl"] += "/"
    spellings = {"westeurope": "West Europe", "westus": "West US"}
    group["location"] = dice.choice([group["location"], spellings[group["location"]]])
