"""Link scripts of conda packages, run in a build on top of the conda layers; what they leave are layers, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.image import Image, Layer
from ..core.lint import steps_key
from ..core.progress import Progress
from ..core.steps import Step
from .pushing import Place, push
from .steps import Builder, StepsJob, run_steps
from .workshop import Workshop

if TYPE_CHECKING:
    from ..registry.client import RegistryClient
    from ..registry.upload import Outcome


@dataclass(frozen=True)
class LinkJob:
    """Scripts to run in an image that has base, extra steps and conda packages: all that such a script may look at."""

    steps: tuple[Step, ...]
    image: Image

    @property
    def key(self) -> str:
        """Name of the result: the steps and the image they run in."""
        return steps_key(self.image.digest, self.steps, "")


def find_linked(shop: Workshop, job: LinkJob, place: Place) -> list[Layer] | None:
    """Return the layers that these scripts left before; None if they never ran in this image."""
    from ..docker.finish import find_built

    built = find_built(shop.client(place.login_server), place.repository, job.key)
    return _own(built, job.image.layers) if built else None


def run_linked(
    shop: Workshop, job: LinkJob, place: Place, builder: Builder, progress: Progress, early: Mapping[str, Outcome]
) -> list[Layer]:
    """Run the scripts and return the layers that they leave, which the registry then has.

    ``early`` says what this run has sent already, as in ``pushing.push``.

    Raises:
        UserError: a script fails; its last lines are shown.
        OutageError: the builder or the registry does not answer.
    """
    if (known := find_linked(shop, job, place)) is not None:
        return known
    progress.say(f"running the link scripts of {len(job.steps)} conda packages")
    shop.keep_image(job.image)
    push(shop, job.image, place, {}, progress, early)
    built = run_steps(shop, StepsJob(job.steps, (), job.key, job.image.digest), place, builder, progress)
    _forget(shop.client(place.login_server), place.repository, job.image.digest, progress)
    return _own(built, job.image.layers)


def _own(built: Image, below: Sequence[Layer]) -> list[Layer]:
    return list(built.layers[len(below) :])


def _forget(client: RegistryClient, repository: str, digest: str, progress: Progress) -> None:
    """Remove the manifest that the scripts ran in: nobody asks for it again, its layers are those of the result."""
    from ..registry.errors import RegistryError

    try:
        client.delete_manifest(repository, digest)
    except RegistryError as error:
        progress.warn(f"the intermediate image {repository}@{digest} stays in the registry: {error.message}")
