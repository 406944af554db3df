"""How often a host is asked for one piece of work, and with what pauses in between."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import RegistryError
from .limits import ClientLimits


@dataclass
class Effort:
    """What one piece of work has cost so far that has not come forward.

    ``began`` is the host's number of rounds (``core.pace``) when the work began; ``last`` what went wrong last.
    ``tries`` and ``lost`` seconds (pauses, and waits for a host that said nothing) are shared by a request and the
    upload that it is a part of: counted one by one, five tries of five tries would be twenty-five.
    """

    tries: int = 0
    lost: float = 0.0
    began: int = 0
    last: RegistryError | None = None

    def look(self, rounds: int, limits: ClientLimits) -> None:
        """Give up with others: four layers of five tries each would be twenty tries of one host.

        Args:
            rounds: of the host since this work began, and since any came forward.
            limits: how many it may be.

        Raises:
            RegistryError: the last one, if this work has failed itself and the host as often as it may be tried.
        """
        if self.last and self.tries and rounds >= limits.attempts:
            raise self.last.after(max(self.tries, rounds), self.lost)

    def failed(self, error: RegistryError, limits: ClientLimits) -> float:
        """Count a failure; return the pause before the next try, seconds, or raise the error if there is none.

        Raises:
            RegistryError: the error itself; it says how much was tried.
        """
        self.tries += 1
        self.last = error
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
