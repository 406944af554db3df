"""A preview and an update of an environment: what is known is looked up, what is missing is made, a line says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...blobs.compress import writing_of
from ...blobs.prune import prune_to_limit
from ...blobs.sizes import SAVES_LATER, saved_line, size_line
from ...core.claims import Places, overlap_note
from ...core.image import Image, Layer
from ...core.pip_package import PIP
from ...core.place import Place
from ...core.progress import Progress
from ...core.recipe import Recipe
from ...model.environment import Environment
from ...pip.layer_plan import earlier_key, plan_wheels
from ...pip.memory import WheelMemory
from ...pip.pack import wheel_layers_if_known
from ...pip.pinned_line import bare_package
from ..export.sbom import settle_bill
from ..plan.base import size_warning
from ..plan.check import read_builder
from ..plan.recipe import recipe_of
from ..plan.solved import with_solve
from ..remote.base import BaseImages
from ..remote.catalog import find_present, is_reachable, publish_facts, with_remote_facts
from ..remote.old_tags import Keep, settle_old_tags
from ..server_needs import wheel_set
from ..tools import Tools
from .environment import Built, EnvironmentBuilder, Outlook
from .summary import Cost, PackageCount, change_lines, preview_line, unknown_line, update_line, waiting_line
from .summary import size_line as image_size_line


def preview(tools: Tools, before: Environment, now: Environment, size: int, progress: Progress) -> Image | None:
    """Return the image that an update would push, and say what it costs; None if something is not known.

    Args:
        tools: of this machine.
        before: the image that is there; one that says nothing if there is none.
        now: pinned; its registry may still have to be made.
        size: bytes of the image that is there; 0 if there is none, or nobody knows.
        progress: told the line.

    Raises:
        OutageError: what has to be asked does not answer.
    """
    for line in change_lines(before, now):
        progress.note(line)
    # one line for all that waits, and nothing is guessed (decisions/unknown-inputs.md)
    if waiting := waiting_line(before, now):
        progress.note(waiting)
        return None
    foreseen = foresee(tools, now, progress)
    seen, recipe, tools = foreseen.seen, foreseen.recipe, foreseen.tools
    # of steps that never ran nobody knows how much they bring
    if not seen.is_weight_missing:
        after = sum(layer.size for layer in seen.layers) + seen.packages
        progress.note(image_size_line(size, after, sure=bool(seen.image)))
    if recipe.slim:
        progress.note(saved_line(tools.catalog, seen.layers) or SAVES_LATER)
    if moved := moving_line(tools, before, recipe):
        progress.note(moved)
    if seen.missing:
        progress.note(unknown_line(seen.missing))
    if shared := wheels_note(tools, recipe):
        progress.note(shared)
    cost = Cost.of(seen.layers, foreseen.present, len(seen.missing), seen.packages)
    digest = seen.image.digest if seen.image else ""
    if seen.image and (warning := size_warning(seen.image, tools.target.largest_image())):
        progress.warn(warning)
    progress.note(preview_line(PackageCount.between(before.pins, now.pins), cost, digest))
    return seen.image


@dataclass(frozen=True)
class Foreseen:
    """What an update would make and send.

    ``present`` are the digests of layers that the registry has; without a registry that answers, none.
    """

    recipe: Recipe
    seen: Outlook
    present: frozenset[str]
    place: Place | None
    tools: Tools
    """Those that know what the registry knows."""


def foresee(tools: Tools, now: Environment, progress: Progress) -> Foreseen:
    """Look up what an update of a pinned environment would make; with ``previewLayers`` ``build`` it is made here.

    Raises:
        OutageError: what has to be asked does not answer.
    """
    place = now.place
    place = place if place and is_reachable(tools, place) else None
    tools = with_remote_facts(tools, now, place) if place else tools
    recipe, builder = recipe_of(tools, now, progress), EnvironmentBuilder(tools)
    if now.layers.preview_layers == "build":
        builder.make_layers(recipe, progress)
    seen = builder.look(recipe, place)
    return Foreseen(recipe, seen, _present(tools, seen.layers, place), place, tools)


def update(tools: Tools, before: Environment, now: Environment, place: Place, progress: Progress) -> Image:
    """Bring the image to its place, with its bill of materials; old images go, and the cache keeps its limit.

    Raises:
        AcimlError: something outside fails; what was finished is kept and found again.
    """
    recipe, built = _bring(tools, before, now, place, progress)
    image = built.image
    client = tools.client(place.login_server)
    # after the push, since a bill names its image as subject
    settle_bill(client, place.repository, recipe, image, progress, wanted=now.layers.sbom)
    keep = Keep(now.layers.keep_tags, now.layers.keep_days)
    # after that, so that what is new counts among what stays
    settle_old_tags(client, place.repository, image, keep, progress, took=with_solve(tools, recipe, built.spans))
    # last: until here anything in the cache may be needed (decisions/clean-up.md)
    prune_to_limit(tools.settings.cache, tools.settings.cache_size, progress)
    return image


def _bring(
    tools: Tools, before: Environment, now: Environment, place: Place, progress: Progress
) -> tuple[Recipe, Built]:
    """Make what is missing, push it, keep what is known of it beside it, and say what it cost."""
    by = read_builder(now.steps.builder, tools)
    tools = with_remote_facts(tools, now, place)
    recipe = recipe_of(tools, now, progress)
    # of a Dockerfile nobody knows the layers before it is built
    below = () if recipe.made else BaseImages(tools).image(recipe.base).layers
    # asked before the base is copied: afterwards all of it is there
    copied = Cost.of(below, _present(tools, below, place))
    if moved := moving_line(tools, before, recipe):
        progress.note(moved)
    built = EnvironmentBuilder(tools).bring(recipe, place, progress, by)
    publish_facts(tools, now, built.recipe, place, built.image.created, progress)
    done, image, recipe = built.pushed, built.image, built.recipe
    # the base's layers were copied before the push, which then finds them present: they are counted once
    reused = max(min(len(image.layers), done.present + done.mounted) - (len(below) - copied.reused), 0)
    sent = done.uploaded_bytes + copied.bytes
    progress.note(update_line(PackageCount.between(before.pins, now.pins), sent, reused, image.digest))
    if warning := size_warning(image, tools.target.largest_image()):
        progress.warn(warning)
    if shared := wheels_note(tools, recipe):
        progress.note(shared)
    if sizes := size_line(tools.catalog, image.layers):
        progress.note(sizes)
    if recipe.slim and (saved := saved_line(tools.catalog, image.layers)):
        progress.note(saved)
    if built.took:
        progress.note(built.took)
    return recipe, built


def wheels_note(tools: Tools, recipe: Recipe) -> str:
    """Say which files wheels bring that other packages bring, too; empty if there are none, or nobody knows yet."""
    places = WheelMemory(wheel_set(recipe.pip, recipe.conda), tools.catalog).places()
    return overlap_note(places.overlaps) if places else ""


def moving_line(tools: Tools, before: Environment, recipe: Recipe) -> str:
    """Say that wheels, which were one layer in the image that is there, are several from now on; else nothing."""
    lines = [line for line in before.pins.lock or () if line.startswith(PIP)]
    by, python = writing_of(recipe), recipe.python
    old = [bare_package(line) for line in lines]
    parts = wheel_set(old, None).parted()
    was_one = any(tools.catalog.layer(earlier_key(part, python, by)) for part in parts if part)
    wheels = wheel_set(recipe.pip, recipe.conda)
    if not was_one or wheel_layers_if_known(wheels, tools.catalog, by) is not None:
        return ""
    count = len(plan_wheels(wheels, Places(), by))
    return (
        f"the wheels of the image that is there are one layer; from now on they are {count}, which are sent once: "
        "a later change sends the layer of what changes"
    )


def _present(tools: Tools, layers: Iterable[Layer], place: Place | None) -> frozenset[str]:
    if place is None:
        return frozenset()
    unsure = {layer.digest for layer in layers} - tools.present
    return tools.present | find_present(tools.client(place.login_server), place.repository, unsure)
