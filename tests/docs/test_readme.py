"""The page that people see first: one screen, whose links lead somewhere."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST = 60


def test_it_is_one_screen() -> None:
    assert len(TEXT.splitlines()) <= LONGEST
    assert max(len(line) for line in TEXT.splitlines() if "![" not in line) <= 180


def test_links_lead_to_files() -> None:
    linked = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT)

    assert len(linked) >= 10
    assert [path for path in linked if not (ROOT / path).is_file()] == []


def test_it_shows_pictures_and_says_what_is_on_them() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", TEXT)

    assert {path.rpartition("/")[2] for _, path in pictures} >= {"report.png", "docs.png", "comment.png"}
    assert [path for words, path in pictures if len(words) < 20 or (ROOT / path).read_bytes()[:4] != b"\x89PNG"] == []


def test_it_says_what_one_wants_to_know_first() -> None:
    for word in (
        "it does",
        "it does not",
        "GPU",
        "Windows",
        "It needs",
        "It costs",
        "make up",
        "make test",
        "make docs",
    ):
        assert word in TEXT, word
    program = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert program
    lines = [line for line in program[1].splitlines() if line.strip() and not line.startswith("import")]
    assert len(lines) <= 10
