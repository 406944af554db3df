"""In whose words a resource is spoken of: those of the component that declared it, in its user's spelling."""

from __future__ import annotations

from typing import Any

from .core.errors import Finding

_SUFFIXES = ("-registry", "-image", "-group")
"""What components add to their names for their children."""


class Speech:
    """Messages about resources.

    A resource that a program declared by itself has the plugin's words. A component's child has the component's
    (``server.limits.scoring_timeout_ms``), in Python's spelling unless the plugin made it for another language.
    """

    def __init__(self) -> None:
        """Know of no component that the plugin made."""
        self._made_here: set[tuple[str, str]] = set()

    def remember(self, token: str, name: str) -> None:
        """Know that the plugin itself makes this component, so that its user's program is not Python."""
        self._made_here.add((token, name))

    def finding(self, urn: str, finding: Finding) -> Finding:
        """Return a finding with path and message in the user's words.

        The path of a component's argument goes into the message: the engine writes the value that the resource has at
        a finding's path, and there it has none.
        """
        from pulumi_aciml.args.places import place
        from pulumi_aciml.args.reading import Problem

        if (found := self._speaker(urn)) is None:
            return finding
        cls, spelling = found
        return Finding("", str(Problem(place(cls, finding.where, spelling), self.text(urn, finding.why))))

    def text(self, urn: str, text: str) -> str:
        """Return a message in the user's words."""
        from pulumi_aciml.args.places import in_words

        found = self._speaker(urn)
        return text if found is None else in_words(found[0], text, found[1])

    def _speaker(self, urn: str) -> tuple[type[Any], Any] | None:
        """Return the class of arguments that the user wrote, and the spelling."""
        from pulumi_aciml.args.places import CAMEL, SNAKE

        from .construct import COMPONENTS

        parts = urn.split("::")
        kinds = parts[2].split("$") if len(parts) > 3 else []
        if len(kinds) < 2 or kinds[-2] not in COMPONENTS:
            return None
        names = [parts[3].removesuffix(suffix) for suffix in _SUFFIXES if parts[3].endswith(suffix)]
        here = any((kinds[-2], name) in self._made_here for name in names)
        return COMPONENTS[kinds[-2]][1], CAMEL if here else SNAKE
