"""What no index has is told with the line that asks for it, and with what was meant or which versions there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aciml.core.errors import OutageError, UserError
from aciml.pip.lines import Line
from aciml.pip.unresolved import explained
from aciml.pip.uv import failure, no_wheel
from aciml.settings import Settings
from tests.pip.index import Index, serve
from tests.pip.wheels import make_wheel

BECAUSE = "No solution found when resolving dependencies: Because "


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    for version in ("1.9", "1.10", "1.11rc1"):
        make_wheel(tmp_path, "mine", version)
    with serve(tmp_path) as server:
        yield server


def told(index: Index, tmp_path: Path, said: str, *asked: str) -> str:
    lines = [Line(f"--index-url {index.url}/simple", tmp_path, "r.txt:1")]
    lines += [Line(text, tmp_path, f"r.txt:{number}") for number, text in enumerate(asked, 2)]
    error = failure(f"{BECAUSE}{said}, we can conclude that your requirements are unsatisfiable.")
    assert isinstance(error, UserError)
    return explained(error, lines, Settings(tmp_path / "cache", {})).message.replace(index.url, "")


@pytest.mark.parametrize(
    ("line", "said", "why"),
    [
        ("tensorflw==2", "tensorflw was not found in the package registry", 'did you mean "tensorflow"?'),
        ("qqqqq", "qqqqq was not found in the package registry", "check its name"),
        ("mine==2", "there is no version of mine==2", "there are 1.11rc1, 1.10, 1.9"),
        ("mine[a]>=2", "only mine[a]<=1.10 is available", "there are 1.11rc1, 1.10, 1.9"),
    ],
)
def test_the_line_is_named_with_what_was_meant(index: Index, tmp_path: Path, line: str, said: str, why: str) -> None:
    message = told(index, tmp_path, said, "six", line)

    assert message.startswith(f'r.txt:3: pip: "{line}": ')
    assert why in message


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("six", "tensorflw was not found in the package registry"),
        ("gone==2", "there is no version of gone==2"),
        ("a", "a==1 depends on b and b==2 depends on c"),
    ],
)
def test_what_stands_in_no_line_or_nobody_knows_stays_in_uv_s_words(
    index: Index, tmp_path: Path, asked: str, said: str
) -> None:
    assert said in told(index, tmp_path, said, asked)


def test_a_missing_wheel_and_a_silence_are_told_elsewhere(tmp_path: Path) -> None:
    error = no_wheel("six", "Because six was not found in the package registry")
    assert explained(error, [Line("six", tmp_path)], Settings(tmp_path, {})) is error
    assert isinstance(failure("error: dns error"), OutageError)
