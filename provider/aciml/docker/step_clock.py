"""A limit for the time of one step: one that waits for an answer nobody gives would run until somebody looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ..core.errors import UserError
from ..core.progress import Progress, Through
from ..core.steps import Step
from .transcript import short

STEP_SECONDS = 4 * 3600.0
"""A step may take so long; longer if ``customTimeouts`` allow more. Compilers of big extensions need an hour or two."""

_SHORTER = "see that it asks nothing and waits for nothing, make it shorter, or allow more by customTimeouts"


class StepOverdue(UserError):
    """A step takes longer than it may."""


class Heard(Protocol):
    """What is known of a build from its log."""

    @property
    def running(self) -> tuple[Step, ...]:
        """The user's steps that run now."""


class StepClock(Through):
    """A progress whose checkpoint also ends a step that takes too long; all else goes to the progress behind it."""

    def __init__(self, progress: Progress, heard: Heard, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count; ``heard`` tells which steps run."""
        super().__init__(progress)
        self._heard, self._clock = heard, clock
        self._began: dict[int, float] = {}
        self._limit = max(STEP_SECONDS, progress.timeout)

    def checkpoint(self) -> None:
        """Return at once, or raise: the user asked to stop, time is over, or that of the step is."""
        super().checkpoint()
        now, running = self._clock(), self._heard.running
        self._began = {step.number: self._began.get(step.number, now) for step in running}
        for step in running:
            if now - self._began[step.number] > self._limit:
                message = f"{step.label} is not done after {self._limit / 3600:g} hours: {short(step)}"
                raise StepOverdue(message, _SHORTER)
