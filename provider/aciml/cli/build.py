"""``aciml build``: an image as ``pulumi up`` would push it, into a registry, an OCI layout or Docker."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from ..core.errors import UserError
from ..core.image import OCI_MANIFEST, Image, sha256_digest
from ..core.place import Place
from ..core.progress import Progress
from ..core.recipe import Recipe
from ..core.reference import Reference
from ..images.tools import Tools
from ..model.environment import Environment, read_environment
from ..model.registry import LOGIN_SERVER
from ..model.service import ENVIRONMENT_IMAGE
from ..properties import Unknown
from .declared import Resource
from .making import NOWHERE, Pinned, Wanted, file_options, learn_users, pinned, service_on, tools_of, wanted
from .stack import stack_options
from .terminal import Terminal, answer, json_option

IMAGES = ("service", "environment")
_FORMS = "registry:HOST/REPOSITORY[:TAG], oci:PATH, or docker:NAME[:TAG]"


@dataclass(frozen=True)
class Goal:
    """Where an image goes: ``where`` is a reference, a path or a name."""

    kind: Literal["registry", "oci", "docker"]
    where: str

    @classmethod
    def read(cls, said: str, beside: str) -> Goal | None:
        """Read ``--to``; None if nothing is said, and the image goes where an update would push it.

        Raises:
            click.UsageError: it is none of the forms.
            UserError: it is one, and no name that an image can have.
        """
        found = cls._read(said, beside)
        # before anything is built, which may take minutes
        if found and found.kind != "oci":
            Reference.parse(found.where)
        return found

    @classmethod
    def _read(cls, said: str, beside: str) -> Goal | None:
        if not said:
            return None
        word, colon, rest = said.partition(":")
        # `aciml build registry` with a place behind it: a word that people split in two
        if said == "registry" and beside:
            word, colon, rest = "registry", ":", beside
        # anything else with a colon may be a port
        if colon and rest and word in ("registry", "oci", "docker"):
            return cls(word, rest)  # type: ignore[arg-type]  # it is one of them
        # host:port/repository has a colon too
        if "/" in said and word not in ("oci", "docker"):
            return cls("registry", said)
        raise click.UsageError(f'"{said}" is no place for an image; write {_FORMS}')


@click.command("build")
@click.argument("where", required=False, default="")
@click.option("--to", metavar="PLACE", default="", help=f"{_FORMS}; without it where pulumi up pushes.")
@click.option("--image", type=click.Choice(IMAGES), help="What to build; the service if there is one.")
@click.option(
    "--via", metavar="HOST", default="", help="Registry that keeps what extra steps make, for oci and docker."
)
@click.option("--name", default="", help="Name of the component, if there are several.")
@file_options
@stack_options
@json_option
def command(
    *,
    where: str,
    to: str,
    image: str | None,
    via: str,
    name: str,
    stack: str,
    project: Path | None,
    as_json: bool,
    **files: Any,
) -> None:
    """Build an environment or a service as pulumi up would, and print its reference with the digest.

    Of a stack, or of files given by options. What is known is not made again. Docker is needed for extra steps, and for
    docker: alone. An error leaves nothing half written.
    """
    goal, progress = Goal.read(to, where), Terminal()
    wish = wanted(stack, project, name, files, progress)
    # an environment on its own is pushed under its own name
    if image == "environment" and wish.environment:
        wish = replace(wish, service=None)
    if image == "service" and not wish.service:
        raise UserError("there is no service to build", "declare one, or give --source")
    facts = _Build(wish, goal, via, progress).run()
    progress.done()
    answer(facts, [facts["reference"]], as_json=as_json)


@dataclass(frozen=True)
class _Build:
    wanted: Wanted
    goal: Goal | None
    via: str
    progress: Progress

    def run(self) -> dict[str, Any]:
        tools = tools_of(self.wanted.any)
        if self.goal and self.goal.kind == "oci":
            # the only place that can be full before it begins
            self._look_at_folder(Path(self.goal.where))
        environment = self.wanted.environment
        if self.goal is None:
            # a host that nobody knows is told before anything is built
            _known_host(_host_of(self.wanted.any))
        if environment is None:
            assert self.wanted.service  # noqa: S101  # one of them is there
            # of another stack, or of a program that only the engine runs
            if isinstance(self.wanted.service.inputs.get(ENVIRONMENT_IMAGE), Unknown):
                raise UserError("the service stands on an image that only an update knows", "run pulumi up")
            return self._service(self.wanted.service, tools, "", None)
        # by what the last update pinned: a build makes what the next `up` would make
        pins = pinned(environment, tools, environment.before, self.progress)
        if waiting := _waits(pins.now):
            raise UserError(f"the environment cannot be built: {waiting}", "run pulumi up, which knows it")
        recipe, image, place = self._environment(pins)
        if self.wanted.service is None:
            return self._finish(pins.tools, image, place, recipe)
        # a service asks for it by its digest, and no registry has it yet
        pins.tools.keep_image(image)
        if place is None:
            learn_users(pins.tools, recipe, self.progress)
        host, repository = (place.login_server, place.repository) if place else (NOWHERE, pins.now.repository)
        # by a host that nobody has, if it is in no registry: the image itself is in the cache by now
        reference = f"{host}/{repository}:{image.tag}@{image.digest}"
        return self._service(self.wanted.service, pins.tools, reference, recipe)

    def _look_at_folder(self, path: Path) -> None:
        """Refuse a place that is taken before anything is built, which may take minutes."""
        from ..images.export.layout import refuse_full_folder

        # an archive is one file, which is put in its place when it is whole
        if path.suffix != ".tar":
            refuse_full_folder(path)

    def _environment(self, pins: Pinned) -> tuple[Recipe, Image, Place | None]:
        """Make the environment: in its registry if it goes to one, or if what steps make has to lie in one."""
        from ..images.build.environment import EnvironmentBuilder
        from ..images.build.update import update
        from ..images.plan.recipe import recipe_of

        place = self._place_of_environment(pins.now)
        recipe = recipe_of(pins.tools, pins.now, self.progress)
        # layers of packages are made here, byte by byte; what ran in a container comes back as an image alone
        # a container's layers are only in the engine's or a registry's store, and no registry was named
        if place is None and (recipe.steps or recipe.made or recipe.link_steps):
            raise UserError(
                "what extra steps, a Dockerfile or link scripts make is kept in a registry, and none is known",
                "name one by --via HOST, such as --via localhost:5000",
            )
        if place:
            # nothing goes: what stays in a registry is for the stacks to say that push to it
            # a build by hand is no holder of images: it must not clean up for a stack
            now = pins.now.but(layers=pins.now.layers.but(keep_tags=None, keep_days=None))
            return recipe, update(pins.tools, self._before(), now, place, self.progress), place
        builder = EnvironmentBuilder(pins.tools)
        # layers first: an image can be looked at once all of them are in the cache
        builder.make_layers(recipe, self.progress)
        image = builder.look(recipe, None).image
        assert image is not None  # noqa: S101  # base and packages are there now, and nothing else is in it
        return recipe, image, None

    def _before(self) -> Environment:
        return read_environment(self.wanted.environment.before if self.wanted.environment else {})

    def _place_of_environment(self, now: Environment) -> Place | None:
        # the name that a scaffold of `aciml new` has
        goal, repository = self.goal, now.repository or "azureml/environment"
        if goal and goal.kind == "registry":
            reference = Reference.parse(goal.where)
            # below a service it has its own repository, whose name is a part of the service's digest
            return Place(reference.registry, repository if self.wanted.service else reference.repository)
        if goal is None:
            return Place(_known_host(now.login_server), repository)
        # by the registry that keeps steps: layers are read from there when the archive is written
        return Place(self.via, repository) if self.via else None

    def _service(self, resource: Resource, tools: Tools, environment: str, recipe: Recipe | None) -> dict[str, Any]:
        from ..images.build.service import build, update

        # an image that exists is not made again, and to copy one is no build
        if existing := resource.inputs.get("existingImage"):
            advice = "take image out of the program, or build --image environment"
            raise UserError(f"service {resource.title} runs {existing}, and nothing is built for it", advice)
        place = self._place_of_service(resource)
        # as it goes to its place: the last part of the repository is the image's title
        inputs = {**resource.inputs, LOGIN_SERVER: place.login_server, "repository": place.repository}
        now = service_on(replace(resource, inputs=inputs), tools, environment, resource.before, self.progress)
        if place.login_server == NOWHERE:
            return self._finish(tools, build(tools, now, self.progress), None, recipe)
        return self._finish(tools, update(tools, now, place, self.progress), place, recipe)

    def _place_of_service(self, resource: Resource) -> Place:
        goal, repository = self.goal, str(resource.inputs.get("repository", ""))
        if goal and goal.kind == "registry":
            reference = Reference.parse(goal.where)
            return Place(reference.registry, reference.repository)
        if goal is None:
            return Place(_known_host(_host_of(resource)), repository)
        return Place(NOWHERE, repository)

    def _finish(self, tools: Tools, image: Image, place: Place | None, recipe: Recipe | None) -> dict[str, Any]:
        """Bring the image from the cache, or from the registry that it is in, to where it was wanted."""
        facts = {"digest": image.digest, "size": sum(layer.size for layer in image.layers), "layers": len(image.layers)}
        goal = self.goal
        if goal is None or goal.kind == "registry":
            assert place is not None  # noqa: S101  # it was pushed there
            # a second tag is a name more for the same bytes
            tag = self._tag(tools, image, place)
            return {"reference": f"{place}:{tag}@{image.digest}", **facts}
        from ..images.export.layers import LayerSource
        from ..images.export.layout import write_layout

        below = [
            # where what is not in the cache can be read from: packed by another machine, or made by steps
            Place(self.via, str(one.inputs["repository"]))
            for one in (self.wanted.environment,)
            if self.via and one
        ]
        if recipe and recipe.base.registry:
            below.append(Place(recipe.base.registry, recipe.base.repository))
        # a service of another stack's environment: its layers are where that image is
        if self.wanted.environment is None and self.wanted.service:
            on = Reference.parse(str(self.wanted.service.inputs[ENVIRONMENT_IMAGE]))
            below.append(Place(on.registry, on.repository))
        # the base is read by the account that is given for it
        blobs = LayerSource(replace(tools, clients=tools.base_clients), below)
        if goal.kind == "oci":
            write_layout(image, blobs, Path(goal.where), image.tag, self.progress)
            return {"reference": f"oci:{goal.where}:{image.tag}@{image.digest}", **facts}
        # Docker takes a name without a tag for latest, and says so in the archive's manifest
        name = goal.where if ":" in goal.where.rpartition("/")[2] else f"{goal.where}:latest"
        self._load(tools, image, blobs, name)
        # docker's own id of an image is the digest of its config
        return {"reference": f"docker:{name}@{image.digest}", "id": sha256_digest(image.config()), **facts}

    def _tag(self, tools: Tools, image: Image, place: Place) -> str:
        """Give the image the tag that was asked for, beside its own; return that which is told."""
        said = self.goal.where.rpartition("/")[2].partition(":")[2] if self.goal else ""
        if not said:
            # the same bytes under another name: no blob is sent
            return image.tag
        tools.client(place.login_server).put_manifest(place.repository, said, image.manifest(), OCI_MANIFEST)
        return said

    def _load(self, tools: Tools, image: Image, blobs: Any, name: str) -> None:
        from docker.errors import DockerException

        from ..docker.engine import connect
        from ..images.export.archive import write_archive

        engine = connect()
        # a fresh machine has no cache yet
        tools.settings.cache.mkdir(parents=True, exist_ok=True)
        # in the cache: a system's folder for temporary files may be small, or in memory
        with closing(engine), tempfile.TemporaryDirectory(dir=tools.settings.cache, prefix="load-") as folder:
            path = Path(folder) / "image.tar"
            write_archive(image, blobs, path, name, self.progress)
            self.progress.say(f"loading {name} into Docker")
            try:
                with path.open("rb") as file:
                    engine.images.load(file)
            except DockerException as error:
                raise UserError(f"Docker does not take the image: {error}", "see docker info") from error


def _waits(now: Environment) -> str:
    from ..images.build.summary import waiting_line

    # against nothing: all of it is new
    return waiting_line(type(now)(login_server="", repository=""), now)


def _host_of(resource: Resource) -> str:
    host = resource.inputs.get(LOGIN_SERVER)
    return "" if isinstance(host, Unknown) else str(host or "")


def _known_host(host: str) -> str:
    if not host:
        raise UserError(
            "the stack's registry is not made yet, or its state cannot be read",
            f"run pulumi up, or say where the image goes by --to: {_FORMS}",
        )
    return host
