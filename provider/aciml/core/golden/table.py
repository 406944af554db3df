"""What differs, for people and for programs; worst first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from .compare import Difference, Rank, Verdict

SUBJECT = "golden predictions"
"""What a line begins with that is about them, whoever says it: the comment of a pull request gathers these."""
FAILED = f"failed its {SUBJECT}"
"""What the message of a service has in it that runs, and gives other predictions; the table is below."""
MOST_ROWS = 20
"""So many rows are shown to people; programs get all that are kept."""
_HEAD = ("request", "path", "old", "new", "off by")


def lines(verdict: Verdict, source: str, most: int = MOST_ROWS) -> Iterator[str]:
    """Give a sentence, and the table if something differs.

    Args:
        verdict: what was found.
        source: what the answers were compared with, such as the file's path.
        most: how many rows.
    """
    yield sentence(verdict, source)
    if verdict.same:
        return
    rows = [_HEAD, *map(_row, verdict.differences[:most])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
    if more := verdict.total - len(rows) + 1:
        yield f"  and {more} more"
    if note := _remedy(verdict):
        yield note


def sentence(verdict: Verdict, source: str) -> str:
    """Say it in a sentence."""
    answers = f"{verdict.requests} answer{'' if verdict.requests == 1 else 's'}"
    if verdict.same:
        return f"{answers}: as in {source}"
    return f"{verdict.differing} of {answers} differ from {source}; worst first:"


def facts(verdict: Verdict) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "requests": verdict.requests,
        "differing": verdict.differing,
        "total": verdict.total,
        "same": verdict.same,
        "differences": [_fact(one) for one in verdict.differences],
    }


def _fact(one: Difference) -> dict[str, Any]:
    # JSON has no word for infinity (RFC 8259, 6)
    said = {
        key: None if isinstance(value, float) and math.isinf(value) else value for key, value in asdict(one).items()
    }
    return {**said, "rank": one.rank.name.lower()}


def _row(one: Difference) -> tuple[str, str, str, str, str]:
    return one.request, one.path, one.old, one.new, _off(one)


def _off(one: Difference) -> str:
    if one.rank is not Rank.NUMBER:
        return ""
    if math.isinf(one.relative):
        return f"{one.off:.2g}"
    return f"{one.relative:.2%}" if one.relative >= 1e-4 else f"{one.off:.2g} ({one.relative:.1e} of it)"


def _remedy(verdict: Verdict) -> str:
    """Say which tolerance would let all pass, where nothing but numbers differ and they do by little."""
    worst = max((one.relative for one in verdict.differences), default=0.0)
    numbers = all(one.rank is Rank.NUMBER for one in verdict.differences)
    if not numbers or worst > 1e-4:
        return ""
    return f"all are numbers, off by {worst:.1e} of the old ones at most; if that is fine, let a tolerance say so"
