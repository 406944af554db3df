"""When a host may be asked again, and how often it is: one count for all threads that ask it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from .errors import RegistryError
from .limits import ClientLimits

_PROBES = 1.0  # seconds between two questions to a host that has just failed


@dataclass
class Effort:
    """What one piece of work has cost so far that has not come forward.

    ``tries`` and ``lost`` seconds (pauses, and waits for a host that said nothing) are shared by a request and the
    upload that it is a part of: counted one by one, five tries of five tries would be twenty-five.
    """

    tries: int = 0
    lost: float = 0.0

    def failed(self, error: RegistryError, limits: ClientLimits) -> float:
        """Count a failure; return the pause before the next try, seconds, or raise the error if there is none.

        Raises:
            RegistryError: the error itself; it says how much was tried.
        """
        self.tries += 1
        self.lost += error.waited
        pause = _pause(self.tries, error)
        # who is asked to wait for an hour wants to know it, not to wait
        patient = error.retry_after <= limits.patience and self.lost + pause <= limits.budget
        if error.spent or self.tries >= limits.attempts or not patient:
            raise error.after(self.tries, self.lost)
        self.lost += pause
        return pause


def _pause(tries: int, error: RegistryError) -> float:
    # Retry-After (RFC 9110, 10.2.3) is the registry's own word, and wins
    if error.retry_after:
        return error.retry_after
    # 429 without it (RFC 6585, 4) still says "too many": never more than one question a second
    first = 1.0 if error.status == 429 else 0.5
    return float(min(first * 2 ** (tries - 1), 8.0))


class Pace:
    """The pause that a host asked for, kept by all threads; safe to use from all of them.

    While a host fails, one thread at a time asks it, at most once a second; the first good answer opens it for all.
    """

    def __init__(self, wait: Callable[[float], None], clock: Callable[[], float]) -> None:
        """``wait`` pauses for some seconds; ``clock`` counts seconds."""
        self._wait, self._clock = wait, clock
        self._lock = threading.Lock()
        self._until, self._holds = 0.0, 0
        # the thread and not its number, which another thread is given when this one has ended
        self._owner: threading.Thread | None = None
        self._retries, self._waited = 0, 0.0

    def enter(self, checkpoint: Callable[[], None]) -> int:
        """Wait until the host may be asked; return a mark for ``good``. ``checkpoint`` may raise to stop."""
        waited_for = 0.0
        while True:
            with self._lock:
                until = self._until
                # who made the others wait has waited itself, and is the one that tries whether it is over
                if self._owner in (None, threading.current_thread()) or until <= waited_for or until <= self._clock():
                    if self._owner:
                        self._owner, self._until = threading.current_thread(), self._clock() + _PROBES
                    return self._holds
                left = until - max(self._clock(), waited_for)
            self._sleep(left, checkpoint, lambda: self._owner is None)
            waited_for = until

    def hold(self, seconds: float, checkpoint: Callable[[], None]) -> None:
        """Let nobody ask the host for so long; return when that is over."""
        with self._lock:
            self._retries += 1
            self._holds += 1
            until = self._clock() + seconds
            if until >= self._until:
                self._until, self._owner = until, threading.current_thread()
            self._waited += seconds
        self._sleep(seconds, checkpoint, lambda: False)

    def good(self, mark: int) -> None:
        """Take note of a good answer to a question that ``enter`` gave the mark of."""
        with self._lock:
            # one that was on its way before the host asked for a pause says nothing about it
            if mark == self._holds:
                self._owner, self._until = None, 0.0

    def take_line(self) -> str:
        """Return ``3 retries, 14 s`` of the tries since the last call; empty if there were none."""
        with self._lock:
            retries, waited, self._retries, self._waited = self._retries, self._waited, 0, 0.0
        return f"{retries} {'retry' if retries == 1 else 'retries'}, {waited:.0f} s" if retries else ""

    def _sleep(self, seconds: float, checkpoint: Callable[[], None], is_over: Callable[[], bool]) -> None:
        # in slices: ctrl-C ends it within a second
        while seconds > 0 and not is_over():
            checkpoint()
            self._wait(min(seconds, 1.0))
            seconds -= 1.0
