"""Files of packages, written wrong before they were tried: level, line and advice; and right ones, all taken.

Rows of ``slips.txt``: ``LEVEL|c or r|WORDS OF THE MESSAGE`` (conda.yml or requirements.txt), then the text with a mark
in its line.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.errors import Finding, Level
from aciml.images.plan.sources import read_packages
from aciml.model.environment import Packages

HERE = Path(__file__).parent
MARK = "\N{DOUBLE DAGGER}"
LEVELS = {"E": Level.ERROR, "W": Level.WARNING}
NAMES = {"c": "conda.yml", "r": "requirements.txt"}


def rows(name: str) -> list[str]:
    return (HERE / name).read_text(encoding="utf-8").split("\n--\n")


def told(kind: str, text: str, folder: Path) -> list[Finding]:
    path = folder / NAMES[kind]
    path.write_text(text, encoding="utf-8")
    (folder / ".python-version").write_text("3.11\n")
    for name in ("requirements-dev.txt", "constraints.txt", *(["requirements.txt"] if kind == "c" else [])):
        (folder / name).write_text("six\n")
    findings = list[Finding]()
    read_packages(Packages(conda_file=str(path)) if kind == "c" else Packages(requirements_file=str(path)), findings)
    return [one for one in findings if one.level is not Level.REMARK]


@pytest.mark.parametrize("row", rows("slips.txt"))
def test_a_slip_is_found_once_in_its_line(row: str, tmp_path: Path) -> None:
    head, _, text = row.partition("\n")
    level, kind, words = head.split("|")
    line = text.partition(MARK)[0].count("\n") + 1

    found = told(kind, text.replace(MARK, "") + "\n", tmp_path)

    assert [one.level for one in found] == [LEVELS[level]]
    assert found[0].why.startswith(f"{tmp_path / NAMES[kind]}:{line}: ")
    assert words.lower() in found[0].why.lower()


@pytest.mark.parametrize("row", rows("good.txt"))
def test_of_what_is_right_nothing_is_said(row: str, tmp_path: Path) -> None:
    kind, _, text = row.partition("\n")

    assert [one.why for one in told(kind, text + "\n", tmp_path)] == []
