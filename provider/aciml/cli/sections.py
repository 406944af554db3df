"""The sections of a stack config as properties of resources, for commands that run without Pulumi's engine.

A program that has no such sections says by itself what it declares (``declared.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from ..properties import Values, known
from .declared import ENVIRONMENT, GROUP, HIDDEN, SERVICE, ProgramError, declared, holds_secret
from .stack import config_of, decrypted, is_encrypted, placed

NAME = "environment"
"""Name of the component in the program; a repository that the config does not name is named after it."""


def environment_of(stack: str, folder: Path, name: str = "") -> Values:
    """Return the section ``environment`` of a stack as properties of the resource, with paths below ``folder``.

    Without such a section the program says what it is, see ``declared``; ``name`` is that of the component if there are
    several.

    Raises:
        UserError: there is no such stack or section, or something in it is wrong; the message names all of it.
    """
    # here and not above: it loads Pulumi's SDK
    from pulumi_aciml import EnvironmentImageArgs

    if not _has_section(stack, folder, "environment"):
        return _declared(stack, folder, ENVIRONMENT, name)
    values = _properties(stack, folder, "environment", EnvironmentImageArgs, {"login_server"})
    values.setdefault("repository", f"azureml/{NAME}")
    return placed(values, folder)


def service_of(stack: str, folder: Path, name: str = "") -> Values:
    """Return the section ``service`` of a stack as properties of image and group; paths are as they are written.

    Without such a section the program says what it is; ``name`` is that of the component if there are several.

    Raises:
        UserError: there is no such stack or section, or something in it is wrong; the message names all of it.
    """
    from pulumi_aciml import ScoringServiceArgs

    if not _has_section(stack, folder, "service"):
        group = _declared(stack, folder, GROUP, name)
        return {**group, **_declared(stack, folder, SERVICE, name)}
    return _properties(stack, folder, "service", ScoringServiceArgs, {"login_server", "environment_image"})


def _has_section(stack: str, folder: Path, name: str) -> bool:
    _, config, project = config_of(stack, folder)
    return f"{project}:{name}" in config


def _declared(stack: str, folder: Path, kind: str, name: str = "") -> Values:
    """Return what the program says of its one resource of a kind, without what only an update knows.

    Pulumi is asked for secrets, and so the user for a passphrase, only if one of them reaches this resource.
    """
    if is_encrypted(config_of(stack, folder)[1]):
        try:
            found = declared(stack, folder, secrets=False, state=False).one(kind, name).inputs
        # it made something of the secret that the word for it is not, a number or an object
        except ProgramError:
            found = {"": HIDDEN}
        if not holds_secret(found):
            return known(found)
    return known(declared(stack, folder, state=False).one(kind, name).inputs)


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
