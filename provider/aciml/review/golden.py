"""What ``aciml golden check --json`` found, for the comment of a pull request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import UserError


@dataclass(frozen=True)
class Row:
    """One difference, worst first in its check; ``relative`` is how far a number is off, None of what is no number."""

    request: str
    path: str
    old: str
    new: str
    relative: float | None


@dataclass(frozen=True)
class GoldenCheck:
    """One check: how many requests ``new`` was asked, and how many it answered otherwise than ``old``."""

    old: str
    new: str
    requests: int
    differing: int
    total: int
    rows: tuple[Row, ...]


def read_check(text: str, source: str) -> GoldenCheck:
    """Read what the command printed.

    Args:
        text: of the file.
        source: its name, for messages.

    Raises:
        UserError: it is something else; or the command itself failed, and the message says why.
    """
    advice = "give what `aciml golden check --json` printed"
    try:
        found = json.loads(text)
        if isinstance(found, dict) and "error" in found:
            raise UserError(f"{source}: the check failed: {found['error']['message']}", "run it again")
        return GoldenCheck(
            str(found["old"]),
            str(found["new"]),
            int(found["requests"]),
            int(found["differing"]),
            int(found["total"]),
            tuple(map(_row, found["differences"])),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UserError(f"{source} is no check of golden predictions", advice) from error


def _row(one: Mapping[str, Any]) -> Row:
    is_number = one.get("rank") == "number" and one.get("relative") is not None
    request, path, old, new = (str(one[name]) for name in ("request", "path", "old", "new"))
    return Row(request, path, old, new, float(one["relative"]) if is_number else None)
