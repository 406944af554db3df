"""The course of a preview and of an update: what is known is looked up, what is missing is made, and a line says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...blobs.sizes import size_line
from ...core.image import Image, Layer
from ...core.place import Place
from ...core.progress import Progress
from ...registry.client import RegistryClient
from ..plan.base import size_warning
from ..remote.base import BaseImages
from ..remote.catalog import answers, find_present, knowing, tell
from ..tools import Workshop
from .environment import EnvironmentBuilder, Recipe
from .steps import Builder
from .summary import Cost, PackageCount, preview_line, unknown_line, update_line

Values = dict[str, Any]


def foresee(shop: Workshop, old: Values, inputs: Values, place: Place | None, progress: Progress) -> Image | None:
    """Return the image that an update would push, and say what it costs; None if a layer is not known.

    Args:
        shop: of this machine.
        old: inputs of the image that is there; empty if there is none.
        inputs: pinned, all known but for the registry.
        place: where the image goes; None if that registry is still to be made.
        progress: told the line.

    Raises:
        OutageError: what has to be asked does not answer.
    """
    place = place if place and answers(shop, place) else None
    shop = knowing(shop, inputs, place) if place else shop
    recipe, builder = recipe_of(shop, inputs, progress), EnvironmentBuilder(shop)
    if inputs.get("previewLayers") == "build":
        builder.make_layers(recipe, progress)
    seen = builder.look(recipe, place)
    if seen.missing:
        progress.note(unknown_line(seen.missing))
    cost = Cost.of(seen.layers, _present(shop, seen.layers, place), len(seen.missing))
    digest = seen.image.digest if seen.image else ""
    if seen.image and (warning := size_warning(seen.image, shop.target.largest_image())):
        progress.warn(warning)
    progress.note(preview_line(PackageCount.between(old, inputs), cost, digest))
    return seen.image


def bring(
    shop: Workshop, old: Values, inputs: Values, place: Place, progress: Progress, by: Builder = "auto"
) -> tuple[Recipe, Image]:
    """Make what is missing, push it, keep what is known of it beside it, and say what it cost.

    Raises:
        AcimlError: something outside fails; what was finished is kept and found again.
    """
    shop = knowing(shop, inputs, place)
    recipe = recipe_of(shop, inputs, progress)
    below = () if recipe.made else BaseImages(shop).image(recipe.base).layers
    copied = Cost.of(below, _present(shop, below, place))
    built = EnvironmentBuilder(shop).bring(recipe, place, progress, by)
    tell(shop, recipe, place, built.image.created, progress)
    done, image = built.pushed, built.image
    reused = max(min(len(image.layers), done.present + done.mounted) - (len(below) - copied.reused), 0)
    sent = done.uploaded_bytes + copied.bytes
    progress.note(update_line(PackageCount.between(old, inputs), sent, reused, image.digest))
    if warning := size_warning(image, shop.target.largest_image()):
        progress.warn(warning)
    if sizes := size_line(shop.catalog, image.layers):
        progress.note(sizes)
    if built.took:
        progress.note(built.took)
    return recipe, image


def recipe_of(shop: Workshop, inputs: Values, progress: Progress | None = None) -> Recipe:
    """Return the recipe of pinned inputs, with what the user chose.

    Raises:
        UserError: a file changed since it was checked, or a pinned package is no longer to be had.
    """
    from ..plan.recipe import recipe_of as pinned
    from ..plan.recipe import with_choices

    return with_choices(pinned(shop, inputs, progress), inputs, shop, progress)


def _present(shop: Workshop, layers: Iterable[Layer], place: Place | None) -> frozenset[str]:
    if place is None:
        return frozenset()
    client: RegistryClient = shop.client(place.login_server)
    unsure = {layer.digest for layer in layers} - shop.present
    return shop.present | find_present(client, place.repository, unsure)
