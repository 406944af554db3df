"""From a class of arguments to the properties of the plugin's resource, side by side."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

import pulumi

from aciml.properties import Secret

from .declared import Argument, arguments_of, is_subject, leaves_of, unshortened
from .places import SNAKE, Spelling, wrong_names_of
from .reading import Problem, Reading


def properties_of(args: Any) -> dict[str, Any]:
    """Return what was given, by the plugin's names; Outputs stay Outputs, at any depth.

    What has the wrong form is left out: ``wrong_in`` names it. Inside of an Output it raises ``pulumi.RunError`` when
    the Output is known.
    """
    return _properties(args, later=False)


def wrong_in(args: Any, spelling: Spelling = SNAKE, at: str = "") -> Iterator[Problem]:
    """Yield what is wrong in the form of arguments, at any depth: names, missing ones, an object of another class.

    Args:
        args: an object of a class of arguments.
        spelling: whose words the paths have.
        at: path of ``args``, with a dot at its end.
    """
    for name, why in wrong_names_of(args):
        yield Problem(f"{at}{spelling(name)}", why)
    for argument in arguments_of(type(args)):
        value, where = _bare(getattr(args, argument.name)), f"{at}{spelling(argument.name)}"
        if argument.declared is None or value is None:
            continue
        items = enumerate(value) if argument.kind == "array" and isinstance(value, list | tuple) else ()
        for index, item in items:
            yield from _wrong_value(argument, argument.declared, _bare(item), f"{where}[{index}]", spelling)
        if not isinstance(value, list | tuple):
            yield from _wrong_value(argument, argument.declared, value, where, spelling)


def _wrong_value(argument: Argument, cls: type[Any], value: Any, where: str, spelling: Spelling) -> Iterator[Problem]:
    value = unshortened(cls, value)
    if isinstance(value, cls):
        yield from wrong_in(value, spelling, f"{where}.")
    elif isinstance(value, Mapping):
        problems: list[Problem] = []
        made = _from_map(cls, value, problems, f"{where}.")
        yield from problems
        yield from wrong_in(made, spelling, f"{where}.") if made is not None else ()
    elif is_dataclass(value) or (is_subject(cls) and not _is_later(value)):
        given = type(value).__name__ if is_dataclass(value) else _shown(value)
        # a value in the flat shape of 0.1, whose name is a subject now
        moved = [".".join(map(spelling, path)) for path, leaf in leaves_of(cls) if leaf.wire == argument.wire]
        yield Problem(
            where,
            f"a {cls.__name__} belongs here, not {given}" + "".join(f"; it is now {where}.{one}" for one in moved),
        )


def _bare(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value


def _is_later(value: Any) -> bool:
    return isinstance(value, pulumi.Output) or hasattr(value, "__await__")


def _shown(value: Any) -> str:
    """Name the kind: the value may be a secret in the wrong place."""
    kinds = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", tuple: "a list"}
    return kinds.get(type(value), type(value).__name__)


def _properties(args: Any, *, later: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for argument in arguments_of(type(args)):
        value = getattr(args, argument.name)
        if value is None:
            continue
        if argument.declared is not None and is_subject(argument.declared):
            found |= _spread(argument.declared, value, later=later)
        elif (wire := _on_the_wire(argument, value, later=later)) is not None:
            found[argument.wire] = wire
    return found


def _spread(cls: type[Any], value: Any, *, later: bool) -> dict[str, Any]:
    """A subject that is known later gives each of its properties later; of one that is a secret each is one."""
    if isinstance(value, Secret):
        return {name: Secret(inner) for name, inner in _spread(cls, value.value, later=later).items()}
    if not isinstance(value, pulumi.Output):
        made = _as(cls, value, later=later)
        return {} if made is None else _properties(made, later=later)
    # which properties it will give is not known yet, so each is given later, and may turn out to be nothing
    names = {leaf.wire for _, leaf in leaves_of(cls)}
    # partial binds the name now; a lambda would see the last one
    return {name: value.apply(functools.partial(_property, cls, name)) for name in sorted(names)}


def _property(cls: type[Any], name: str, value: Any) -> Any:
    return None if value is None else _properties(_as(cls, value, later=True), later=True).get(name)


def _as(cls: type[Any], value: Any, *, later: bool) -> Any:
    """Return an object of the class for a map, in Python's words or in those of the wire; None if it cannot be one.

    Raises:
        pulumi.RunError: it cannot be one and is known ``later``, when nobody gathers what is wrong any more.
    """
    if isinstance(value, cls) and not later:
        return value
    problems = [*wrong_in(value)] if isinstance(value, cls) else []
    if not isinstance(value, cls | Mapping):
        problems = [Problem(cls.__name__, f"belongs here, not {_shown(value)}")]
    made = _from_map(cls, value, problems) if isinstance(value, Mapping) else value if isinstance(value, cls) else None
    # an Output is known long after the component has told all: what is wrong then can only be raised
    if problems and later:
        raise pulumi.RunError(f"{cls.__name__}: " + "; ".join(map(str, problems)))
    return made


def _from_map(cls: type[Any], value: Mapping[str, Any], problems: list[Problem], at: str = "") -> Any:
    return Reading(problems, either=True).made(cls, value, at)


def _on_the_wire(argument: Argument, value: Any, *, later: bool) -> Any:
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: _on_the_wire(argument, known, later=True))
    if isinstance(value, Secret):
        wire = _on_the_wire(argument, value.value, later=later)
        return None if wire is None else Secret(wire)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_on_the_wire(argument, item, later=later) for item in value]
    if argument.declared is not None:
        value = unshortened(argument.declared, value)
    if argument.declared is not None and (isinstance(value, Mapping) or is_dataclass(value)):
        return _shape(argument.declared, value, later=later)
    return value


def _shape(cls: type[Any], value: Any, *, later: bool) -> dict[str, Any] | None:
    if (made := _as(cls, value, later=later)) is None:
        return None
    given = {argument: getattr(made, argument.name) for argument in arguments_of(cls)}
    found = {argument.key: _on_the_wire(argument, inner, later=later) for argument, inner in given.items()}
    return {key: inner for key, inner in found.items() if inner is not None}
