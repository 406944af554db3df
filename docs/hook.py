"""What mkdocs calls: pages that are made join those that are written, and `*` in the navigation becomes pages.

Source: https://www.mkdocs.org/dev-guide/plugins/#events; ``hooks`` in ``mkdocs.yml`` names this file.
"""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
# mkdocs loads a hook by its path, so neither this package nor what it tells of is found by itself
sys.path[:0] = [str(path) for path in (ROOT, ROOT / "provider", ROOT / "server", ROOT / ".venv/packages")]

from docs import arguments, commands, outputs, repository, resources, server_variables  # noqa: E402  # found just now

MADE = {
    "reference/arguments.md": arguments.page,
    "commands/index.md": commands.page,
    "reference/outputs.md": outputs.page,
    "reference/resources.md": resources.page,
    "reference/server-variables.md": server_variables.page,
}
"""Pages that are made anew at each build, so none of them can be out of date."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put pages in the place of each `*` of the navigation."""
    there = {path.relative_to(config.docs_dir).as_posix() for path in Path(config.docs_dir).rglob("*.md")}
    there |= {*MADE, *repository.pages(ROOT)}
    # a page that is named has its place, and no pattern gives it another one
    free = there - {*_named(config.nav)}
    config.nav = _expanded(config.nav, free)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and those of the repository."""
    for name, text in {**{name: make() for name, make in MADE.items()}, **repository.pages(ROOT)}.items():
        files.append(File.generated(config, name, content=text))
    return files


def _named(nav: Any) -> Iterator[str]:
    for entry in nav:
        if isinstance(entry, dict):
            for inside in entry.values():
                yield from _named(inside if isinstance(inside, list) else [inside])
        else:
            yield entry


def _expanded(nav: Any, free: set[str]) -> list[Any]:
    """Return the navigation with pages for patterns; a page goes to the first pattern that it fits."""
    found: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            found += [
                {title: _expanded(inside, free) if isinstance(inside, list) else inside}
                for title, inside in entry.items()
            ]
        elif "*" in entry:
            pages = sorted(page for page in free if _fits(page, entry))
            free -= {*pages}
            found += pages
        else:
            found.append(entry)
    return found


def _fits(page: str, pattern: str) -> bool:
    # fnmatch's `*` takes a slash, too: `guides/*.md` would take what lies in folders below
    return page.count("/") == pattern.count("/") and fnmatch.fnmatchcase(page, pattern)
