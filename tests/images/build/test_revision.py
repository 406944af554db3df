"""Which commit a service's files are of; real git, in folders of the test alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.core.labels import Commit
from aciml.images.plan.revision import commit_of

WHEN = "2026-02-03T04:05:06+0200"
AUTHOR = {
    **{f"GIT_{who}_{what}": "nobody@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "GIT_AUTHOR_DATE": WHEN,
    "GIT_COMMITTER_DATE": WHEN,
}


def git(folder: Path, *words: str) -> str:
    """Run git as somebody whose settings are nobody's."""
    command = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *words]
    done = subprocess.run(command, cwd=folder, env=os.environ | AUTHOR, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    """Commit all files and return the revision."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def settings_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a source, a model beside it, and something else."""
    folder = tmp_path / "project"
    for path in ("src/score.py", "src/sub/more.py", "models/m.bin", "other.txt"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    (folder / "src/.amlignore").write_text("notes/\n*.log\n")
    (folder / ".gitignore").write_text("*.secret\n")
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def found(project: Path, *models: str) -> Commit:
    seen = commit_of(project / "src", [project / model for model in models])
    assert seen is not None
    return seen


def is_dirty(project: Path, *models: str) -> bool:
    revision = found(project, *models).revision
    assert revision.removesuffix("-dirty") == git(project, "rev-parse", "HEAD")
    return revision.endswith("-dirty")


def test_a_source_that_is_as_committed_has_the_commits_name_and_its_time_in_utc(project: Path) -> None:
    assert found(project, "models/m.bin") == Commit(git(project, "rev-parse", "HEAD"), "2026-02-03T02:05:06Z")


def write(path: str, text: str = "other") -> Callable[[Path], object]:
    def change(project: Path) -> None:
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(text)

    return change


@pytest.mark.parametrize(
    ("change", "dirty"),
    [
        (write("src/score.py"), True),
        (write("src/new.py"), True),
        (write("src/sub/new.py"), True),
        (write("src/ignored.secret"), True),
        (write("models/m.bin"), True),
        (lambda project: (project / "src/sub/more.py").unlink(), True),
        (lambda project: (project / "src/score.py").chmod(0o755), True),
        (lambda project: git(project, "mv", "src/score.py", "src/main.py"), True),
        (write("src/notes/x"), False),
        (write("src/x.log"), False),
        (write("other.txt"), False),
        (write("models/another.bin"), False),
        (write("untracked.txt"), False),
        (lambda project: os.utime(project / "src/score.py", (1, 1)), False),
    ],
    ids=[
        *("changed", "new", "new-below", "ignored-by-git", "model", "gone", "executable", "renamed"),
        *("folder-left-out", "file-left-out", "elsewhere", "no-model", "new-elsewhere", "touched"),
    ],
)
def test_dirty_is_what_makes_another_image(project: Path, change: Callable[[Path], object], dirty: bool) -> None:  # noqa: FBT001
    change(project)

    assert is_dirty(project, "models/m.bin") is dirty


def test_a_file_that_is_left_out_of_the_image_may_be_gone(project: Path) -> None:
    write("src/x.log")(project)
    git(project, "add", "--force", "src/x.log")
    commit(project)
    (project / "src/x.log").unlink()

    assert not is_dirty(project)


def test_a_whole_repository_may_be_the_source(project: Path) -> None:
    assert commit_of(project, []) == found(project)

    write("other.txt")(project)
    seen = commit_of(project, [])
    assert seen is not None
    assert seen.revision.endswith("-dirty")


def test_a_folder_of_models_counts_with_all_that_is_below(project: Path) -> None:
    assert not is_dirty(project, "models")
    write("models/new.bin")(project)
    assert is_dirty(project, "models")


def test_a_model_of_elsewhere_is_not_judged(project: Path, tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_text("m")

    assert not is_dirty(project, "../m.bin")


def test_a_source_that_was_never_committed_is_dirty(project: Path) -> None:
    write("fresh/score.py")(project)
    seen = commit_of(project / "fresh", [])

    assert seen is not None
    assert seen.revision.endswith("-dirty")


def test_a_change_inside_a_submodule_counts(project: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "lib.py").write_text("1")
    git(library, "init", "--quiet")
    commit(library)
    git(project, "submodule", "--quiet", "add", str(library), "src/library")
    commit(project)
    assert not is_dirty(project)

    write("src/library/lib.py", "2")(project)
    assert is_dirty(project)


def test_a_link_to_the_source_leads_to_its_repository(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project / "src")

    assert commit_of(tmp_path / "link", []) == found(project)


def test_a_name_with_odd_letters_is_a_name(project: Path) -> None:
    write('src/ä "*" \n.py')(project)
    assert is_dirty(project)
    commit(project)
    assert not is_dirty(project, 'src/ä "*" \n.py')


def test_the_source_label_is_the_origin_without_its_password(project: Path) -> None:
    git(project, "remote", "add", "origin", "https://me:hidden@host.example/x/y.git")

    assert found(project).source == "https://host.example/x/y"


def test_a_clone_of_a_folder_has_no_source_and_else_says_the_same(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(project), "clone")

    assert found(tmp_path / "clone") == found(project)


def test_another_spelling_on_this_machine_is_not_in_the_label(project: Path, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text('[url "https://token@mirror.example/"]\n  insteadOf = https://host.example/\n')
    git(project, "remote", "add", "origin", "https://host.example/x/y")

    assert found(project).source == "https://host.example/x/y"


def test_without_a_repository_or_a_commit_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    assert commit_of(tmp_path / "src", []) is None

    git(tmp_path, "init", "--quiet")
    assert commit_of(tmp_path / "src", []) is None
    assert commit_of(tmp_path / "missing", []) is None


def test_without_git_nothing_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))

    assert commit_of(project / "src", []) is None


def test_a_repository_that_git_does_not_trust_is_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # what git's own tests of safe.directory set

    assert commit_of(project / "src", []) is None


def test_a_hook_of_another_repository_does_not_lead_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = found(project)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_WORK_TREE", "/nowhere")

    assert commit_of(project / "src", []) == expected


def test_git_writes_nothing_and_starts_no_program_of_the_repository(project: Path, tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    git(project, "config", "core.fsmonitor", str(hook))
    os.utime(project / "src/score.py", (1, 1))
    before = (project / ".git/index").read_bytes()

    assert not found(project).revision.endswith("-dirty")
    assert (project / ".git/index").read_bytes() == before
    assert not (tmp_path / "ran").exists()


def test_what_a_partial_clone_lacks_is_not_fetched(project: Path, tmp_path: Path) -> None:
    git(project, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{project}", "partial")
    partial = tmp_path / "partial"
    (partial / "src").mkdir()
    packs = sorted((partial / ".git/objects/pack").iterdir())

    assert is_dirty(partial)  # nothing is checked out
    assert sorted((partial / ".git/objects/pack").iterdir()) == packs
