"""How it is with a thing that our work needs: what was found of it, and what to do if it is not as it should be."""

from __future__ import annotations

from enum import StrEnum

from .lean import lean


class State(StrEnum):
    """How it is with something."""

    OK = "ok"
    WARNING = "warning"
    """Something may not work, or only some of it."""
    BROKEN = "broken"
    """What is asked of it does not work."""


@lean(frozen=True)
class Line:
    """What was found of one thing, and what to do if it is not as it should be."""

    name: str
    state: State
    found: str
    advice: str = ""

    def __str__(self) -> str:
        """Write it as one line, the advice behind the finding."""
        return f"{self.state:<7}  {self.name:<16}  {self.found}" + (f"; {self.advice}" if self.advice else "")
