"""What is wrong in the arguments of a component, said before anything is declared: all of it, in the user's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import pulumi

from aciml.model.judge import TABLES, faults
from aciml.properties import UNKNOWN, Secret

from .args.places import SNAKE, Spelling, in_words, place
from .args.reading import LATER, Problem
from .args.spread import properties_of, wrong_in

__all__ = [
    "LATER",
    "SPELLING",
    "ArgumentsError",
    "children_of",
    "judge",
    "problems_of",
    "with_later",
]

# not a global: the plugin makes components of several programs at once, each in its own words (decisions/languages.md)
SPELLING: ContextVar[Spelling] = ContextVar("spelling", default=SNAKE)
"""Whose words messages have: Python's, unless the plugin makes a component for another language."""


# a RunError is the one that the SDK shows without a traceback
class ArgumentsError(pulumi.RunError):
    """Arguments of a component are wrong; ``problems`` has one line for each."""

    def __init__(self, component: str, name: str, problems: Sequence[Problem]) -> None:
        """Name them all."""
        lines = [str(problem) for problem in problems]
        super().__init__(f'{component} "{name}": ' + (lines[0] if len(lines) == 1 else "\n  ".join(["", *lines])))
        self.problems = tuple(problems)


def children_of(args: Any) -> dict[str, dict[str, Any]]:
    """Return what the arguments of a component say of each of its children, by type token."""
    # one table decides to whom a property belongs: the plugin's own, where each is listed once
    given = properties_of(args)
    tokens: tuple[str, ...] = args._children  # noqa: SLF001  (a part of how arguments are declared)
    return {token: {key: value for key, value in given.items() if key in TABLES[token]} for token in tokens}


def with_later(children: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the children with what the component itself gives them, as values that are known later."""
    return {
        token: {**{name: UNKNOWN for name, field in TABLES[token].items() if field.required}, **values}
        for token, values in children.items()
    }


def problems_of(cls: type[Any], children: Mapping[str, Mapping[str, Any]], spelling: Spelling = SNAKE) -> list[Problem]:
    """Judge the properties of a component's children, without what is not known yet.

    Args:
        cls: the component's class of arguments, whose words the problems have.
        children: properties by type token.
        spelling: whose words paths and messages have.
    """
    return [
        Problem(place(cls, fault.where, spelling), in_words(cls, fault.why, spelling))
        for token, values in children.items()
        # judged by the plugin's tables, so that component and plugin cannot disagree; the plugin alone
        # would speak child by child, after the engine was told of the first (decisions/arguments.md)
        for fault in faults(token, {key: _now(value) for key, value in values.items()})
    ]


def judge(component: str, name: str, args: Any, children: Mapping[str, Mapping[str, Any]]) -> None:
    """Judge the arguments of the component ``name`` and what its children get; see ``problems_of``.

    Raises:
        ArgumentsError: something is wrong.
    """
    spelling = SPELLING.get()
    wrong = [*wrong_in(args, spelling)]
    # one place, one problem: an object of a wrong class is not judged by its content as well
    said = {problem.where for problem in wrong}
    if problems := wrong + [one for one in problems_of(type(args), children, spelling) if one.where not in said]:
        raise ArgumentsError(component, name, problems)


def _now(value: Any) -> Any:
    """Return a value as the judges know it: what is known later is unknown."""
    # pulumi.Input[T] is T, an Output of it, or an awaitable
    if isinstance(value, pulumi.Output) or hasattr(value, "__await__"):
        return UNKNOWN
    if isinstance(value, Secret):
        return Secret(_now(value.value))
    if isinstance(value, Mapping):
        return {key: _now(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_now(inner) for inner in value]
    return value
