"""The image of a Dockerfile: found by its key in the registry, or built by Docker or the target."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ...core.builder import REMOTE, BuilderRefused, RemoteBuilder
from ...core.errors import OutageError
from ...core.image import Image, Layer
from ...core.place import Place
from ...core.progress import Progress
from ...core.recipe import DockerfileBase
from ...core.reference import Reference
from ..tools import Tools

if TYPE_CHECKING:
    import docker

    from ...core.builder import Builder


def find_made(tools: Tools, made: DockerfileBase, place: Place) -> Image | None:
    """Return the image if it was built before; None only if the registry says that it was not."""
    from ...docker.finish import find_built

    return find_built(tools.client(place.login_server), place.repository, made.key)


def bring_made(
    tools: Tools,
    made: DockerfileBase,
    place: Place,
    builder: Builder,
    progress: Progress,
    sent: list[Layer] | None = None,
) -> Image:
    """Return the image of a Dockerfile; it is built if the registry does not have it.

    ``sent`` is given the layers that this machine's engine sent.

    Raises:
        UserError: an instruction fails, or nobody is there who can run it.
        OutageError: the builder or a registry does not answer.
    """
    from ..remote.base import BaseImages

    if found := find_made(tools, made, place):
        return found
    bases = BaseImages(tools)
    # images of mere build stages too: so mirrors and accounts work for all,
    # and a builder elsewhere reaches all it needs (decisions/base-images.md)
    for text, digest in made.images.items():
        bases.copy(Reference.parse(text).at(digest), place.login_server, place.repository, progress)
    return _build(tools, made, place, builder, progress, sent)


def _build(
    tools: Tools,
    made: DockerfileBase,
    place: Place,
    builder: Builder,
    progress: Progress,
    sent: list[Layer] | None,
) -> Image:
    """Let Docker build if its engine answers, else the target's builder; one that refuses is followed by Docker."""
    # here and not above: a preview needs no engine, and no engine's client
    from ...docker.engine import connect

    remote = None if builder == "docker" else tools.target.builder()
    if remote and builder == REMOTE:
        try:
            return _remotely(remote, tools, made, place, progress)
        except BuilderRefused as refusal:
            progress.warn(f"{refusal.message}; Docker builds the Dockerfile instead")
            return _by_docker(connect(), tools, made, place, progress, sent)
    try:
        engine = connect()
    except OutageError as error:
        if remote is None:
            raise OutageError(f"{error.message}, and the Dockerfile of the base needs it", error.advice) from error
        progress.say(f"{error.message}: the target builds the Dockerfile")
        return _remotely(remote, tools, made, place, progress)
    return _by_docker(engine, tools, made, place, progress, sent)


def _remotely(remote: RemoteBuilder, tools: Tools, made: DockerfileBase, place: Place, progress: Progress) -> Image:
    from ...docker.base_build import build_dockerfile_remotely

    client, repository = tools.client(place.login_server), str(place)
    return build_dockerfile_remotely(
        remote,
        made,
        ca_bundle=tools.settings.ca_bundle,
        client=client,
        repository=repository,
        progress=progress,
    )


def _by_docker(
    engine: docker.DockerClient,
    tools: Tools,
    made: DockerfileBase,
    place: Place,
    progress: Progress,
    sent: list[Layer] | None,
) -> Image:
    from ...docker.base_build import build_dockerfile
    from ...docker.engine import engine_for

    with closing(engine), engine_for("the Dockerfile of the base needs it"):
        return build_dockerfile(
            engine,
            made,
            ca_bundle=tools.settings.ca_bundle,
            client=tools.client(place.login_server),
            repository=str(place),
            credentials=tools.target.credentials(place.login_server),
            progress=progress,
            sent=sent,
        )
