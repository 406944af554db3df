"""Packages that have no wheel: of Git, of an archive, of an index; what is built, kept, and refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.core.errors import OutageError, UserError
from aciml.core.pip_package import PipPackage
from aciml.core.progress import Silent
from aciml.pip.fetch import fetch
from aciml.pip.resolve import resolve
from aciml.settings import Settings
from tests.heard import Heard
from tests.pip.projects import commit, make_project, make_sdist
from tests.pip.wheels import make_wheel

Built = Callable[..., tuple[PipPackage, ...]]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def built(index: Path, home: Path, tmp_path: Path, heard: Heard) -> Built:
    def resolved(*lines: str, cache: str = "cache") -> tuple[PipPackage, ...]:
        return resolve(
            ("--no-index", f"--find-links {index}", *lines),
            conda={},
            python_version="3.11",
            glibc="2.36",
            folder=home,
            settings=Settings(tmp_path / cache),
            progress=heard,
        )

    return resolved


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_project(tmp_path / "work" / "mine", "mine", "1.5", requires=("leaf>=1",))


def test_a_git_source_is_built_with_what_it_requires_and_its_commit_is_told(
    index: Path, repository: Path, built: Built, heard: Heard, tmp_path: Path
) -> None:
    make_wheel(index, "leaf", "1.0")
    first = commit(repository, "v1")
    (repository / "mine.py").write_text("version = 'newer'\n")
    commit(repository)

    leaf, mine = built(f"git+{repository.as_uri()}@v1")

    assert (leaf.name, mine.name, mine.version, mine.file_name) == ("leaf", "mine", "1.5", "mine-1.5-py3-none-any.whl")
    file = fetch((mine,), settings=Settings(tmp_path / "cache"), progress=Silent())[0]
    assert zipfile.ZipFile(file).read("mine.py") == b"version = '1.5'\n"
    assert f"@{first}" in heard.notes[0]


def test_two_machines_build_the_same_bytes(index: Path, repository: Path, built: Built) -> None:
    make_wheel(index, "leaf", "1.0")
    line = f"mine @ git+{repository.as_uri()}@{commit(repository)}"

    assert built(line) == built(line, cache="another cache")
    assert (repository.parent / "built").read_text() == "built built "


def test_a_commit_that_was_built_is_not_asked_for_again(
    index: Path, repository: Path, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "leaf", "1.0")
    line = f"git+{repository.as_uri()}@{commit(repository)}#egg=mine"
    before = built(line)
    monkeypatch.setenv("PATH", "")

    assert built(line) == before


@pytest.mark.parametrize(
    "line", ["-e git+{url}@v1#egg=mine", "mine @ git+{url}", "git+{url}@{short}", 'git+{url} ; python_version >= "3"']
)
def test_a_git_source_may_be_written_in_several_ways(index: Path, repository: Path, built: Built, line: str) -> None:
    make_wheel(index, "leaf", "1.0")
    name = commit(repository, "v1")

    found = built(line.format(url=repository.as_uri(), short=name[:8]))

    assert [package.name for package in found] == ["leaf", "mine"]


def test_a_source_in_a_file_of_lines_is_built(index: Path, home: Path, repository: Path, built: Built) -> None:
    make_wheel(index, "leaf", "1.0")
    make_wheel(index, "leaf", "2.0")
    commit(repository)
    (home / "files").mkdir()
    (home / "files" / "more.txt").write_text(f"-c least.txt\ngit+{repository.as_uri()}  # ours\n")
    (home / "files" / "least.txt").write_text("leaf<2\n")

    assert [(one.name, one.version) for one in built("-r files/more.txt")] == [("leaf", "1.0"), ("mine", "1.5")]


def test_a_project_below_the_root_is_named_by_its_folder(tmp_path: Path, built: Built) -> None:
    make_project(tmp_path / "work" / "top" / "python", "part")
    top = tmp_path / "work" / "top"
    commit(top)

    with pytest.raises(UserError, match=r"no pyproject.toml and no setup.py .*#subdirectory=python behind it"):
        built(f"git+{top.as_uri()}")
    assert built(f"git+{top.as_uri()}#subdirectory=python")[0].name == "part"


def test_a_package_of_an_index_without_a_wheel_is_built_also_deep_inside(
    index: Path, tmp_path: Path, built: Built, heard: Heard
) -> None:
    make_wheel(index, "top", "1.0", requires=("onlysource>=1",))
    make_sdist(make_project(tmp_path / "work" / "a", "onlysource", requires=("leaf",)), index, "onlysource")
    make_sdist(make_project(tmp_path / "work" / "b", "leaf"), index, "leaf")

    assert [package.name for package in built("top")] == ["leaf", "onlysource", "top"]
    assert any("onlysource 1.0 has no wheel, and is built from onlysource-1.0.tar.gz" in said for said in heard.notes)


def test_what_has_to_be_compiled_is_refused_before_its_code_runs(index: Path, tmp_path: Path, built: Built) -> None:
    project = make_project(tmp_path / "work" / "a", "fast", files={"fast/_core.pyx": "", "tests/x.c": ""})
    make_sdist(project, index, "fast")

    with pytest.raises(UserError, match=r"fast has no wheel .*1\.0 is there as source alone, with fast/_core\.pyx"):
        built("fast")
    assert not (tmp_path / "work" / "built").exists()


def test_a_wheel_for_this_machine_is_no_wheel_for_an_image(tmp_path: Path, built: Built) -> None:
    project = make_project(tmp_path / "work" / "a", "fast", tag="cp311-cp311-linux_x86_64")
    commit(project)

    with pytest.raises(UserError, match=r"linux_x86_64\.whl, has code for this machine's processor .*in a step"):
        built(f"git+{project.as_uri()}")


def test_an_archive_is_built_and_its_hash_is_held(tmp_path: Path, built: Built, heard: Heard) -> None:
    archive = make_sdist(make_project(tmp_path / "work" / "a", "leaf"), tmp_path, "leaf")

    assert built(f"leaf @ {archive.as_uri()}")[0].name == "leaf"
    assert "#sha256=" in heard.notes[0]
    with pytest.raises(OutageError, match=r"gave other bytes than were pinned"):
        built(f"{archive.as_uri()}#sha256={'0' * 64}")


def test_a_build_that_fails_says_what_the_project_said(tmp_path: Path, built: Built) -> None:
    project = make_project(tmp_path / "work" / "a", "leaf")
    (project / "backend.py").write_text("raise RuntimeError('needs a moon')\n")
    commit(project)

    with pytest.raises(UserError, match=r"leaf|cannot be built: RuntimeError: needs a moon"):
        built(f"git+{project.as_uri()}")


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ("git+{url}@v9", UserError, r"it has no branch, tag or commit v9"),
        ("git+{url}-not", UserError, r"git does not get it|is not there"),
        ("git+https://127.0.0.1:1/a/b.git", OutageError, r"its host does not answer"),
    ],
)
def test_a_source_that_is_not_there_is_told(
    repository: Path, built: Built, line: str, error: type[Exception], said: str
) -> None:
    commit(repository)

    with pytest.raises(error, match=said):
        built(line.format(url=repository.as_uri()))


def test_who_forbids_builds_is_obeyed(repository: Path, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository)
    monkeypatch.setenv("UV_NO_BUILD", "1")

    with pytest.raises(UserError, match=r"UV_NO_BUILD forbids it"):
        built(f"git+{repository.as_uri()}")
    assert not (repository.parent / "built").exists()
