"""Extra steps, run by the Docker Engine's classic builder on top of the base, and pushed as an image of their own."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..core.context import FileEntry
from ..core.credentials import Credentials
from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from ..core.reference import Reference
from ..core.stages import steps_beyond_classic
from ..core.steps import Step
from .buildkit import BaseLost, build_with_buildkit
from .buildkit_log import BuildLog
from .context import select_used
from .dockerfile import DOCKERFILE, TRUST, steps_context, trust_context, write_dockerfile
from .finish import RawBuild, find_built, finish, raw_tag
from .podman import is_podman
from .step_clock import StepClock, StepOverdue
from .stream import messages
from .transcript import ParentLost, Transcript, in_step
from .transfer import pull_base, push_raw, sent_of

if TYPE_CHECKING:
    import docker

    from ..core.image import Image, Layer
    from ..registry.client import RegistryClient

__all__ = ["build_steps", "find_built", "run_steps"]
PLATFORM = "linux/amd64"
_LOCAL = "aciml-steps"  # repository of our names inside the engine
_PATIENCE = 10.0  # seconds for the engine to remove the container of a build that was stopped
_TRIES = 4  # of a build whose parent image somebody else removes meanwhile; each one needs another removal to fail


def build_steps(
    engine: docker.DockerClient,
    *,
    base: str,
    steps: Sequence[Step],
    context: Sequence[FileEntry],
    ca_bundle: Path | None,
    client: RegistryClient,
    repository: str,
    key: str,
    credentials: Credentials,
    progress: Progress,
    sent: list[Layer] | None = None,
) -> Image:
    """Run the steps and leave the image under the tag ``steps-<key>``.

    Args:
        engine: from ``connect``; stays open.
        base: ``host/repository@digest``, in the registry of ``repository``.
        steps: judged by ``lint_steps`` before.
        context: files for COPY and ADD.
        ca_bundle: PEM file that the steps trust; it is in no image that stays.
        client: of the registry.
        repository: ``host/repository`` to push to.
        key: from ``steps_key``.
        credentials: of the registry, for the engine.
        progress: gets live lines, and can stop the work at any time.
        sent: is given the layers that the engine has sent.

    Raises:
        UserError: a step fails; names it and shows its last lines.
        OutageError: the engine or the registry does not answer.
    """
    target = Reference.parse(repository)
    with local_name(engine, f"{_LOCAL}:{key[:24]}") as name:
        raw = on_base(
            lambda: pull_base(engine, base, credentials, progress),
            lambda: run_steps(
                engine, base=base, steps=steps, context=context, ca_bundle=ca_bundle, name=name, progress=progress
            ),
        )
        # before the push: steps that took an hour are not run again because a registry was away
        keep_as_cache(engine, name, target.repository)
        pushed = push_raw(engine, name, f"{target.registry}/{target.repository}", raw_tag(key), credentials, progress)
    digest = Reference.parse(base).digest
    image = finish(client, target.repository, key, raw=raw, base=digest, progress=progress)
    if sent is not None:
        sent += sent_of(image.layers, pushed)
    return image


def on_base(bring: Callable[[], None], build: Callable[[], RawBuild]) -> RawBuild:
    """Bring what a build stands on and build; once more if that was cleaned away in between."""
    bring()
    try:
        return build()
    except BaseLost:
        bring()
        return build()


def run_steps(
    engine: docker.DockerClient,
    *,
    base: str,
    steps: Sequence[Step],
    context: Sequence[FileEntry],
    ca_bundle: Path | None,
    name: str,
    progress: Progress,
) -> RawBuild:
    """Build the steps on a base that the engine has, and name the result ``name`` there."""
    below, arguments = base, proxies()
    with local_name(engine, f"{name}-trust") as trusted:
        if ca_bundle:
            with trust_context(base, ca_bundle) as files:
                build_context(engine, files, trusted, {}, Transcript((), 2), progress)
            below, arguments = trusted, {**arguments, **TRUST}
        declared = sorted(TRUST) if ca_bundle else []
        used, need = select_used(steps, context), steps_beyond_classic(steps)
        if need and not is_podman(engine):  # Buildah, Podman's builder, knows these by the same call
            lines = write_dockerfile(below, steps, declared)
            log = BuildLog((*_ours(declared), *steps), lines)
            build_with_buildkit(engine, lines, used, name, arguments, {}, need=need, log=log, progress=progress)
        else:
            with steps_context(below, steps, used, declared) as files:
                build_context(engine, files, name, arguments, Transcript(steps, 1 + len(declared)), progress)
        base_layers, below_layers = layers_of(engine, base), layers_of(engine, below)
        return RawBuild(base_layers, below_layers[len(base_layers) :], layers_of(engine, name))


def _ours(arguments: Sequence[str]) -> Iterator[Step]:
    """Return what stands before the user's steps, so that they are counted as BuildKit counts them; number 0."""
    yield Step(0, "FROM the base", "FROM")
    yield from (Step(0, f"ARG {name}", "ARG") for name in arguments)


def build_context(
    engine: docker.DockerClient,
    files: IO[bytes],
    name: str,
    arguments: Mapping[str, str],
    transcript: Transcript,
    progress: Progress,
) -> None:
    """Let the classic builder make an image and name it.

    Raises:
        UserError: a step fails.
        OutageError: the engine stops answering, or what it has cached is removed again and again.
    """
    # The classic builder goes on from any image that it finds for a step, and holds it by nothing: another run, or
    # `docker image prune`, that removes it meanwhile ends the build. Then the step is just run.
    for _ in range(_TRIES - 1):
        with suppress(ParentLost):
            return _build_once(engine, files, name, arguments, transcript, progress)
        progress.say("Docker lost an image that these steps went on from: they are run again")
        files.seek(0)
    return _build_once(engine, files, name, arguments, transcript, progress)


def _build_once(
    engine: docker.DockerClient,
    files: IO[bytes],
    name: str,
    arguments: Mapping[str, str],
    transcript: Transcript,
    progress: Progress,
) -> None:
    from docker.errors import APIError

    params = {
        "dockerfile": DOCKERFILE,
        "t": name,
        "rm": "1",
        # else the container of a step that fails stays behind (Engine API, "Build an image")
        "forcerm": "1",
        # the engine's own would be arm64 on many a Mac; clouds run amd64, and one lock is for one platform
        "platform": PLATFORM,
        "buildargs": json.dumps(arguments),
    }
    headers = {"Content-Type": "application/x-tar"}
    clock = StepClock(progress, transcript)
    stream = messages(engine, "/build", progress=clock, params=params, headers=headers, data=files)
    try:
        with closing(stream):
            for message in stream:
                if line := transcript.hear(message):
                    progress.say(line)
    except StepOverdue:
        _await_end(engine, transcript.container)
        raise
    except (UserError, ParentLost):
        # a step's own failure ends the build in the engine too: nothing to wait for
        raise
    except OutageError as error:
        raise in_step(error, transcript.running, transcript.total) from error
    except APIError as error:
        # refused before the first step, so it is about how they are written
        raise UserError(f"Docker cannot read the steps: {error.explanation or error}", "mend that step") from error
    except BaseException:
        _await_end(engine, transcript.container)
        raise


def _await_end(engine: docker.DockerClient, container: str) -> None:
    """Wait until the engine has removed the container of a stopped build; remove it if that takes long."""
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException

    if not container:
        return
    # the engine ends a build when its connection is closed, a moment later
    deadline = time.monotonic() + _PATIENCE
    # NotFound is what is waited for, and ends the loop
    with suppress(NotFound, DockerException, RequestException):
        while time.monotonic() < deadline:
            engine.api.inspect_container(container)
            time.sleep(0.1)
        with suppress(APIError):
            engine.api.remove_container(container, force=True)


@contextmanager
def local_name(engine: docker.DockerClient, name: str) -> Iterator[str]:
    """Lend a name in the engine that begins so; afterwards the image stays only as far as something else needs it."""
    # of its own: another run may build the same at the same time, and whoever is done first takes its name away
    own = f"{name}-{uuid.uuid4().hex[:8]}"
    try:
        yield own
    finally:
        _forget(engine, own)


def _forget(engine: docker.DockerClient, image: str) -> None:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    with suppress(DockerException, RequestException):
        engine.api.remove_image(image)


def cache_name(repository: str) -> str:
    """Return the name in the engine of a repository's last build; registries come and go, so their hosts do not count.

    Args:
        repository: without the host.
    """
    return f"{_LOCAL}:cache-{hashlib.sha256(repository.encode()).hexdigest()[:12]}"


def keep_as_cache(engine: docker.DockerClient, name: str, repository: str) -> None:
    """Keep the last build of each repository, so that steps which did not change are not run again."""
    from docker.errors import DockerException

    with suppress(DockerException):
        # an image goes with its last name: by this one its steps stay for the classic builder to find.
        # The one before is let go by that name and not by its id: an id takes with it the only other name that the
        # image has, which may be that of another run with the same steps, before its push
        _forget(engine, cache_name(repository))
        engine.api.tag(name, _LOCAL, cache_name(repository).partition(":")[2])


def layers_of(engine: docker.DockerClient, image: str) -> tuple[str, ...]:
    """Return the diff_ids of an image that the engine has.

    Raises:
        BaseLost: it has it no more.
        OutageError: it does not answer.
    """
    from docker.errors import DockerException, ImageNotFound

    try:
        return tuple(engine.images.get(image).attrs["RootFS"].get("Layers") or ())
    except ImageNotFound as error:
        # the builder holds what it stands on by nothing: somebody else's clean-up may take it while it works
        message = f"Docker has the image {image} no more: something removed it meanwhile"
        raise BaseLost(message, "run the same command again") from error
    except DockerException as error:
        raise OutageError(
            f"Docker does not tell the layers of {image}: {error}", "run the same command again"
        ) from error


def proxies() -> dict[str, str]:
    """Return the proxies that Docker's own config gives to builds; the builder keeps them out of the image."""
    from docker.utils.config import load_general_config
    from docker.utils.proxy import ProxyConfig

    chosen = load_general_config().get("proxies", {}).get("default", {})
    # as the `docker` command does, which hands proxies of its config to every build
    return {str(name): str(value) for name, value in ProxyConfig.from_dict(chosen).get_environment().items()}
