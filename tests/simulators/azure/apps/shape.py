"""A replica as the container group that stands for it: containers, volumes, registries, probes."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from ..world import World
from .kinds import Json
from .rules import memory

_STARTUP = {"failureThreshold": 240, "periodSeconds": 1}
_READINESS = {"failureThreshold": 48, "periodSeconds": 5}


def group_body(world: World, resource_id: str, body: Json, template: Json) -> Json:
    """Return a container group that runs this template with the secrets and registries that the app has now."""
    properties = body["properties"]
    configuration = properties.get("configuration") or {}
    values = {each["name"]: secret_value(world, each) for each in configuration.get("secrets") or []}
    port = (configuration.get("ingress") or {}).get("targetPort")
    containers = template.get("containers") or []
    shown = [_container(each, values, port if number == 0 else None) for number, each in enumerate(containers)]
    return {
        "properties": {
            "osType": "Linux",
            "restartPolicy": "Always",
            "containers": shown,
            "initContainers": [_container(each, values, None) for each in template.get("initContainers") or []],
            "volumes": [_volume(world, properties, each, values) for each in template.get("volumes") or []],
            "imageRegistryCredentials": [
                _registry(world, resource_id, each, values) for each in configuration.get("registries") or []
            ],
        }
    }


def secret_value(world: World, secret: Json) -> str:
    """Return what a secret says; one of a key vault says what the vault has."""
    if secret.get("keyVaultUrl"):
        return vaults(world)[secret["keyVaultUrl"]]
    return str(secret["value"])


def vaults(world: World) -> dict[str, str]:
    """Return what the key vaults have, by URL; tests put it there."""
    found: dict[str, str] = world.parts.setdefault("vaults", {})
    return found


def system_principal(resource_id: str) -> str:
    """Return the principal of an app's own identity, the same as GET shows."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, resource_id.lower()))


def _container(container: Json, secrets: dict[str, str], port: int | None) -> Json:
    resources = container.get("resources") or {}
    properties: dict[str, Any] = {
        "image": container["image"],
        "command": container.get("command"),
        "args": container.get("args"),
        "environmentVariables": [_variable(each, secrets) for each in container.get("env") or []],
        "resources": {
            "requests": {"cpu": resources.get("cpu", 0.5), "memoryInGB": memory(resources.get("memory", "1Gi"))}
        },
        "volumeMounts": [
            {"name": each["volumeName"], "mountPath": each["mountPath"]} for each in container.get("volumeMounts") or []
        ],
        "eager": True,
    }
    probes = {each["type"]: each for each in container.get("probes") or []}
    if port:
        # each type that nobody declares has its default; liveness has none (health probes page of the service)
        tcp = {"tcpSocket": {"port": port}}
        probes = {"Startup": {**tcp, **_STARTUP}, "Readiness": {**tcp, **_READINESS}, **probes}
    for kind, probe in probes.items():
        properties[f"{kind.lower()}Probe"] = probe
    return {"name": container["name"], "properties": properties}


def _variable(variable: Json, secrets: dict[str, str]) -> Json:
    if variable.get("secretRef"):
        return {"name": variable["name"], "secureValue": secrets.get(variable["secretRef"], "")}
    return {"name": variable["name"], "value": str(variable.get("value") or "")}


def _volume(world: World, properties: Json, volume: Json, secrets: dict[str, str]) -> Json:
    kind = volume.get("storageType") or "EmptyDir"
    if kind == "Secret":
        items = volume.get("secrets") or [{"secretRef": name} for name in secrets]
        files = {str(one.get("path") or one["secretRef"]): secrets.get(one["secretRef"], "") for one in items}
        return {
            "name": volume["name"],
            "secret": {name: base64.b64encode(text.encode()).decode() for name, text in files.items()},
        }
    if kind == "EmptyDir":
        return {"name": volume["name"], "emptyDir": {}}
    storage = world.secrets[f"{environment_of(properties)}/storages/{volume['storageName']}".lower()]["properties"]
    share = storage.get("azureFile") or {}
    nfs = storage.get("nfsAzureFile") or {}
    return {
        "name": volume["name"],
        "azureFile": {
            "storageAccountName": share.get("accountName") or nfs.get("server"),
            "shareName": (share.get("shareName") or nfs.get("shareName") or "").strip("/").replace("/", "-"),
            "readOnly": (share or nfs).get("accessMode") == "ReadOnly",
        },
    }


def _registry(world: World, resource_id: str, registry: Json, secrets: dict[str, str]) -> Json:
    if registry.get("identity"):
        system = registry["identity"].lower() == "system"
        principal = {"principal": system_principal(resource_id)} if system else {}
        return {"server": registry["server"], "identity": registry["identity"], **principal}
    password = secrets.get(registry.get("passwordSecretRef") or "", "")
    return {"server": registry["server"], "username": registry["username"], "password": password}


def environment_of(properties: Json) -> str:
    """Return the id of an app's environment, by either of its two names."""
    return str(properties.get("environmentId") or properties.get("managedEnvironmentId") or "")
