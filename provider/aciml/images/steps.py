"""Who runs the extra steps: Docker on this machine, or the builder of the target."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from ..core.builder import BuilderRefused, RemoteBuilder
from ..core.errors import OutageError, UserError
from ..core.image import Image
from ..core.progress import Progress
from ..core.steps import Step
from ..docker.context import FileEntry
from .pushing import Place
from .workshop import Workshop

if TYPE_CHECKING:
    import docker

Builder = Literal["auto", "docker", "acr"]
BUILDERS: tuple[Builder, ...] = get_args(Builder)
_ENOUGH = 5.0  # seconds that an engine may take to say that it is there, if there is another builder


@dataclass(frozen=True)
class StepsJob:
    """Steps to run on a base that the place has; ``key`` names the result."""

    steps: Sequence[Step]
    context: Sequence[FileEntry]
    key: str
    base_digest: str


def read_builder(word: str, shop: Workshop) -> Builder:
    """Return the builder that a word names; empty is ``auto``, and so is one that does not exist, which check refused.

    Raises:
        UserError: the target has none of its own.
    """
    builder: Builder = next((known for known in BUILDERS if known == word), "auto")
    if builder == "acr" and shop.target.builder() is None:
        raise UserError(f"the target {shop.target.name} cannot run steps by itself", "write builder: docker, or auto")
    return builder


def run_steps(shop: Workshop, job: StepsJob, place: Place, builder: Builder, progress: Progress) -> Image:
    """Run the steps, push the image, and return it.

    ``auto`` takes Docker if its engine answers, else the target's builder. A builder that refuses this account is
    followed by Docker.

    Raises:
        UserError: a step fails, or nobody is there who can run them.
        OutageError: the builder or the registry does not answer.
    """
    remote = None if builder == "docker" else shop.target.builder()
    if builder == "acr" or remote is None:
        return _run_by(remote, shop, job, place, progress)
    from ..docker.engine import connect

    try:
        engine = connect(patience=_ENOUGH)
    except OutageError as error:
        progress.say(f"{error.message}: the target runs the steps")
        return _run_by(remote, shop, job, place, progress)
    return _by_docker(engine, shop, job, place, progress)


def _run_by(remote: RemoteBuilder | None, shop: Workshop, job: StepsJob, place: Place, progress: Progress) -> Image:
    from ..docker.engine import connect

    if remote is None:
        return _by_docker(connect(), shop, job, place, progress)
    try:
        return _remotely(remote, shop, job, place, progress)
    except BuilderRefused as refusal:
        try:
            engine = connect(patience=_ENOUGH)
        except OutageError as absence:
            message = f"{refusal.message}, and {absence.message}"
            raise UserError(message, f"{refusal.advice}, or {absence.advice}".removeprefix(", or ")) from absence
        progress.warn(f"{refusal.message}; Docker runs the steps instead")
    return _by_docker(engine, shop, job, place, progress)


def _remotely(remote: RemoteBuilder, shop: Workshop, job: StepsJob, place: Place, progress: Progress) -> Image:
    from ..docker.remote import build_remotely

    repository = f"{place.login_server}/{place.repository}"
    return build_remotely(
        remote,
        base=f"{repository}@{job.base_digest}",
        steps=job.steps,
        context=job.context,
        ca_bundle=shop.settings.ca_bundle,
        client=shop.client(place.login_server),
        repository=repository,
        key=job.key,
        progress=progress,
    )


def _by_docker(engine: docker.DockerClient, shop: Workshop, job: StepsJob, place: Place, progress: Progress) -> Image:
    from ..docker.build import build_steps

    repository = f"{place.login_server}/{place.repository}"
    with closing(engine):
        return build_steps(
            engine,
            base=f"{repository}@{job.base_digest}",
            steps=job.steps,
            context=job.context,
            ca_bundle=shop.settings.ca_bundle,
            client=shop.client(place.login_server),
            repository=repository,
            key=job.key,
            credentials=shop.target.credentials(place.login_server),
            progress=progress,
        )
