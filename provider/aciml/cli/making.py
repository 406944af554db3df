"""What ``plan`` and ``build`` share: the environment and the service of a stack, or of files, checked and pinned.

By the resources' own checks: what is planned and built here is what an update would make.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from ..core.errors import AcimlError, Cancelled, Finding, UserError
from ..core.image import Image
from ..core.progress import Progress
from ..core.recipe import Recipe
from ..core.reference import Reference
from ..images.tools import Tools
from ..model.environment import Environment, read_environment
from ..model.registry import LOGIN_SERVER
from ..model.service import ENVIRONMENT_IMAGE, Service, read_service
from ..properties import UNKNOWN, Values
from ..settings import Settings
from ..targets.choice import choose_targets
from .declared import BY_OPTIONS, ENVIRONMENT, SERVICE, Declared, Resource, declared
from .stack import project_folder

NOWHERE = "registry.invalid"
"""Stands for a registry that is still to be made; RFC 2606 keeps the name for nobody."""
_PATH = click.Path(path_type=Path)
_Run = TypeVar("_Run", bound=Callable[..., Any])
_FILES = {
    "base": "baseImage", "dockerfile": "dockerfile", "steps": "extraStepsFile", "conda": "condaFile",
    "requirements": "requirementsFile",
}  # fmt: skip
# messages speak in properties, which somebody who gave options has never seen
_OPTIONS = {wire: f"--{option}" for option, wire in _FILES.items()} | {
    **dict.fromkeys(("stepsContext", "buildContext"), "--context"),
    "sourceDirectory": "--source",
    "set serverRequirements to false": "give --no-server",
    "; paths are relative to the folder of Pulumi.yaml": "",
    ", or dockerfileText": "",
}
"""What a message says of a property, and how it is said on a command line."""
_OF_OPTION = re.compile(
    "|".join(rf"(?<![\w/.]){one}(?![\w.])" if one.isalpha() else re.escape(one) for one in _OPTIONS)
)


def file_options(run: _Run) -> _Run:
    """Give a command the options that take the place of a stack: files of an environment, and the scoring source."""
    # reversed: a decorator that is applied last is listed first
    for option in reversed(
        (
            click.option("--base", metavar="IMAGE", help="Instead of a stack: image to build on."),
            click.option("--dockerfile", type=_PATH, metavar="FILE", help="Dockerfile that makes the base."),
            click.option("--steps", type=_PATH, metavar="FILE", help="File of Dockerfile lines on the base."),
            click.option("--context", type=_PATH, metavar="DIR", help="What their COPY copies from."),
            click.option("--conda", type=_PATH, metavar="FILE", help="conda.yml of the environment."),
            click.option("--requirements", type=_PATH, metavar="FILE", help="requirements.txt, instead."),
            click.option("--source", type=_PATH, metavar="DIR", help="Folder of score.py: the service, too."),
            click.option(
                "--no-server", is_flag=True, help="The image is not for serving: bring nothing for the server."
            ),
        )
    ):
        run = option(run)
    return run


@dataclass(frozen=True)
class Wanted:
    """An environment, and the service on it if there is one."""

    environment: Resource | None
    service: Resource | None = None

    @property
    def any(self) -> Resource:
        """One of them; both are managed by one provider."""
        # an environment and its service are declared by one component's provider
        found = self.environment or self.service
        assert found is not None  # noqa: S101  # ``wanted`` gives at least one
        return found


def wanted(stack: str, project: Path | None, name: str, files: dict[str, Any], progress: Progress) -> Wanted:
    """Return what is asked for: by files if any is named, else what the stack declares.

    Args:
        stack: name of the stack.
        project: folder of Pulumi.yaml, or one below it; the current one without it.
        name: of the component, if there are several.
        files: by option; none of them has to be given.
        progress: told if what the last update left cannot be read.

    Raises:
        UserError: there is no such stack, or it declares several and none is chosen.
    """
    # any file makes it a question about files: a stack is not read then
    return _of_files(**files) if any(files.values()) else choose(_found(stack, project, progress), name)


def all_wanted(stack: str, project: Path | None, name: str, files: dict[str, Any], progress: Progress) -> list[Wanted]:
    """Return all that a stack declares, if nothing is named; see ``wanted``.

    Each service is with its environment, so that one which several stand on is there several times.
    """
    if name or any(files.values()):
        return [wanted(stack, project, name, files, progress)]
    found = _found(stack, project, progress)
    # services first: each brings its environment along
    on_them = [choose(found, one.name) for one in found.of_kind(SERVICE)]
    used = {one.environment.name for one in on_them if one.environment}
    alone = [Wanted(one) for one in found.of_kind(ENVIRONMENT) if one.name not in used]
    # nothing of ours is refused there, with the reason
    return [*on_them, *alone] or [choose(found, "")]


def _found(stack: str, project: Path | None, progress: Progress) -> Declared:
    found = declared(stack, project_folder(project or Path.cwd()), instead=BY_OPTIONS)
    if found.stateless:
        progress.note(f"{found.stateless}: all counts as new")
    return found


def choose(found: Declared, name: str) -> Wanted:
    """Return the service of that name with its environment, or the environment of that name.

    Raises:
        UserError: there is none of ours, or several.
    """
    services, environments = found.of_kind(SERVICE), found.of_kind(ENVIRONMENT)
    if not services and not environments:
        raise UserError(f"stack {found.stack} declares no image of aciml", "declare one, or give files by options")
    # a name may be that of an environment alone; where a service has it too, the service is meant
    # an environment that a service shares its name with is reached by that service
    if not services or (name and name in {one.title for one in environments} - {one.title for one in services}):
        return Wanted(found.one(ENVIRONMENT, name))
    service = found.one(SERVICE, name)
    # one that stands on another stack's image has no environment here
    return Wanted(next((one for one in environments if one.name == service.on), None), service)


def _of_files(
    *, source: Path | None, context: Path | None, dockerfile: Path | None, no_server: bool, **files: Any
) -> Wanted:
    given: Values = {_FILES[name]: str(value) for name, value in files.items() if value}
    given |= {"dockerfile": str(dockerfile)} if dockerfile else {}
    given |= {"serverRequirements": False} if no_server else {}
    if context:
        given |= {"buildContext" if dockerfile else "stepsContext": str(context)}
    # no registry is named: where it would be pushed is unknown, and said so
    place: Values = {LOGIN_SERVER: UNKNOWN, "repository": "azureml/environment"}
    service = None
    if source:
        inputs: Values = {LOGIN_SERVER: UNKNOWN, "repository": f"azureml/{source.resolve().name}"}
        inputs |= {"sourceDirectory": str(source), "entryScript": "score.py", ENVIRONMENT_IMAGE: UNKNOWN}
        service = Resource(SERVICE, source.resolve().name, inputs, on="environment", by_options=True)
    return Wanted(Resource(ENVIRONMENT, "environment", {**place, **given}, by_options=True), service)


def tools_of(resource: Resource) -> Tools:
    """Return this machine's tools for the target that the resource's provider names."""
    # a folder that cannot be written is replaced by one that can, and told
    settings, told = Settings.read().with_usable_cache()
    if told:
        click.echo(f"aciml: {told}", err=True)
    return Tools.of(choose_targets(dict(resource.config), settings), settings)


@dataclass(frozen=True)
class Pinned:
    """An environment with its pins; ``inputs`` are its properties as ``check`` returns them."""

    now: Environment
    inputs: Values
    tools: Tools


def pinned(resource: Resource, tools: Tools, before: Values, progress: Progress) -> Pinned:
    """Check an environment as the engine does before an update.

    Raises:
        UserError: something is wrong; the message names all of it.
        OutageError: a registry, channel or index does not answer.
    """
    from ..resources.environment import EnvironmentImage

    # with the accounts of its channels and its bundle: other ones than those it was checked with
    resource_of = EnvironmentImage(tools)
    # by the resource itself: a command finds what an update would, in the same words
    checked = resource_of.check(before or None, resource.inputs, progress)
    refuse(checked.findings, resource)
    now = read_environment(checked.inputs)
    return Pinned(now, checked.inputs, resource_of.tools_to_build(now))


def service_on(resource: Resource, tools: Tools, environment: str, before: Values, progress: Progress) -> Service:
    """Check a service as the engine does, on an environment's image that was just planned or built.

    Raises:
        UserError: something is wrong; the message names all of it.
    """
    from ..resources.service import ServiceImage

    # an unknown image stays what the resource itself says
    inputs = {**resource.inputs, **({ENVIRONMENT_IMAGE: environment} if environment else {})}
    checked = ServiceImage(tools).check(before or None, inputs, progress)
    refuse(checked.findings, resource)
    return read_service(checked.inputs)


def refuse(findings: Sequence[Finding], resource: Resource) -> None:
    """Raise if something is wrong, in the words that it was given in.

    Raises:
        UserError: the message names all of it.
    """
    if findings:
        text = "; ".join(finding.text for finding in findings)
        # each property by the option it came from, in one pass: a replaced word is not replaced again
        raise UserError(_OF_OPTION.sub(lambda found: _OPTIONS[found[0]], text) if resource.by_options else text)


def learn_users(tools: Tools, recipe: Recipe, progress: Progress) -> None:
    """Look into the base for its users, while nothing of the image is in a registry yet.

    A service's image asks for them layer by layer, and finds what was found here.
    """
    from ..images.remote.accounts import accounts_of
    from ..images.remote.base import BaseImages

    # a base that a Dockerfile makes is in no registry yet, and cannot be looked into
    if recipe.made or not recipe.base.registry:
        return
    try:
        image = BaseImages(tools).image(recipe.base)
        # the base comes from where it is, by that registry's login
        accounts_of(replace(tools, clients=tools.base_clients), image, recipe.base, progress)
    except Cancelled:
        raise
    except AcimlError as error:
        # whoever needs them says what is wrong
        progress.say(str(error))


def image_at(tools: Tools, text: str) -> tuple[Reference, Image]:
    """Return an image that is in its registry, with its digest.

    Raises:
        UserError: there is none, or it is none of ours.
        OutageError: the registry does not answer.
    """
    reference = Reference.parse(text)
    if not reference.digest:
        found = tools.client(reference.registry).head_manifest(reference.repository, reference.tag)
        # by its digest from here on: a tag may move while we look
        reference = reference.at(found) if found else reference
    image = tools.load_image(reference) if reference.digest else None
    if image is None:
        raise UserError(f"there is no image {text}", "name one that is in its registry")
    return reference, image
