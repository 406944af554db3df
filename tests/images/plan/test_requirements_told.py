"""A requirements file: what is wrong with its lines is told beside the Python that it lacks, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.errors import Finding
from aciml.images.plan.sources import read_packages
from aciml.model.environment import Packages


def told(folder: Path, text: str, python: str = "3.11") -> list[str]:
    path = folder / "requirements.txt"
    path.write_text(text)
    if python:
        (folder / ".python-version").write_text(python)
    findings: list[Finding] = []
    read_packages(Packages(requirements_file=str(path)), findings)
    return [one.why.replace(f"{folder}/", "") for one in findings]


def test_a_file_without_a_python_hides_no_other_fault(tmp_path: Path) -> None:
    python, first, second = told(tmp_path, "numpy=1.24\npandas\nscipy => 1\n", "")

    assert python.startswith("requirements.txt does not say which Python it is for; write one")
    assert first == 'requirements.txt:1: pip: "numpy=1.24" is not a requirement; did you mean "numpy==1.24"?'
    assert second == 'requirements.txt:3: pip: "scipy => 1" is not a requirement; did you mean "scipy>=1"?'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: x\ndependencies:\n  - numpy\n", "it is a conda.yml; give it as conda_file"),
        ("[tool.poetry]\nname = 'x'\n", "it is a pyproject.toml"),
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
