"""Each page of ``decisions/`` is in the index, with date and state, and says what would change it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "decisions"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
ROW = re.compile(r"\| `([\w-]+\.md)` \| (\S+) \| (.+?) \| (.+) \|")
STATE = re.compile(r"accepted|amended (?P<day>\S+)|superseded by `(?P<page>[\w-]+\.md)`")
ANEW = "## What would make us decide anew"
ELSEWHERE = (
    "",
    "provider/aciml",
    "provider",
    "bootstrap",
    "components",
    "tests",
    "tests/upgrades",
    "server/aciml_server",
)
"""Folders that paths in prose are relative to."""
CODE = re.compile(r"`((?:[\w.-]+/)+[\w-]+\.(?:py|toml|jinja|go|mod))(?:::\w+)?`")


def index() -> dict[str, tuple[str, str, str]]:
    """Return date, state and line of each page."""
    rows = [found.groups() for found in map(ROW.fullmatch, (FOLDER / "README.md").read_text().splitlines()) if found]
    assert len({page for page, *_ in rows}) == len(rows), "a page is in the index twice"
    return {page: (day, state, line) for page, day, state, line in rows}


def test_the_index_has_each_page_in_order_and_no_other() -> None:
    assert list(index()) == [path.name for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_each_page_has_a_date_a_state_and_one_line(path: Path) -> None:
    day, state, line = index()[path.name]
    found = STATE.fullmatch(state)

    assert found, f'"{state}" is no state'
    if found["day"]:
        assert dt.date.fromisoformat(found["day"]) > dt.date.fromisoformat(day)
    if found["page"]:
        assert (FOLDER / found["page"]).is_file()
    assert dt.date.fromisoformat(day) >= dt.date(2026, 11, 21)  # when the project began
    assert 0 < len(line) <= 100


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_each_page_ends_with_what_would_make_us_decide_anew(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert text.count(f"\n{ANEW}\n") == 1
    last = text.partition(f"\n{ANEW}\n")[2]
    assert "\n#" not in last, f"{ANEW} is not the last section"
    assert len(re.findall(r"^- .{20,}", last, re.MULTILINE)) >= 1


@pytest.mark.parametrize("path", [*PAGES, FOLDER / "README.md"], ids=lambda path: path.stem)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    named = re.findall(r"`(?:decisions/)?([a-z][\w-]*\.md)(?:[ ,][^`]*)?`", path.read_text(encoding="utf-8"))
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))

    assert [name for name in (*named, *linked) if not (FOLDER / name).is_file()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_files_that_a_page_names_are_there(path: Path) -> None:
    named = CODE.findall(path.read_text(encoding="utf-8"))

    assert [name for name in named if not any((ROOT / folder / name).is_file() for folder in ELSEWHERE)] == []
