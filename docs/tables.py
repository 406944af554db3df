"""Tables of Markdown: what every made page is mostly made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar in a cell is written so that it does not end the cell."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    # within backticks a bar ends no cell (Python-Markdown, "Tables"), and a backslash there would be seen
    parts = text.split("`")
    return "`".join(part if number % 2 else part.replace("|", "\\|") for number, part in enumerate(parts))


def sentence(text: str) -> str:
    """Return the first paragraph on one line, with Markdown's code instead of reStructuredText's."""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`")
