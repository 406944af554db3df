"""What no index has is told with the line that asks for it, and with what was meant or which versions there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aciml.core.errors import UserError
from aciml.pip.lines import Line
from aciml.pip.unresolved import explained
from aciml.pip.uv import NoWheelError, failure, no_wheel
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


@pytest.mark.parametrize(
    ("reason", "pythons"),
    [
        ("version 1.0 is there as source alone, with a.c", "wheels of 1.0 for Python 3.8, 3.10: ask for such a one"),
        ("we only found wheels for `fast` (v1.0) with the following tags", "wheels of 1.0 for Python 3.8, 3.10"),
        ("version 2.0 is there as source alone, with a.c", ""),
        ("", ""),
    ],
)
def test_a_missing_wheel_is_told_with_its_line_and_the_pythons_that_have_one(
    index: Index, tmp_path: Path, reason: str, pythons: str
) -> None:
    for tag in ("cp38-cp38-manylinux2014_x86_64", "cp310-cp310-manylinux2014_x86_64", "cp312-cp312-win_amd64"):
        make_wheel(tmp_path, "fast", tag=tag)
    lines = [Line(f"--index-url {index.url}/simple", tmp_path), Line("fast==1.0", tmp_path, "r.txt:2")]

    error = explained(no_wheel("fast", reason), lines, Settings(tmp_path / "cache", {}))

    assert isinstance(error, NoWheelError)
    assert error.name == "fast"
    assert error.message.startswith("r.txt:2: pip: fast has no wheel for this platform")
    assert pythons in error.advice
    assert ("there are wheels" in error.advice) is bool(pythons)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("torch==2.1.0+cu118", 'write "--extra-index-url https://download.pytorch.org/whl/cu118" above it'),
        ("torchvision==0.16.0+cpu", 'write "--extra-index-url https://download.pytorch.org/whl/cpu" above it'),
    ],
)
def test_builds_of_torch_for_a_device_are_on_an_index_of_their_own(
    index: Index, tmp_path: Path, line: str, advice: str
) -> None:
    name = line.partition("=")[0]
    make_wheel(tmp_path, name, "1.0")

    assert advice in told(index, tmp_path, f"there is no version of {line}", line)


def test_what_conda_brings_is_at_fault_and_not_the_index(tmp_path: Path) -> None:
    error = failure(f"{BECAUSE}there is no version of numpy==2 and you require numpy==2.", ["numpy 1.26.4"])
    assert isinstance(error, UserError)

    said = explained(error, [Line("numpy==2", tmp_path, "conda.yml:6")], Settings(tmp_path, {}))

    assert said.message == 'conda.yml:6: pip: "numpy==2": it does not go with numpy 1.26.4, which conda brings'
    assert said.advice == error.advice
