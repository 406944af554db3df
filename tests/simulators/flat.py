"""Sections of a stack config from words side by side, each put where the arguments' classes have it."""

from __future__ import annotations

from typing import Any

from aciml.core.casing import camel_case
from pulumi_aciml import EnvironmentImageArgs, RegistryArgs, ScoringServiceArgs
from pulumi_aciml.args.places import places_of

ARGS: dict[str, type[Any]] = {
    "registry": RegistryArgs,
    "environment": EnvironmentImageArgs,
    "service": ScoringServiceArgs,
}


def nested(section: str, words: dict[str, Any]) -> dict[str, Any]:
    """Return a section with each word at its place; what the classes do not know stays as it is."""
    found: dict[str, Any] = {}
    places = places_of(ARGS[section])
    for word, value in words.items():
        path, _ = places.get(camel_case(word), ((word,), None))
        inner = found
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return found
