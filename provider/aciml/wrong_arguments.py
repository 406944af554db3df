"""What is wrong with the arguments of a component, between who makes it and who answers the engine."""

from __future__ import annotations

from collections.abc import Sequence


class WrongArguments(Exception):
    """Arguments of a component are wrong; ``problems`` has path and reason of each."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        """Name them all."""
        super().__init__("; ".join(f"{where}: {why}" for where, why in problems))
        self.problems = tuple(problems)
