"""Volumes of a container app in ARM's JSON: empty folders, secrets, and shares (storages of its environment)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from ....model.volume import AzureFile, Mount, Volume
from ..groups.members import Json, named
from .secret import Secrets

_MARK = 8


def prefix_of(app_id: str) -> str:
    """Return how the names of all storages of an app begin: an environment has those of others, too."""
    return f"a{hashlib.sha256(app_id.lower().encode()).hexdigest()[:_MARK]}-"


def storage_name(app_id: str, file: AzureFile) -> str:
    """Return the name of the storage of a share; another share is another one: old revisions keep theirs."""
    said = f"{file.storage_account_name}/{file.share_name}/{bool(file.read_only)}".lower()
    # by the share and not by the volume's name: two volumes of one share have one storage
    return prefix_of(app_id) + hashlib.sha256(said.encode()).hexdigest()[:_MARK]


def storages(app_id: str, volumes: Iterable[Volume]) -> dict[str, dict[str, Any]]:
    """Return the bodies of the storages that an app needs, by name; with the keys of the accounts."""
    found = {}
    for volume in volumes:
        if file := volume.azure_file:
            found[storage_name(app_id, file)] = {
                "properties": {
                    "azureFile": {
                        "accountName": file.storage_account_name,
                        "accountKey": file.storage_account_key or "",
                        "shareName": file.share_name,
                        "accessMode": "ReadOnly" if file.read_only else "ReadWrite",
                    }
                }
            }
    return found


def to_arm(app_id: str, volumes: Iterable[Volume], secrets: Secrets) -> list[dict[str, Any]]:
    """Return ``volumes`` of a template by name."""
    # in one order, or the template of an unchanged app would get another name
    return sorted((_volume(app_id, one, secrets) for one in volumes), key=named)


def _volume(app_id: str, volume: Volume, secrets: Secrets) -> dict[str, Any]:
    if file := volume.azure_file:
        return {"name": volume.name, "storageType": "AzureFile", "storageName": storage_name(app_id, file)}
    if volume.secret is not None:
        items = [
            {"secretRef": secrets.put(f"{volume.name} {path}", str(volume.secret[path])), "path": path}
            for path in sorted(volume.secret)
        ]
        return {"name": volume.name, "storageType": "Secret", "secrets": items}
    return {"name": volume.name, "storageType": "EmptyDir"}


def mounts_to_arm(mounts: Iterable[Mount]) -> list[dict[str, Any]]:
    """Return the mounts of a container by path."""
    return [
        {"volumeName": one.name, "mountPath": one.mount_path}
        for one in sorted(mounts, key=lambda one: (one.mount_path, one.name))
    ]


def from_arm(app_id: str, volume: Json, known: Iterable[Volume]) -> Volume:
    """Return a volume as it would be declared; ``known`` has the share behind a storage, and the texts of secrets."""
    name, kind = str(volume["name"]), str(volume.get("storageType") or "EmptyDir").lower()
    same = next((one for one in known if one.name == name), None)
    if kind == "azurefile":
        file = same.azure_file if same else None
        stored = str(volume.get("storageName") or "")
        # by its name: what is behind a storage of somebody else's is told by its environment alone
        if file and storage_name(app_id, file) == stored:
            return Volume(name=name, azure_file=file)
        return Volume(name=name, azure_file=AzureFile(share_name=stored, storage_account_name=""))
    if kind == "secret":
        refs = {
            str(item.get("path") or item["secretRef"]): str(item["secretRef"]) for item in volume.get("secrets") or ()
        }
        texts = (same.secret if same else None) or {}
        secrets = Secrets(app_id)
        held = {path: texts.get(path, "") for path in refs}
        # a secret is named by its text: another name is another text, which nobody shows
        held = {path: text if secrets.put(f"{name} {path}", text) == refs[path] else "" for path, text in held.items()}
        return Volume(name=name, secret=held)
    return Volume(name=name, empty_dir={})


def mounts_from_arm(mounts: Iterable[Json]) -> tuple[Mount, ...]:
    """Return mounts as they would be declared."""
    found = (Mount(name=str(one["volumeName"]), mount_path=str(one["mountPath"])) for one in mounts)
    return tuple(sorted(found, key=lambda one: (one.mount_path, one.name)))
