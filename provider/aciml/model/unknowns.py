"""Inputs of which something is not known before the update runs: what is known of them, and what is not, by path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.unknown import NOT_KNOWN
from ..properties import UNKNOWN, Unknown, Values, is_unknown, reveal


@dataclass(frozen=True)
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
    return Seen({**values, **{name: [NOT_KNOWN] for name in lists if name in unknown}}, unknown)


def _filled(value: Any) -> Any:
    if isinstance(value, Unknown):
        return NOT_KNOWN
    if isinstance(value, Mapping):
        return {key: _filled(item) for key, item in value.items()}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def unknown_paths(values: Values) -> list[str]:
    """Return the paths of what is not known: ``name``, ``name[0]``, ``name["key"]``."""
    bare = reveal(values)
    return [f"{name}{inner}" for name in sorted(bare) for inner in _inner_paths(bare[name])]


def _inner_paths(value: Any) -> Iterator[str]:
    if isinstance(value, Unknown):
        yield ""
    elif isinstance(value, Mapping):
        yield from (f'["{key}"]{rest}' for key, item in value.items() for rest in _inner_paths(item))
    elif isinstance(value, list):
        yield from (f"[{index}]{rest}" for index, item in enumerate(value) for rest in _inner_paths(item))


def agreed(answers: Sequence[Values]) -> Values:
    """Return what several answers have in common, maps entry by entry; where they differ nothing is known."""
    first, *others = answers
    names = {name: None for answer in answers for name in answer}
    return {name: _common([answer.get(name) for answer in answers]) for name in names} if others else first


def _common(values: Sequence[Any]) -> Any:
    if all(value == values[0] for value in values):
        return values[0]
    return agreed(values) if all(isinstance(value, dict) for value in values) else UNKNOWN


def come_from_elsewhere(paths: Sequence[str]) -> str:
    """Say where unknown inputs come from: ``extraSteps[1] comes from another resource``."""
    *most, last = paths
    if not most:
        return f"{last} comes from another resource"
    return f"{', '.join(most)} and {last} come from other resources"


def any_unknown(values: Values, names: Iterable[str]) -> bool:
    """Tell whether one of the named properties is not known, or something in it."""
    return any(is_unknown(values.get(name)) for name in names)
