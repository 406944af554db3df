"""Judging the parts of a container group: its containers' variables, probes and mounts, and its volumes.

Source: Microsoft's page "Troubleshoot" (names), containerInstance.json 2023-05-01 (volumes, mounts, probes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...core.errors import Finding
from ..protocol import Settings
from .group_container import NUMBERS, RESERVED, TLS_FOLDER, TLS_VOLUME

CONTAINER_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
KINDS = ("azureFile", "emptyDir", "secret", "gitRepo")


def name_finding(where: str, name: str) -> Iterator[Finding]:
    """Judge the name of a group or container."""
    if not (len(name) <= 63 and CONTAINER_NAME.fullmatch(name)) or "--" in name:
        yield Finding(
            where,
            f'"{name}" is no container name; use 1 to 63 lower-case letters, digits and single -, no - at the ends',
        )


def variable_findings(new: Settings) -> Iterator[Finding]:
    """Judge the environment variables of all containers."""
    yield from _variables(new, "")
    plain, secure = new.get("environmentVariables") or {}, new.get("secureEnvironmentVariables") or {}
    for where, names in (("environmentVariables", plain), ("secureEnvironmentVariables", secure)):
        for name in sorted(RESERVED.keys() & names.keys()):
            yield Finding(f'{where}["{name}"]', f"{name} is set by the property {RESERVED[name]}; use that")
    for index, container in enumerate(new.get("initContainers") or ()):
        yield from _variables(container, f"initContainers[{index}].")


def _variables(owner: Mapping[str, Any], path: str) -> Iterator[Finding]:
    plain, secure = owner.get("environmentVariables") or {}, owner.get("secureEnvironmentVariables") or {}
    for kind, names in (("environmentVariables", plain), ("secureEnvironmentVariables", secure)):
        for name in names:
            if not (len(name) <= 63 and _VARIABLE.fullmatch(name)):
                why = f'"{name}" is no variable name; use 1 to 63 letters, digits, _, - and ., no digit first'
                yield Finding(f'{path}{kind}["{name}"]', why)
    for name in sorted(plain.keys() & secure.keys()):
        yield Finding(
            f'{path}environmentVariables["{name}"]', f"{name} is also in secureEnvironmentVariables; drop one"
        )


def probe_findings(new: Settings) -> Iterator[Finding]:
    """Judge both probes."""
    for name in ("livenessProbe", "readinessProbe"):
        if probe := new.get(name):
            yield from _probe(name, probe, new)


def _probe(where: str, probe: Mapping[str, Any], new: Settings) -> Iterator[Finding]:
    if len([kind for kind in ("exec", "httpGet") if kind in probe]) != 1:
        yield Finding(where, f"{where} needs one of exec and httpGet")
    if "exec" in probe and not (probe["exec"] or {}).get("command"):
        yield Finding(f"{where}.exec", "an exec probe needs a command")
    for name in NUMBERS:
        least = 0 if name == "initialDelaySeconds" else 1
        if name in probe and probe[name] < least:
            yield Finding(f"{where}.{name}", f"{name} is {probe[name]}; write {least} or more")
    if where == "livenessProbe" and probe.get("successThreshold", 1) != 1:
        yield Finding(f"{where}.successThreshold", "one success is enough for a liveness probe; write 1 or drop it")
    asked = probe.get("httpGet") or {}
    port = int(asked.get("port", 1))
    if not 1 <= port <= 65535:
        yield Finding(f"{where}.httpGet.port", f"port {port} does not exist; write 1 to 65535")
    own = int(new.get("port") or 0) or 443
    if new.get("sslEnabled") and port == own and asked.get("scheme", "https") == "http":
        yield Finding(
            f"{where}.httpGet.scheme", f"the service speaks TLS on port {own}; write https or drop the scheme"
        )


def volume_findings(new: Settings) -> Iterator[Finding]:
    """Judge the volumes: their names, and that each is of one kind."""
    names: set[str] = set()
    for index, volume in enumerate(new.get("volumes") or ()):
        where, name = f"volumes[{index}]", str(volume.get("name", ""))
        if not (5 <= len(name) <= 63 and CONTAINER_NAME.fullmatch(name)) or "--" in name:
            why = f'"{name}" is no volume name; use 5 to 63 lower-case letters, digits and single -, no - at the ends'
            yield Finding(f"{where}.name", why)
        if name in names:
            yield Finding(f"{where}.name", f'there are two volumes "{name}"; rename one')
        if name == TLS_VOLUME:
            yield Finding(f"{where}.name", f'"{name}" is the volume of the certificate; choose another name')
        names.add(name)
        yield from _volume(where, volume)


def _volume(where: str, volume: Mapping[str, Any]) -> Iterator[Finding]:
    kinds = [kind for kind in KINDS if kind in volume]
    if len(kinds) != 1:
        said = f"has {' and '.join(kinds)}" if kinds else "has no kind"
        yield Finding(where, f'volume "{volume.get("name")}" {said}; give one of {", ".join(KINDS)}')
    if "azureFile" in volume and not volume["azureFile"].get("storageAccountKey"):
        yield Finding(f"{where}.azureFile.storageAccountKey", "a file share is mounted with the account's key; give it")
    if "secret" in volume and not volume["secret"]:
        yield Finding(f"{where}.secret", "a secret volume needs a file; give names and texts")
    folder = str((volume.get("gitRepo") or {}).get("directory") or "")
    if ".." in folder:
        yield Finding(f"{where}.gitRepo.directory", f'"{folder}" leaves the volume; write a name without ..')


def mount_findings(new: Settings) -> Iterator[Finding]:
    """Judge the mounts of all containers."""
    names = {str(volume.get("name")) for volume in new.get("volumes") or ()}
    paths = {TLS_FOLDER} if new.get("sslEnabled") else set()
    yield from _mounts("volumeMounts", new.get("volumeMounts") or (), names, paths)
    for index, container in enumerate(new.get("initContainers") or ()):
        yield from _mounts(f"initContainers[{index}].volumeMounts", container.get("volumeMounts") or (), names, set())


def _mounts(where: str, mounts: Iterable[Mapping[str, Any]], names: set[str], paths: set[str]) -> Iterator[Finding]:
    for index, mount in enumerate(mounts):
        here, path = f"{where}[{index}]", str(mount.get("mountPath", ""))
        if mount.get("name") not in names:
            known = f"there are {', '.join(sorted(names))}" if names else "there are none; declare it in volumes"
            yield Finding(f"{here}.name", f'there is no volume "{mount.get("name")}"; {known}')
        if not path.startswith("/") or ":" in path:
            yield Finding(f"{here}.mountPath", f'"{path}" is no path to mount at; start it with / and use no colon')
        if path in paths:
            yield Finding(f"{here}.mountPath", f"something is mounted at {path} already; choose another path")
        paths.add(path)


def init_findings(new: Settings) -> Iterator[Finding]:
    """Judge the names of the containers that run before."""
    names = {new.get("name")}
    for index, container in enumerate(new.get("initContainers") or ()):
        where, name = f"initContainers[{index}].name", str(container.get("name", ""))
        yield from name_finding(where, name)
        if name in names:
            yield Finding(where, f'there is another container "{name}" in the group; rename this one')
        names.add(name)
