"""Extra steps, run elsewhere than on this machine: the same Dockerfile, and the same image that stays."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.builder import RemoteBuilder
from ..core.context import FileEntry
from ..core.errors import UserError
from ..core.image import OCI_MANIFEST, Image, Layer, sha256_digest
from ..core.progress import Progress
from ..core.reference import Reference
from ..core.steps import Step
from ..registry.errors import RegistryError
from ..registry.pull import pull_image
from .context import select_used
from .dockerfile import DOCKERFILE, TRUST, steps_context, trust_layer
from .finish import RawBuild, finish, raw_tag
from .transcript import Transcript, short, total

if TYPE_CHECKING:
    from ..registry.client import RegistryClient

__all__ = ["build_remotely"]
# How the classic builder says that a step failed; only believed once the place says that the build failed.
_FAILED = re.compile(r"returned a non-zero code: \d+$|^(?:COPY|ADD) failed: ")
_OVER = re.compile(r"Successfully built [0-9a-f]{12}")


def build_remotely(
    builder: RemoteBuilder,
    *,
    base: str,
    steps: Sequence[Step],
    context: Sequence[FileEntry],
    ca_bundle: Path | None,
    client: RegistryClient,
    repository: str,
    key: str,
    progress: Progress,
) -> Image:
    """Run the steps and leave the image under the tag ``steps-<key>``.

    Args:
        builder: of the target.
        base: ``host/repository@digest``, in ``repository``.
        steps: judged by ``lint_steps`` before.
        context: files for COPY and ADD.
        ca_bundle: PEM file that the steps trust; it is in no image that stays.
        client: of the registry.
        repository: ``host/repository`` to push to.
        key: from ``steps_key``.
        progress: gets live lines, and can stop the work at any time.

    Raises:
        BuilderRefused: the place builds nothing for this account; nothing was left behind.
        UserError: a step fails; names it and shows its last lines.
        OutageError: the place or the registry does not answer.
    """
    place, digest = Reference.parse(repository), Reference.parse(base).digest
    bottom = pull_image(client, Reference(client.host, place.repository, digest=digest)).image
    arguments = TRUST if ca_bundle else {}
    # FROM and one ARG each are ours, and the builder counts them
    ear = Ear(steps, 1 + len(arguments), progress)
    with (
        below_with_trust(client, place.repository, base, bottom, ca_bundle, progress) as (below, hidden),
        steps_context(below, steps, select_used(steps, context), sorted(arguments)) as files,
        ear.naming_the_step(),
    ):
        builder.build(
            files,
            dockerfile=DOCKERFILE,
            login_server=place.registry,
            name=f"{place.repository}:{raw_tag(key)}",
            arguments=arguments,
            hear=ear,
            progress=progress,
        )
    raw = RawBuild(tuple(layer.diff_id for layer in bottom.layers), tuple(layer.diff_id for layer in hidden))
    return finish(client, place.repository, key, raw=raw, base=digest, progress=progress)


@contextmanager
def below_with_trust(
    client: RegistryClient, repository: str, base: str, bottom: Image, ca_bundle: Path | None, progress: Progress
) -> Iterator[tuple[str, tuple[Layer, ...]]]:
    """Lend what the steps stand on: the base, or the base with the bundle's layer, and the layers to leave out."""
    # the base itself: no layer to push, and none to leave out
    if ca_bundle is None:
        yield base, ()
        return
    layer, blob = trust_layer(ca_bundle)
    # A mark of its own: a registry that keeps deleted manifests for some days takes none of them a second time.
    image = replace(bottom.append(layer), annotations={"aciml.passing": uuid.uuid4().hex})
    tag = f"trust-{image.tag}"
    for what, content in (("certificate bundle", blob), ("image config", image.config())):
        digest = sha256_digest(content)
        client.upload_blob(repository, digest, len(content), lambda body=content: io.BytesIO(body), what=what)  # type: ignore[misc]  # a default of a lambda
    client.put_manifest(repository, tag, image.manifest(), OCI_MANIFEST)
    try:
        yield f"{client.host}/{repository}@{image.digest}", (layer,)
    finally:
        try:
            client.delete_manifest(repository, image.digest)
        except RegistryError as error:
            progress.warn(f"the intermediate image {repository}:{tag} stays in the registry: {error.message}")


class Ear:
    """Hears a build's log line by line, tells its live lines, and knows which step failed."""

    def __init__(self, steps: Sequence[Step], ours: int, progress: Progress) -> None:
        self._transcript = Transcript(steps, ours)
        self._steps, self._progress = steps, progress
        self._failure: UserError | None = None
        self._over = False

    def __call__(self, line: str) -> None:
        line = line.rstrip()
        if _FAILED.search(line):
            self._failure = self._transcript.failure(line)
        elif self._over or _OVER.match(line):
            # what follows is the push, whose lines look like those of a step
            self._over = True
            self._progress.say(line)
        elif self._failure is None:
            said = self._transcript.hear({"stream": f"{line}\n"})
            if said or (line and self._transcript.step is None):
                self._progress.say(said or line)

    @contextmanager
    def naming_the_step(self) -> Iterator[None]:
        """Turn the failure of a build into that of a step, as far as the log has named one."""
        try:
            yield
        except UserError as error:
            if self._failure:
                raise self._failure from error
            # a failure after the last step is no step's fault
            step = None if self._over else self._transcript.step
            if step is None:
                raise
            where = f"{step.label} of {total(self._steps)}: {short(step)}"
            raise UserError(f"{where}: {error.message}", error.advice) from error
