"""How long Azure is waited for: what is left of an operation's time, and requests and looks that are made again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ....core.progress import Progress
from .errors import AzureError, translated
from .polling import TimedOut, pause, spoken_time
from .session import UNREGISTERED, AzureSession

Result = TypeVar("Result")
Seen = Mapping[str, Any]
"""JSON of a resource as ARM answers it."""

OPERATION_SECONDS = 3600.0
"""How long an operation may take when the user says nothing; pulling 15 GB takes long."""
BUSY_SECONDS = 10.0
"""Between two tries of a request: Container Instances say "wait at least ten seconds between operations"."""
LOOK_SECONDS = 1.0
"""Between two looks at an operation that somebody else has begun."""
NEW_SECONDS = 30.0
"""How long Azure may answer 404 about what it has just made: its caches learn of it one after the other."""
ROLE_TRIES = 60
"""How often an image is asked for whose role is there: "up to 10 minutes for changes to take effect" (Azure RBAC,
"Troubleshoot Azure RBAC")."""
GOES_ON = "what exists is kept; run the same command again, it goes on from here"


class Clock:
    """What is left of the time that an operation may take; ``seconds`` 0 is ``OPERATION_SECONDS``."""

    def __init__(self, seconds: float) -> None:
        """Begin now."""
        # the wall clock may be set while an operation takes half an hour
        self._end = time.monotonic() + (seconds or OPERATION_SECONDS)

    @property
    def left(self) -> float:
        """Return seconds, never below 0."""
        return max(0.0, self._end - time.monotonic())


@dataclass(frozen=True)
class Again:
    """A request is worth another try: in how many seconds, and why, as a clause for people."""

    seconds: float
    why: str


def sent(
    session: AzureSession,
    provider: str,
    what: str,
    send: Callable[[], Result],
    progress: Progress,
    clock: Clock,
    again: Callable[[AzureError, int], Again | None],
    **tried: str,
) -> Result:
    """Send a request, again and again as long as its answer is one that passes by itself.

    Args:
        session: registers the resource provider if the subscription has never used it.
        provider: type of the resource, such as ``Microsoft.App/containerApps``.
        what: a clause such as ``putting container app score``.
        send: sends it once.
        progress: hears why it is sent again; ctrl-C ends the pauses.
        clock: bounds it; a pause that is longer than what is left is not begun.
        again: given an error and the number of tries so far, tells whether and when to try again.
        tried: facts for messages, as in ``errors.translated``.

    Raises:
        AzureError: an answer that does not pass.
        Cancelled: the user asked to stop.
    """
    tries = 0
    while True:
        progress.checkpoint()
        try:
            with translated(what, **tried):
                return send()
        except AzureError as error:
            tries += 1
            # once: a subscription that is registered and still refuses has another trouble
            if error.code == UNREGISTERED and tries == 1:
                session.register(provider, error, progress)
                continue
            # anything that does not pass is an answer; what a network may lose the SDK has tried again by itself
            wait = again(error, tries)
            if wait is None or wait.seconds > clock.left:
                raise
        progress.say(f"{what}: {wait.why}, trying again in {wait.seconds:g} s")
        pause(wait.seconds, progress)


def asked_seconds(error: AzureError) -> float:
    """Return what the service asks for in Retry-After, else ``BUSY_SECONDS``."""
    response = getattr(error.__cause__, "response", None)
    headers = getattr(response, "headers", None) or {}
    # the three that azure-core knows: services send one or the other
    for name, scale in (("Retry-After", 1.0), ("x-ms-retry-after-ms", 0.001), ("retry-after-ms", 0.001)):
        value = str(headers.get(name, "")).strip()
        if value.replace(".", "", 1).isdigit():
            return float(value) * scale
    return BUSY_SECONDS


def settled(
    title: str,
    look: Callable[[], Seen | None],
    state_of: Callable[[Seen], str],
    is_done: Callable[[Seen], bool],
    progress: Progress,
    clock: Clock,
) -> Seen | None:
    """Look at a resource until no operation on it is under way any more.

    Raises:
        TimedOut: the operation takes longer than the clock has.
    """
    seen, began = look(), time.monotonic()
    while seen is not None and not is_done(seen):
        state, passed = state_of(seen), spoken_time(time.monotonic() - began)
        progress.say(f"{title} is {state}, waiting until that is done: {passed}")
        # only now, after a look: an operation that has just ended is worth more than a time-out
        if not clock.left:
            raise TimedOut(f"{title} is still {state} after {passed}", "run the same command again")
        pause(LOOK_SECONDS, progress)
        seen = look()
    return seen


def looked_for(look: Callable[[], Seen | None], progress: Progress, clock: Clock, *, there: bool) -> Seen | None:
    """Look until a resource is there, or gone, for as long as Azure's caches may take to know; return the last look."""
    end = time.monotonic() + min(NEW_SECONDS, clock.left)
    while ((seen := look()) is not None) != there and time.monotonic() < end:
        pause(LOOK_SECONDS, progress)
    return seen
