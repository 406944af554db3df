"""How long steps speak while they run."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the live lines of one resource; safe to call from several threads."""

    def say(self, text: str) -> None:
        """Show a line that the next one replaces (an ephemeral log line in the resource's row)."""

    def note(self, text: str) -> None:
        """Keep an information line."""

    def warn(self, text: str) -> None:
        """Keep a warning line."""

    def checkpoint(self) -> None:
        """Return at once, or raise ``Cancelled`` if the user asked to stop; call it between pieces of work."""


class Silent:
    """Progress that nobody sees; never cancelled."""

    def say(self, text: str) -> None:
        """Drop the line."""

    def note(self, text: str) -> None:
        """Drop the line."""

    def warn(self, text: str) -> None:
        """Drop the line."""

    def checkpoint(self) -> None:
        """Go on."""
