"""A base image from the user's own Dockerfile: built once for its key, pushed, and cleaned as extra steps are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.builder import RemoteBuilder
from ..core.credentials import Credentials
from ..core.errors import UserError
from ..core.image import Image, Layer
from ..core.progress import Progress
from ..core.reference import Reference
from ..core.stages import SCRATCH, Dockerfile
from ..core.steps import Step
from ..registry.pull import pull_image
from .build import build_context, keep_as_cache, layers_of, local_name, proxies
from .buildkit import build_with_buildkit
from .buildkit_log import BuildLog
from .context import FileEntry
from .dockerfile import DOCKERFILE, TRUST, stages_context, trust_context, write_stages
from .finish import RawBuild, finish, raw_tag
from .remote import Ear, below_with_trust
from .transcript import Transcript
from .transfer import pull_base, push_raw

if TYPE_CHECKING:
    import docker

    from ..registry.client import RegistryClient

_LOCAL = "aciml-base"  # repository of our names inside the engine


@dataclass(frozen=True)
class DockerfileJob:
    """A Dockerfile to build.

    ``images`` maps each reference in it to the digest that the repository has it under; ``context`` are the files that
    it copies; ``key`` names the result; ``secrets`` by id are in no layer, no log and no key.
    """

    dockerfile: Dockerfile
    images: Mapping[str, str]
    context: Sequence[FileEntry]
    arguments: Mapping[str, str]
    key: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_bundle: Path | None = None

    @property
    def base_digest(self) -> str:
        """Digest of the image that the wanted stage stands on; empty for scratch."""
        return self.images.get(self.dockerfile.base, "")

    def buildkit(self) -> str:
        """Say what needs BuildKit; empty if nothing does."""
        return self.dockerfile.needs_buildkit or ("buildSecrets" if self.secrets else "")


def build_dockerfile(
    engine: docker.DockerClient,
    job: DockerfileJob,
    *,
    client: RegistryClient,
    repository: str,
    credentials: Credentials,
    progress: Progress,
) -> Image:
    """Build by the engine and leave the image under the tag ``steps-<key>``.

    Args:
        engine: from ``connect``; stays open.
        job: what to build.
        client: of the registry.
        repository: ``host/repository`` to push to, which has the images that the job names.
        credentials: of the registry, for the engine.
        progress: gets live lines, and can stop the work at any time.

    Raises:
        UserError: an instruction fails, or needs BuildKit, which is not here.
        OutageError: the engine or the registry does not answer.
    """
    for digest in dict.fromkeys(job.images.values()):
        pull_base(engine, f"{repository}@{digest}", credentials, progress)
    with local_name(engine, f"{_LOCAL}:{job.key[:24]}") as name:
        raw = _build_locally(engine, job, repository, name, progress)
        keep_as_cache(engine, name, f"{repository.partition('/')[2]}:base")
        push_raw(engine, name, repository, raw_tag(job.key), credentials, progress)
    path = Reference.parse(repository).repository
    return finish(client, path, job.key, raw=raw, base=job.base_digest, progress=progress)


def _build_locally(
    engine: docker.DockerClient, job: DockerfileJob, repository: str, name: str, progress: Progress
) -> RawBuild:
    with ExitStack() as lent:
        names = {text: f"{repository}@{digest}" for text, digest in job.images.items()}
        bottom = layers_of(engine, names[job.dockerfile.base]) if job.base_digest else ()
        if job.ca_bundle:
            names = {text: lent.enter_context(_trusting(engine, below, job, progress)) for text, below in names.items()}
        below = layers_of(engine, names[job.dockerfile.base]) if job.base_digest else ()
        steps = _steps(job, names)
        arguments = {**proxies(), **(TRUST if job.ca_bundle else {}), **job.arguments}
        buildkit = job.buildkit()
        text = write_stages(steps, classic=not buildkit, syntax=job.dockerfile.syntax)
        with stages_context(text, job.context) as files:
            if buildkit:
                log = BuildLog(steps, 2 if job.dockerfile.syntax else 1)  # "# syntax=" is a line of its own
                build_with_buildkit(files, name, arguments, job.secrets, need=buildkit, log=log, progress=progress)
            else:
                build_context(engine, files, name, arguments, Transcript(steps, 0), progress)
        return RawBuild(bottom, below[len(bottom) :], layers_of(engine, name))


@contextmanager
def _trusting(engine: docker.DockerClient, below: str, job: DockerfileJob, progress: Progress) -> Iterator[str]:
    """Lend an image that also has the certificate bundle, in a layer that is taken out at the end."""
    assert job.ca_bundle  # noqa: S101  # the caller has looked
    name = f"{_LOCAL}:{job.key[:12]}-{below.rpartition(':')[2][:12]}-trust"
    with local_name(engine, name), trust_context(below, job.ca_bundle) as files:
        build_context(engine, files, name, {}, Transcript((), 2), progress)
        yield name


def _steps(job: DockerfileJob, names: Mapping[str, str]) -> tuple[Step, ...]:
    """Return the instructions on pinned images; with a bundle each stage also declares what makes programs trust it."""
    steps: list[Step] = []
    for step in job.dockerfile.pinned(names):
        steps.append(step)
        if step.instruction == "FROM" and job.ca_bundle:
            steps += [replace(step, text=f"ARG {name}", instruction="ARG") for name in sorted(TRUST)]
    return tuple(steps)


def build_dockerfile_remotely(
    builder: RemoteBuilder, job: DockerfileJob, *, client: RegistryClient, repository: str, progress: Progress
) -> Image:
    """Build by the target's builder, otherwise like ``build_dockerfile``.

    Raises:
        BuilderRefused: the place builds nothing for this account; nothing was left behind.
        UserError: an instruction fails, or needs BuildKit, which the place does not have.
        OutageError: the place or the registry does not answer.
    """
    if need := job.buildkit():
        raise UserError(f"{need} needs BuildKit, which the target's builder does not have", "write builder: docker")
    place = Reference.parse(repository)
    with ExitStack() as lent:
        names: dict[str, str] = {}
        hidden: tuple[Layer, ...] = ()
        for text, digest in job.images.items():
            bottom = pull_image(client, Reference(client.host, place.repository, digest=digest)).image
            lending = below_with_trust(
                client, place.repository, f"{repository}@{digest}", bottom, job.ca_bundle, progress
            )
            names[text], added = lent.enter_context(lending)
            hidden = added if text == job.dockerfile.base else hidden
        steps = _steps(job, names)
        ear = Ear(steps, 0, progress)
        files = lent.enter_context(stages_context(write_stages(steps, classic=True), job.context))
        with ear.naming_the_step():
            builder.build(
                files,
                dockerfile=DOCKERFILE,
                login_server=place.registry,
                name=f"{place.repository}:{raw_tag(job.key)}",
                arguments={**(TRUST if job.ca_bundle else {}), **job.arguments},
                hear=ear,
                progress=progress,
            )
    base: tuple[str, ...] = ()
    if job.dockerfile.base != SCRATCH:
        below = pull_image(client, Reference(client.host, place.repository, digest=job.base_digest)).image
        base = tuple(layer.diff_id for layer in below.layers)
    raw = RawBuild(base, tuple(layer.diff_id for layer in hidden))
    return finish(client, place.repository, job.key, raw=raw, base=job.base_digest, progress=progress)
