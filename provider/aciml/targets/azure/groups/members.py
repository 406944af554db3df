"""Members of ARM's JSON: what is left out of a request, and what of an answer is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def given(**members: Any) -> dict[str, Any]:
    """Leave out what is empty or None; false and zero stay."""
    # answers leave out what is empty, and sometimes say it: both have to compare as the same
    return {name: value for name, value in members.items() if value is not None and value not in ("", [], {})}


def some(item: Json, *names: str) -> dict[str, Any]:
    """Return the named members that are there and not empty: answers have more than was sent."""
    return given(**{name: item.get(name) for name in names})


def lowered(item: Json, *names: str) -> dict[str, Any]:
    """Write some members in lower case: the service answers ids and host names in the case that it likes."""
    return {name: value.lower() if name in names else value for name, value in item.items()}


def named(item: Json) -> str:
    """Return the name of a thing in a list."""
    return str(item["name"])
