"""What the body of a container app may say by itself: names, sizes, probes, scale, ingress.

Texts and codes are those that people have quoted where somebody has (sources in ``decisions/emulator.md``); the
provider never leans on the others.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ..http import ArmError
from .kinds import Json

NAME = re.compile(r"(?=.{2,32}$)(?!.*--)[a-z]([-a-z0-9]*[a-z0-9])?")
_SUFFIX = re.compile(r"(?!.*--)[a-z]([-a-z0-9]*[a-z0-9])?")
_SECRET = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_CONTAINER = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_REVISION = 54
PAIRS = tuple((quarter / 4, quarter / 2) for quarter in range(1, 9))
"""vCPU and Gi of a replica without workload profiles; on the profile Consumption twice as many."""
MORE_PAIRS = tuple((quarter / 4, quarter / 2) for quarter in range(1, 17))
_PROBE_RANGES = {
    "initialDelaySeconds": (1, 60),
    "periodSeconds": (1, 240),
    "timeoutSeconds": (1, 240),
    "failureThreshold": (1, 10),
    "successThreshold": (1, 10),
    "terminationGracePeriodSeconds": (0, 3600),
}
_RULE_KINDS = ("azureQueue", "custom", "http", "tcp")
_VOLUMES = ("AzureFile", "EmptyDir", "Secret", "NfsAzureFile")
MOST_REPLICAS = 1000


def need(condition: object, code: str, message: str) -> None:
    """Raises ``ArmError`` 400 unless the condition holds."""
    if not condition:
        raise ArmError(400, code, message)


def check_name(name: str) -> None:
    """Raises ``ArmError`` 400 for a name that no app may have."""
    text = (
        f"Invalid ContainerApp name '{name}'. A name must consist of lower case alphanumeric characters or '-', start "
        "with an alphabetic character, and end with an alphanumeric character and cannot have '--'. The length must be "
        "between 2 and 32 characters inclusive."
    )
    need(NAME.fullmatch(name), "ContainerAppInvalidName", text)


def check_body(name: str, body: Json, profiles: list[Json]) -> None:
    """Look at a whole body; ``profiles`` are the workload profiles of its environment.

    Raises:
        ArmError: 400 for the first thing that cannot be.
    """
    check_name(name)
    properties = body["properties"]
    configuration, template = properties.get("configuration") or {}, properties.get("template") or {}
    containers = template.get("containers") or []
    text = f"Container App '{name}' must specify at least one container."
    need(containers, "ContainerAppCreateMustContainContainer", text)
    _check_suffix(name, str(template.get("revisionSuffix") or ""))
    _check_containers([*containers, *(template.get("initContainers") or [])])
    _check_size(containers, properties, profiles)
    for each in containers:
        _check_probes(each)
    grace = template.get("terminationGracePeriodSeconds")
    text = f"terminationGracePeriodSeconds {grace} must be between 0 and 600."
    need(grace is None or 0 <= grace <= 600, "ContainerAppInvalidTerminationGracePeriod", text)
    _check_scale(template.get("scale") or {})
    _check_volumes(template, containers)
    _check_configuration(configuration)
    if ingress := configuration.get("ingress"):
        _check_ingress(ingress, single=mode(configuration) == "Single")


def mode(configuration: Json) -> str:
    """Return Single or Multiple."""
    return str(configuration.get("activeRevisionsMode") or "Single").capitalize()


def memory(text: Any) -> float | None:
    """Return the Gi that a text says; other units are none that the service takes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)Gi", str(text))
    return float(found[1]) if found else None


def _check_suffix(name: str, suffix: str) -> None:
    text = (
        f"Revision name has an invalid value '{suffix}'. A revision name must consist of lower case alphanumeric "
        "characters or '-', start with an alphabetic character, and end with an alphanumeric character. The length of "
        f"the revision name must not be more than a combined {_LONGEST_REVISION} characters with the container app "
        "name."
    )
    fits = len(f"{name}--{suffix}") <= _LONGEST_REVISION
    need(not suffix or (_SUFFIX.fullmatch(suffix) and fits), "ContainerAppInvalidRevisionName", text)


def _check_containers(containers: list[Json]) -> None:
    names = [str(each.get("name") or "") for each in containers]
    for each, name in zip(containers, names, strict=True):
        need(_CONTAINER.fullmatch(name), "ContainerAppInvalidContainerName", f"The container name '{name}' is invalid.")
        need(
            each.get("image"),
            "ContainerAppImageRequired",
            f"Container with name '{name}' must have an 'Image' property specified.",
        )
        for variable in each.get("env") or []:
            _check_variable(name, variable)
    need(len(set(names)) == len(names), "ContainerAppDuplicateContainerName", "Names of containers must be unique.")


def _check_variable(container: str, variable: Json) -> None:
    name = str(variable.get("name") or "")
    text = f"Env variable name '{name}' of container '{container}' is invalid: it has letters, digits and '_' alone."
    need(_VARIABLE.fullmatch(name), "ContainerAppInvalidEnvVarName", text)
    both = variable.get("value") is not None and variable.get("secretRef")
    text = f"Env variable '{name}' of container '{container}' has both a value and a secretRef."
    need(not both, "ContainerAppInvalidEnvVar", text)


def _check_size(containers: list[Json], properties: Json, profiles: list[Json]) -> None:
    cores = gib = 0.0
    for each in containers:
        resources = each.get("resources") or {}
        cpu, amount = resources.get("cpu", 0.5), memory(resources.get("memory", "1Gi"))
        text = f"The memory '{resources.get('memory')}' of container '{each['name']}' is invalid: say it in Gi."
        need(amount is not None, "ContainerAppInvalidResources", text)
        need(isinstance(cpu, int | float), "ContainerAppInvalidResources", f"The cpu '{cpu}' is no number.")
        cores, gib = cores + cpu, gib + (amount or 0)
    wanted = str(properties.get("workloadProfileName") or "Consumption")
    profile = next((one for one in profiles if one["name"].lower() == wanted.lower()), None)
    text = f"The workload profile '{wanted}' was not found in the managed environment."
    need(profile is not None or not profiles or wanted == "Consumption", "WorkloadProfileNotFound", text)
    need(profiles or wanted == "Consumption", "WorkloadProfileNotFound", text)
    if profile is not None and profile["workloadProfileType"] not in {"Consumption", "Consumption-GPU"}:
        return  # dedicated machines take any pair that they have room for
    pairs = MORE_PAIRS if profiles else PAIRS
    known = "; ".join(f"[cpu: {cpu}, memory: {amount}Gi]" for cpu, amount in pairs)
    text = (
        f"The total requested CPU and memory resources for this application (CPU: {cores:g}, memory: {gib}) is "
        "invalid. Total CPU and memory for all containers defined in a Container App must add up to one of the "
        f"following CPU - Memory combinations: {known}"
    )
    need((round(cores, 3), round(gib, 3)) in pairs, "ContainerAppInvalidResourceTotal", text)


def _check_probes(container: Json) -> None:
    seen = set()
    for probe in container.get("probes") or []:
        kind = str(probe.get("type") or "")
        text = f"The probe type '{kind}' of container '{container['name']}' is invalid, or there is a second one of it."
        need(kind in {"Liveness", "Readiness", "Startup"} and kind not in seen, "ContainerAppProbeTypeInvalid", text)
        seen.add(kind)
        ways = [way for way in ("httpGet", "tcpSocket") if probe.get(way)]
        text = f"The {kind} probe of container '{container['name']}' needs one of httpGet and tcpSocket."
        need(len(ways) == 1, "ContainerAppProbeHandlerInvalid", text)
        port = probe[ways[0]].get("port")
        text = f"The port '{port}' of the {kind} probe of container '{container['name']}' is invalid."
        need(isinstance(port, int) and 1 <= port <= 65535, "ContainerAppProbePortInvalid", text)
        for field, (low, high) in _PROBE_RANGES.items():
            value = probe.get(field)
            text = f"{field} {value} of the {kind} probe must be between {low} and {high}."
            need(value is None or low <= value <= high, "ContainerAppProbeOutOfRange", text)
        text = f"successThreshold of a {kind} probe must be 1."
        need(kind == "Readiness" or (probe.get("successThreshold") or 1) == 1, "ContainerAppProbeOutOfRange", text)


def _check_scale(scale: Json) -> None:
    least, most = scale.get("minReplicas"), scale.get("maxReplicas")
    for field, value, low in (("minReplicas", least, 0), ("maxReplicas", most, 1)):
        text = f"{field} {value} must be between {low} and {MOST_REPLICAS}."
        need(value is None or low <= value <= MOST_REPLICAS, "ContainerAppScaleOutOfRange", text)
    text = f"minReplicas {least} must not be above maxReplicas {10 if most is None else most}."
    need((least or 0) <= (10 if most is None else most), "ContainerAppInvalidScaleSpec", text)
    names = set()
    for rule in scale.get("rules") or []:
        kinds = [kind for kind in _RULE_KINDS if rule.get(kind) is not None]
        text = f"The scale rule '{rule.get('name')}' needs a name of its own and one of {', '.join(_RULE_KINDS)}."
        need(rule.get("name") and rule["name"] not in names and len(kinds) == 1, "ContainerAppInvalidScaleRule", text)
        names.add(rule["name"])
        values = (rule[kinds[0]].get("metadata") or {}).values()
        text = f"The metadata of scale rule '{rule['name']}' must be strings."
        need(all(isinstance(one, str) for one in values), "ContainerAppInvalidScaleRule", text)


def _check_volumes(template: Json, containers: list[Json]) -> None:
    volumes = template.get("volumes") or []
    names = [str(each.get("name") or "") for each in volumes]
    need(len(set(names)) == len(names), "ContainerAppDuplicateVolumeName", "Names of volumes must be unique.")
    for each in volumes:
        kind = str(each.get("storageType") or "EmptyDir")
        need(kind in _VOLUMES, "ContainerAppInvalidVolume", f"The storageType '{kind}' of '{each['name']}' is invalid.")
        stored = kind in {"AzureFile", "NfsAzureFile"}
        text = f"The volume '{each['name']}' needs the storageName of a storage of the environment."
        need(not stored or each.get("storageName"), "ContainerAppInvalidVolume", text)
    for container in [*containers, *(template.get("initContainers") or [])]:
        for mount in container.get("volumeMounts") or []:
            text = f"Volume '{mount.get('volumeName')}' mounted by container '{container['name']}' was not found."
            need(mount.get("volumeName") in names and mount.get("mountPath"), "ContainerAppVolumeNotFound", text)


def _check_configuration(configuration: Json) -> None:
    need(
        mode(configuration) in {"Single", "Multiple"},
        "ContainerAppInvalidRevisionsMode",
        "activeRevisionsMode is invalid.",
    )
    kept = configuration.get("maxInactiveRevisions")
    text = f"maxInactiveRevisions {kept} must be between 0 and 100."
    need(kept is None or 0 <= kept <= 100, "ContainerAppInvalidMaxInactiveRevisions", text)
    names = [str(each.get("name") or "") for each in configuration.get("secrets") or []]
    for name in names:
        text = (
            f"Secret name '{name}' is invalid: it must consist of lower case alphanumeric characters, '-' or '.', and "
            "must start and end with an alphanumeric character."
        )
        need(_SECRET.fullmatch(name), "ContainerAppInvalidSecretName", text)
    need(len(set(names)) == len(names), "ContainerAppDuplicateSecretName", "Names of secrets must be unique.")


def _check_ingress(ingress: Json, *, single: bool) -> None:
    port = ingress.get("targetPort")
    text = f"The target port '{port}' is invalid: it must be between 1 and 65535."
    need(isinstance(port, int) and 1 <= port <= 65535, "ContainerAppInvalidIngressTargetPort", text)
    transport = str(ingress.get("transport") or "auto").lower()
    need(transport in {"auto", "http", "http2", "tcp"}, "ContainerAppInvalidTransport", f"'{transport}' is invalid.")
    sticky = str((ingress.get("stickySessions") or {}).get("affinity") or "none").lower() == "sticky"
    text = "Session affinity is supported only when the container app is in single revision mode."
    need(single or not sticky, "ContainerAppStickySessionsNotSupported", text)
    rules = ingress.get("ipSecurityRestrictions") or []
    text = "All rules of ipSecurityRestrictions must be of one action, Allow or Deny."
    need(len({str(rule.get("action")) for rule in rules}) <= 1, "ContainerAppMixedIpSecurityRestrictions", text)
    for rule in rules:
        text = f"The ipAddressRange '{rule.get('ipAddressRange')}' of rule '{rule.get('name')}' is no CIDR."
        need(rule.get("name") and _is_range(str(rule.get("ipAddressRange"))), "ContainerAppInvalidIpRange", text)


def _is_range(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
