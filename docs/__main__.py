"""``python -m docs``: write the pages that are made; ``--check`` only says whether they are as they should be."""

from __future__ import annotations

import sys
from pathlib import Path

from . import arguments, v1_files

PAGES = {Path(__file__).with_name("arguments.md"): arguments.page, v1_files.PATH: v1_files.page}


def main() -> int:
    """Write or compare; 1 if a page is out of date."""
    late = [path for path, make in PAGES.items() if not path.exists() or path.read_text(encoding="utf-8") != make()]
    if "--check" not in sys.argv:
        for path in late:
            path.write_text(PAGES[path](), encoding="utf-8")
    elif late:
        sys.stderr.write(f"{', '.join(path.name for path in late)}: out of date; run make pages\n")
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["pictures"]:
        # here and not above: it needs Docker and a browser, and nobody else does
        from .pictures import draw

        raise SystemExit(draw())
    raise SystemExit(main())
