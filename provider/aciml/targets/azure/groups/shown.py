"""A container group in the words of the resource's properties, read from a request or an answer without its secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ....model.access import CONNECTION
from ....model.tag import DESCRIPTION, OURS
from ....model.volume import TLS_VOLUME
from ...protocol import GroupSpec
from .container import INSIGHTS, KEYS, PORT, RESERVED, TLS_CERT, given

Json = Mapping[str, Any]
_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/(?P<vnetResourceGroup>[^/]+)/providers/Microsoft\.Network"
    r"/virtualNetworks/(?P<vnetName>[^/]+)/subnets/(?P<subnetName>[^/]+)",
    re.IGNORECASE,
)
_KEY = {
    "cmkVaultBaseUrl": "vaultBaseUrl",
    "cmkKeyName": "keyName",
    "cmkKeyVersion": "keyVersion",
    "cmkIdentity": "identity",
}


def shown(group: Json, known: GroupSpec | None) -> dict[str, Any]:
    """Return the properties of a filled description, without those that are not there.

    Args:
        group: what ``filled`` returned; folded or not.
        known: what was declared. It says which tags are v1's properties and which identities are listed, names the
            subnet as the answer should, and has the values of secure variables, which answers have not. None for a
            group that nobody declared: the most natural words are chosen, and secrets are left out.
    """
    container = next((c for c in group["containers"] if known and c["name"] == known.name), group["containers"][0])
    return {
        **_plain(group),
        "image": " + ".join([container["image"], *(c["image"] for c in group["containers"] if c is not container)]),
        **_size(container["resources"]),
        **_variables(container["environmentVariables"], known),
        **_ports(group, container),
        **_network(group, known),
        **_tags(group["tags"], known),
        **_mounted(group, container),
        **given(
            command=container["command"],
            livenessProbe=_probe(container["livenessProbe"]),
            readinessProbe=_probe(container["readinessProbe"]),
            securityContext=container["securityContext"],
            initContainers=[_init(item, known) for item in group["initContainers"]],
        ),
    }


def _plain(group: Json) -> dict[str, Any]:
    same = ("location", "zones", "sku", "priority", "osType", "restartPolicy", "ccePolicy", "dnsConfig")
    key = {name: group["encryption"].get(arm) for name, arm in _KEY.items()}
    analytics = {name: value for name, value in group["logAnalytics"].items() if name != "workspaceKey"}
    return given(**{name: group[name] for name in same}, **key, logAnalytics=analytics)


def _size(resources: Json) -> dict[str, Any]:
    """Return cores and memory; a limit that is the request is none."""
    asked, most = resources["requests"], resources["limits"]
    limits = {name: most[name] if most[name] != asked[name] else None for name in most}
    return {
        "cpuCores": _number(asked["cpu"]),
        "memoryGb": _number(asked["memoryInGB"]),
        **given(cpuLimit=limits["cpu"], memoryLimit=limits["memoryInGB"], gpu=resources.get("gpu")),
    }


def _number(value: float) -> float:
    return int(value) if value.is_integer() else value


def _variables(variables: Json, known: GroupSpec | None) -> dict[str, Any]:
    """Return what variables say: keys and telemetry, and those that are the user's."""
    empty = {name for name, value in (known.environment if known else {}).items() if value == ""}
    plain = {name: item["value"] for name, item in variables.items() if "value" in item}
    plain |= {name: "" for name, item in variables.items() if name in empty and not item}
    secure = variables.keys() - plain.keys()
    keys = [name for name in KEYS if known and name in known.secure_environment] or list(KEYS[:1])
    found: dict[str, Any] = {
        "authEnabled": all(name in secure for name in keys),
        "enableAppInsights": plain.get(INSIGHTS) == "true",
        "environmentVariables": {name: plain[name] for name in sorted(plain.keys() - RESERVED.keys())},
    }
    if known is None:
        return found
    connection = known.settings.get("appInsightsConnectionString")
    if connection and CONNECTION in secure:
        found["appInsightsConnectionString"] = connection
    values = {**(known.settings.get("secureEnvironmentVariables") or {}), **known.secure_environment}
    ours = {*KEYS, *([CONNECTION] if connection else [])}
    return {**found, "secureEnvironmentVariables": {name: values.get(name, "") for name in sorted(secure - ours)}}


def _ports(group: Json, container: Json) -> dict[str, Any]:
    """Return the service's port and the others; those of the address count, if there is one."""
    opened = group["ipAddress"]["ports"] or container["ports"]
    told = container["environmentVariables"].get(PORT, {}).get("value", "")
    own = next(
        (port for port in opened if str(port[0]) == told and port[1] == "TCP"), opened[0] if opened else (0, "TCP")
    )
    others = [{"port": port, "protocol": kind} for port, kind in opened if (port, kind) != own]
    return {"port": own[0], **given(ports=others)}


def _network(group: Json, known: GroupSpec | None) -> dict[str, Any]:
    address = group["ipAddress"]
    found = {"ipAddressType": address["type"]}
    if address["type"] == "Public":
        found |= {"dnsNameLabel": address.get("dnsNameLabel", ""), **given(dnsNameLabelScope=address.get("scope"))}
    subnet = next(iter(group["subnetIds"]), "")
    named = _SUBNET.fullmatch(subnet) if known and known.settings.get("vnetName") and subnet else None
    return found | (named.groupdict() if named else given(subnetId=subnet))


def _tags(tags: Json, known: GroupSpec | None) -> dict[str, Any]:
    """Return tags, v1's properties and the description; tags of our own are nobody else's."""
    settings = known.settings if known else {}
    apart = {name: tags[name] for name in settings.get("properties") or {} if name in tags}
    rest = {name: value for name, value in tags.items() if not name.startswith(OURS) and name not in apart}
    text = None if DESCRIPTION in (settings.get("tags") or {}) else rest.pop(DESCRIPTION, None)
    return given(tags=rest, properties=apart, description=text)


def _mounted(group: Json, container: Json) -> dict[str, Any]:
    """Return volumes and mounts; the certificate's volume, mount and variable together are TLS."""
    mounts = [mount for mount in container["volumeMounts"] if mount["name"] != TLS_VOLUME]
    names = {volume["name"] for volume in group["volumes"]}
    mounted = len(mounts) < len(container["volumeMounts"]) and TLS_CERT in container["environmentVariables"]
    volumes = [_volume(volume) for volume in group["volumes"] if volume["name"] != TLS_VOLUME]
    return {"sslEnabled": TLS_VOLUME in names and mounted, **given(volumes=volumes, volumeMounts=mounts)}


def _volume(volume: Json) -> dict[str, Any]:
    found = {**volume, **({"secret": {}} if "secret" in volume else {})}
    if file := volume.get("azureFile"):
        found["azureFile"] = {name: value for name, value in file.items() if name != "storageAccountKey"}
    return found


def _probe(probe: Json | None) -> dict[str, Any] | None:
    if not probe:
        return None
    return {**probe, **({"exec": {"command": probe["exec"]}} if "exec" in probe else {})}


def _init(container: Json, known: GroupSpec | None) -> dict[str, Any]:
    declared = (known.settings.get("initContainers") or ()) if known else ()
    own: Json = next((item for item in declared if item.get("name") == container["name"]), {})
    variables, empty = container["environmentVariables"], own.get("environmentVariables") or {}
    plain = {name: item["value"] for name, item in variables.items() if "value" in item}
    plain |= {name: "" for name, item in variables.items() if not item and empty.get(name) == ""}
    values = own.get("secureEnvironmentVariables") or {}
    secure = {name: values.get(name, "") for name in sorted(variables.keys() - plain.keys())}
    return given(
        name=container["name"],
        image=container["image"],
        command=container["command"],
        environmentVariables=plain,
        secureEnvironmentVariables=secure,
        volumeMounts=container["volumeMounts"],
    )
