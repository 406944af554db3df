"""Container apps to test with by value: specs as the resource makes them, and answers as the service gives them."""

from __future__ import annotations

import copy
from typing import Any

from aciml.core.errors import Finding
from aciml.model.declared import written
from aciml.model.group import FIELDS
from aciml.model.rules import all_group_findings, group_of
from aciml.model.shape import shape_findings
from aciml.resources.group_spec import spec_of
from aciml.targets.azure.apps.app import Request, Where, to_arm
from aciml.targets.azure.apps.change import where_of
from aciml.targets.azure.apps.limits import DEFAULTS, judge_app
from aciml.targets.protocol import GroupSpec
from tests.targets.azure.groups.group_samples import GROUP, IDENTITY, IMAGE, PLACE, SUBNET, URN

KEYS = {"primaryKey": "first-key", "secondaryKey": "second-key"}
ENVIRONMENT = f"{GROUP}/providers/Microsoft.App/managedEnvironments/shared"
BASE: dict[str, Any] = {**written(DEFAULTS), "name": "iris", "image": IMAGE}
BASE |= {"resourceGroup": "models", "location": "westeurope"}
EVERYTHING: dict[str, Any] = {
    "authEnabled": True,
    "command": ["python", "-m", "serve"],
    "cpuCores": 1,
    "memoryGb": 2,
    "environmentVariables": {"MODE": "fast", "EMPTY": ""},
    "secureEnvironmentVariables": {"TOKEN": "the-token"},
    "enableAppInsights": True,
    "appInsightsConnectionString": "InstrumentationKey=the-insights",
    "tags": {"team": "red"},
    "description": "scores iris",
    "scoringTimeoutMs": 5000,
    "scale": {"minReplicas": 2, "maxReplicas": 5, "concurrentRequests": 3, "coolDown": 60},
    "traffic": {"canary": [{"percent": 10}], "previous": 2},
    "replicaTimeout": 60,
    "containerApp": {
        "environment": ENVIRONMENT,
        "workloadProfile": "big",
        "external": False,
        "allowInsecure": True,
        "customDomain": "score.example.com",
        "certificate": "mine",
    },
    "systemAssignedIdentity": True,
    "identities": [f"{IDENTITY}reader"],
    "pullIdentity": f"{IDENTITY}puller",
    "imageRegistryCredentials": [{"server": "other.example", "username": "u", "password": "the-password"}],
    "volumes": [
        {"name": "scratch", "emptyDir": {}},
        {"name": "models", "azureFile": {"shareName": "s", "storageAccountName": "a", "storageAccountKey": "the-key"}},
        {"name": "files", "secret": {"a.txt": "the-file"}},
    ],
    "volumeMounts": [{"name": "models", "mountPath": "/models"}, {"name": "files", "mountPath": "/files"}],
    "initContainers": [
        {"name": "fetch", "image": IMAGE, "command": ["true"], "secureEnvironmentVariables": {"A": "the-init"}}
    ],
    "livenessProbe": {"httpGet": {"port": 5000, "path": "/live", "httpHeaders": {"X": "1"}}, "periodSeconds": 7},
    "readinessProbe": {"httpGet": {"port": 5000, "path": "/ready"}, "initialDelaySeconds": 0},
}
SECRETS = (
    "first-key",
    "second-key",
    "the-token",
    "the-password",
    "the-key",
    "the-file",
    "the-init",
    "InstrumentationKey=the-insights",
)


def app(**changes: Any) -> GroupSpec:
    """The spec of an app, as the resource makes it from properties."""
    given = {**BASE, **changes}
    keys = {name: given.get(name, key) for name, key in KEYS.items()} if given.get("authEnabled") else {}
    return spec_of(given, keys, owner=URN)


def judged(given: dict[str, Any], old: dict[str, Any] | None = None) -> list[Finding]:
    """All that check says of properties."""
    before = group_of({**BASE, **old}) if old is not None else None
    whole = {**BASE, **given}
    return [
        *shape_findings(whole, FIELDS), *all_group_findings(whole), *judge_app(before, group_of(whole), PLACE)
    ]  # fmt: skip


def where(spec: GroupSpec) -> Where:
    """Where the app of a spec is."""
    return where_of(spec, PLACE)


def request(spec: GroupSpec) -> Request:
    """The request of a spec that pulls by what it says itself."""
    from aciml.targets.azure.groups.account import foreseen_pull

    return to_arm(spec, where(spec), foreseen_pull(spec.declared))


def answered(spec: GroupSpec) -> dict[str, Any]:
    """What a GET answers for the request of a spec: no secrets, defaults filled in, ids in another letter case."""
    made = copy.deepcopy(request(spec).to_put([{"latestRevision": True, "weight": 100}]))
    properties = made["properties"]
    configuration = properties["configuration"]
    configuration["secrets"] = [{"name": one["name"]} for one in configuration["secrets"]]
    configuration["ingress"] |= {
        "fqdn": "iris.sunny.westeurope.azurecontainerapps.io",
        "transport": "Auto",
        "exposedPort": 0,
    }
    for one in configuration.get("registries") or ():
        one |= {name: "" for name in ("username", "passwordSecretRef", "identity") if name not in one}
    properties["template"]["scale"]["pollingInterval"] = 30
    for one in properties["template"]["containers"]:
        one["resources"]["ephemeralStorage"] = "4Gi"
    properties |= {
        "provisioningState": "Succeeded",
        "managedEnvironmentId": properties["environmentId"].upper(),
        "environmentId": properties["environmentId"].replace("resourceGroups", "resourcegroups"),
        "latestRevisionName": request(spec).revision,
        "latestReadyRevisionName": request(spec).revision,
        "runningStatus": "Running",
        "outboundIpAddresses": ["1.2.3.4"],
    }
    identity = made["identity"]
    users = identity.get("userAssignedIdentities") or {}
    identity["userAssignedIdentities"] = {
        name.replace("resourceGroups", "resourcegroups"): {"principalId": "p", "clientId": "c"} for name in users
    }
    return {"id": where(spec).app_id, "name": spec.name, "type": "Microsoft.App/containerApps", **made}


__all__ = ["BASE", "ENVIRONMENT", "EVERYTHING", "IDENTITY", "IMAGE", "PLACE", "SECRETS", "SUBNET", "answered", "app"]
