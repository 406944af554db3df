"""Build an environment's image: base, steps, conda layers, pip layer, entry point; each only if it is not known."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...blobs.catalog import AnyCatalog
from ...blobs.compress import Compression, writing_of
from ...blobs.room import told_if_full
from ...blobs.store import write_layer
from ...conda.layer_plan import LayerPlan, plan_layers
from ...conda.memory import Memory
from ...conda.pack import build_layers
from ...core.builder import Builder
from ...core.claims import Places
from ...core.compose import STARTER, entry_point, environment_image, with_inputs
from ...core.conda_lock import CondaLock
from ...core.image import Image, Layer
from ...core.inherited import without_inherited
from ...core.labels import environment_labels
from ...core.partition import divide
from ...core.phases import Phases, Span, Timed, untimed
from ...core.place import Place
from ...core.progress import Progress, Silent
from ...core.recipe import Recipe
from ...core.reference import Reference
from ...pip.layer_plan import WheelPlan, plan_wheels
from ...pip.memory import WheelMemory
from ...pip.pack import build_wheel_layers
from ...pip.wheel_set import WheelSet
from ...server_files import ENTRYPOINT
from ..plan.own_python import settled
from ..remote.base import BaseImages
from ..server_needs import wheel_set
from ..tools import Tools
from .dockerfile import bring_made, find_made
from .own_python import build_needs, known_needs, told_of
from .parallel import EarlyPush, Worker
from .push import mend, push, with_those_of_engine
from .steps import LinkJob, StepsJob, find_linked, run_linked, run_steps

if TYPE_CHECKING:
    from ...registry.push import Pushed


# the entry point starts it, and it starts the server
_STARTER = ENTRYPOINT.with_name("entrypoint.py")


@dataclass(frozen=True)
class Built:
    """An image that is in its registry now, and what bringing it there cost."""

    image: Image
    pushed: Pushed
    recipe: Recipe
    """What it was made of: with the image's own Python, if that was found in what steps made."""
    took: str = ""
    """How long its phases took; base and packages are made side by side."""
    spans: tuple[Span, ...] = ()
    """The same, with what each is made of, for the record of pushes."""


class EnvironmentBuilder:
    """Foresees and builds environments."""

    def __init__(self, tools: Tools) -> None:
        """Work with the machine's store, catalog and clients."""
        self._tools = tools
        # base images are read by an account of their own
        self._bases = BaseImages(tools)

    def look(self, recipe: Recipe, place: Place | None) -> Outlook:
        """Say which layers are known, and name those that are not; no registry is written to."""
        by, catalog = writing_of(recipe), self._tools.catalog
        # steps and Dockerfiles are looked up by their key, a base by its digest
        below = self._known_below(recipe, place)
        recipe = self._with_own(recipe, below, place, Silent()) if below else recipe
        # a plan of nothing is an empty list, and an environment without packages is one
        conda, missing = known_conda_layers(recipe.conda, catalog, by) if recipe.conda else ([], [])
        pip, unknown = known_wheel_layers(wheel_set(recipe.pip, recipe.conda), catalog, by)
        needs, lacking = known_needs(self._tools, recipe.own, by) if recipe.own else ([], [])
        pip, unknown = [*needs, *pip], [*lacking, *unknown]
        # scripts are keyed by the image that they run in, so until all below them is known there is nothing to look for
        if below and not missing and recipe.link_steps:
            linked = find_linked(self._tools, self._link_job(recipe, below, conda), place) if place else None
            conda, missing = [*conda, *(linked or ())], [] if linked is not None else ["of the link scripts"]
        # in the order of the layers, lowest first, as people read them
        missing = [*([] if below else [_name_below(recipe)]), *missing, *unknown]
        if below and not missing:
            image = self._finish(recipe, self._compose(recipe, below, conda, pip))
            return Outlook(image, (), image.layers)
        # of steps that never ran the base's layers are known all the same
        known = (*(below or self._bases.image(recipe.base)).layers, *conda, *pip)
        weights = weights_of(recipe)
        weighed = sum(weights.get(name, 0) for name in missing)
        return Outlook(None, tuple(missing), known, weighed, is_weight_missing=not weights.keys() >= set(missing))

    def make_layers(self, recipe: Recipe, progress: Progress) -> None:
        """Make the layers of packages that are missing into this machine's cache; no registry is written to."""
        self._conda(recipe, progress)
        self._pip(recipe, progress)
        self._needs(recipe, progress)

    def _known_below(self, recipe: Recipe, place: Place | None) -> Image | None:
        if recipe.steps:
            # without a place the registry is still to be made, and so holds nothing
            return self._find_built(recipe, place) if place else None
        if recipe.made:
            # what a Dockerfile makes is kept in the same registry as its steps
            return find_made(self._tools, recipe.made, place) if place else None
        return self._bases.image(recipe.base)

    def build(self, recipe: Recipe, place: Place, progress: Progress, builder: Builder = "auto") -> Image:
        """Do as ``bring`` does, and return the image alone."""
        return self.bring(recipe, place, progress, builder).image

    def bring(self, recipe: Recipe, place: Place, progress: Progress, builder: Builder = "auto") -> Built:
        """Make what is missing and push it; ``builder`` runs the extra steps.

        Raises:
            AcimlError: something outside fails; what was finished is kept and found again.
        """
        # the package files alone; unpacked and packed again they take several times as much
        with told_if_full(self._tools.settings.cache, sum(weights_of(recipe).values()) if recipe.conda else 0):
            # a layer that turns out to be damaged in this machine's cache is made again
            return mend(self._tools, progress, lambda: self._bring(recipe, place, progress, builder))

    def _bring(self, recipe: Recipe, place: Place, progress: Progress, builder: Builder) -> Built:
        tools, phases = self._tools, Phases(time.monotonic)
        _ = tools.catalog, tools.store  # opened before there are several threads
        below_it = "base and steps" if recipe.steps else "base"
        by_engine: list[Layer] = []

        def lay_base(listener: Progress) -> Image:
            with phases.timed(below_it):
                return self._below(recipe, place, builder, listener, by_engine)

        # beside the packages, since neither needs the other before
        # the image is put together (decisions/layer-writer.md)
        base = Worker(lay_base, progress)
        with base, EarlyPush(tools, place, progress, phases.part) as early:

            def ready(layer: Layer) -> None:
                # a base that cannot be had ends the packing at this layer, and not after the last
                base.raise_if_failed()
                early.offer(layer)

            with phases.timed("conda packages"):
                conda = self._conda(recipe, progress, ready, phases.part)
            with phases.timed("pip packages"):
                pip = self._pip(recipe, progress, ready, phases.part)
            # waited for here: the packages are made meanwhile
            below = base.answer()
            recipe = self._with_own(recipe, below, place, progress)
            pip = [*self._needs(recipe, progress), *pip]
            if recipe.link_steps:
                job = self._link_job(recipe, below, conda)
                with phases.timed("link scripts"):
                    # a script runs in the image with its packages, so all of them are there
                    conda += run_linked(tools, job, place, builder, progress, early.outcomes(), by_engine)
            image = self._finish(recipe, self._compose(recipe, below, conda, pip))
            # services stand on it and exports read it, often before the registry is asked again
            tools.keep_image(image)
            with phases.timed("push of the rest"):
                # no mounts: the base's layers were copied by now, and the others are made here
                pushed = push(tools, image, place, {}, progress, early.outcomes())
            return Built(image, with_those_of_engine(pushed, by_engine), recipe, phases.line(), phases.spans())

    def _below(
        self, recipe: Recipe, place: Place, builder: Builder, progress: Progress, by_engine: list[Layer]
    ) -> Image:
        if recipe.made:
            base = bring_made(self._tools, recipe.made, place, builder, progress, by_engine)
            digest = base.digest
        else:
            self._bases.copy(recipe.base, place.login_server, place.repository, progress)
            base, digest = self._bases.image(recipe.base), recipe.base.digest
        if not recipe.steps:
            return base
        if built := self._find_built(recipe, place):
            return built
        job = StepsJob(recipe.steps, recipe.context, recipe.steps_key, digest)
        return run_steps(self._tools, job, place, builder, progress, by_engine)

    def _with_own(self, recipe: Recipe, below: Image, place: Place | None, progress: Progress) -> Recipe:
        """Return the recipe with the image's own Python, which is looked for in what is below by now."""
        if recipe.own is None or (recipe.own.found and (recipe.own.wheels or not recipe.own.needs)):
            return recipe
        tools, base = self._tools, recipe.base
        # what steps made is in our registry; a base that was pinned has been looked at where it came from
        if place and (recipe.steps or recipe.made):
            base = Reference(place.login_server, place.repository, digest=below.digest)
            client = tools.client(place.login_server)
        else:
            client = tools.base_client(base.registry)
        return replace(recipe, own=settled(tools, recipe, recipe.own, client, below, base, progress))

    def _needs(self, recipe: Recipe, progress: Progress) -> list[Layer]:
        return build_needs(self._tools, recipe.own, writing_of(recipe), progress) if recipe.own else []

    def _find_built(self, recipe: Recipe, place: Place) -> Image | None:
        from ...docker.finish import find_built

        return find_built(self._tools.client(place.login_server), place.repository, recipe.steps_key)

    def _conda(
        self,
        recipe: Recipe,
        progress: Progress,
        ready: Callable[[Layer], None] = lambda _: None,
        timed: Timed = untimed,
    ) -> list[Layer]:
        if recipe.conda is None:
            return []
        tools = self._tools
        return build_layers(
            recipe.conda,
            store=tools.store,
            catalog=tools.catalog,
            settings=tools.settings,
            progress=progress,
            # a layer that was just seen where it has to be is not made here only to be sent again
            known_blob=tools.present.__contains__,
            by=writing_of(recipe),
            ready=ready,
            timed=timed,
        )

    def _pip(
        self,
        recipe: Recipe,
        progress: Progress,
        ready: Callable[[Layer], None] = lambda _: None,
        timed: Timed = untimed,
    ) -> list[Layer]:
        if not recipe.pip:
            return []
        tools, wheels = self._tools, wheel_set(recipe.pip, recipe.conda)
        return build_wheel_layers(
            wheels,
            store=tools.store,
            catalog=tools.catalog,
            settings=tools.settings,
            progress=progress,
            # who gets which path is decided with what conda brings, too
            conda=Memory(wheels.conda, tools.catalog).claimants,
            known_blob=tools.present.__contains__,
            by=writing_of(recipe),
            ready=ready,
            timed=timed,
        )

    def _link_job(self, recipe: Recipe, below: Image, conda: list[Layer]) -> LinkJob:
        """Say which scripts run in which image: pip packages come after them, as when conda makes the environment."""
        # without inputs, which no script can see: their digest is
        # in the key, and a renamed file would run all scripts again
        return LinkJob(recipe.link_steps, self._compose(replace(recipe, inputs={}), below, conda, []))

    def _compose(self, recipe: Recipe, below: Image, conda: list[Layer], pip: list[Layer]) -> Image:
        files = [entry_point(ENTRYPOINT.read_bytes()), entry_point(_STARTER.read_bytes(), STARTER)]
        entry = write_layer(files, self._tools.store)
        # never the clock: equal environments are equal images
        created = recipe.conda.created if recipe.conda else below.created
        python = bool(recipe.conda and recipe.conda.python_version)
        image = environment_image(
            without_inherited(below, self._bases.image(recipe.base), python=python),
            tuple(conda),
            tuple(pip),
            entry,
            created=created,
            variables=recipe.variables,
            python=python,
            interpreter=recipe.own.found.path if recipe.own and recipe.own.found else "",
            told=self._told(recipe, conda, pip),
        )
        return with_inputs(image, recipe.inputs)

    def _finish(self, recipe: Recipe, image: Image) -> Image:
        """Label what is pushed; link scripts run in an image without, so that labels make none of them run again."""
        return image.with_labels(environment_labels(image, recipe.base, self._bases.image(recipe.base).labels()))

    def _told(self, recipe: Recipe, conda: list[Layer], pip: list[Layer]) -> dict[str, str]:
        """Return what the history says of layers, by digest: packages with their versions; link scripts come last."""
        if recipe.own:
            return {layer.digest: told_of(recipe.own) for layer in pip}
        lock = recipe.conda or CondaLock(())
        versions = {package.name: package.version for package in lock.packages}
        # groups are planned again: a layer's own name has no versions in it
        groups = divide(lock.sizes(), lock.beside).conda
        names = [f"conda {', '.join(f'{name} {versions[name]}' for name in group.members)}" for group in groups]
        rows = list(zip(conda, [*names, *["link scripts"] * len(conda)], strict=False))
        wheels = wheel_set(recipe.pip, lock)
        places = WheelMemory(wheels, self._tools.catalog).places()
        plans = plan_wheels(wheels, places, writing_of(recipe)) if places is not None else []
        rows += [(layer, plan.told()) for layer, plan in zip(pip, plans, strict=False)]
        return {layer.digest: name for layer, name in rows}


def _name_below(recipe: Recipe) -> str:
    # what a preview calls what it cannot know
    return "of the extra steps" if recipe.steps else "of the Dockerfile"


@dataclass(frozen=True)
class Outlook:
    """What an update would make.

    ``image`` is there if nothing is unknown; else ``missing`` names what is not made yet, as people call it. ``layers``
    are all that are known, the base's among them. ``packages`` are the bytes of the package files that are still to
    become layers: what is sent is about as much, and is known when they are packed.
    """

    image: Image | None
    missing: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    packages: int = 0
    is_weight_missing: bool = False
    """Whether something is missing of which nobody knows how much it is: steps, a Dockerfile, link scripts."""


def weights_of(recipe: Recipe) -> dict[str, int]:
    """Return the bytes of the package files of each layer, by the name that people know it by."""
    wheels = wheel_set(recipe.pip, recipe.conda)
    divided, sizes = wheels.divided(), {package.name: package.size for package in wheels.packages}
    pip = {f"server {group.name}": group.members for group in divided.server}
    # both kinds in one map: a layer is known by its name
    pip |= {f"pip {group.name}": group.members for group in divided.wheels}
    conda = {group.name: sum(wheels.conda.sizes()[one] for one in group.members) for group in divided.conda}
    return conda | {name: sum(sizes[one] for one in members) for name, members in pip.items()}


def known_conda_layers(lock: CondaLock, catalog: AnyCatalog, by: Compression) -> tuple[list[Layer], list[str]]:
    """Return the layers of a lock that were made before, lowest first, and the names of the others."""
    memory = Memory(lock, catalog)
    places = memory.told()
    # without the paths of a package nobody knows whether it yields a file to another, so its layer is not certain
    undecided = None if places is not None else {package.name for package in memory.without_paths()}
    return _known(plan_layers(lock, places, by), catalog, undecided)


def known_wheel_layers(wheels: WheelSet, catalog: AnyCatalog, by: Compression) -> tuple[list[Layer], list[str]]:
    """Return the layers of wheels that were made before, lowest first, and the names of the others."""
    # the paths of wheels are decided after those of conda, which they yield to
    memory = WheelMemory(wheels, catalog)
    places = memory.places()
    undecided = None if places is not None else {package.name for package in memory.without_paths()}
    return _known(plan_wheels(wheels, places or Places(), by), catalog, undecided)


def _known(
    plans: Sequence[LayerPlan | WheelPlan], catalog: AnyCatalog, undecided: set[str] | None
) -> tuple[list[Layer], list[str]]:
    """Divide plans into layers that were made before and names of the others.

    ``undecided`` are packages of which the paths are not known; None if it is decided who gets which path.
    """
    layers, missing = list[Layer](), list[str]()
    for plan in plans:
        layer = catalog.layer(plan.key)
        if layer is None or any(package.name in (undecided or ()) for package in plan.packages):
            missing.append(plan.name)
        else:
            layers.append(layer)
    if undecided is not None and not missing:  # all are there, but nobody knows whether they are as they have to be
        return [], [plan.name for plan in plans]
    return layers, missing
