"""A requirements file: what is wrong with its lines is told beside the Python that it lacks, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.errors import Finding
from aciml.images.plan.sources import NEWEST_PYTHON, read_packages
from aciml.model.environment import Packages


def told(folder: Path, text: str, python: str = "3.11") -> list[str]:
    path = folder / "requirements.txt"
    path.write_text(text)
    if python:
        (folder / ".python-version").write_text(python)
    findings: list[Finding] = []
    read_packages(Packages(requirements_file=str(path)), findings)
    return [one.why.replace(f"{folder}/", "") for one in findings]


def test_a_wrong_python_hides_no_other_fault(tmp_path: Path) -> None:
    python, first, second = told(tmp_path, "numpy=1.24\npandas\nscipy => 1\n", "pypy3.10")

    assert python.startswith('"pypy3.10" in .python-version is not a version; write one such as')
    assert first == 'requirements.txt:1: pip: "numpy=1.24" is not a requirement; did you mean "numpy==1.24"?'
    assert second == 'requirements.txt:3: pip: "scipy => 1" is not a requirement; did you mean "scipy>=1"?'


@pytest.mark.parametrize(
    ("name", "said", "spec"),
    [
        (".python-version", "3.11\n", "python=3.11"),
        (".python-version", "cpython-3.12.4\n3.9\n", "python=3.12.4"),
        ("runtime.txt", "python-3.10", "python=3.10"),
        ("runtime.txt", "r-4.1-2022-01-01", NEWEST_PYTHON),
        ("README", "", NEWEST_PYTHON),
    ],
)
def test_the_python_is_what_a_file_beside_says_or_the_newest(tmp_path: Path, name: str, said: str, spec: str) -> None:
    (tmp_path / "requirements.txt").write_text("six\n")
    (tmp_path / name).write_text(said)
    findings: list[Finding] = []

    file, _ = read_packages(Packages(requirements_file=str(tmp_path / "requirements.txt")), findings)

    assert findings == []
    assert file is not None
    assert file.specs == (spec,)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: x\ndependencies:\n  - numpy\n", "it is a conda.yml; give it as conda_file"),
        ("[tool.poetry]\nname = 'x'\n", "it is a pyproject.toml"),
        ("# $ conda create --name <env> --file <this file>\nnumpy=1.26\nyaml\n", "it is a list of conda's packages"),
        ("xz=5.2=h5eee18b_1\nnumpy=1.26=py311_0\n", "it is a list of conda's packages"),
        ("[[package]]\nname = 'x'\n[metadata]\nlock-version = '2.0'\n", "it is a lock file of Poetry"),
        ("services:\n  web:\n    image: nginx\n", "it is a file of Docker Compose"),
        ("@EXPLICIT\nhttps://c/noarch/a-1-0.conda\n", "it is an explicit file; give it as explicit_file"),
    ],
)
def test_another_tool_s_file_is_named(tmp_path: Path, text: str, what: str) -> None:
    (why,) = told(tmp_path, text)

    assert why.startswith(f"requirements.txt:1: this is no requirements file: {what}")


@pytest.mark.parametrize(
    ("line", "meant"), [("sklearn==1.2", "scikit-learn==1.2"), ("PIL", "pillow"), ("cv2>4", "opencv-python-headless>4")]
)
def test_a_module_s_name_is_no_package_of_the_public_index(tmp_path: Path, line: str, meant: str) -> None:
    (why,) = told(tmp_path, f"numpy\n{line}\n")

    assert why.startswith(f'requirements.txt:2: pip: "{line}": the package is called')
    assert why.endswith(f'write "{meant}"')
    assert told(tmp_path, f"-i https://index.example.org/simple\n{line}\n") == []
