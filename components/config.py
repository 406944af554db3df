"""The stack config as arguments of the components, read by the components' own classes.

Strictly: a key that nobody knows is an error, with a suggestion, and all errors are told at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import field, is_dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import is_config_secret

from aciml.core.lean import lean
from aciml.core.meant import meant
from aciml.properties import Secret
from aciml.stack_file import config_in, with_secrets

from .args.declared import arguments_of
from .args.reading import Problem, Reading
from .args.spread import wrong_in
from .judged import LATER, children_of, problems_of, with_later


@lean(frozen=True)
class StackConfig:
    """The sections of ``Pulumi.<stack>.yaml``; each holds arguments of the component of the same name."""

    registry: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    service: Mapping[str, Any] = field(default_factory=dict)


def read_config(allowed: Mapping[str, type], wired: Mapping[str, set[str]]) -> StackConfig:
    """Read the stack's config; what is encrypted there is a secret ``Output``, whatever its key.

    Args:
        allowed: section name to the args class whose fields are its keys, down to the leaves.
        wired: section name to the fields that the program sets itself.

    Raises:
        pulumi.RunError: all unknown, missing and wrong values at once, each with its path and what to do.
    """
    config = pulumi.Config()
    problems = _unknown_sections(config.name, allowed)
    sections: dict[str, Mapping[str, Any]] = {}
    for name, args in allowed.items():
        section = _section(config, name, problems)
        read = read_section(args, section, f"{config.name}:{name}.", wired.get(name, set()), problems)
        sections[name] = {key: lifted(value) for key, value in read.items()}
    if problems:
        raise pulumi.RunError("stack config:\n  " + "\n  ".join(map(str, problems)))
    return StackConfig(**sections)


def read_section(
    args: type[Any], section: Mapping[str, Any], at: str, wired: set[str], problems: list[Problem]
) -> dict[str, Any]:
    """Return a section as keyword arguments of ``args``; what is wrong goes to ``problems``.

    Args:
        args: the class of arguments of the section.
        section: what was written; a ``Secret`` in it stays one.
        at: path of the section, with a dot at its end.
        wired: fields that the program gives.
        problems: gets what is wrong, by the path that was written.
    """
    reading = Reading(problems)
    read = reading.fields(args, section, at)
    problems += [Problem(f"{at}{name}", "unknown key; the program sets it") for name in wired & section.keys()]
    needed = {argument.name for argument in arguments_of(args) if argument.required} - read.keys()
    # an empty section is a component that the program does not declare
    if section:
        problems += [Problem(f"{at}{name}", "is missing") for name in sorted(needed - wired)]
    # what is missing has been told: LATER keeps the judges from telling it again
    made = args(**{**read, **dict.fromkeys(needed | wired, LATER)})
    # the component would find the same, and name it by its own argument instead of the key in the file
    found = [*wrong_in(made), *problems_of(args, with_later(children_of(made)))] if section else []
    problems += [Problem(f"{at}{one.where}", one.why) for one in found]
    return read


def lifted(value: Any) -> Any:
    """Return a value as a program would give it: a ``Secret`` in it, at any depth, is a secret ``Output``."""
    if isinstance(value, Secret):
        return pulumi.Output.secret(lifted(value.value))
    if isinstance(value, Mapping):
        return {key: lifted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [lifted(inner) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{one.name: lifted(getattr(value, one.name)) for one in arguments_of(type(value))})
    return value


def _section(config: pulumi.Config, name: str, problems: list[Problem]) -> Mapping[str, Any]:
    try:
        section = config.get_object(name) or {}
    # the SDK's own error would end the reading at this section, and the others would be told one run later
    except pulumi.ConfigTypeError:
        section = None
    if isinstance(section, Mapping):
        return _with_secrets(section, f"{config.name}:{name}")
    problems.append(Problem(f"{config.name}:{name}", "must be a map"))
    return {}


def _with_secrets(section: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    # the engine names a key if anything in it is encrypted (PULUMI_CONFIG_SECRET_KEYS), and never says what
    if not is_config_secret(key):
        return section
    marked = with_secrets(section, _clear_values(key))
    # a section that is one secret hides all that it says; which properties it gives, the program has to know
    return {name: Secret(value) for name, value in section.items()} if isinstance(marked, Secret) else marked


def _unknown_sections(project: str, allowed: Mapping[str, type]) -> list[Problem]:
    # the SDK gives values by key only; the engine hands all of them over in this variable
    given = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
    names = [key.partition(":")[2] for key in given if key.startswith(f"{project}:")]
    return [Problem(f"{project}:{name}", _unknown(name, allowed)) for name in names if name not in allowed]


def _unknown(key: str, known: Mapping[str, type]) -> str:
    word = meant(key, sorted(known))
    return "unknown key; " + (f"did you mean {word}?" if word else f"known are {', '.join(sorted(known))}")


def _clear_values(key: str) -> Any:
    """Return what the stack's file says of a key; None if there is no such file or key."""
    try:
        root = Path(pulumi.runtime.get_root_directory())
    except Exception:  # noqa: BLE001  (a program that runs without an engine has none, and says so by any error)
        root = Path.cwd()
    return config_in(root, pulumi.get_stack()).get(key)
