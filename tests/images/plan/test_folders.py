"""A user's folder as it becomes an image: what is left out, what is refused, what is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aciml.core.compose import Model
from aciml.core.context import FileEntry
from aciml.core.errors import Level
from aciml.docker.context import left_out, walk
from aciml.images.plan.contents import IGNORE_FILES, model_tree, source_tree
from aciml.images.plan.dockerfile import judge_base
from aciml.images.plan.folders import secrets_told, size_told
from aciml.images.plan.service import judge
from aciml.images.plan.sources import read_sources
from aciml.model.environment import read_environment
from aciml.model.service import read_service

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"


def fill(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x = 1\n")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A whole project, as it lies on a machine: ``source_directory: .``."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "my env"], check=True)
    return fill(
        tmp_path, "score.py", "pkg/__init__.py", "pkg/__pycache__/a.pyc", ".mypy_cache/x", "pkg/.ipynb_checkpoints/a",
        ".state/passphrase", "backend/.pulumi/stacks/s.json", "Pulumi.yaml", "stacks/Pulumi.dev.yaml",
        "conda/conda-meta/history",
        "conda/bin/python", "pkg/.svn/entries", ".gitignore", "data/.DS_Store", "data/rows.csv",
    )  # fmt: skip


OWN = [".gitignore", "data/rows.csv", "pkg/__init__.py", "score.py"]


def paths(files: object) -> list[str]:
    return [one.path for one in files]  # type: ignore[attr-defined]


def test_a_whole_project_gives_what_is_its_own(project: Path) -> None:
    assert paths(source_tree(project).files) == OWN
    assert paths(walk(project)) == OWN
    assert paths(model_tree(Model("m", "1"), project).files) == OWN


def test_a_run_of_the_script_makes_no_other_image(tmp_path: Path) -> None:
    fill(tmp_path, "score.py", "helper.py")
    before = paths(source_tree(tmp_path).files)
    subprocess.run([sys.executable, "-c", "import helper"], cwd=tmp_path, check=True, env={"PATH": os.environ["PATH"]})
    subprocess.run([sys.executable, "-m", "compileall", "-b", "-q", "."], cwd=tmp_path, check=True)

    assert (tmp_path / "helper.pyc").exists()
    assert paths(source_tree(tmp_path).files) == before


def test_a_project_that_is_an_environment_itself_keeps_its_own(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    fill(tmp_path, "score.py", "share/notes.txt", "src/x.py")

    assert paths(walk(tmp_path)) == ["score.py", "share/notes.txt", "src/x.py"]


def test_what_a_step_copies_by_name_comes(project: Path) -> None:
    assert paths(walk(project, named=["Pulumi.yaml", "my env"]))[-1] == "score.py"
    assert "Pulumi.yaml" in paths(walk(project, named=["Pulumi.yaml"]))
    assert "my env/pyvenv.cfg" in paths(walk(project, named=["my env/"]))
    assert "pkg/__pycache__/a.pyc" not in paths(walk(project, named=["pkg"]))


def test_git_is_told_the_same(project: Path) -> None:
    is_out = left_out(project, IGNORE_FILES)
    files = [path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()]

    assert sorted(path for path in files if not is_out(path)) == OWN


def service(folder: Path, models: dict[str, str] | None = None) -> list[str]:
    values = {"loginServer": "h", "repository": "r", "environmentImage": "e", "sourceDirectory": str(folder)}
    values |= {"models": models} if models else {}  # type: ignore[dict-item]  # as a map of the engine's
    (folder / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    return [f"{one.where}: {one.why}" for one in judge(read_service({**values, "entryScript": "score.py"}))]


def test_secrets_of_a_source_are_refused_all_at_once(tmp_path: Path) -> None:
    fill(tmp_path, ".env", "keys/.env.local", ".env.example")
    (tmp_path / "notes.md").write_text(KEY)
    (said,) = service(tmp_path)

    assert said.startswith("sourceDirectory: ")
    for name in (".env", "keys/.env.local", "notes.md"):
        assert f"{tmp_path / name} (" in said
    assert ".env.example" not in said
    assert "MIIE" not in said

    (tmp_path / ".amlignore").write_text(".env*\n!keys/.env.local\nnotes.md\n")
    assert service(tmp_path) == []
    assert paths(source_tree(tmp_path).files) == [".amlignore", "keys/.env.local", "score.py"]


def test_secrets_of_a_model_are_refused_unless_allowed_by_name(tmp_path: Path) -> None:
    source, model, other = tmp_path / "src", tmp_path / "bert", tmp_path / "linear"
    fill(source, "score.py")
    fill(other, "w.bin", ".env.example")
    fill(model, "weights.bin", "conf/.env", ".aws/credentials", "elsewhere")
    (model / "weights.bin").write_bytes(KEY.encode() + b"\0" * (1 << 16))  # so large that it is not read
    (tmp_path / "id").write_text(KEY)
    (model / "deploy").symlink_to(tmp_path / "id")
    models = {"bert:2": str(model), "linear": str(other), "key": str(tmp_path / "id")}
    (said,) = service(source, models)

    assert said.startswith("models")
    for name in ("conf/.env", ".aws/credentials", "deploy"):
        assert f"{model / name} (" in said
    assert not any(word in said for word in ("weights", "elsewhere", "MIIE", "to leave it out"))

    (model / ".amlignore").write_text("!conf/.env\n!credentials\n!deploy\nelsewhere\n")
    assert service(source, models) == []
    assert "elsewhere" in paths(model_tree(Model("m", "1"), model).files)  # nothing of a model is left out


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("COPY . /app", True),
        ("COPY pkg /app", False),
        ("COPY .env /app/", True),
        ("ADD p*g .env /x/", True),
        ("RUN true", False),
    ],
)
def test_secrets_of_a_context_are_refused_where_a_step_copies_them(
    tmp_path: Path,
    line: str,
    is_refused: bool,  # noqa: FBT001
) -> None:
    fill(tmp_path, "pkg/a.py", ".env")
    steps = {"extraSteps": [line], "stepsContext": str(tmp_path)}
    findings = read_sources(read_environment({"baseImage": "debian:12", **steps})).findings

    assert [one.where for one in findings if "secrets" in one.why] == ["stepsContext"] * is_refused


def test_a_dockerfiles_context_is_judged_too(tmp_path: Path) -> None:
    fill(tmp_path, "pkg/a.py", ".env", ".git/config")
    (tmp_path / "Dockerfile").write_text("FROM debian:12\nCOPY . /app\n")
    base = read_environment({"dockerfile": str(tmp_path / "Dockerfile")}).base
    (finding,) = judge_base(base, "auto", ())

    assert finding.where == "dockerfile"
    assert f"{tmp_path / '.env'} (variables with secrets)" in finding.why
    assert f"{tmp_path / '.dockerignore'}" in finding.why
    (tmp_path / ".dockerignore").write_text("!.env\n")
    assert judge_base(base, "auto", ()) == []


def test_many_secrets_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, *(f"d{number}/.env" for number in range(30)))

    assert ", 10 more; " in secrets_told(tmp_path, walk(tmp_path), IGNORE_FILES)


def test_a_large_source_is_told_with_its_biggest_folders(tmp_path: Path) -> None:
    def file(path: str, size: int) -> FileEntry:
        return FileEntry(path, tmp_path / path, executable=False, size=size)

    files = [file("data/a", 200_000_000), file("data/b/c", 50_000_000), file("m.bin", 51_000_000), file("s.py", 1)]

    said = size_told("the source", tmp_path, files, ".amlignore")
    assert "has 301 MB, most of it in data/ 250 MB, m.bin 51 MB, s.py 0 MB" in said
    assert size_told("the source", tmp_path, files[:2], ".amlignore") == ""


def test_a_large_context_of_a_dockerfile_is_told_and_stops_nothing(tmp_path: Path) -> None:
    fill(tmp_path, "small/a", "other/big")
    for path, size in (("small/a", 1_000), ("small/big", 301_000_000), ("other/big", 400_000_000)):
        with (tmp_path / path).open("wb") as file:
            file.truncate(size)
    (tmp_path / "Dockerfile").write_text("FROM debian:12\nCOPY small /opt/small\n")

    (told,) = judge_base(read_environment({"dockerfile": str(tmp_path / "Dockerfile")}).base, "auto", ())

    assert told.level is Level.WARNING
    assert f"the context of the Dockerfile {tmp_path} has 301 MB, most of it in small/ 301 MB" in told.why
