"""Pages of the repository that are read on the site as well: decisions, architecture, how to work on it, changes."""

from __future__ import annotations

import re
from pathlib import Path

_PROJECT = {
    "ARCHITECTURE.md": "project/architecture.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
}

_BEHIND = "---\nsearch: {boost: 0.2}\n---\n\n"
"""Before each of them: who searches wants what to do first, and why it is so after that."""


def pages(root: Path) -> dict[str, str]:
    """Return the text of each page by its place on the site."""
    found = {there: (root / here).read_text(encoding="utf-8") for here, there in _PROJECT.items()}
    for path in sorted((root / "decisions").glob("*.md")):
        name = "index.md" if path.name == "README.md" else path.name
        found[f"decisions/{name}"] = _linked(path)
    return {place: _BEHIND + text for place, text in found.items()}


def _linked(path: Path) -> str:
    """Return the text of a decision, in which the names of others are links: the repository writes them as code."""

    def link(found: re.Match[str]) -> str:
        name = found[1]
        there = name != path.name and (path.parent / name).is_file() and name != "README.md"
        return f"[`{name.removesuffix('.md')}`]({name})" if there else found[0]

    return re.sub(r"`(?:decisions/)?([\w-]+\.md)`", link, path.read_text(encoding="utf-8"))
