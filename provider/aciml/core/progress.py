"""How long steps speak while they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .errors import Finding, Level, errors_of


class Progress(Protocol):
    """The conversation about one resource: it receives its live lines; safe to call from several threads.

    ``urn`` names the resource, empty if nobody is spoken for; ``timeout`` is what the user allows for the operation
    (``customTimeouts``), seconds, 0 if nothing was said.
    """

    @property
    def urn(self) -> str:
        """Name of the resource."""

    @property
    def timeout(self) -> float:
        """Seconds that the operation may take; 0: nothing was said."""

    def say(self, text: str) -> None:
        """Show a line that the next one replaces (an ephemeral log line in the resource's row)."""

    def note(self, text: str) -> None:
        """Keep an information line."""

    def warn(self, text: str) -> None:
        """Keep a warning line."""

    def checkpoint(self) -> None:
        """Return at once, or raise ``Cancelled`` if the user asked to stop or time is over; to be called often."""


class Silent:
    """Progress that nobody sees; never cancelled."""

    urn = ""
    timeout = 0.0

    def say(self, text: str) -> None:
        """Drop the line."""

    def note(self, text: str) -> None:
        """Drop the line."""

    def warn(self, text: str) -> None:
        """Drop the line."""

    def checkpoint(self) -> None:
        """Go on."""


class Through:
    """Progress that passes all on to another one; who derives from it changes what ``checkpoint`` does."""

    def __init__(self, inner: Progress) -> None:
        """Speak through ``inner``."""
        self._inner = inner
        self.urn, self.timeout = inner.urn, inner.timeout
        self.say, self.note, self.warn = inner.say, inner.note, inner.warn

    def checkpoint(self) -> None:
        """Ask the other one."""
        self._inner.checkpoint()


def tell(findings: Sequence[Finding], progress: Progress) -> list[Finding]:
    """Say warnings and remarks, and return the errors: those stop, the others do not."""
    for finding in findings:
        if finding.level is Level.WARNING:
            progress.warn(finding.text)
        elif finding.level is Level.REMARK:
            progress.note(finding.text)
    return errors_of(findings)
