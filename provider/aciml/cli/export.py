"""``aciml export``: the environment as a setup folder of Azure ML v1, or an image as a file, without a registry."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.errors import UserError
from ..core.image import Image
from ..core.place import Place
from ..core.progress import Progress
from ..core.reference import Reference
from ..images.tools import Tools
from ..model.environment import Environment, read_environment
from ..model.registry import LOGIN_SERVER
from ..properties import Values
from .sections import environment_of
from .stack import project_folder, settings_of, stack_options, target_of
from .terminal import Terminal, answer, json_option

if TYPE_CHECKING:
    from ..core.recipe import Recipe

FORMATS = ("setup", "oci-layout", "docker-archive")
_OUTPUTS = {"environment": "environment_image", "service": "image"}
_NOWHERE = "registry.invalid"  # a place is asked for by the properties, and nothing is pushed


@dataclass(frozen=True)
class _Wish:
    """What was asked for, in the words of the options."""

    where: Path
    format: str
    image: str
    name: str
    called: str
    mirrors: bool
    installer: str
    stack: str
    project: Path | None


@click.command("export")
@click.argument("where", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="What to write.")
@click.option("--image", default="environment", show_default=True, help="environment, service, or a reference.")
@click.option("--name", default="", help="Name of the environment or service, if there are several.")
@click.option("--as", "called", default="", help="What the image is called in the file; repository:tag.")
@click.option("--mirrors", is_flag=True, help="setup: take conda packages from this machine's mirrors.")
@click.option("--installer", default="", help="setup: image with micromamba that installs the packages.")
@stack_options
@json_option
def command(*, as_json: bool, **options: Any) -> None:
    """Write a setup folder, or an image as a file: WHERE is that folder or file (a layout is a tar if it ends so).

    The folder is that of Azure ML v1, azureml-environment-setup. No registry is needed for it, nor for an image
    without extra steps. An error leaves nothing half written.
    """
    wish, progress = _Wish(**options), Terminal()
    if ":" in wish.name and not wish.called:
        # until 0.2.0 --name was what --as is; no component has a colon in its name
        wish = replace(wish, name="", called=wish.name)
    export = _Export(wish, progress)
    facts, line = export.setup() if wish.format == "setup" else export.image()
    progress.done()
    answer({"path": str(wish.where), "format": wish.format, **facts}, [line], as_json=as_json)


class _Export:
    def __init__(self, wish: _Wish, progress: Progress) -> None:
        self._wish, self._progress = wish, progress
        self._folder = project_folder(wish.project or Path.cwd())
        self._values = self._read()
        settings = settings_of(self._values)
        self._tools = Tools.of(target_of(wish.stack, self._folder, settings), settings)

    def _read(self) -> Values:
        """Return the environment's properties; of another image they are known only as far as it has just one."""
        if self._wish.image == "environment":
            return environment_of(self._wish.stack, self._folder, self._wish.name)
        try:
            return environment_of(self._wish.stack, self._folder)
        except UserError:
            return {}

    def setup(self) -> tuple[dict[str, Any], str]:
        # here and not above, since the help of this command needs nothing that builds images
        from ..images.export.setup import fetch_pip, pin_installer, plan_setup, write_setup
        from ..images.export.setup_text import MICROMAMBA

        declared, recipe = self._pinned()
        # a tag would be another installer next month; the folder
        # is to give this environment again (decisions/export.md)
        image = pin_installer(self._tools, self._wish.installer or MICROMAMBA, self._progress)
        setup = plan_setup(
            recipe,
            declared,
            self._tools.settings,
            mirrors=self._wish.mirrors,
            installer=image,
            pip=fetch_pip(self._tools, recipe, declared, self._progress),
        )
        write_setup(setup, self._wish.where, self._progress)
        line = f"{self._wish.where}: build {setup.name} with azureml-environment-setup/docker_env_builder.sh in it"
        return {"name": setup.name}, line

    def image(self) -> tuple[dict[str, Any], str]:
        from ..images.export.archive import write_archive
        from ..images.export.layers import LayerSource
        from ..images.export.layout import write_layout

        image, place = self._image()
        name = self._wish.called or f"{self._repository(place)}:{image.tag}"
        blobs = LayerSource(self._tools, [place])
        if self._wish.format == "docker-archive":
            write_archive(image, blobs, self._wish.where, name, self._progress)
        else:
            write_layout(image, blobs, self._wish.where, name.rpartition(":")[2], self._progress)
        facts = {"name": name, "digest": image.digest, "size": sum(layer.size for layer in image.layers)}
        return facts, f"{self._wish.where}: {name}, digest {image.digest}"

    def _repository(self, place: Place) -> str:
        return str(self._values["repository"]) if self._wish.image == "environment" else place.repository

    def _image(self) -> tuple[Image, Place]:
        """Return the image, and where those of its layers can be had that are not on this machine."""
        named = self._wish.image
        if named == "environment":
            _, recipe = self._pinned()
            # what a builder has made of extra steps is in a registry
            # alone; all else is put together here, so no registry is asked
            if not recipe.steps:
                return self._composed(recipe)
        text = named if named not in _OUTPUTS else self._output(_OUTPUTS[named])
        return self._pushed(Reference.parse(text))

    def _composed(self, recipe: Recipe) -> tuple[Image, Place]:
        """Make the image of what is in the cache; what is missing there is made, and no registry is written to."""
        from ..images.build.environment import EnvironmentBuilder

        builder = EnvironmentBuilder(self._tools)
        builder.make_layers(recipe, self._progress)
        image = builder.look(recipe, None).image
        if image is None:
            raise UserError(
                "the environment's image cannot be told without a registry", "run pulumi up, then export it"
            )
        return image, Place(recipe.base.registry, recipe.base.repository)

    def _pushed(self, reference: Reference) -> tuple[Image, Place]:
        if not reference.digest:
            client = self._tools.client(reference.registry)
            reference = reference.at(client.head_manifest(reference.repository, reference.tag) or "")
        image = self._tools.load_image(reference) if reference.digest else None
        if image is None:
            raise UserError(f"there is no image {reference}", "run pulumi up, or name another image")
        # we write a manifest in one form; another tool's comes out in other bytes, so under another digest
        if image.digest != reference.digest:
            raise UserError(f"{reference} is not an image of this project", "copy it by a tool for any image")
        return image, Place(reference.registry, reference.repository)

    def _output(self, name: str) -> str:
        """Return what the stack's last update pushed: by its state, or by an output that the program exports."""
        from .declared import ENVIRONMENT, SERVICE, state_of

        what, stack, called = self._wish.image, self._wish.stack, self._wish.name
        kind = SERVICE if what == "service" else ENVIRONMENT
        rows, _ = state_of(stack, self._folder)
        images = {one.component: image for one in rows.values() if one.token == kind and (image := one.text("image"))}
        if called and images:
            if called not in images:
                raise UserError(f'stack {stack} has no {what} "{called}"', f"it has {', '.join(images)}")
            return images[called]
        # of several the program says which one it means
        if len(images) == 1:
            return next(iter(images.values()))
        # only Pulumi knows where the state is, and what opens it
        words = ["pulumi", "stack", "output", name, "--stack", self._wish.stack]
        try:
            done = subprocess.run(words, cwd=self._folder, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip()
            if images:
                raise UserError(
                    f"stack {stack} has {len(images)} of the kind {what}: {', '.join(images)}", "choose one by --name"
                ) from error
            advice = "run pulumi up first, or give the image's reference by --image"
            raise UserError(f"the stack's output {name} cannot be read: {said}", advice) from error
        return done.stdout.strip()

    def _pinned(self) -> tuple[Environment, Recipe]:
        """Return the environment, pinned, and its recipe, as an update would have them."""
        from ..images.plan.recipe import recipe_of
        from ..resources.environment import EnvironmentImage

        inputs = {LOGIN_SERVER: _NOWHERE, **self._values}
        # by the resource's own check, which pins: what is exported is what an update would push
        checked = EnvironmentImage(self._tools).check(None, inputs, self._progress)
        if checked.findings:
            told = "; ".join(f"{finding.where}: {finding.why}" for finding in checked.findings)
            raise UserError(told)
        declared = read_environment(checked.inputs)
        return declared, recipe_of(self._tools, declared, self._progress)
