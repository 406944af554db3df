"""What the stack config says of the environment, as ``check`` gets it, for commands that run without Pulumi."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..core.errors import UserError
from ..properties import Values
from ..settings import Settings
from ..targets.choice import choose_targets
from ..targets.protocol import Targets

PROJECT = "Pulumi.yaml"
DEFAULT_STACK = "local"
FOLDER = click.Path(file_okay=False, path_type=Path)
NAME = "environment"
"""Name of the component in the program; a repository that the config does not name is named after it."""

# the paths among the inputs; a program of Pulumi runs in the project's folder, a command anywhere below it
_PATHS = (
    "condaFile", "requirementsFile", "explicitFile", "lockFile", "dockerfile", "buildContext", "extraStepsFile",
    "stepsContext", "caBundle", "sourceDirectory",
)  # fmt: skip


_Run = TypeVar("_Run", bound=Callable[..., Any])


def stack_options(run: _Run) -> _Run:
    """Give a command ``--stack`` (``stack: str``) and ``--project`` (``project: Path | None``)."""
    run = click.option("--project", type=FOLDER, help=f"Folder of {PROJECT}; found from here without it.")(run)
    return click.option(
        "--stack",
        default=DEFAULT_STACK,
        # Pulumi's own variable ("Environment variables", PULUMI_STACK): who has set it means it everywhere
        envvar="PULUMI_STACK",
        show_default=True,
        shell_complete=complete_stack,
        help="Stack whose config is read; PULUMI_STACK names it as well.",
    )(run)


def complete_stack(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Return the stacks that have a file in the project, for a shell that completes ``--stack``."""
    try:
        folder = project_folder(context.params.get("project") or Path.cwd())
        names = stacks_of(folder)
    # a shell that completes has no place for a message
    except UserError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def stacks_of(folder: Path) -> list[str]:
    """Return the names of the stacks that have a file."""
    place = folder / str(read_yaml(folder / PROJECT).get("stackConfigDir") or ".")
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in place.glob("Pulumi.*.yaml"))


def project_folder(start: Path) -> Path:
    """Return the folder of Pulumi.yaml: ``start`` or the nearest one above it.

    Raises:
        UserError: there is none.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / PROJECT).is_file():
            return folder
    raise UserError(f"there is no {PROJECT} in {start} or above it", "run this in the project, or give --project")


def environment_of(stack: str, folder: Path) -> Values:
    """Return the section ``environment`` of a stack as properties of the resource, with paths below ``folder``.

    Without such a section the program says what it is, see ``declared``.

    Raises:
        UserError: there is no such stack or section, or something in it is wrong; the message names all of it.
    """
    # here and not above: it loads Pulumi's SDK
    from pulumi_aciml import EnvironmentImageArgs

    if not _has_section(stack, folder, "environment"):
        return _declared(stack, folder, "aciml:image:Environment")
    values = _properties(stack, folder, "environment", EnvironmentImageArgs, {"login_server"})
    values.setdefault("repository", f"azureml/{NAME}")
    return placed(values, folder)


def service_of(stack: str, folder: Path) -> Values:
    """Return the section ``service`` of a stack as properties of image and group; paths are as they are written.

    Raises:
        UserError: there is no such stack or section, or something in it is wrong; the message names all of it.
    """
    from pulumi_aciml import ScoringServiceArgs

    if not _has_section(stack, folder, "service"):
        group = _declared(stack, folder, "aciml:compute:ContainerGroup")
        return {**group, **_declared(stack, folder, "aciml:image:Service")}
    return _properties(stack, folder, "service", ScoringServiceArgs, {"login_server", "environment_image"})


def _has_section(stack: str, folder: Path, name: str) -> bool:
    _, config, project = config_of(stack, folder)
    return f"{project}:{name}" in config


def _declared(stack: str, folder: Path, kind: str) -> Values:
    """Return what the program says of its one resource of a kind, without what only an update knows."""
    from ..properties import known
    from .declared import declared

    found = [one for one in declared(stack, folder).resources if one.kind == kind]
    if len(found) != 1:
        raise UserError(
            f"the program declares {len(found)} resources of the type {kind}, and one is needed here",
            "write the section of the stack config that the page of this command names",
        )
    return known(found[0].inputs)


def _properties(stack: str, folder: Path, name: str, args: type[Any], wired: set[str]) -> Values:
    # by the component's own classes, so that a command and `up` read one section alike
    from pulumi_aciml.config import read_section
    from pulumi_aciml.judged import LATER, children_of

    path, _, project = config_of(stack, folder)
    problems: list[Any] = []
    read = read_section(args, section_of(stack, folder, name), f"{project}:{name}.", wired, problems)
    if problems:
        raise UserError(f"{path.name}: " + "; ".join(map(str, problems)))
    children = children_of(args(**read, **dict.fromkeys(wired, LATER)))
    return {key: value for values in children.values() for key, value in values.items() if value is not LATER}


def section_of(stack: str, folder: Path, name: str) -> Mapping[str, Any]:
    """Return a section of a stack as it is written, with its secrets.

    Raises:
        UserError: there is no such stack or section.
    """
    path, config, project = config_of(stack, folder)
    section = config.get(f"{project}:{name}")
    if not isinstance(section, Mapping):
        raise UserError(f"{path.name} has no section {project}:{name}", "write it, or choose another --stack")
    found: Mapping[str, Any] = section
    # Pulumi is asked for secrets alone: a section without any is read where there is no CLI
    return dict(decrypted(stack, folder)[f"{project}:{name}"]) if is_encrypted(section) else found


def settings_of(values: Values) -> Settings:
    """Return this machine's settings, with the certificate bundle of the environment."""
    return Settings.read().with_ca_bundle(str(values.get("caBundle", "")))


def target_of(stack: str, folder: Path, settings: Settings) -> Targets:
    """Return the targets that the stack chooses; nothing is contacted yet."""
    _, config, _ = config_of(stack, folder)
    given = {key: value for key, value in config.items() if key.startswith("aciml:")}
    if is_encrypted(given):
        given = {key: value for key, value in decrypted(stack, folder).items() if key.startswith("aciml:")}
    return choose_targets({key.removeprefix("aciml:"): str(value) for key, value in given.items()}, settings)


def config_of(stack: str, folder: Path) -> tuple[Path, dict[str, Any], str]:
    """Return the stack's file, its config as it is written, and the name of the project.

    Raises:
        UserError: there is no such stack, or a file cannot be read.
    """
    project = read_yaml(folder / PROJECT)
    # where Pulumi itself looks for them
    path = folder / str(project.get("stackConfigDir") or ".") / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        others = stacks_of(folder)
        advice = f"stacks are {', '.join(others)}" if others else f"make it: pulumi stack init {stack}"
        raise UserError(f'there is no stack "{stack}": {path} does not exist', advice)
    return path, dict(read_yaml(path).get("config") or {}), str(project.get("name", ""))


def read_yaml(path: Path) -> dict[str, Any]:
    """Return a file of Pulumi's, which is a mapping.

    Raises:
        UserError: it cannot be read, or is something else.
    """
    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise UserError(f"{path} cannot be read: {error}", "mend the file") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is not a mapping", "mend the file")
    return found


def is_encrypted(value: object) -> bool:
    """Tell whether Pulumi keeps a secret in it: ``secure: …``."""
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(is_encrypted(one) for one in value.values())
    return isinstance(value, list) and any(is_encrypted(one) for one in value)


def decrypted(stack: str, folder: Path) -> dict[str, Any]:
    """Return the config with its secrets: Pulumi is asked, which alone has the key.

    Raises:
        UserError: it is not there, or does not open them.
    """
    words = ["pulumi", "config", "--json", "--show-secrets", "--stack", stack]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip()
        advice = "the config has secrets, which only Pulumi can read: install it and log in"
        raise UserError(f"pulumi config of stack {stack}: {said}", advice) from error
    found: dict[str, Any] = json.loads(done.stdout)
    # of a map or a list `value` has the JSON text, `objectValue` what is in it
    return {key: one.get("objectValue", one.get("value")) for key, one in found.items()}


def placed(values: Values, folder: Path) -> Values:
    """Return properties with the paths among them below ``folder``, where a program of Pulumi runs."""
    return {name: _placed(name, value, folder) for name, value in values.items()}


def _placed(name: str, value: Any, folder: Path) -> Any:
    if name == "models" and isinstance(value, Mapping):
        return {key: _path(one, folder) for key, one in value.items()}
    return _path(value, folder) if name in _PATHS else value


def _path(value: Any, folder: Path) -> Any:
    # an absolute path stays: / drops what stands before one
    return str(folder / Path(value).expanduser()) if isinstance(value, str) else value
