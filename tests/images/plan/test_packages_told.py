"""What is said of an environment's files before anything is looked for: all of it, each with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import Level
from aciml.images.plan.sources import NEWEST_PYTHON, Sources, read_sources
from aciml.model.environment import read_environment

HEAD = "dependencies:\n- python=3.11\n- pip\n- pip:\n"


def read(folder: Path, text: str | bytes, **more: Any) -> Sources:
    path = folder / "conda.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_sources(read_environment({"condaFile": str(path), **more}))


def told(sources: Sources, folder: Path) -> list[str]:
    return [finding.why.replace(f"{folder}/", "") for finding in sources.findings]


def test_all_pip_lines_are_judged_at_once_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/reqs.txt").write_text("six=1.16  # why\n-r deeper.txt\n-e .\n\nnumpy \\\n >=1 <2\n")
    (tmp_path / "more/deeper.txt").write_bytes(b"ok\ncaf\xe9==1\n")
    lines = [
        "requests=2",
        "-rmore/reqs.txt",
        "-r gone.txt",
        "hg+ssh://git@host/x",
        "https://u:hush@h/a-1-py3-none-any.whl",
    ]

    found = told(read(tmp_path, HEAD + "".join(f"  - {line}\n" for line in lines)), tmp_path)

    beginnings = [
        'conda.yml:5: pip: "requests=2" is not a requirement; did you mean "requests==2"?',
        "conda.yml:7: pip: -r gone.txt: gone.txt does not exist; paths are relative",
        'conda.yml:8: pip: "hg+ssh://host/x": of version control only git is read',
        "conda.yml:9: pip: https://***@h/a-1-py3-none-any.whl has a password in it",
        'more/reqs.txt:1: pip: "six=1.16" is not a requirement; did you mean "six==1.16"?',
        "more/reqs.txt:3: pip: -e .: an editable install",
        'more/reqs.txt:5: pip: "numpy  >=1 <2" is not a requirement; did you mean "numpy>=1,<2"?',
        'more/deeper.txt:2: column 4 has the byte 0xe9, which is "\u00e9" in Windows-1252: this is not UTF-8',
    ]
    assert len(found) == len(beginnings)
    for beginning in beginnings:
        assert any(why.startswith(beginning) for why in found), (beginning, found)


def test_variables_and_users_in_urls_are_no_passwords(tmp_path: Path) -> None:
    lines = ["--index-url https://user:${TOKEN}@h/simple", "--extra-index-url https://user@h/simple", "six"]

    assert not read(tmp_path, HEAD + "".join(f"  - {line}\n" for line in lines)).findings


@pytest.mark.parametrize(
    ("text", "more", "added"),
    [
        ("dependencies: [numpy]\n", {}, True),
        ("dependencies: [python=3.9, numpy]\n", {}, False),
        ("dependencies: [r-base]\n", {"serverRequirements": False}, False),
        ("dependencies:\n- pip:\n  - six\n", {"serverRequirements": False}, True),
    ],
)
def test_a_file_without_python_gets_the_newest_where_something_needs_one(
    tmp_path: Path, text: str, more: dict[str, Any], *, added: bool
) -> None:
    sources = read(tmp_path, text, **more)

    assert not sources.findings
    assert sources.conda
    assert (NEWEST_PYTHON in sources.conda.specs) is added


def test_remarks_of_a_file_stop_nothing(tmp_path: Path) -> None:
    sources = read(tmp_path, "dependencies:\n- python\n- pip:\n  - six\n")

    assert not sources.findings
    assert [(one.level, one.where) for one in sources.warnings] == [(Level.REMARK, "condaFile")]


@pytest.mark.parametrize("name", ["extraStepsFile", "dockerfile"])
def test_a_file_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    from aciml.images.plan.dockerfile import judge_base

    path = tmp_path / "file"
    path.write_bytes(b"FROM debian\nRUN echo caf\xe9\n" if name == "dockerfile" else b"RUN true\nRUN echo caf\xe9\n")
    declared = read_environment({name: str(path)})
    found = [*read_sources(declared).findings, *judge_base(declared.base, declared.steps.builder, ())]

    assert [(one.where, one.why.replace(str(path), "f")) for one in found if "UTF-8" in one.why] == [
        (
            name,
            'f:2: column 13 has the byte 0xe9, which is "\u00e9" in Windows-1252: this is not UTF-8; save it as UTF-8',
        )
    ]
