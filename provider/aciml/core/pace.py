"""When a host may be asked again: one count for all threads and all clients that ask it."""

from __future__ import annotations

import threading
from collections.abc import Callable

_PROBES = 1.0  # seconds between two questions to a host that has just failed


class Pace:
    """The pause that a host asked for, kept by all threads; safe to use from all of them.

    While a host fails, one thread at a time asks it, at most once a second; the first good answer opens it for all.
    ``rounds`` are failures, of which those that were under way at once are one: the tries of all threads together.
    """

    def __init__(self, wait: Callable[[float], None], clock: Callable[[], float]) -> None:
        """``wait`` pauses for some seconds; ``clock`` counts seconds."""
        self._wait, self._clock = wait, clock
        self._lock = threading.Lock()
        self._until, self._holds = 0.0, 0
        # the thread and not its number, which another thread is given when this one has ended
        self._owner: threading.Thread | None = None
        self._retries, self._waited = 0, 0.0
        self.rounds = self._forward = 0

    def failed(self, seen: int) -> None:
        """Take note of a failure; ``seen`` are the rounds that there were when the question was asked."""
        with self._lock:
            # one that was asked before somebody else's failure was known belongs to the same round
            self.rounds += seen == self.rounds

    def came_forward(self) -> None:
        """Take note that a piece of somebody's work is done for good."""
        with self._lock:
            self._forward = self.rounds

    def rounds_since(self, began: int) -> int:
        """Return the rounds since there were ``began``, if no piece of work came forward meanwhile, else since then."""
        with self._lock:
            return self.rounds - max(began, self._forward)

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


class Paces:
    """The pace of each host: a base's registry, the registry of the images and the hosts of wheels may be one."""

    def __init__(self, wait: Callable[[float], None], clock: Callable[[], float]) -> None:
        """See ``Pace``."""
        self._wait, self._clock = wait, clock
        self._hosts: dict[str, Pace] = {}
        self._lock = threading.Lock()

    def of(self, host: str) -> Pace:
        """Return the pace of a host, which may have a port."""
        with self._lock:
            return self._hosts.setdefault(host, Pace(self._wait, self._clock))

    def tell(self, note: Callable[[str], None]) -> None:
        """Note ``host: 3 retries, 14 s`` for each host that was asked again since the last call."""
        with self._lock:
            hosts = sorted(self._hosts.items())
        for host, pace in hosts:
            if line := pace.take_line():
                note(f"{host}: {line}")


def seconds_asked(wait: str, now: float) -> float:
    """Read a ``Retry-After``: seconds, or a date (RFC 9110, 10.2.3); 0 if it is neither.

    Args:
        wait: the header.
        now: seconds since 1970.
    """
    if wait.isdigit():
        return float(wait)
    try:
        from email.utils import parsedate_to_datetime

        return max(0.0, parsedate_to_datetime(wait).timestamp() - now)
    except (ValueError, TypeError):
        return 0.0
