"""A Python program that declares arguments, as a person writes it: only what is given, one argument a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_WIDTH = 120
_INDENT = "    "


@dataclass(frozen=True)
class Expression:
    """Python that stands for a value, such as ``config.require_secret("primaryKey")``."""

    text: str


def call_text(cls: type[Any], given: Mapping[str, Any], depth: int) -> str:
    """Return the call of a class of arguments.

    Args:
        cls: the class.
        given: by names of arguments; a map stands for an object of the argument's class, or for itself.
        depth: how far the line that begins with it is indented.
    """
    from pulumi_aciml.args.declared import arguments_of

    lines = list[str]()
    for argument in arguments_of(cls):
        if argument.name not in given:
            continue
        value = given[argument.name]
        inner = argument.declared
        if inner is not None and isinstance(value, Mapping):
            text = call_text(inner, value, depth + 1)
        else:
            text = value_text(value, depth + 1, len(argument.name) + 2)
        lines.append(f"{_INDENT * (depth + 1)}{argument.name}={text},\n")
    return _short(f"aciml.{cls.__name__}(", lines, ")", depth)


def value_text(value: Any, depth: int, before: int = 0) -> str:
    """Return a value: in one line if there is room behind ``before`` characters, else an item a line."""
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Mapping):
        items = (f"{value_text(str(key), 0)}: {value_text(one, depth + 1)}" for key, one in value.items())
        return _items("{", items, "}", depth, before)
    if isinstance(value, list | tuple):
        return _items("[", (value_text(one, depth + 1) for one in value), "]", depth, before)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # as people write it: memory_gb=2
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """Return a text in the quotes that a formatter would choose; JSON's escapes are Python's."""
    double = json.dumps(text, ensure_ascii=False)
    if '"' in text and "'" not in text:
        return "'" + double[1:-1].replace('\\"', '"') + "'"
    return double


def _items(start: str, items: Iterator[str], end: str, depth: int, before: int) -> str:
    texts = list(items)
    line = f"{start}{', '.join(texts)}{end}"
    if len(_INDENT * depth) + before + len(line) < _WIDTH and "\n" not in line:
        return line
    rows = "".join(f"{_INDENT * (depth + 1)}{text},\n" for text in texts)
    return f"{start}\n{rows}{_INDENT * depth}{end}"


def _short(start: str, lines: list[str], end: str, depth: int) -> str:
    """Write a call of one argument in one line, as people do."""
    if len(lines) == 1 and lines[0].count("\n") == 1:
        one = f"{start}{lines[0].strip().removesuffix(',')}{end}"
        if len(_INDENT * depth) + len(one) + 20 < _WIDTH:
            return one
    return f"{start}\n{''.join(lines)}{_INDENT * depth}{end}" if lines else f"{start}{end}"
