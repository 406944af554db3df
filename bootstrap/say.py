"""What bootstrap tells the user: one line for each thing that was missing, one sentence when it cannot go on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


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
    # standard output is what a shell reads: eval "$(make -s env)"
    print(f"bootstrap: {line}", file=sys.stderr, flush=True)


@contextmanager
def phase(what: str) -> Iterator[None]:
    """Say what begins, and when it is done how long it took; what fails speaks for itself."""
    say(f"{what} ...")
    started = time.monotonic()
    yield
    say(f"{what} ({spoken_seconds(time.monotonic() - started)})")


def spoken_seconds(seconds: float) -> str:
    """Return a time as people say it: ``0.4 s``, ``12 s``, ``3 min 5 s``."""
    whole = round(seconds)
    if whole >= 120:
        return f"{whole // 60} min {whole % 60} s"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
