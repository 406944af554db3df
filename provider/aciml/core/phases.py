"""How long the phases of one piece of work took, for one line at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SHORT = 0.05  # seconds; what takes less is not told


class Phases:
    """Collects seconds by the name of a phase; phases may run side by side, in several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Measure by ``clock``, such as ``time.monotonic``."""
        self._clock, self._seconds = clock, dict[str, float]()

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count what the block takes; a phase that comes in several parts is their sum."""
        self._seconds.setdefault(name, 0.0)  # in the order in which they begin
        began = self._clock()
        try:
            yield
        finally:
            self._seconds[name] += self._clock() - began

    def line(self) -> str:
        """Return ``packing 4.0 s, push 1.2 s``; empty if nothing took long enough to be told."""
        return ", ".join(f"{name} {spoken(took)}" for name, took in self._seconds.items() if took >= _SHORT)


def spoken(seconds: float) -> str:
    """Return a length of time in seconds, with a tenth where that matters."""
    # from 9.95 on a tenth would be shown as 10.0
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
