"""Project, stacks and their config, as Pulumi finds them, for commands that run without its engine."""

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
from ..model.declared import wires_of
from ..model.environment import Base, Packages, Steps
from ..model.service import Service
from ..properties import Values
from ..settings import Settings
from ..targets.choice import choose_targets
from ..targets.protocol import Targets
from .refusals import refusal

PROJECT = "Pulumi.yaml"
DEFAULT_STACK = "local"
FOLDER = click.Path(file_okay=False, path_type=Path)
# the paths among the inputs; a program of Pulumi runs in the project's folder, a command anywhere below it
_PATHS = (
    *wires_of(Packages, "conda_file", "requirements_file", "explicit_file", "lock_file"),
    *wires_of(Base, "dockerfile", "build_context"),
    *wires_of(Steps, "extra_steps_file", "steps_context", "ca_bundle"),
    *wires_of(Service, "source_directory"),
)


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
        mark = getattr(error, "problem_mark", None)
        # a YAML error shows the line below itself; one sentence has its number
        said = f"line {mark.line + 1}: {getattr(error, 'problem', error)}" if mark else error
        if isinstance(error, OSError):
            # its text has the path once more
            raise UserError(f"{path} cannot be read: {error.strerror}", "mend that, or give --project") from error
        raise UserError(f"{path} cannot be read: {said}", "mend the file") from error
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
    words = ["pulumi", "--non-interactive", "config", "--json", "--show-secrets", "--stack", stack]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        advice = "install it (https://www.pulumi.com/docs/install) and put it on PATH"
        why = f"the config of stack {stack} has secrets, which only the Pulumi CLI opens: {error.strerror}"
        raise UserError(why, advice) from error
    except subprocess.CalledProcessError as error:
        raise refusal(error.stderr, f"stack {stack}", lambda: f"make it: pulumi stack init {stack}") from error
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
