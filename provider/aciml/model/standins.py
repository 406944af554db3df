"""Values that stand for unknown ones: a question is asked for several, and what is the same for all is certain."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..properties import Secret, Unknown, Values
from .shape import Field, Fields

# RFC 6761, 6.4: nobody can have a host below .invalid
_IMAGE = "unknown.invalid/image@sha256:"
_TEXT = Field("a text", kind="string")


def stood_in(old: Values, new: Values, fields: Fields) -> tuple[Values, Values, Values]:
    """Return ``new`` without anything unknown: as in ``old`` (left out if it is not there), and as two others.

    Both others differ from what was, and from each other if there are as many; a true has only one other.
    """
    same, one, other = (_map(new, old, fields, _TEXT, number) for number in range(3))
    return same, one, other


def _map(values: Values, before: Any, fields: Fields | None, of: Field, number: int) -> Values:
    was = before if isinstance(before, dict) else {}
    chosen = {name: _image(fields) if name == "image" else (fields or {}).get(name, of) for name in values}
    found = {name: _value(value, was.get(name), chosen[name], number) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def _image(fields: Fields | None) -> Field:
    # three, since one of them may be what was there
    words = tuple(f"{_IMAGE}{digit * 64}" for digit in "123")
    return Field("an image", kind="string", words=words) if fields else _TEXT


def _value(value: Any, before: Any, field: Field, number: int) -> Any:
    was = before.value if isinstance(before, Secret) else before
    if isinstance(value, Secret):
        inner = _value(value.value, was, field, number)
        return None if inner is None else Secret(inner)
    if isinstance(value, Unknown):
        return _another(field, was, number) if number else before
    if isinstance(value, dict):
        return _map(value, was, field.fields, Field(field.doc, kind=field.of), number)
    if isinstance(value, list):
        kind = "object" if field.fields else field.of
        item = Field(field.doc, kind=kind, fields=field.fields, words=field.words)
        earlier = [*(was if isinstance(was, list) else []), *[None] * len(value)]
        found = [_value(one, earlier[index], item, number) for index, one in enumerate(value)]
        return [one for one in found if one is not None]
    return value


def _another(field: Field, was: Any, number: int) -> Any:
    """Return the first or second value that is not what was; the first if there is no second."""
    # what was not said was the default: to say it is no other value
    was = field.default if was is None else was
    first, *rest = islice((one for one in _some(field) if one != was), 2)
    return rest[0] if number > 1 and rest else first


def _some(field: Field) -> Iterator[Any]:
    if field.words and field.kind == "string":
        yield from field.words
    elif field.kind == "boolean":
        yield from (True, False)
    elif field.kind in ("integer", "number"):
        yield from (int(field.least or 0) + step for step in (1, 2, 3))
    elif field.kind == "string":
        yield from (f"unknown-{step}" for step in (1, 2, 3))
    elif field.kind == "array":
        item = Field(field.doc, kind="object" if field.fields else field.of, fields=field.fields, words=field.words)
        yield from ([one] for one in _some(item))
    elif field.fields:
        wanted = {name: one for name, one in field.fields.items() if one.required} or dict([*field.fields.items()][:1])
        yield from (
            dict(zip(wanted, values, strict=True)) for values in zip(*map(_some, wanted.values()), strict=False)
        )
    else:
        yield from ({"unknown": f"unknown-{step}"} for step in (1, 2, 3))
