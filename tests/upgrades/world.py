"""What is on the other side of a stack, as data: images in a registry, registries and groups in a cloud."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tests.simulators.azure.emulator import Emulator
from tests.simulators.registry import RegistrySimulator

SMALL = 4096
"""Bytes; a larger blob is kept by its size alone. No step of an upgrade reads a layer that is there already."""

_GROUP = "microsoft.containerinstance/containergroups"


def dump_registry(registry: RegistrySimulator) -> dict[str, Any]:
    """Return all repositories: manifests as text, blobs as base64, large ones as a number of bytes."""
    return {
        name: {
            "tags": dict(one.tags),
            "manifests": {digest: [body.decode(), kind] for digest, (body, kind) in one.manifests.items()},
            "blobs": {digest: _blob(data) for digest, data in one.blobs.items()},
        }
        for name, one in sorted(registry.repositories.items())
    }


def load_registry(registry: RegistrySimulator, content: Mapping[str, Any]) -> None:
    """Fill an empty registry."""
    for name, one in content.items():
        repository = registry.repository(name)
        repository.tags.update(one["tags"])
        repository.manifests.update(
            {digest: (body.encode(), kind) for digest, (body, kind) in one["manifests"].items()}
        )
        for digest, data in one["blobs"].items():
            repository.blobs[digest] = bytes(data) if isinstance(data, int) else base64.b64decode(data)


def dump_cloud(cloud: Emulator) -> dict[str, Any]:
    """Return all resources, and what a GET leaves out."""
    with cloud.world.lock:
        return {"resources": dict(cloud.world.resources), "secrets": dict(cloud.world.secrets)}


def load_cloud(cloud: Emulator, content: Mapping[str, Any]) -> None:
    """Fill a new cloud, and let its groups run again, each at its address."""
    with cloud.world.lock:
        cloud.world.resources.update(content["resources"])
        cloud.world.secrets.update(content["secrets"])
    groups = cloud.world.parts["groups"]
    for id_, one in content["resources"].items():
        if _GROUP in id_:
            address = one["properties"]["ipAddress"]["ip"]
            groups.deploy(one["id"], content["secrets"][id_])
            groups.runtime(one["id"]).ip = address


def _blob(data: bytes) -> str | int:
    return base64.b64encode(data).decode() if len(data) <= SMALL else len(data)
