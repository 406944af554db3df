"""What a command says: results on standard output, what goes on meanwhile on standard error."""

from __future__ import annotations

import sys

from ..core.progress import Silent


def say(text: str) -> None:
    """Print a line of the result."""
    print(text)  # noqa: T201  # a program speaks to its terminal


class Terminal(Silent):
    """Progress on standard error: live lines only where somebody sees them."""

    def say(self, text: str) -> None:
        """Show what goes on, if standard error is a terminal."""
        if sys.stderr.isatty():
            self._print(text)

    def note(self, text: str) -> None:
        """Print a line."""
        self._print(text)

    def warn(self, text: str) -> None:
        """Print a line."""
        self._print(f"warning: {text}")

    @staticmethod
    def _print(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201  # a program speaks to its terminal
