"""The page of goals names tests and benches that exist, and every goal has one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "decisions" / "goals.md").read_text(encoding="utf-8")


def rows() -> dict[str, str]:
    return {line.split(" | ")[0].strip("| "): line for line in PAGE.splitlines() if re.match(r"\| G\d", line)}


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_goal_has_a_row_with_something_that_shows_it() -> None:
    assert list(rows()) == [f"G{number}" for number in range(1, 25)]
    assert [goal for goal, line in rows().items() if not re.search(r"`(?:tests|bench)/|`bytecode\.md`", line)] == []


def test_every_test_and_bench_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    benches = re.findall(r"`(bench/\w+\.py)`", PAGE)

    assert named
    assert [f"{path}::{name}" for path, name in named if name not in functions(ROOT / path)] == []
    assert [path for path in benches if not (ROOT / path).is_file()] == []
