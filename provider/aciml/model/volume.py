"""The volumes of a container group, and where its containers mount them.

Source: containerInstance.json 2023-05-01; Microsoft's pages "Troubleshoot" (names) and "Resource availability and quota
limits" (how many).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..core.errors import Finding
from .said import Said

KINDS = ("azureFile", "emptyDir", "secret", "gitRepo")
TLS_VOLUME, TLS_FOLDER = "aciml-tls", "/var/aciml/tls"
"""Where the certificate is."""
MOST = 20
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def volume_findings(said: Said) -> Iterator[Finding]:
    """Judge the volumes: their names, that each is of one kind, and how many there are."""
    names: set[str] = set()
    for volume in said.each("volumes"):
        if (name := volume.get("name")) is not None:
            yield from _named(volume, name, names)
            names.add(name)
        yield from _kind(volume)
        yield from _content(volume)
    count = len(said.items("volumes")) + bool(said.get("sslEnabled"))
    if count > MOST:
        with_ours = ", the certificate's among them," if said.get("sslEnabled") else ""
        yield said.finding("volumes", f"{count} volumes{with_ours} are more than {MOST}, the most of a group")


def _named(volume: Said, name: str, before: set[str]) -> Iterator[Finding]:
    if not (5 <= len(name) <= 63 and _NAME.fullmatch(name)) or "--" in name:
        why = f'"{name}" is no volume name; use 5 to 63 lower-case letters, digits and single -, no - at the ends'
        yield volume.finding("name", why)
    if name in before:
        yield volume.finding("name", f'there are two volumes "{name}"; rename one')
    if name == TLS_VOLUME:
        yield volume.finding("name", f'"{name}" is the volume of the certificate; choose another name')


def _kind(volume: Said) -> Iterator[Finding]:
    kinds = volume.known(*KINDS)
    if len(kinds) == 1 or (not kinds and volume.unsure(*KINDS)):
        return
    named = f'volume "{volume.get("name")}"' if volume.get("name") else "the volume"
    has = f"has {' and '.join(kinds)}" if kinds else "has no kind"
    yield Finding(volume.path, f"{named} {has}; give one of {', '.join(KINDS)}")


def _content(volume: Said) -> Iterator[Finding]:
    share = volume.inside("azureFile")
    no_key = not share.get("storageAccountKey") and not share.unsure("storageAccountKey")
    if volume.known("azureFile") and no_key:
        yield share.finding("storageAccountKey", "a file share is mounted with the account's key; give it")
    if volume.known("secret") and not volume.get("secret"):
        yield volume.finding("secret", "a secret volume needs a file; give names and texts")
    clone = volume.inside("gitRepo")
    folder = str(clone.get("directory") or "")
    if ".." in folder:
        yield clone.finding("directory", f'"{folder}" leaves the volume; write a name without ..')


def mount_findings(said: Said) -> Iterator[Finding]:
    """Judge the mounts of all containers: of a declared volume each, at a path of its own."""
    paths = {TLS_FOLDER} if said.get("sslEnabled") else set()
    yield from _mounts(said, said, paths)
    for container in said.each("initContainers"):
        yield from _mounts(container, said, set())


def _mounts(owner: Said, said: Said, paths: set[str]) -> Iterator[Finding]:
    declared = [str(volume.get("name")) for volume in said.each("volumes") if volume.get("name") is not None]
    sure, names = not said.unsure("volumes") and len(declared) == len(said.items("volumes")), set(declared)
    for mount in owner.each("volumeMounts"):
        name, path = mount.get("name"), mount.get("mountPath")
        if name is not None and name not in names and sure:
            known = f"there are {', '.join(sorted(names))}" if names else "there are none; declare it in volumes"
            yield mount.finding("name", f'there is no volume "{name}"; {known}')
        if path is not None:
            yield from _place(mount, str(path), paths)
            paths.add(path)


def _place(mount: Said, path: str, before: set[str]) -> Iterator[Finding]:
    if not path.startswith("/") or ":" in path:
        yield mount.finding("mountPath", f'"{path}" is no path to mount at; start it with / and use no colon')
    if path in before:
        yield mount.finding("mountPath", f"something is mounted at {path} already; choose another path")
