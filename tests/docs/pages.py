"""The pages of the site as text, with the blocks of code in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "pages"
_FENCE = re.compile(
    r"^(?: *<!-- not run: (?P<why>[^>]+) -->\n+)?(?P<indent> *)```(?P<kind>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its ``kind`` is the word behind the fence; ``why`` says why nothing looks at it, if so."""

    page: Path
    line: int
    kind: str
    text: str
    why: str

    def __str__(self) -> str:
        """Return the place, as an editor opens it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return what people read: the site's written pages, and the page that they see first."""
    return [ROOT / "README.md", *sorted(PAGES.rglob("*.md"))]


def blocks() -> Iterator[Block]:
    """Give all blocks of all pages."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for found in _FENCE.finditer(text):
            line = text.count("\n", 0, found.start("indent")) + 1
            yield Block(page, line, found["kind"].strip(), textwrap.dedent(found["text"]), (found["why"] or "").strip())


def blocks_of(*kinds: str) -> list[Block]:
    """Return the blocks of some kinds that are to be looked at."""
    return [block for block in blocks() if block.kind in kinds and not block.why]
