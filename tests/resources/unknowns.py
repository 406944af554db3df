"""Inputs of which something is made unknown, one leaf or more, and what may be unknown for it in an answer."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from aciml.properties import UNKNOWN, Secret, Unknown, reveal

Path = tuple[str | int, ...]


def leaves(values: Any, path: Path = ()) -> Iterator[Path]:
    """Give the paths of all that can be an output of another resource: values, and lists and maps as a whole."""
    if path:
        yield path
    inner = values.value if isinstance(values, Secret) else values
    entries = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
    for key, item in entries:
        yield from leaves(item, (*path, key))


def with_unknown(values: dict[str, Any], *paths: Path) -> dict[str, Any]:
    """Return a copy in which these are unknown; what lies in another that is unknown already is passed over."""
    found = copy.deepcopy(values)
    for path in paths:
        owner: Any = found
        for key in path[:-1]:
            owner = owner if isinstance(owner, Unknown) else owner[key]
            owner = owner.value if isinstance(owner, Secret) else owner
        if isinstance(owner, Unknown):
            continue
        owner[path[-1]] = Secret(UNKNOWN) if isinstance(owner[path[-1]], Secret) else UNKNOWN
    return found


def contradictions(seen: Any, full: Any, path: str = "") -> Iterator[str]:
    """Give the paths where an answer says something else than the answer that knows all; unknown says nothing."""
    seen, full = reveal(seen), reveal(full)
    if isinstance(seen, Unknown):
        return
    if isinstance(seen, dict) and isinstance(full, dict):
        for key in seen.keys() | full.keys():
            yield from contradictions(seen.get(key), full.get(key), f"{path}/{key}")
    elif isinstance(seen, list) and isinstance(full, list) and len(seen) == len(full):
        for index, (one, other) in enumerate(zip(seen, full, strict=True)):
            yield from contradictions(one, other, f"{path}/{index}")
    elif seen != full:
        yield path


def unknown_names(values: dict[str, Any]) -> set[str]:
    """Return the names of properties that are not known, or have something in them that is not."""
    return {name for name, value in reveal(values).items() if _has_unknown(value)}


def _has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_unknown, value.values()))
    return any(map(_has_unknown, value)) if isinstance(value, list) else isinstance(value, Unknown)
