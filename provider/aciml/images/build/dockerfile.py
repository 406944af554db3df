"""The image of a Dockerfile: found by its key in the registry, or built by Docker or the target."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ...core.errors import OutageError
from ...core.image import Image
from ...core.place import Place
from ...core.progress import Progress
from ...core.reference import Reference
from ...targets.protocol import BuilderRefused, RemoteBuilder
from ..plan.dockerfile import DockerfileBase
from ..tools import Workshop

if TYPE_CHECKING:
    import docker

    from .steps import Builder


def find_made(shop: Workshop, made: DockerfileBase, place: Place) -> Image | None:
    """Return the image if it was built before; None only if the registry says that it was not."""
    from ...docker.finish import find_built

    return find_built(shop.client(place.login_server), place.repository, made.key)


def bring_made(shop: Workshop, made: DockerfileBase, place: Place, builder: Builder, progress: Progress) -> Image:
    """Return the image of a Dockerfile; it is built if the registry does not have it.

    Raises:
        UserError: an instruction fails, or nobody is there who can run it.
        OutageError: the builder or a registry does not answer.
    """
    from ..remote.base import BaseImages

    if found := find_made(shop, made, place):
        return found
    bases = BaseImages(shop)
    for text, digest in made.images.items():
        bases.copy(Reference.parse(text).at(digest), place.login_server, place.repository, progress)
    return _build(shop, made, place, builder, progress)


def _build(shop: Workshop, made: DockerfileBase, place: Place, builder: Builder, progress: Progress) -> Image:
    """Let Docker build if its engine answers, else the target's builder; one that refuses is followed by Docker."""
    from ...docker.engine import connect

    remote = None if builder == "docker" else shop.target.builder()
    if remote and builder == "acr":
        try:
            return _remotely(remote, shop, made, place, progress)
        except BuilderRefused as refusal:
            progress.warn(f"{refusal.message}; Docker builds the Dockerfile instead")
            return _by_docker(connect(), shop, made, place, progress)
    try:
        engine = connect()
    except OutageError as error:
        if remote is None:
            raise
        progress.say(f"{error.message}: the target builds the Dockerfile")
        return _remotely(remote, shop, made, place, progress)
    return _by_docker(engine, shop, made, place, progress)


def _remotely(remote: RemoteBuilder, shop: Workshop, made: DockerfileBase, place: Place, progress: Progress) -> Image:
    from ...docker.base_build import build_dockerfile_remotely

    client, repository = shop.client(place.login_server), f"{place.login_server}/{place.repository}"
    job = made.job(shop.settings.ca_bundle)
    return build_dockerfile_remotely(remote, job, client=client, repository=repository, progress=progress)


def _by_docker(
    engine: docker.DockerClient, shop: Workshop, made: DockerfileBase, place: Place, progress: Progress
) -> Image:
    from ...docker.base_build import build_dockerfile

    with closing(engine):
        return build_dockerfile(
            engine,
            made.job(shop.settings.ca_bundle),
            client=shop.client(place.login_server),
            repository=f"{place.login_server}/{place.repository}",
            credentials=shop.target.credentials(place.login_server),
            progress=progress,
        )
