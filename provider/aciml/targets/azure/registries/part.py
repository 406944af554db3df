"""A part of a registry's body in ARM that is sent whole, with the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ....model.declared import leaves
from ....model.registry import Registry

Json = Mapping[str, Any]
Meaning = Callable[[Any], Any]


@dataclass(frozen=True)
class Part:
    """``names`` are the properties in it, in Python's spelling; ``path`` is where it stands in the body.

    ``to_arm`` writes it of a registry of which all is said, ``from_arm`` gives the properties of what ARM shows, which
    may be None. ``means`` has what makes two values of a property the same; without it they have to be equal.
    """

    names: tuple[str, ...]
    path: tuple[str, ...]
    to_arm: Callable[[Registry], Any]
    from_arm: Callable[[Any], Mapping[str, Any]]
    means: Mapping[str, Meaning] = field(default_factory=dict)

    def write(self, registry: Registry, body: dict[str, Any]) -> None:
        """Put the part in its place in a body."""
        inner = body
        for step in self.path[:-1]:
            inner = inner.setdefault(step, {})
        inner[self.path[-1]] = self.to_arm(registry)

    def read(self, seen: Json) -> Mapping[str, Any]:
        """Return the properties, each in its type, of a registry as ARM shows it."""
        inner: Any = seen
        for step in self.path:
            inner = inner.get(step) if isinstance(inner, Mapping) else None
        return self.from_arm(inner)


def flag(name: str, *path: str) -> Part:
    """Return the part of a property that ARM has as true or false; false where it shows none."""
    return Part((name,), path, lambda registry: leaves(registry)[name], lambda seen: {name: bool(seen)})


def switch(name: str, *path: str, on: str = "Enabled", off: str = "Disabled", default: bool) -> Part:
    """Return the part of a property that ARM has as one of two words, in any letter case."""

    def from_arm(seen: Any) -> Mapping[str, bool]:
        return {name: default if seen is None else str(seen).lower() == on.lower()}

    return Part((name,), path, lambda registry: on if leaves(registry)[name] else off, from_arm)
