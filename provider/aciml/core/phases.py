"""How long the phases of one piece of work took, for one line at its end and for a picture of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

_SHORT = 0.05  # seconds; what takes less is not told

Timed = Callable[[str], AbstractContextManager[None]]
"""Counts what a block takes, under a name; what a long step is given when it does not care who listens."""


def untimed(_: str) -> AbstractContextManager[None]:
    """Count nothing."""
    return nullcontext()


@dataclass(frozen=True)
class Span:
    """A phase on the clock of its work: from ``begin`` to ``end``, in seconds since the first one began.

    ``seconds`` is the sum of its blocks: less than the span if others were between them, more if they ran side by side.
    """

    name: str
    begin: float
    end: float
    seconds: float

    def after(self, seconds: float) -> Span:
        """Return the same span, later by so many seconds."""
        return replace(self, begin=round(self.begin + seconds, 3), end=round(self.end + seconds, 3))

    def to_json(self) -> list[Any]:
        """Write it."""
        return [self.name, self.begin, self.end, self.seconds]

    @classmethod
    def of_json(cls, told: Sequence[Any]) -> Span:
        """Read it.

        Raises:
            ValueError, TypeError: it is no span.
        """
        name, begin, end, seconds = told
        return cls(str(name), float(begin), float(end), float(seconds))


class Phases:
    """Collects seconds by the name of a phase; phases may run side by side, in several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Measure by ``clock``, such as ``time.monotonic``."""
        self._clock, self._lock = clock, threading.Lock()
        self._seconds, self._bounds = dict[str, float](), dict[str, tuple[float, float]]()
        self._parts = set[str]()

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count what the block takes; a phase that comes in several blocks is their sum."""
        began = self._clock()
        with self._lock:
            self._seconds.setdefault(name, 0.0)  # in the order in which they begin
        try:
            yield
        finally:
            ended = self._clock()
            with self._lock:
                self._seconds[name] += ended - began
                first, last = self._bounds.get(name, (began, ended))
                self._bounds[name] = (min(first, began), max(last, ended))

    def part(self, name: str) -> AbstractContextManager[None]:
        """Count as ``timed`` does, for the picture alone: what a phase of the line is made of."""
        self._parts.add(name)
        return self.timed(name)

    def line(self) -> str:
        """Return ``packing 4.0 s, push 1.2 s``; empty if nothing took long enough to be told."""
        told = [(name, took) for name, took in self._seconds.items() if name not in self._parts and took >= _SHORT]
        return ", ".join(f"{name} {spoken(took)}" for name, took in told)

    def spans(self) -> tuple[Span, ...]:
        """Return phases and parts that are over, in the order in which they began, to the millisecond."""
        with self._lock:
            bounds, seconds = dict(self._bounds), dict(self._seconds)
        start = min((first for first, _ in bounds.values()), default=0.0)
        ordered = sorted(bounds.items(), key=lambda one: one[1])
        return tuple(
            Span(name, round(first - start, 3), round(last - start, 3), round(seconds[name], 3))
            for name, (first, last) in ordered
        )


def spoken(seconds: float) -> str:
    """Return a length of time in seconds, with a tenth where that matters."""
    # from 9.95 on a tenth would be shown as 10.0
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
