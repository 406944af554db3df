"""Build an environment's image: base, steps, conda layers, pip layer, entry point; each only if it is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..blobs.compress import compression_of
from ..blobs.store import write_layer
from ..conda.lock import CondaLock
from ..conda.pack import build_layers, layers_if_known
from ..core.compose import entry_point, environment_image, with_inputs
from ..core.image import Image, Layer
from ..core.progress import Progress
from ..core.reference import Reference
from ..core.steps import Step
from ..docker.context import FileEntry
from ..pip.install import known_pip_layer, pip_layer
from ..pip.resolve import PipPackage
from .base import BaseImages
from .pushing import Place, push
from .steps import Builder, StepsJob, run_steps
from .workshop import Workshop

_ENTRYPOINT = Path(__file__).resolve().parents[3] / "server" / "entrypoint.sh"


@dataclass(frozen=True)
class Recipe:
    """All that is in the image, pinned."""

    base: Reference
    steps: tuple[Step, ...] = ()
    context: tuple[FileEntry, ...] = ()
    steps_key: str = ""
    conda: CondaLock | None = None
    pip: tuple[PipPackage, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    compression: str = ""


class EnvironmentBuilder:
    """Foresees and builds environments."""

    def __init__(self, workshop: Workshop) -> None:
        """Work with the workshop's store, catalog and clients."""
        self._workshop = workshop
        self._bases = BaseImages(workshop)

    def foresee(self, recipe: Recipe, place: Place | None) -> Image | None:
        """Return the image that ``build`` would make, if all of it was made before; no registry is written to."""
        if recipe.steps and place is None:
            return None
        below = self._find_built(recipe, place) if recipe.steps and place else self._bases.image(recipe.base)
        by, catalog = compression_of(recipe.compression), self._workshop.catalog
        conda = layers_if_known(recipe.conda, catalog, by) if recipe.conda else []
        pip = known_pip_layer(recipe.pip, _python(recipe), catalog, by) if recipe.pip else None
        if below is None or conda is None or (recipe.pip and pip is None):
            return None
        return self._compose(recipe, below, conda, pip)

    def build(self, recipe: Recipe, place: Place, progress: Progress, builder: Builder = "auto") -> Image:
        """Make what is missing and push it; ``builder`` runs the extra steps.

        Raises:
            AcimlError: something outside fails; what was finished is kept and found again.
        """
        self._bases.copy(recipe.base, place.login_server, place.repository, progress)
        below = self._below(recipe, place, builder, progress)
        conda = self._conda(recipe, progress)
        pip = self._pip(recipe, progress)
        image = self._compose(recipe, below, conda, pip)
        self._workshop.keep_image(image)
        push(self._workshop, image, place, {}, progress)
        return image

    def _below(self, recipe: Recipe, place: Place, builder: Builder, progress: Progress) -> Image:
        if not recipe.steps:
            return self._bases.image(recipe.base)
        if built := self._find_built(recipe, place):
            return built
        job = StepsJob(recipe.steps, recipe.context, recipe.steps_key, recipe.base.digest)
        return run_steps(self._workshop, job, place, builder, progress)

    def _find_built(self, recipe: Recipe, place: Place) -> Image | None:
        from ..docker.finish import find_built

        return find_built(self._workshop.client(place.login_server), place.repository, recipe.steps_key)

    def _conda(self, recipe: Recipe, progress: Progress) -> list[Layer]:
        if recipe.conda is None:
            return []
        shop = self._workshop
        return build_layers(
            recipe.conda,
            store=shop.store,
            catalog=shop.catalog,
            settings=shop.settings,
            progress=progress,
            by=compression_of(recipe.compression),
        )

    def _pip(self, recipe: Recipe, progress: Progress) -> Layer | None:
        if not recipe.pip:
            return None
        shop = self._workshop
        return pip_layer(
            recipe.pip,
            _python(recipe),
            store=shop.store,
            catalog=shop.catalog,
            settings=shop.settings,
            progress=progress,
            by=compression_of(recipe.compression),
        )

    def _compose(self, recipe: Recipe, below: Image, conda: list[Layer], pip: Layer | None) -> Image:
        entry = write_layer([entry_point(_ENTRYPOINT.read_bytes())], self._workshop.store)
        created = recipe.conda.created if recipe.conda else below.created
        image = environment_image(below, tuple(conda), pip, entry, created=created, variables=recipe.variables)
        return with_inputs(image, recipe.inputs)


def _python(recipe: Recipe) -> str:
    """Return the environment's Python as ``3.11``."""
    return ".".join(recipe.conda.python_version.split(".")[:2]) if recipe.conda else ""
