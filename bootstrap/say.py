"""What bootstrap tells the user: one line for each thing that was missing, one sentence when it cannot go on."""

from __future__ import annotations

import sys


class Missing(Exception):
    """Something cannot be had on this machine.

    Args:
        what: one sentence, what is missing and why it cannot be had.
        command: what to run, or to do, next.
    """

    def __init__(self, what: str, command: str) -> None:
        """Keep both halves; ``str()`` joins them."""
        super().__init__(f"{what}; to mend it: {command}")


def say(line: str) -> None:
    """Write one line of the log, at once."""
    print(f"bootstrap: {line}", file=sys.stderr, flush=True)
