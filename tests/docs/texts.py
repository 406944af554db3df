"""All texts that the code can say: its string literals, with an ellipsis for what is filled in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.docs.pages import ROOT

GAP = "…"
_ENOUGH = 10
"""Letters of a text that are its own."""
FOLDERS = ("provider/aciml", "components", "server/aciml_server")
# what the server fills in: it runs on Pythons for which its texts are written with %
_PERCENT = re.compile(r"%\(?\w*\)?[-#0-9.]*[sdrfgib]")


@cache
def texts() -> tuple[str, ...]:
    """Return each literal once; a text that is put together of two literals with `+` is two."""
    found: dict[str, None] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                found.update(dict.fromkeys(_texts_of(node)))
    return tuple(found)


def _texts_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield _PERCENT.sub(GAP, node.value)
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)


def is_said(message: str) -> bool:
    """Tell whether the code has a text with the message in it; gaps of the message stand for anything."""
    wanted = re.compile(".*".join(map(re.escape, message.split(GAP))), re.DOTALL)
    return any(wanted.search(text) for text in texts())


@cache
def _printers() -> tuple[tuple[str, ...], ...]:
    """Return the parts of each text between its gaps; texts with few letters of their own would find anything."""
    kept = [text for text in texts() if "\n" not in text and len(text.replace(GAP, "").strip()) >= _ENOUGH]
    return tuple(tuple(text.split(GAP)) for text in kept)


def is_printed(line: str) -> bool:
    """Tell whether a line is one that the code can print: a text of its with the gaps filled in is there."""
    # a thousand regular expressions cost three seconds of a processor to compile, and few lines have all parts of one
    found = (parts for parts in _printers() if all(part in line for part in parts))
    return any(re.search(".+?".join(map(re.escape, parts)), line) for parts in found)
