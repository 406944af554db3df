"""``aciml new``: what a person finds in the new folder, and what is refused."""

from __future__ import annotations

import ast
import json
import re
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from aciml import __version__
from tests.program import aciml

FILES = {
    ".gitignore", "Pulumi.azure.yaml", "Pulumi.local.yaml", "Pulumi.yaml", "README.md", "__main__.py", "conda.yml",
    "models/linear.json", "requirements.txt", "sample.json", "src/score.py",
}  # fmt: skip
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_it(*words: str) -> subprocess.CompletedProcess[str]:
        return aciml("new", *words, folder=tmp_path)

    return run_it


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


@pytest.fixture
def project(run: Run, tmp_path: Path) -> Path:
    done = run("some/My_App.2")
    assert done.returncode == 0, done.stderr
    return tmp_path / "some/My_App.2"


def test_the_files_are_there_and_nothing_is_left_to_fill_in(project: Path) -> None:
    assert files_of(project) == FILES
    for name in FILES:
        assert "{{" not in (project / name).read_text(), name


def test_the_config_for_azure_is_what_the_registry_takes(project: Path) -> None:
    from pulumi_aciml import RegistryArgs
    from pulumi_aciml.args.reading import Problem
    from pulumi_aciml.config import read_section

    (section,) = [
        value for key, value in read_yaml(project / "Pulumi.azure.yaml")["config"].items() if key.endswith(":registry")
    ]
    problems: list[Problem] = []

    read = read_section(RegistryArgs, section, "", set(), problems)

    assert problems == []
    assert set(read) == {"name", "azure"}


def test_it_says_where_the_files_are_and_what_comes_next(run: Run) -> None:
    done = run("an app", "--name", "app", "--target", "azure")

    assert f"wrote {len(FILES)} files into an app" in done.stdout
    assert "cd 'an app'" in done.stdout
    assert "pulumi stack init azure && pulumi up" in done.stdout


def test_the_project_is_a_python_program_that_finds_the_plugin_of_the_wheel(project: Path) -> None:
    assert read_yaml(project / "Pulumi.yaml").items() >= {"name": "My_App.2", "runtime": "python", "main": "."}.items()
    assert "plugins" not in read_yaml(project / "Pulumi.yaml")
    assert (project / "requirements.txt").read_text() == f"aciml~={__version__}\n"


def test_the_stack_configs_choose_the_target_in_words_that_each_target_takes(project: Path) -> None:
    local, azure = (read_yaml(project / f"Pulumi.{name}.yaml")["config"] for name in ("local", "azure"))

    assert local == {"aciml:target": "local"}
    assert azure["aciml:target"] == "azure"
    assert azure["aciml:resourceGroup"] == "my-app-2"
    assert re.fullmatch(r"[a-z0-9]{5,50}", azure["My_App.2:registry"]["name"])


def test_the_program_is_typed_and_wires_registry_environment_and_service(project: Path) -> None:
    tree = ast.parse((project / "__main__.py").read_text())
    made = {
        call.func.attr: {keyword.arg for keyword in call.keywords}
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    }

    assert made["EnvironmentImageArgs"] == {"login_server", "base_image", "packages"}
    assert made["PackagesArgs"] == {"conda_file"}
    assert made["ScoringServiceArgs"] >= {"login_server", "environment_image", "source_directory", "models"}
    exported = re.findall(r'pulumi.export\("(\w+)"', (project / "__main__.py").read_text())
    assert exported == ["scoring_uri", "primary_key", "image"]


def test_all_that_the_program_names_is_there(project: Path) -> None:
    text = (project / "__main__.py").read_text()
    named = re.findall(r'(?:conda_file=|source_directory=|"linear": )"([^"]+)"', text)

    assert sorted(named) == ["conda.yml", "models/linear.json", "src"]
    assert all((project / name).exists() for name in named)
    assert [one.split("=")[0] for one in read_yaml(project / "conda.yml")["dependencies"]] == ["python", "numpy"]


def test_the_script_answers_the_sample_with_what_the_page_says(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(project / "models"))
    init = runpy.run_path(str(project / "src/score.py"))["init"]
    init()
    answer = init.__globals__["run"]((project / "sample.json").read_text())

    assert json.dumps(answer) in (project / "README.md").read_text()


def test_a_name_that_yaml_would_take_for_a_number_stays_a_text(run: Run, tmp_path: Path) -> None:
    assert run("p", "--name", "1.0").returncode == 0

    assert read_yaml(tmp_path / "p/Pulumi.yaml")["name"] == "1.0"
    assert set(read_yaml(tmp_path / "p/Pulumi.azure.yaml")["config"]) >= {"1.0:registry"}


def test_an_empty_folder_is_taken(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert run("empty").returncode == 0
    assert files_of(tmp_path / "empty") == FILES


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Insist on one message and no traceback."""
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("aciml: ")
    for word in words:
        assert word in done.stderr


def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_is(run: Run, project: Path) -> None:
    (project / "README.md").write_text("mine\n")

    refused(run("some/My_App.2"), "is not empty", "new or empty")
    assert (project / "README.md").read_text() == "mine\n"


def test_a_file_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refused(run("file"), "file is a file")
    refused(run("file/below"), "file/below")


@pytest.mark.parametrize("name", ["my app", "a/b", "ä", "x" * 101, "a:b"])
def test_a_name_that_pulumi_does_not_take_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path, name: str
) -> None:
    refused(run("app", "--name", name), f'"{name}"', "letters, digits, hyphens, underscores and periods")
    assert not (tmp_path / "app").exists()


def test_a_folder_whose_name_pulumi_does_not_take_asks_for_one(run: Run, tmp_path: Path) -> None:
    refused(run("my app"), '"my app", the name of the folder,', "--name")
    assert not (tmp_path / "my app").exists()
