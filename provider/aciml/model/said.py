"""Reading properties of which some are not known yet: a rule asks for what it needs, and gets no ``UNKNOWN``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import Finding
from ..properties import Unknown


@dataclass(frozen=True)
class Said:
    """Properties of right kinds, as ``shape.sound`` leaves them; ``path`` is where they are, empty at the top."""

    values: Mapping[str, Any]
    path: str = ""

    def at(self, name: str) -> str:
        """Return the property path of a property."""
        return f"{self.path}.{name}" if self.path else name

    def finding(self, name: str, why: str) -> Finding:
        """Return a finding about a property."""
        return Finding(self.at(name), why)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value; ``default`` if it is not given or not known yet."""
        value = self.values.get(name, default)
        return default if isinstance(value, Unknown) else value

    def unsure(self, *names: str) -> bool:
        """Tell whether any of these is given and not known yet, so that nobody can say that it is missing."""
        return any(isinstance(self.values.get(name), Unknown) for name in names)

    def known(self, *names: str) -> list[str]:
        """Return which of these are given and known."""
        return [name for name in names if name in self.values and not self.unsure(name)]

    def inside(self, name: str) -> Said:
        """Return what a map says; nothing if it is not given or not known yet."""
        value = self.get(name)
        return Said(value if isinstance(value, Mapping) else {}, self.at(name))

    def items(self, name: str) -> list[Any]:
        """Return the items of a list, unknown ones too."""
        value = self.get(name)
        return list(value) if isinstance(value, list | tuple) else []

    def each(self, name: str) -> Iterator[Said]:
        """Give the maps of a list that are known."""
        for index, item in enumerate(self.items(name)):
            if isinstance(item, Mapping):
                yield Said(item, f"{self.at(name)}[{index}]")

    def texts(self, name: str) -> Iterator[tuple[str, str]]:
        """Give path and text of what is known in a list of texts."""
        for index, item in enumerate(self.items(name)):
            if not isinstance(item, Unknown):
                yield f"{self.at(name)}[{index}]", str(item)

    def entries(self, name: str) -> Mapping[str, Any]:
        """Return a map of what users name themselves; its values may be unknown, its names are not."""
        value = self.get(name)
        return value if isinstance(value, Mapping) else {}
