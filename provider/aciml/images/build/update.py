"""The course of a preview and of an update: what is known is looked up, what is missing is made, and a line says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...blobs.sizes import size_line
from ...core.image import Image, Layer
from ...core.place import Place
from ...core.progress import Progress
from ...core.recipe import Recipe
from ...registry.client import RegistryClient
from ..plan.base import size_warning
from ..plan.recipe import recipe_of
from ..remote.base import BaseImages
from ..remote.catalog import answers, find_present, knowing, tell
from ..tools import Tools
from .environment import EnvironmentBuilder
from .steps import Builder
from .summary import Cost, PackageCount, preview_line, unknown_line, update_line

Values = dict[str, Any]


def foresee(tools: Tools, old: Values, inputs: Values, place: Place | None, progress: Progress) -> Image | None:
    """Return the image that an update would push, and say what it costs; None if a layer is not known.

    Args:
        tools: of this machine.
        old: inputs of the image that is there; empty if there is none.
        inputs: pinned, all known but for the registry.
        place: where the image goes; None if that registry is still to be made.
        progress: told the line.

    Raises:
        OutageError: what has to be asked does not answer.
    """
    place = place if place and answers(tools, place) else None
    tools = knowing(tools, inputs, place) if place else tools
    recipe, builder = recipe_of(tools, inputs, progress), EnvironmentBuilder(tools)
    if inputs.get("previewLayers") == "build":
        builder.make_layers(recipe, progress)
    seen = builder.look(recipe, place)
    if seen.missing:
        progress.note(unknown_line(seen.missing))
    cost = Cost.of(seen.layers, _present(tools, seen.layers, place), len(seen.missing))
    digest = seen.image.digest if seen.image else ""
    if seen.image and (warning := size_warning(seen.image, tools.target.largest_image())):
        progress.warn(warning)
    progress.note(preview_line(PackageCount.between(old, inputs), cost, digest))
    return seen.image


def bring(
    tools: Tools, old: Values, inputs: Values, place: Place, progress: Progress, by: Builder = "auto"
) -> tuple[Recipe, Image]:
    """Make what is missing, push it, keep what is known of it beside it, and say what it cost.

    Raises:
        AcimlError: something outside fails; what was finished is kept and found again.
    """
    tools = knowing(tools, inputs, place)
    recipe = recipe_of(tools, inputs, progress)
    below = () if recipe.made else BaseImages(tools).image(recipe.base).layers
    copied = Cost.of(below, _present(tools, below, place))
    built = EnvironmentBuilder(tools).bring(recipe, place, progress, by)
    tell(tools, recipe, place, built.image.created, progress)
    done, image = built.pushed, built.image
    reused = max(min(len(image.layers), done.present + done.mounted) - (len(below) - copied.reused), 0)
    sent = done.uploaded_bytes + copied.bytes
    progress.note(update_line(PackageCount.between(old, inputs), sent, reused, image.digest))
    if warning := size_warning(image, tools.target.largest_image()):
        progress.warn(warning)
    if sizes := size_line(tools.catalog, image.layers):
        progress.note(sizes)
    if built.took:
        progress.note(built.took)
    return recipe, image


def _present(tools: Tools, layers: Iterable[Layer], place: Place | None) -> frozenset[str]:
    if place is None:
        return frozenset()
    client: RegistryClient = tools.client(place.login_server)
    unsure = {layer.digest for layer in layers} - tools.present
    return tools.present | find_present(client, place.repository, unsure)
