"""The error tree: what was seen, where, and what to do next.

- ``AcimlError``: shown to the user as one message, without a traceback. Below it:
- ``UserError``: the user can mend it; wrong input found late.
- ``OutageError``: something outside does not answer; state keeps what exists.
- ``Cancelled``: ctrl-C; what was finished is kept. ``Overdue``: the time that the user allows is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from .lean import lean


class AcimlError(Exception):
    """Base of all errors that reach the user as one message.

    Args:
        message: what was seen and where, one sentence, no secrets.
        advice: what to do next; empty if there is nothing to say.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        """Keep both halves as fields; ``str()`` joins them."""
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        """Return the message, then the advice."""
        return f"{self.message}; {self.advice}" if self.advice else self.message


class UserError(AcimlError):
    """Wrong input that could not be seen in ``check``."""


class OutageError(AcimlError):
    """A registry, engine, channel or network that does not answer as it should; trying again can help."""


class Cancelled(AcimlError):
    """The user pressed ctrl-C, or the engine cancelled the update."""

    def __init__(self, message: str = "cancelled; what is finished is kept, run the same command to go on") -> None:
        """Say that nothing is lost."""
        super().__init__(message)


class Overdue(Cancelled):
    """It takes longer than the user allows (``customTimeouts``)."""

    def __init__(self, seconds: float) -> None:
        """Say how long that was, and that nothing is lost."""
        super().__init__(
            f"not done within the {seconds:g} seconds that custom timeouts allow; what is finished is kept,"
            " allow more or run the same command to go on"
        )


class Level(StrEnum):
    """How sure a finding is; ``check`` of Pulumi knows failures alone, the others go through its log."""

    ERROR = "error"
    """It certainly fails: the update stops."""
    WARNING = "warning"
    """It is likely not what was meant: told, and the update goes on."""
    REMARK = "remark"
    """It works, and may surprise."""


@lean(frozen=True)
class Finding:
    """One thing the user can mend, as ``check`` reports it.

    ``where`` is a Pulumi property path such as ``extraSteps[2]`` or ``condaFile``; ``why`` is one sentence with
    file:line or step number where there is one, and what to do.
    """

    where: str
    why: str
    level: Level = Level.ERROR

    @property
    def text(self) -> str:
        """What the log says of it: a failure shows its path by itself, a line of the log does not."""
        return f"{self.where}: {self.why}" if self.where else self.why


def errors_of(findings: Sequence[Finding]) -> list[Finding]:
    """Return those that stop an update."""
    return [finding for finding in findings if finding.level is Level.ERROR]
