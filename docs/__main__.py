"""``python -m docs``: write the pages that are made; ``--check`` only says whether they are as they should be."""

from __future__ import annotations

import sys
from pathlib import Path

from .arguments import page

PATH = Path(__file__).with_name("arguments.md")


def main() -> int:
    """Write or compare; 1 if a page is out of date."""
    text = page()
    if "--check" not in sys.argv:
        PATH.write_text(text, encoding="utf-8")
    elif not PATH.exists() or PATH.read_text(encoding="utf-8") != text:
        sys.stderr.write(f"{PATH.name} is out of date; run make pages\n")
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["pictures"]:
        # here and not above: it needs Docker and a browser, and nobody else does
        from .pictures import draw

        raise SystemExit(draw())
    raise SystemExit(main())
