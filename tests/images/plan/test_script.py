"""Scoring scripts in a folder, with what they import from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.imports import Brought
from aciml.images.plan.script import Source, judge_scripts, warn_of_scripts
from aciml.images.plan.service import judge
from aciml.model.service import Service

EMPTY = Brought(frozenset({"numpy"}), frozenset({"numpy"}), True, (3, 11))


def folder(where: Path, **files: str) -> Path:
    for name, text in files.items():
        path = where / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return where


def errors(where: Path) -> list[str]:
    found = judge_scripts(Source(where, EMPTY), {"": "score.py"})
    return [one.replace(f"{where}/", "") for one in found[""]]


def warnings(where: Path) -> list[str]:
    return [one.replace(f"{where}/", "") for one in warn_of_scripts(Source(where, EMPTY), {"": "score.py"})]


def test_a_run_that_is_imported_is_judged_where_it_is(tmp_path: Path) -> None:
    folder(tmp_path, score="from mylib.model import predict as run\n", mylib__model="\ndef predict(): return 1\n")
    assert errors(tmp_path) == [
        "mylib/model.py:2: run() takes no data: give it a parameter, as in run(raw_data)",
    ]
    folder(tmp_path, mylib__model="def predict(data): return 1\n")
    assert errors(tmp_path) == []
    folder(tmp_path, mylib__model="def other(data): return 1\n")
    assert errors(tmp_path) == ["score.py:1: imports predict from mylib.model, and mylib/model.py has no predict"]
    folder(tmp_path, mylib__model="def predict(:\n")
    assert errors(tmp_path)[0].startswith("mylib/model.py:1:")


@pytest.mark.parametrize("name", ["rum", "Run", "predict", "score"])
def test_a_function_that_is_meant_to_be_run_is_named_at_its_line(tmp_path: Path, name: str) -> None:
    folder(tmp_path, score=f"import json\ndef init(): pass\ndef {name}(data): return 1\n")

    (told,) = errors(tmp_path)

    assert told.startswith("score.py:3: has no function run(raw_data)")
    assert told.endswith(f"; did you mean {name}() to be it?")


def test_a_star_counts_by_what_its_module_has(tmp_path: Path) -> None:
    folder(tmp_path, score="from impl import *\n", impl="def run(data): return data\n")
    assert errors(tmp_path) == []
    folder(tmp_path, impl="def walk(data): return data\n")
    assert "has no function run" in errors(tmp_path)[0]
    folder(tmp_path, impl="from elsewhere import *\n")
    assert errors(tmp_path) == []
    (tmp_path / "impl.py").unlink()
    assert errors(tmp_path) == []  # of a package nobody knows what it has


def test_modules_of_the_folder_are_followed_and_the_line_is_theirs(tmp_path: Path) -> None:
    folder(tmp_path, score="import helper\nimport pkg.deep\ndef run(x): return x\n", helper="import sklearn\n")
    folder(tmp_path, pkg____init__="", pkg__deep="import json\nimport cv2\n", unused="import torch\n")
    assert [one.partition(" is imported")[0] for one in warnings(tmp_path)] == [
        "helper.py:1: sklearn",
        "pkg/deep.py:2: cv2",
    ]


def test_a_module_beside_a_script_in_a_folder_is_not_on_the_path(tmp_path: Path) -> None:
    folder(tmp_path, score="import helper\ndef run(x): return x\n", lib__helper="")
    assert "lies in a folder of the source" in warnings(tmp_path)[0]


def test_a_circle_of_modules_ends(tmp_path: Path) -> None:
    folder(tmp_path, score="import a\ndef run(x): return x\n", a="import b\nimport torch\n", b="import a\n")
    assert len(warnings(tmp_path)) == 1


def test_all_scripts_of_a_service_are_judged(tmp_path: Path) -> None:
    folder(tmp_path, score="def run(x): return x\n", second="def init(): pass\n")
    now = Service(
        login_server="x",
        repository="y",
        environment_image="z",
        source_directory=str(tmp_path),
        entry_script="score.py",
        scripts={"more": "second.py"},
    )
    (found,) = judge(now)
    assert found.where == 'scripts["more"]'
    assert "has no function run" in found.why


def test_of_a_thousand_files_only_those_that_are_imported_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(
        tmp_path,
        score="import one\ndef run(x): return x\n",
        one="",
        **{f"m{number}": "x = 1\n" for number in range(1000)},
    )
    read: list[str] = []
    real = Path.read_bytes

    def noted(path: Path) -> bytes:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    source = Source(tmp_path, EMPTY)
    judge_scripts(source, {"": "score.py"})
    warn_of_scripts(source, {"": "score.py"})
    assert sorted(read) == ["one.py", "score.py"]
