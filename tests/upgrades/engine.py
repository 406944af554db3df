"""What a stack has in a Docker Engine, as data: containers and volumes as they were made, and what a registry holds.

A container is made again with the name, the labels, the variables, the limits and the ports that the older plugin gave
it. In the service's runs the registry's program, which answers 200 as a service does. The images that come after
it are whole: their shell and their Python are ``answers`` (``answers.c``), which does the same in a kilobyte.
"""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker

SMALL = 32 * 1024
"""Bytes; a larger blob is kept by its size alone: it is the old scoring server, which no engine pulls any more."""

REGISTRY = "registry:2"
DATA = "/var/lib/registry"
_CONFIG = ("Env", "ExposedPorts", "Image", "Labels", "User", "WorkingDir")
_HOST = (
    "Binds", "CapDrop", "CpuPeriod", "CpuQuota", "LogConfig", "Memory", "MemorySwap", "Mounts", "PidsLimit",
    "PortBindings", "ReadonlyRootfs", "RestartPolicy", "SecurityOpt", "Tmpfs",
)  # fmt: skip
_ANSWERS = ("REGISTRY_HTTP_ADDR=:5001", "REGISTRY_STORAGE=inmemory", "OTEL_TRACES_EXPORTER=none")


def dump_engine(name: str) -> dict[str, Any]:
    """Return the containers and volumes whose names have ``name`` in them."""
    client = docker.from_env()
    containers = [one for one in client.containers.list(all=True) if name in str(one.name)]
    found = {str(one.name): _made(one.attrs) for one in containers}
    volumes = {one.name: one.attrs["Labels"] for one in client.volumes.list() if name in one.name}
    registry = next(one for one in containers if "registry" in str(one.name))
    blocks, _ = registry.get_archive(f"{DATA}/docker")
    return {"containers": found, "volumes": volumes, "files": dict(_files(b"".join(blocks)))}


def ids_of(name: str) -> set[str]:
    """Return the ids of the containers whose names have ``name`` in them."""
    client = docker.from_env()
    try:
        return {str(one.id) for one in client.containers.list(all=True, filters={"name": name})}
    finally:
        client.close()


def _made(attrs: Mapping[str, Any]) -> dict[str, Any]:
    host = {name: attrs["HostConfig"][name] for name in _HOST if attrs["HostConfig"].get(name)}
    config = {name: attrs["Config"][name] for name in _CONFIG if attrs["Config"].get(name)}
    # a port that the engine chose is the one that the state names
    ports = {name: [{"HostIp": one[0]["HostIp"], "HostPort": one[0]["HostPort"]}]
             for name, one in attrs["NetworkSettings"]["Ports"].items() if one}  # fmt: skip
    return {**config, "HostConfig": {**host, "PortBindings": ports}}


def _files(archive: bytes) -> Iterator[tuple[str, str | int]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                data = content.read()
                yield member.name, base64.b64encode(data).decode() if len(data) <= SMALL else len(data)


@contextmanager
def engine(content: Mapping[str, Any]) -> Iterator[None]:
    """Make it all again, and take away what is left of it."""
    client = docker.from_env()
    try:
        for name, labels in content["volumes"].items():
            client.volumes.create(name, labels=labels)
        # the registry first, since the service's container is proven by nobody
        for name, made in sorted(content["containers"].items(), key=lambda row: "registry" not in row[0]):
            _run(client, name, made, content["files"])
        yield
    finally:
        for name in content["containers"]:
            for one in client.containers.list(all=True, filters={"name": name}):
                one.remove(force=True, v=True)
        for name in content["volumes"]:
            for volume in client.volumes.list(filters={"name": name}):
                volume.remove(force=True)
        for host in _hosts(content):
            # an update of the test has pulled one
            for image in client.images.list():
                if any(name.startswith(host) for name in (*image.tags, *(image.attrs.get("RepoDigests") or ()))):
                    client.images.remove(str(image.id), force=True)
        client.close()


def _hosts(content: Mapping[str, Any]) -> list[str]:
    """Return how references of images begin that are in the registries of this stack."""
    made = [one for one in content["containers"].values() if one["Image"] == REGISTRY]
    ports = [port["HostPort"] for one in made for row in one["HostConfig"]["PortBindings"].values() for port in row]
    return [f"127.0.0.1:{port}/" for port in ports]


def _run(client: docker.DockerClient, name: str, made: Mapping[str, Any], files: Mapping[str, str | int]) -> None:
    is_registry = made["Image"] == REGISTRY
    # what the plugin compares is the label: layers of the service's own image are not kept
    body = {**made, "Image": REGISTRY, "Env": [*made["Env"], *(() if is_registry else _ANSWERS)]}
    created = client.api.create_container_from_config(body, name)["Id"]  # type: ignore[no-untyped-call]
    if is_registry:
        client.api.put_archive(created, DATA, _archive(files))
    client.api.start(created)


def _archive(files: Mapping[str, str | int]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, kept in files.items():
            data = bytes(kept) if isinstance(kept, int) else base64.b64decode(kept)
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()
