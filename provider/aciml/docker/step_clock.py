"""A limit for the time of one step: one that waits for an answer nobody gives would run until somebody looks."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..core.errors import UserError
from ..core.progress import Progress
from .transcript import Transcript, short

STEP_SECONDS = 4 * 3600.0
"""A step may take so long; longer if ``customTimeouts`` allow more. Compilers of big extensions need an hour or two."""


class StepOverdue(UserError):
    """A step takes longer than it may."""


class StepClock:
    """A progress whose checkpoint also ends a step that takes too long; all else goes to the progress behind it."""

    def __init__(self, progress: Progress, transcript: Transcript, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count; ``transcript`` tells which step runs."""
        self._progress, self._transcript, self._clock = progress, transcript, clock
        self._step, self._began = transcript.step, clock()
        self._limit = max(STEP_SECONDS, progress.timeout)

    @property
    def urn(self) -> str:
        """Name of the resource."""
        return self._progress.urn

    @property
    def timeout(self) -> float:
        """Seconds that the operation may take."""
        return self._progress.timeout

    def say(self, text: str) -> None:
        """Show a line."""
        self._progress.say(text)

    def note(self, text: str) -> None:
        """Keep an information line."""
        self._progress.note(text)

    def warn(self, text: str) -> None:
        """Keep a warning line."""
        self._progress.warn(text)

    def checkpoint(self) -> None:
        """Return at once, or raise: the user asked to stop, time is over, or that of the step is."""
        self._progress.checkpoint()
        if self._transcript.step is not self._step:
            self._step, self._began = self._transcript.step, self._clock()
        if self._step is not None and self._clock() - self._began > self._limit:
            message = f"{self._step.label} is not done after {self._limit / 3600:g} hours: {short(self._step)}"
            advice = "see that it asks nothing and waits for nothing, make it shorter, or allow more by customTimeouts"
            raise StepOverdue(message, advice)
