"""A base image from the user's own Dockerfile: built once for its key, pushed, and cleaned as extra steps are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.builder import RemoteBuilder
from ..core.credentials import Credentials
from ..core.errors import UserError
from ..core.image import Image, Layer
from ..core.progress import Progress
from ..core.recipe import DockerfileBase
from ..core.reference import SCRATCH, Reference
from ..core.steps import Step
from ..registry.pull import pull_image
from .build import build_context, keep_as_cache, layers_of, local_name, on_base, proxies
from .buildkit import build_with_buildkit
from .buildkit_log import BuildLog
from .dockerfile import DOCKERFILE, IGNORE, TRUST, stages_context, trust_context, write_stages
from .finish import RawBuild, finish, raw_tag
from .podman import is_podman
from .remote import Ear, below_with_trust
from .transcript import Transcript
from .transfer import pull_base, push_raw, sent_of

if TYPE_CHECKING:
    import docker

    from ..registry.client import RegistryClient

_LOCAL = "aciml-base"  # repository of our names inside the engine


def build_dockerfile(
    engine: docker.DockerClient,
    made: DockerfileBase,
    *,
    ca_bundle: Path | None = None,
    client: RegistryClient,
    repository: str,
    credentials: Credentials,
    progress: Progress,
    sent: list[Layer] | None = None,
) -> Image:
    """Build by the engine and leave the image under the tag ``steps-<key>``.

    Args:
        engine: from ``connect``; stays open.
        made: what to build.
        ca_bundle: PEM file that its instructions trust while they run; it is not in the image.
        client: of the registry.
        repository: ``host/repository`` to push to, which has the images that it names.
        credentials: of the registry, for the engine.
        progress: gets live lines, and can stop the work at any time.
        sent: is given the layers that the engine has sent.

    Raises:
        UserError: an instruction fails, or needs BuildKit, which is not here.
        OutageError: the engine or the registry does not answer.
    """

    def bring() -> None:
        # a Dockerfile may name one image in several ways
        for digest in dict.fromkeys(made.images.values()):
            pull_base(engine, f"{repository}@{digest}", credentials, progress)

    with local_name(engine, f"{_LOCAL}:{made.key[:24]}") as name:
        raw = on_base(bring, lambda: _build_locally(engine, made, ca_bundle, repository, name, progress))
        # a name beside that of the extra steps: one cache would push the other out
        keep_as_cache(engine, name, f"{repository.partition('/')[2]}:base")
        pushed = push_raw(engine, name, repository, raw_tag(made.key), credentials, progress)
    path = Reference.parse(repository).repository
    image = finish(client, path, made.key, raw=raw, base=made.below.digest, progress=progress)
    if sent is not None:
        sent += sent_of(image.layers, pushed)
    return image


def _build_locally(
    engine: docker.DockerClient,
    made: DockerfileBase,
    ca_bundle: Path | None,
    repository: str,
    name: str,
    progress: Progress,
) -> RawBuild:
    with ExitStack() as lent:
        # each base is in the same repository by now: the engine needs no account of the base's own registry
        names = {text: f"{repository}@{digest}" for text, digest in made.images.items()}
        bottom = layers_of(engine, names[made.dockerfile.base]) if made.below.digest else ()
        if ca_bundle:
            lent_names = (_trusting(engine, below, made.key, ca_bundle, progress) for below in names.values())
            names = dict(zip(names, map(lent.enter_context, lent_names), strict=True))
        below = layers_of(engine, names[made.dockerfile.base]) if made.below.digest else ()
        steps = _steps(made, names, trusting=ca_bundle is not None)
        arguments = {**proxies(), **(TRUST if ca_bundle else {}), **made.arguments}
        need = made.needs_buildkit
        # Buildah, Podman's builder, knows what --mount and the like mean by the classic call, without secrets of ours
        buildkit = bool(need) and (bool(made.secrets) or not is_podman(engine))
        # a frontend that the user names reads heredocs by itself
        lines = write_stages(steps, classic=not made.dockerfile.syntax, syntax=made.dockerfile.syntax)
        if buildkit:
            log = BuildLog(steps, lines)
            files = [entry for entry in made.context if entry.path != IGNORE]
            build_with_buildkit(
                engine, lines, files, name, arguments, made.secrets, need=need, log=log, progress=progress
            )
        else:
            with stages_context(lines, made.context) as tar:
                # 0: all instructions are the user's, here FROM as well
                build_context(engine, tar, name, arguments, Transcript(steps, 0), progress)
        return RawBuild(bottom, below[len(bottom) :], layers_of(engine, name))


@contextmanager
def _trusting(engine: docker.DockerClient, below: str, key: str, ca_bundle: Path, progress: Progress) -> Iterator[str]:
    """Lend an image that also has the certificate bundle, in a layer that is taken out at the end."""
    name = f"{_LOCAL}:{key[:12]}-{below.rpartition(':')[2][:12]}-trust"
    with local_name(engine, name) as own, trust_context(below, ca_bundle) as files:
        build_context(engine, files, own, {}, Transcript((), 2), progress)
        yield own


def _steps(made: DockerfileBase, names: Mapping[str, str], *, trusting: bool) -> tuple[Step, ...]:
    """Return the instructions on pinned images; with a bundle each stage also declares what makes programs trust it."""
    steps: list[Step] = []
    for step in made.dockerfile.pinned(names):
        steps.append(step)
        if step.instruction == "FROM" and trusting:
            steps += [replace(step, text=f"ARG {name}", instruction="ARG") for name in sorted(TRUST)]
    return tuple(steps)


def build_dockerfile_remotely(
    builder: RemoteBuilder,
    made: DockerfileBase,
    *,
    ca_bundle: Path | None = None,
    client: RegistryClient,
    repository: str,
    progress: Progress,
) -> Image:
    """Build by the target's builder, otherwise like ``build_dockerfile``.

    Raises:
        BuilderRefused: the place builds nothing for this account; nothing was left behind.
        UserError: an instruction fails, or needs BuildKit, which the place does not have.
        OutageError: the place or the registry does not answer.
    """
    if need := made.needs_buildkit:
        raise UserError(f"{need} needs BuildKit, which the target's builder does not have", "write builder: docker")
    place = Reference.parse(repository)
    with ExitStack() as lent:
        names: dict[str, str] = {}
        hidden: tuple[Layer, ...] = ()
        for text, digest in made.images.items():
            bottom = pull_image(client, Reference(client.host, place.repository, digest=digest)).image
            lending = below_with_trust(client, place.repository, f"{repository}@{digest}", bottom, ca_bundle, progress)
            names[text], added = lent.enter_context(lending)
            # only the base's layers reach the image; those of other stages stay behind with them
            hidden = added if text == made.dockerfile.base else hidden
        steps = _steps(made, names, trusting=ca_bundle is not None)
        ear = Ear(steps, 0, progress)
        files = lent.enter_context(stages_context(write_stages(steps, classic=True), made.context))
        with ear.naming_the_step():
            builder.build(
                files,
                dockerfile=DOCKERFILE,
                login_server=place.registry,
                name=f"{place.repository}:{raw_tag(made.key)}",
                arguments={**(TRUST if ca_bundle else {}), **made.arguments},
                hear=ear,
                progress=progress,
            )
    base: tuple[str, ...] = ()
    if made.dockerfile.base != SCRATCH:
        below = pull_image(client, Reference(client.host, place.repository, digest=made.below.digest)).image
        base = tuple(layer.diff_id for layer in below.layers)
    raw = RawBuild(base, tuple(layer.diff_id for layer in hidden))
    return finish(client, place.repository, made.key, raw=raw, base=made.below.digest, progress=progress)
