"""What Python files import, in functions and for types alone, too."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

Import = ast.Import | ast.ImportFrom
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@cache
def imports_in(path: Path) -> tuple[Import, ...]:
    """Return all imports of a file: no expression has one, and most of a tree are expressions."""
    ahead: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    found: list[Import] = []
    while ahead:
        node = ahead.pop()
        if isinstance(node, Import):
            found.append(node)
        for block in _BLOCKS:
            inner = getattr(node, block, ())
            ahead += inner if isinstance(inner, list) else ()
    return tuple(found)
