"""How long each phase of a build lasts, also when several go on at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


class Phases:
    """Watches functions: a phase lasts while at least one of its functions runs, and phases overlap."""

    def __init__(self, *names: str) -> None:
        """Know these phases; each takes no time so far."""
        self.seconds = dict.fromkeys(names, 0.0)
        self.answers = dict[str, Any]()
        self._running = dict.fromkeys(names, 0)
        self._since = dict.fromkeys(names, 0.0)
        self._lock = threading.Lock()

    def watch(self, owner: object, name: str, phase: str) -> None:
        """Count the time in ``owner.name`` as time of the phase, and keep its last answer."""
        inner: Callable[..., Any] = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._begin(phase)
            try:
                answer = inner(*args, **kwargs)
            finally:
                self._end(phase)
            self.answers[phase] = answer
            return answer

        setattr(owner, name, watched)

    def watch_between(self, owner: type, begin: str, end: str, phase: str) -> None:
        """Count the time from a call of one method to that of another, which runs after it."""
        for name, note in ((begin, self._begin), (end, self._end)):
            setattr(owner, name, _noting(getattr(owner, name), lambda note=note: note(phase)))  # type: ignore[misc]

    def _begin(self, phase: str) -> None:
        with self._lock:
            if not self._running[phase]:
                self._since[phase] = time.perf_counter()
            self._running[phase] += 1

    def _end(self, phase: str) -> None:
        with self._lock:
            self._running[phase] -= 1
            if not self._running[phase]:
                self.seconds[phase] += time.perf_counter() - self._since[phase]


def _noting(inner: Callable[..., Any], note: Callable[[], None]) -> Callable[..., Any]:
    def noting(*args: Any, **kwargs: Any) -> Any:
        note()
        return inner(*args, **kwargs)

    return noting
