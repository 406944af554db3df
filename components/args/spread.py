"""From a class of arguments to the properties of the plugin's resource, side by side."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

import pulumi

from .declared import Argument, arguments_of, camel_case, is_subject, leaves_of
from .reading import Problem, Reading


def properties_of(args: Any) -> dict[str, Any]:
    """Return what was given, by the plugin's names; Outputs stay Outputs, at any depth.

    Raises:
        pulumi.RunError: a map in the place of a class has keys that the class has not.
    """
    found: dict[str, Any] = {}
    for argument in arguments_of(type(args)):
        value = getattr(args, argument.name)
        if value is None:
            continue
        if argument.declared is not None and is_subject(argument.declared):
            found |= _spread(argument.declared, value)
        else:
            found[argument.wire] = _on_the_wire(argument, value)
    return found


def _spread(cls: type[Any], value: Any) -> dict[str, Any]:
    """A subject that is known later gives each of its properties later."""
    if not isinstance(value, pulumi.Output):
        return properties_of(_as(cls, value))
    later = {leaf.wire for _, leaf in leaves_of(cls)}
    return {name: value.apply(functools.partial(_property, cls, name)) for name in sorted(later)}


def _property(cls: type[Any], name: str, value: Any) -> Any:
    return None if value is None else properties_of(_as(cls, value)).get(name)


def _as(cls: type[Any], value: Any) -> Any:
    """Return an object of the class for a map, in Python's words or in those of the wire."""
    if isinstance(value, cls):
        return value
    problems: list[Problem] = []
    if not isinstance(value, Mapping):
        raise pulumi.RunError(f"a {cls.__name__} was expected, not {value!r}")
    names = {argument.name for argument in arguments_of(cls)}
    made = Reading(problems, str if value.keys() <= names else camel_case).made(cls, value)
    if problems:
        raise pulumi.RunError(f"{cls.__name__}: " + "; ".join(map(str, problems)))
    return made


def _on_the_wire(argument: Argument, value: Any) -> Any:
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: _on_the_wire(argument, known))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_on_the_wire(argument, item) for item in value]
    if argument.declared is not None and (isinstance(value, Mapping) or is_dataclass(value)):
        return _shape(argument.declared, value)
    return value


def _shape(cls: type[Any], value: Any) -> dict[str, Any]:
    made = _as(cls, value)
    given = {argument: getattr(made, argument.name) for argument in arguments_of(cls)}
    return {argument.key: _on_the_wire(argument, inner) for argument, inner in given.items() if inner is not None}
