"""Volumes and mounts of a container group in ARM's JSON, the certificate's among them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ....model.declared import read, written
from ....model.volume import TLS_FOLDER, TLS_VOLUME, Mount, Volume
from ...protocol import Certificate
from .members import Json, given, named, some

CERTIFICATE_FILE, KEY_FILE, CLIENTS_FILE = "cert.pem", "key.pem", "clients.pem"
TLS_MOUNT = Mount(name=TLS_VOLUME, mount_path=TLS_FOLDER, read_only=True)
_FILE, _CLONE = ("shareName", "storageAccountName", "storageAccountKey"), ("repository", "directory", "revision")


def to_arm(volumes: Iterable[Volume], certificate: Certificate | None) -> list[dict[str, Any]]:
    """Return the volumes of a request by name: the list has no order of its own, and equal specs are equal requests."""
    ours = [_tls_volume(certificate)] if certificate else []
    return sorted([*map(_volume, volumes), *ours], key=named)


def _volume(volume: Volume) -> dict[str, Any]:
    made: dict[str, Any] = {"name": volume.name}
    if volume.azure_file:
        made["azureFile"] = given(**written(volume.azure_file))
    if volume.git_repo:
        made["gitRepo"] = given(**written(volume.git_repo))
    # its own test: {} is all there is to say of it, and is false
    if volume.empty_dir is not None:
        made["emptyDir"] = {}
    if volume.secret is not None:
        # the service wants base64, and gives it to the container as bytes
        made["secret"] = {name: _base64(str(volume.secret[name]).encode()) for name in sorted(volume.secret)}
    return made


def _tls_volume(certificate: Certificate) -> dict[str, Any]:
    files = {CERTIFICATE_FILE: _base64(certificate.chain), KEY_FILE: _base64(certificate.key)}
    files |= {CLIENTS_FILE: _base64(certificate.authorities)} if certificate.authorities else {}
    return {"name": TLS_VOLUME, "secret": files}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def same(volume: Json) -> dict[str, Any]:
    """Return what two descriptions of a volume are compared by; not to be read-only is the default."""
    kinds: dict[str, Callable[[Json], dict[str, Any]]] = {
        "azureFile": lambda item: {**some(item, *_FILE), **given(readOnly=bool(item.get("readOnly")) or None)},
        "gitRepo": lambda item: some(item, *_CLONE),
        # answers have {} for a secret volume: that it is there can be compared, what is in it cannot
        "secret": dict,
        "emptyDir": lambda _: {},
    }
    found = {kind: look(volume[kind]) for kind, look in kinds.items() if volume.get(kind) is not None}
    return {"name": named(volume), **found}


def from_arm(volume: Json) -> Volume:
    """Return a volume without its secrets: an answer has neither the key of an account nor the text of a file."""
    found = read(Volume, volume)
    file = found.azure_file
    return found.but(
        azure_file=file.but(storage_account_key=None) if file else None,
        secret={} if found.secret is not None else None,
    )


def with_secrets(volumes: Iterable[Volume], source: Iterable[Volume]) -> tuple[Volume, ...]:
    """Fill in secrets that nobody can read back from volumes of the same name."""
    known = {volume.name.lower(): volume for volume in source}
    return tuple(_filled(volume, known.get(volume.name.lower())) for volume in volumes)


def _filled(volume: Volume, source: Volume | None) -> Volume:
    file, other = volume.azure_file, source.azure_file if source else None
    if file and other and file.storage_account_key is None:
        file = file.but(storage_account_key=other.storage_account_key)
    secret: Mapping[str, str] | None = volume.secret
    # empty is all that an answer has of any secret volume
    if secret is not None and not secret:
        secret = (source.secret if source else None) or {}
    return volume.but(azure_file=file, secret=secret)


def mounts_to_arm(mounts: Iterable[Mount]) -> list[dict[str, Any]]:
    """Return mounts by path."""
    every = (given(**written(mount)) for mount in mounts)
    return sorted(every, key=lambda mount: (mount["mountPath"], mount["name"]))


def same_mounts(mounts: Iterable[Json]) -> list[dict[str, Any]]:
    """Return what the mounts of two containers are compared by."""
    return sorted((_same_mount(mount) for mount in mounts), key=str)


def _same_mount(mount: Json) -> dict[str, Any]:
    read_only = bool(mount.get("readOnly")) or None
    # a slash at the end is no other folder
    path = str(mount["mountPath"]).rstrip("/") or "/"
    return given(mountPath=path, name=named(mount), readOnly=read_only)


def mounts_from_arm(mounts: Iterable[Json]) -> tuple[Mount, ...]:
    """Return the mounts that were declared, without the certificate's."""
    return tuple(read(Mount, mount) for mount in mounts if mount["name"] != TLS_VOLUME)
