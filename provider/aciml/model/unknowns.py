"""Inputs of which something is not known before the update runs: what is known of them, and what is not, by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from ..core.lean import lean
from ..core.unknown import NOT_KNOWN
from ..properties import UNKNOWN, Unknown, Values, reveal
from .declared import Declared, parts_of


@lean(frozen=True)
class Seen:
    """What is known of inputs, without secret wrappers.

    ``values`` lacks what is wholly unknown, whose names are ``unknown``; a text in a list or map that is not known is
    ``NOT_KNOWN`` there, so that the others keep their places.
    """

    values: Values
    unknown: frozenset[str] = field(default=frozenset())


def seen_of(inputs: Values, lists: Sequence[str] = ()) -> Seen:
    """Return what is known; ``lists`` are names of lists that, wholly unknown, are seen as one text that is."""
    bare = reveal(inputs)
    unknown = frozenset(name for name, value in bare.items() if isinstance(value, Unknown))
    values = {name: _filled(value) for name, value in bare.items() if name not in unknown}
    # one entry and not none: of a list that is empty a rule could say that nothing copies from the context
    return Seen({**values, **{name: [NOT_KNOWN] for name in lists if name in unknown}}, unknown)


def _filled(value: Any) -> Any:
    if isinstance(value, Unknown):
        return NOT_KNOWN
    if isinstance(value, Mapping):
        return {key: _filled(item) for key, item in value.items()}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def gaps(value: Declared, *names: str) -> list[str]:
    """Return the paths of what is not known in these fields: ``name``, ``name[0]``, ``name["key"]``."""
    return [path for name in names for path in _gaps(value, name)]


def _gaps(value: Declared, name: str) -> Iterator[str]:
    if name in value.unsure:
        yield value.at(name)
    else:
        yield from (f"{value.at(name)}{rest}" for rest in _inside(getattr(value, name)))


def _inside(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (f'["{key}"]{rest}' for key, item in value.items() for rest in _inside(item))
    elif isinstance(value, tuple | list):
        yield from (f"[{index}]{rest}" for index, item in enumerate(value) for rest in _inside(item))
    elif value == NOT_KNOWN:
        yield ""


def encoded(value: Declared) -> Values:
    """Return the properties of a flat value by names of the wire: what is given, and ``UNKNOWN`` for what is not known.

    Unlike ``declared.written`` it keeps an empty list, map or text: of what ``check`` fills in that says something.
    """
    found: Values = {}
    for name, part in parts_of(type(value)).items():
        said = getattr(value, name)
        if name in value.unsure:
            found[part.wire] = UNKNOWN
        elif said is not None:
            found[part.wire] = _plain(said)
    return found


def _plain(value: Any) -> Any:
    """Return lists and maps as the wire has them; a text that is not known yet is unknown again."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    # a NUL reaches no state and no file (decisions/unknown-inputs.md)
    return UNKNOWN if value == NOT_KNOWN else value


def come_from_elsewhere(paths: Sequence[str]) -> str:
    """Say where unknown inputs come from: ``extraSteps[1] comes from another resource``."""
    *most, last = paths
    if not most:
        return f"{last} comes from another resource"
    return f"{', '.join(most)} and {last} come from other resources"
