"""Golden predictions in the comment of a pull request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aciml.cli import main
from aciml.core.errors import UserError
from aciml.core.golden.compare import judge
from aciml.core.golden.request import Came, Expected
from aciml.core.golden.table import facts
from aciml.core.golden.tolerance import Rules
from aciml.review.golden import GoldenCheck, read_check
from aciml.review.markdown import comment_of
from aciml.review.posting import GITHUB_LIMIT
from aciml.review.preview import read_preview
from tests.review.previews import GROUP, digest, step

PREVIEW = digest(step("update", GROUP, {"goldenHash": "a" * 64}, {"goldenHash": "b" * 64}, goldenHash="update"))


def printed(*pairs: tuple[Any, Any]) -> str:
    """What the command prints of answers: what was recorded, and what came."""
    rows = (
        (f"row {i}", Expected(200, "json", old), Came(200, json.dumps(new).encode(), "application/json"), Rules())
        for i, (old, new) in enumerate(pairs)
    )
    return json.dumps({"old": "golden.yaml", "new": "diabetes", **facts(judge(rows))})


def written(*checks: GoldenCheck, limit: int = GITHUB_LIMIT) -> str:
    return comment_of(read_preview(PREVIEW, "preview.json"), limit, golden=checks)


def check(*pairs: tuple[Any, Any]) -> GoldenCheck:
    return read_check(printed(*pairs), "golden.json")


def test_what_differs_is_a_table() -> None:
    text = written(check(({"p": [100.0, 1.0]}, {"p": [101.5, 1.00001]}), ([1], [1]), ("a", {"<b>": "|x|"})))

    assert "**Golden predictions: 2 of 3 golden answers of `diabetes` differ from `golden.yaml`**" in text
    assert "| `row 0` | `$.p[0]` | `100.0` | `101.5` | 1.50% |" in text
    assert "| `row 0` | `$.p[1]` | `1.0` | `1.00001` | 1.0e-05 |" in text
    # a text of a model becomes neither a row nor markup
    assert '| `row 2` | `$` | `"a"` | `{"<b>": "\\|x\\|"}` |  |' in text
    assert "other golden answers" in text
    assert "a" * 64 not in text


def test_what_is_the_same_is_a_line() -> None:
    assert "**Golden predictions**: 1 golden answer of `diabetes` as in `golden.yaml`" in written(check(([1], [1])))


def test_a_long_table_is_folded_and_cut() -> None:
    text = written(check(*[([float(i + 1)], [float(i + 2)]) for i in range(500)]), limit=8_000)

    assert len(text.encode()) <= 8_000
    assert "<details><summary>Golden predictions: 500 of 500" in text
    assert "| and 4" in text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"old": 1}', printed(([1], [2])).replace('"path"', '"pth"')])
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"golden.json is no check of golden predictions"):
        read_check(text, "golden.json")


def test_a_check_that_failed_is_told() -> None:
    with pytest.raises(UserError, match="the check failed: nobody answers"):
        read_check('{"error": {"message": "nobody answers", "advice": ""}}', "golden.json")


def test_the_command_takes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "preview.json").write_text(PREVIEW)
    (tmp_path / "golden.json").write_text(printed(([1.0], [2.0])))

    code = main(["comment", str(tmp_path / "preview.json"), "--golden", str(tmp_path / "golden.json")])

    assert code == 0
    assert "1 of 1 golden answer of `diabetes` differ" in capsys.readouterr().out
