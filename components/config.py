"""The stack config as arguments of the components, read by the components' own classes.

Strictly: a key that nobody knows is an error, with a suggestion, and all errors are told at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from aciml.core.meant import meant

from .args.declared import arguments_of
from .args.reading import Problem, Reading
from .args.spread import wrong_in
from .judged import LATER, children_of, problems_of, with_later


@dataclass(frozen=True)
class StackConfig:
    """The sections of ``Pulumi.<stack>.yaml``; each holds arguments of the component of the same name."""

    registry: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    service: Mapping[str, Any] = field(default_factory=dict)


def read_config(allowed: Mapping[str, type], wired: Mapping[str, set[str]]) -> StackConfig:
    """Read the stack's config.

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
        sections[name] = read_section(args, section, f"{config.name}:{name}.", wired.get(name, set()), problems)
    if problems:
        raise pulumi.RunError("stack config:\n  " + "\n  ".join(map(str, problems)))
    return StackConfig(**sections)


def read_section(
    args: type[Any], section: Mapping[str, Any], at: str, wired: set[str], problems: list[Problem]
) -> dict[str, Any]:
    """Return a section as keyword arguments of ``args``; what is wrong goes to ``problems``.

    Args:
        args: the class of arguments of the section.
        section: what was written.
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
    found = [*wrong_in(made), *problems_of(args, with_later(children_of(made)))]
    problems += [Problem(f"{at}{one.where}", one.why) for one in found]
    return read


def _section(config: pulumi.Config, name: str, problems: list[Problem]) -> Mapping[str, Any]:
    try:
        section = config.get_object(name) or {}
    # the SDK's own error would end the reading at this section, and the others would be told one run later
    except pulumi.ConfigTypeError:
        section = None
    if isinstance(section, Mapping):
        return section
    problems.append(Problem(f"{config.name}:{name}", "must be a map"))
    return {}


def _unknown_sections(project: str, allowed: Mapping[str, type]) -> list[Problem]:
    # the SDK gives values by key only; the engine hands all of them over in this variable
    given = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
    names = [key.partition(":")[2] for key in given if key.startswith(f"{project}:")]
    return [Problem(f"{project}:{name}", _unknown(name, allowed)) for name in names if name not in allowed]


def _unknown(key: str, known: Mapping[str, type]) -> str:
    word = meant(key, sorted(known))
    return "unknown key; " + (f"did you mean {word}?" if word else f"known are {', '.join(sorted(known))}")
