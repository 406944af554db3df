"""The error of files of Azure ML v1; by itself, since all programs import its name and few the rest of ``v1.py``."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi


# a RunError is the one that the SDK shows without a traceback
class V1Error(pulumi.RunError):
    """Files of v1 cannot be used; ``problems`` has one line for each reason, with file and line."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Name them all."""
        super().__init__("files of v1: " + (problems[0] if len(problems) == 1 else "\n  ".join(["", *problems])))
        self.problems = tuple(problems)
