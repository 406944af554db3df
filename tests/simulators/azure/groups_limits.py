"""What the service accepts in the body of a container group at all; numbers and rules from the service's limits page.

Codes that no source names are our own; their statuses and the numbers in their texts are what tests may lean on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .http import ArmError

Json = dict[str, Any]
NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL = re.compile(r"(?=.{5,63}$)[a-z]([-a-z0-9]*[a-z0-9])?")
VOLUME = re.compile(r"(?=.{5,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
VARIABLE = re.compile(r"(?=.{1,63}$)[A-Za-z_][A-Za-z0-9_.\-]*")
MOST = {"Standard": (31, 240), "Dedicated": (31, 240), "Confidential": (31, 180), "Spot": (4, 16)}
RESERVED = (
    (22, 22), (1025, 1027), (3389, 3399), (9999, 9999), (19000, 19000), (19080, 19080), (19100, 19100), (19390, 19390),
    (20000, 30000), (49152, 65534),
)  # fmt: skip
_KINDS = ("azureFile", "emptyDir", "secret", "gitRepo")


def check_body(name: str, body: Json) -> None:
    """Raises ``ArmError`` 400 for the first thing that cannot be."""
    _need(NAME.fullmatch(name), "InvalidContainerGroupName", f"The container group name '{name}' is invalid.")
    _need(isinstance(body, dict) and body.get("location"), "LocationRequired", "The location property is required.")
    properties: Json = body.get("properties") or {}
    _need(isinstance(properties, dict) and properties, *_missing("properties", ""))
    containers = properties.get("containers") or []
    _need(containers, "MissingContainers", f"The container group '{name}' has no containers.")
    _need(properties.get("osType") in {"Linux", "Windows"}, "InvalidOsType", f"The 'osType' of '{name}' is invalid.")
    _need(
        len(containers) <= 60, "TooManyContainers", f"{len(containers)} containers exceed the limit of 60 in a group."
    )
    _check_names([*containers, *(properties.get("initContainers") or [])])
    _check_resources(name, properties)
    _check_ports(name, properties)
    _check_volumes(name, properties)
    _check_network(name, properties)
    _check_credentials(name, body)
    _check_placement(name, body)


def requested(properties: Json) -> tuple[float, float]:
    """Return the cores and GiB that all containers ask for."""
    asked = [each["properties"]["resources"]["requests"] for each in properties["containers"]]
    return sum(each["cpu"] for each in asked), sum(each["memoryInGB"] for each in asked)


def _need(condition: object, code: str, message: str) -> None:
    if not condition:
        raise ArmError(400, code, message)


def _missing(field: str, path: str) -> tuple[str, str]:
    text = f"Required property '{field}' not found in JSON. Path '{path}'."
    return "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{text}'"


def _check_names(containers: list[Json]) -> None:
    names = [each.get("name", "") for each in containers]
    for each in containers:
        name = each.get("name", "")
        _need(NAME.fullmatch(name), "InvalidContainerName", f"The container name '{name}' is invalid.")
        properties = each.get("properties") or {}
        _need(properties.get("image"), *_missing("image", f"properties.containers[{name}].properties"))
        for variable in properties.get("environmentVariables") or []:
            _check_variable(name, variable)
        for probe in ("livenessProbe", "readinessProbe"):
            kinds = [kind for kind in ("exec", "httpGet") if (properties.get(probe) or {}).get(kind) is not None]
            _need(
                len(kinds) == 1 or not properties.get(probe),
                "InvalidProbe",
                f"{probe} of '{name}' needs one of exec and httpGet.",
            )
    _need(len(set(names)) == len(names), "DuplicateContainerName", "Container names must be unique in a group.")


def _check_variable(container: str, variable: Json) -> None:
    name = variable.get("name", "")
    _need(
        VARIABLE.fullmatch(name), "InvalidEnvironmentVariableName", f"'{name}' in container '{container}' is invalid."
    )
    given = [key for key in ("value", "secureValue") if variable.get(key) is not None]
    text = f"The environment variable '{name}' in container '{container}' needs one of value and secureValue."
    _need(len(given) == 1, "InvalidEnvironmentVariable", text)


def _check_resources(name: str, properties: Json) -> None:
    sku = "Spot" if properties.get("priority") == "Spot" else str(properties.get("sku") or "Standard")
    _need(sku in MOST, "InvalidSku", f"The sku '{sku}' of container group '{name}' is invalid.")
    for each in properties["containers"]:
        resources = each["properties"].get("resources") or {}
        asked, most = resources.get("requests") or {}, resources.get("limits") or {}
        for field in ("cpu", "memoryInGB"):
            _need(isinstance(asked.get(field), int | float), *_missing(field, "resources.requests"))
            _need(asked[field] > 0, "InvalidResourceRequest", f"{field} of container '{each['name']}' must be above 0.")
        _need(
            not (asked.get("gpu") or most.get("gpu")),
            "GpuNotSupported",
            "GPU container groups were retired on July 14, 2025.",
        )
    total = requested(properties)
    _need(
        min(total) >= 1,
        "ResourceRequestsTooSmall",
        f"'{name}' asks for {total[0]} CPU and {total[1]} GB; a group needs at least 1 and 1.",
    )
    for asked_for, limit, unit in zip(total, MOST[sku], ("CPU", "GB memory"), strict=True):
        text = f"Container group '{name}' asks for {asked_for} {unit}; the most for sku '{sku}' is {limit}."
        _need(asked_for <= limit, "ResourceRequestsTooLarge", text)
    _check_limits(properties["containers"], total)


def _check_limits(containers: list[Json], total: tuple[float, float]) -> None:
    for each in containers:
        resources = each["properties"]["resources"]
        for field, whole in zip(("cpu", "memoryInGB"), total, strict=True):
            limit = (resources.get("limits") or {}).get(field)
            if limit is not None:
                text = f"Limit {field} {limit} of container '{each['name']}' must be between its request and {whole}."
                _need(resources["requests"][field] <= limit <= whole, "InvalidResourceLimit", text)


def _check_ports(name: str, properties: Json) -> None:
    opened = _ports(port for each in properties["containers"] for port in each["properties"].get("ports") or [])
    for port, _ in opened:
        _need(1 <= port <= 65535, "InvalidPort", f"Port {port} of container group '{name}' is no port.")
        taken = any(low <= port <= high for low, high in RESERVED)
        _need(not taken, "ReservedPort", f"Port {port} of container group '{name}' is reserved by the service.")
    _need(len(set(opened)) == len(opened), "DuplicatePort", f"A port is used twice in container group '{name}'.")
    address = properties.get("ipAddress")
    if address:
        ports = _ports(address.get("ports") or [])
        _need(
            ports, "MissingIpAddressPorts", f"The ports in the 'ipAddress' of container group '{name}' cannot be empty."
        )
        _need(
            len(ports) <= 5, "TooManyPorts", f"{len(ports)} ports exceed the limit of 5 for the IP address of '{name}'."
        )
        _need(
            set(ports) <= set(opened),
            "InvalidIpAddressPorts",
            f"Ports of the IP address of '{name}' are opened by no container.",
        )


def _ports(ports: Iterable[Json]) -> list[tuple[int, str]]:
    return [(each["port"], each.get("protocol") or "TCP") for each in ports]


def _check_volumes(name: str, properties: Json) -> None:
    volumes = properties.get("volumes") or []
    _need(len(volumes) <= 20, "TooManyVolumes", f"{len(volumes)} volumes exceed the limit of 20 in a group.")
    for each in volumes:
        own = each.get("name", "")
        _need(VOLUME.fullmatch(own) and "--" not in own, "InvalidVolumeName", f"The volume name '{own}' is invalid.")
        kinds = [kind for kind in _KINDS if each.get(kind) is not None]
        _need(len(kinds) == 1, "InvalidVolume", f"The volume '{own}' needs exactly one of {', '.join(_KINDS)}.")
        needs_key = kinds == ["azureFile"] and not each["azureFile"].get("storageAccountKey")
        _need(not needs_key, "MissingStorageAccountKey", f"The volume '{own}' needs the key of its storage account.")
    names = [each["name"] for each in volumes]
    _need(len(set(names)) == len(names), "DuplicateVolumeName", "Volume names must be unique in a group.")
    for container in [*properties["containers"], *(properties.get("initContainers") or [])]:
        for mount in container["properties"].get("volumeMounts") or []:
            text = f"The volume '{mount['name']}' in container '{container['name']}' of '{name}' is not defined."
            _need(mount["name"] in names, "VolumeNotFound", text)


def _check_network(name: str, properties: Json) -> None:
    address = properties.get("ipAddress") or {}
    subnets = properties.get("subnetIds") or []
    _need(len(subnets) <= 1, "TooManySubnets", f"Container group '{name}' can have one subnet.")
    label = address.get("dnsNameLabel")
    _need(not label or LABEL.fullmatch(label), "InvalidDnsNameLabel", f"The DNS name label '{label}' is invalid.")
    _need(
        not label or address.get("type") == "Public",
        "DnsNameLabelNotSupported",
        "A DNS name label needs a public IP address.",
    )
    if subnets:
        text = f"IP Address type in container group '{name}' is invalid. A virtual network supports: Private."
        _need(not address or address["type"] == "Private", "PrivateIPAddressNotSupported", text)
    elif address:
        text = f"A private IP address needs a subnet; container group '{name}' has none."
        _need(address["type"] != "Private", "MissingSubnet", text)


def _check_credentials(name: str, body: Json) -> None:
    known = {key.lower() for key in (body.get("identity") or {}).get("userAssignedIdentities") or {}}
    for each in body["properties"].get("imageRegistryCredentials") or []:
        _need(each.get("server"), *_missing("server", "properties.imageRegistryCredentials"))
        one = bool(each.get("username")) != bool(each.get("identity"))
        text = f"Set exactly one of username and identity for server '{each['server']}' in container group '{name}'."
        _need(one, "AmbiguousImageResitryCredentialType", text)
        text = f"The identity in 'imageRegistryCredentials' of '{name}' is invalid: it is not assigned to the group."
        _need(not each.get("identity") or each["identity"].lower() in known, "InvalidImageRegistryIdentity", text)
        given = each.get("identity") or each.get("password")
        text = f"The password for server '{each['server']}' in 'imageRegistryCredentials' of '{name}' cannot be empty."
        _need(given, "InvalidImageRegistryCredential", text)


def _check_placement(name: str, body: Json) -> None:
    properties, zones = body["properties"], body.get("zones") or []
    _need(len(zones) <= 1, "TooManyZones", f"Container group '{name}' can be in one zone, not in {len(zones)}.")
    if properties.get("priority") == "Spot":
        text = f"Spot container group '{name}' cannot have an IP address, a subnet, a zone or the sku Confidential."
        more = properties.get("ipAddress") or properties.get("subnetIds") or zones
        _need(not more and properties.get("sku") != "Confidential", "SpotNotSupported", text)
    policy = (properties.get("confidentialComputeProperties") or {}).get("ccePolicy")
    text = f"confidentialComputeProperties of container group '{name}' need the sku Confidential."
    _need(not policy or properties.get("sku") == "Confidential", "InvalidConfidentialCompute", text)
    for each in properties["containers"]:
        privileged = (each["properties"].get("securityContext") or {}).get("privileged")
        text = f"Container '{each['name']}' asks to be privileged, which needs the sku Confidential."
        _need(not privileged or properties.get("sku") == "Confidential", "PrivilegedNotSupported", text)
