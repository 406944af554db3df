"""What the process of a command ends with, the same for all of them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Codes as a pipeline sees them; the help of ``aciml`` lists them."""

    DONE = 0
    FAILED = 1
    """An error told in one sentence, or the answer to what was asked is no: a lock out of date, a dead service."""
    USED_WRONGLY = 2
    """An option or command that does not exist, a word that is missing; nothing was done."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it: 128 and the signal's number."""
