"""How far a number of an answer may be from the one that was recorded."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from ..lean import lean
from .path import Key, Pattern

ABSOLUTE, RELATIVE = 1e-12, 1e-10
"""What is allowed if nothing is said.

Wide enough for another order of a sum on another processor (some 1e-15 of the value, times what cancels out), and
narrow enough for a model that was turned into single precision, which is off by 6e-8 of the value (IEEE 754, binary32).
"""


@lean(frozen=True)
class Tolerance:
    """A number may be off by ``absolute``, or by ``relative`` times the old one, whichever is more.

    With ``ignore`` nothing at all is compared.
    """

    absolute: float = 0.0
    relative: float = 0.0
    ignore: bool = False

    def allowed(self, old: float) -> float:
        """Return by how much a number may be off."""
        return max(self.absolute, self.relative * abs(old))

    def excess(self, old: float, new: float) -> float:
        """Return how many times too far off a number is: at most 1 if it passes, infinity if nothing is allowed."""
        # NaN is what a model answers for what it cannot say: equal to itself here, as for whoever reads it
        if old == new or (math.isnan(old) and math.isnan(new)):
            return 0.0
        if not (math.isfinite(old) and math.isfinite(new)):
            return math.inf
        off, allowed = abs(new - old), self.allowed(old)
        return 0.0 if off <= allowed else off / allowed if allowed else math.inf


DEFAULT = Tolerance(ABSOLUTE, RELATIVE)


@lean(frozen=True)
class Rule:
    """A tolerance for some places."""

    pattern: Pattern
    tolerance: Tolerance


@lean(frozen=True)
class Rules:
    """All tolerances of an answer: of those that fit a place the last one counts, else ``default``."""

    default: Tolerance = DEFAULT
    rules: tuple[Rule, ...] = ()

    def and_then(self, more: Iterable[Rule]) -> Rules:
        """Return these with others that count before them."""
        return replace(self, rules=(*self.rules, *more))

    def walk(self) -> Walk:
        """Return where one stands at the top of an answer."""
        return Walk(self, tuple(rule.pattern.start() for rule in self.rules))


@lean(frozen=True)
class Walk:
    """A place in an answer, and how far each rule has come down to it."""

    rules: Rules
    done: tuple[frozenset[int], ...]

    def down(self, key: Key) -> Walk:
        """Return the place below."""
        if not self.done:
            return self
        pairs = zip(self.rules.rules, self.done, strict=True)
        return Walk(self.rules, tuple(rule.pattern.down(done, key) for rule, done in pairs))

    @property
    def tolerance(self) -> Tolerance:
        """What holds here."""
        return self.said or self.rules.default

    @property
    def said(self) -> Tolerance | None:
        """What a rule says of this very place; None if none does."""
        pairs = zip(reversed(self.rules.rules), reversed(self.done), strict=True)
        return next((rule.tolerance for rule, done in pairs if rule.pattern.fits(done)), None)
