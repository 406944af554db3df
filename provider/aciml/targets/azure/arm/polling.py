"""Waiting for long-running operations: heard, bounded, and stopped by ctrl-C without stopping the operation."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from ....core.errors import AcimlError
from ....core.progress import Progress
from .errors import translated

if TYPE_CHECKING:
    from azure.core.polling import LROPoller

Result = TypeVar("Result")
POLL_SECONDS = 5
"""Between two looks at an operation when Azure sends no Retry-After; the SDK's own 30 s are longer than most starts."""
_HEAR = 0.2  # seconds between two looks at ctrl-C
_SPEAK = 1.0  # seconds between two live lines


class TimedOut(AcimlError):
    """The time is over; the operation still runs in Azure."""


def wait_for(poller: LROPoller[Result], what: str, progress: Progress, *, timeout: float, **tried: str) -> Result:
    """Wait until the operation ends, and return its result.

    Args:
        poller: of the SDK; it polls in a thread of its own and honours Retry-After.
        what: a clause such as ``creating container group score``; shown with the time that passed.
        progress: hears of it each second; its checkpoint is asked five times a second.
        timeout: seconds.
        tried: facts for the message, as in ``errors.translated``.

    Raises:
        AzureError: the operation failed; its code and words are those of Azure.
        TimedOut: it still runs; it is left alone.
        Cancelled: the user asked to stop; it is left alone.
    """
    started = time.monotonic()
    spoken = 0.0
    # also of one that is over before somebody looks: who follows the lines finds all operations in them
    progress.say(f"{what}: {spoken_time(spoken)}")
    with translated(what, **tried):
        # ctrl-C leaves the operation alone: ARM cannot cancel one, and the next run finds it under way
        while not poller.done():
            progress.checkpoint()
            # the wall clock may be set while an operation takes half an hour
            passed = time.monotonic() - started
            if passed > timeout:
                # state keeps the id, so that the next run finds it and waits on
                raise _timed_out(what, passed, poller.status())
            if passed - spoken >= _SPEAK:
                progress.say(f"{what}: {spoken_time(passed)}")
                spoken = passed
            poller.wait(_HEAR)
        return poller.result()


def pause(seconds: float, progress: Progress) -> None:
    """Wait; ctrl-C ends it at once."""
    end = time.monotonic() + seconds
    progress.checkpoint()
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _HEAR))
        # behind the sleep: whoever goes on after a pause has heard a ctrl-C of its last moment, too
        progress.checkpoint()


def spoken_time(seconds: float) -> str:
    """Return ``8 s`` or ``2 min 5 s``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _timed_out(what: str, passed: float, status: str) -> TimedOut:
    return TimedOut(
        f"{what}: not done after {spoken_time(passed)}; Azure says {status}, and goes on with it",
        "run the same command again to wait for it, with a longer customTimeouts if it needs more",
    )
