"""Extra steps and link scripts: who runs them, Docker on this machine or the builder of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.builder import REMOTE, Builder, BuilderRefused, RemoteBuilder
from ...core.context import FileEntry
from ...core.errors import OutageError, UserError
from ...core.image import Image, Layer
from ...core.lint import steps_key
from ...core.place import Place
from ...core.progress import Progress
from ...core.steps import Step
from ..tools import Tools
from .push import push

if TYPE_CHECKING:
    import docker

    from ...registry.client import RegistryClient
    from ...registry.upload import Outcome


_ENOUGH = 5.0  # seconds that an engine may take to say that it is there, if there is another builder


@dataclass(frozen=True)
class StepsJob:
    """Steps to run on a base that the place has; ``key`` names the result."""

    steps: Sequence[Step]
    context: Sequence[FileEntry]
    key: str
    base_digest: str


def run_steps(
    tools: Tools,
    job: StepsJob,
    place: Place,
    builder: Builder,
    progress: Progress,
    sent: list[Layer] | None = None,
) -> Image:
    """Run the steps, push the image, and return it; ``sent`` is given the layers that this machine's engine sent.

    ``auto`` takes Docker if its engine answers, else the target's builder. A builder that refuses this account is
    followed by Docker.

    Raises:
        UserError: a step fails, or nobody is there who can run them.
        OutageError: the builder or the registry does not answer.
    """
    remote = None if builder == "docker" else tools.target.builder()
    if builder == REMOTE or remote is None:
        return _run_by(remote, tools, job, place, progress, sent)
    from ...docker.engine import connect

    try:
        engine = connect(patience=_ENOUGH)
    except OutageError as error:
        progress.say(f"{error.message}: the target runs the steps")
        return _run_by(remote, tools, job, place, progress, sent)
    return _by_docker(engine, tools, job, place, progress, sent)


def _engine_for_steps() -> docker.DockerClient:
    """Return an engine that answers; one that does not is told with what needs it."""
    from ...docker.engine import connect

    try:
        return connect()
    except OutageError as error:
        raise OutageError(f"{error.message}, and extraSteps or link scripts need it", error.advice) from error


def _run_by(
    remote: RemoteBuilder | None,
    tools: Tools,
    job: StepsJob,
    place: Place,
    progress: Progress,
    sent: list[Layer] | None,
) -> Image:
    from ...docker.engine import connect

    if remote is None:
        return _by_docker(_engine_for_steps(), tools, job, place, progress, sent)
    try:
        return _remotely(remote, tools, job, place, progress)
    except BuilderRefused as refusal:
        try:
            engine = connect(patience=_ENOUGH)
        except OutageError as absence:
            message = f"{refusal.message}, and {absence.message}"
            raise UserError(message, f"{refusal.advice}, or {absence.advice}".removeprefix(", or ")) from absence
        progress.warn(f"{refusal.message}; Docker runs the steps instead")
    return _by_docker(engine, tools, job, place, progress, sent)


def _remotely(remote: RemoteBuilder, tools: Tools, job: StepsJob, place: Place, progress: Progress) -> Image:
    from ...docker.remote import build_remotely

    return build_remotely(
        remote,
        # by digest, since a tag may move; in our repository, since a builder elsewhere reaches nothing on this machine
        base=f"{place}@{job.base_digest}",
        steps=job.steps,
        context=job.context,
        ca_bundle=tools.settings.ca_bundle,
        client=tools.client(place.login_server),
        repository=str(place),
        key=job.key,
        progress=progress,
    )


def _by_docker(
    engine: docker.DockerClient,
    tools: Tools,
    job: StepsJob,
    place: Place,
    progress: Progress,
    sent: list[Layer] | None,
) -> Image:
    from ...docker.build import build_steps
    from ...docker.engine import engine_for

    with closing(engine), engine_for("extraSteps or link scripts need it"):
        return build_steps(
            engine,
            # the copy in our repository and not the original: the engine needs no account for that one
            base=f"{place}@{job.base_digest}",
            steps=job.steps,
            context=job.context,
            ca_bundle=tools.settings.ca_bundle,
            client=tools.client(place.login_server),
            repository=str(place),
            key=job.key,
            credentials=tools.target.credentials(place.login_server),
            progress=progress,
            sent=sent,
        )


@dataclass(frozen=True)
class LinkJob:
    """Scripts to run in an image that has base, extra steps and conda packages: all that such a script may look at."""

    steps: tuple[Step, ...]
    image: Image

    @property
    def key(self) -> str:
        """Name of the result: the steps and the image they run in."""
        # steps and image, and no context: a link script reads what is in the image
        return steps_key(self.image.digest, self.steps, "")


def find_linked(tools: Tools, job: LinkJob, place: Place) -> list[Layer] | None:
    """Return the layers that these scripts left before; None if they never ran in this image."""
    from ...docker.finish import find_built

    built = find_built(tools.client(place.login_server), place.repository, job.key)
    return _own(built, job.image.layers) if built else None


def run_linked(
    tools: Tools,
    job: LinkJob,
    place: Place,
    builder: Builder,
    progress: Progress,
    early: Mapping[str, Outcome],
    sent: list[Layer] | None = None,
) -> list[Layer]:
    """Run the scripts and return the layers that they leave, which the registry then has.

    ``early`` says what this run has sent already, as in ``pushing.push``; ``sent`` as in ``run_steps``.

    Raises:
        UserError: a script fails; its last lines are shown.
        OutageError: the builder or the registry does not answer.
    """
    # the registry tells: another machine may have run them
    if (known := find_linked(tools, job, place)) is not None:
        return known
    progress.say(f"running the link scripts of {len(job.steps)} conda packages")
    # a push reads manifest and config from this machine's store
    tools.keep_image(job.image)
    # whoever runs the scripts pulls from the registry what they run in
    push(tools, job.image, place, {}, progress, early)
    built = run_steps(tools, StepsJob(job.steps, (), job.key, job.image.digest), place, builder, progress, sent)
    # nobody asks for it again, and its layers are those of the result
    _forget(tools.client(place.login_server), place.repository, job.image.digest, progress)
    return _own(built, job.image.layers)


def _own(built: Image, below: Sequence[Layer]) -> list[Layer]:
    # a build only puts layers on top, so what is new stands behind what was there
    return list(built.layers[len(below) :])


def _forget(client: RegistryClient, repository: str, digest: str, progress: Progress) -> None:
    """Remove the manifest that the scripts ran in: nobody asks for it again, its layers are those of the result."""
    from ...registry.errors import RegistryError

    try:
        client.delete_manifest(repository, digest)
    except RegistryError as error:
        progress.warn(f"the intermediate image {repository}@{digest} stays in the registry: {error.message}")
