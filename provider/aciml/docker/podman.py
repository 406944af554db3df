"""Podman behind Docker's API: where its answers differ, and the calls that it has to be asked in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..core.reference import Reference
from ..registry.hosts import is_local

if TYPE_CHECKING:
    import docker

_NAME = "Podman Engine"
_OWN_API = "/v4.0.0/libpod"  # every Podman from 4.0 on answers to this version

# of each client, asked once: dockerd runs two programs to tell its versions, and a service is asked about many times
_SEEN: WeakKeyDictionary[docker.DockerClient, bool] = WeakKeyDictionary()


def is_podman(engine: docker.DockerClient) -> bool:
    """Tell whether the engine is Podman.

    Raises:
        docker.errors.DockerException: it does not answer.
    """
    if engine not in _SEEN:
        # by what it calls itself: versions of Docker's API say nothing of who serves it
        _SEEN[engine] = any(part.get("Name") == _NAME for part in engine.version().get("Components") or ())
    return _SEEN[engine]


def transport(registry: str) -> dict[str, str]:
    """Return the query that lets an engine push by plain HTTP to a registry of this machine.

    Docker does so by itself and passes over a word that it does not know; Podman has to be told.
    """
    return {"tlsVerify": "false"} if is_local(registry) else {}


def pull_call(engine: docker.DockerClient, image: Reference, architecture: str = "") -> tuple[str, dict[str, str]]:
    """Return path and query of a pull, as ``messages`` takes them.

    Podman (seen in 4.3) does not take ``tlsVerify`` in Docker's pull, so that a registry of this machine needs its own.

    Args:
        engine: that shall pull.
        image: what to pull; the digest counts, if there is one.
        architecture: of Linux, such as ``amd64``; the engine's own if empty.

    Raises:
        docker.errors.DockerException: the engine does not answer.
    """
    name = f"{image.registry}/{image.repository}"
    if is_local(image.registry) and is_podman(engine):
        query = {"reference": f"{name}{'@' if image.digest else ':'}{image.manifest}", **transport(image.registry)}
        return f"{_OWN_API}/images/pull", query | ({"OS": "linux", "Arch": architecture} if architecture else {})
    platform = {"platform": f"linux/{architecture}"} if architecture else {}
    return "/images/create", {"fromImage": name, "tag": image.manifest, **platform}
