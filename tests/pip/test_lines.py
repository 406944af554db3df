"""Paths in the pip section: beside conda.yml, wherever the project is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.core.errors import UserError
from aciml.core.pip_package import PipPackage
from aciml.pip.lines import asked_for
from tests.pip.wheels import make_wheel

Resolver = Callable[..., tuple[PipPackage, ...]]


@pytest.mark.parametrize(
    "line", ["./{0}", "x @ ./{0}", "{0}", "./{0} ; python_version > '3'  # ours", "-r sub/more.txt"]
)
def test_a_wheel_beside_the_conda_file_is_taken(home: Path, resolver: Resolver, line: str) -> None:
    wheel = make_wheel(home, "x")
    (home / "sub").mkdir()
    (home / "sub" / "more.txt").write_text(f"./{wheel.name}\n")

    (package,) = resolver(line.format(wheel.name))

    assert (package.name, package.version, package.file_name) == ("x", "1.0", wheel.name)
    assert package.url == wheel.as_uri()


def test_a_folder_of_wheels_beside_the_conda_file_is_searched(home: Path, resolver: Resolver) -> None:
    (home / "w").mkdir()
    make_wheel(home / "w", "leaf")

    assert resolver("--find-links ./w", "leaf")[0].name == "leaf"


def test_where_a_wheel_lies_is_no_part_of_what_it_is(home: Path, resolver: Resolver, tmp_path: Path) -> None:
    wheel = make_wheel(home, "x")
    (home / "more.txt").write_text("x @ ./x-1.0-py3-none-any.whl\n")
    (package,) = resolver(f"./{wheel.name}")
    lines = asked_for((f"./{wheel.name}", "-r more.txt"), home)
    moved = home.rename(tmp_path / "moved")

    assert str(tmp_path) not in repr(package)
    assert str(tmp_path) not in repr(lines)
    assert asked_for((f"./{wheel.name}", "-r more.txt"), moved) == lines


def test_what_the_lines_read_is_a_part_of_what_is_asked_for(home: Path) -> None:
    make_wheel(home, "x")
    (home / "more.txt").write_text("-c limits.txt\n")
    (home / "limits.txt").write_text("leaf<2\n")
    lines = ("./x-1.0-py3-none-any.whl", "-r more.txt")
    before = asked_for(lines, home)
    (home / "limits.txt").write_text("leaf<3\n")
    limited = asked_for(lines, home)
    make_wheel(home, "x", files={"x/__init__.py": "new = True\n"})
    rebuilt = asked_for(lines, home)

    assert len({tuple(one) for one in (before, limited, rebuilt)}) == 3
    assert asked_for(("numpy>=1", "--index-url https://me:hush@host/simple"), home) == [
        "numpy>=1",
        "--index-url https://host/simple",
    ]


@pytest.mark.parametrize("line", ["-r more.txt", "--requirement=more.txt", "-c more.txt"])
def test_a_missing_file_of_lines_is_named(resolver: Resolver, line: str) -> None:
    with pytest.raises(UserError, match=rf"{line}: .*more\.txt does not exist"):
        resolver(line)


def test_a_missing_wheel_is_named(resolver: Resolver) -> None:
    with pytest.raises(
        UserError, match=r"\./x-1\.0-py3-none-any\.whl: .* does not exist; paths of wheels are relative"
    ):
        resolver("./x-1.0-py3-none-any.whl")


def test_files_of_lines_that_name_each_other_end(index: Path, home: Path, resolver: Resolver) -> None:
    make_wheel(index, "leaf")
    (home / "more.txt").write_text("# ours\nleaf>=1  # yes\n-c again.txt\n")
    (home / "again.txt").write_text("-c again.txt\nleaf<3\n")

    assert asked_for(("-r more.txt",), home)
    (home / "again.txt").write_text("leaf<3\n")
    assert resolver("-r more.txt")[0].name == "leaf"


@pytest.mark.parametrize("line", ["-e ./src", "--editable=./src", "-r more.txt"])
def test_an_editable_install_is_refused_with_what_to_do(home: Path, resolver: Resolver, line: str) -> None:
    (home / "more.txt").write_text("-e ./src\n")

    with pytest.raises(UserError, match=r"an editable install points to .*; put the code in the .*source_directory"):
        resolver(line)


@pytest.mark.parametrize("line", ["./src", "src @ ./src"])
def test_a_folder_is_refused_with_what_to_do(home: Path, resolver: Resolver, line: str) -> None:
    (home / "src").mkdir()
    (home / "src" / "pyproject.toml").write_text('[project]\nname = "src"\nversion = "1"\n')

    with pytest.raises(UserError, match=r"folder.*; build a wheel of it"):
        resolver(line)


def test_settings_of_projects_above_do_not_count(index: Path, home: Path, resolver: Resolver) -> None:
    make_wheel(index, "leaf", "1.0")
    make_wheel(index, "leaf", "2.0")
    (home / "uv.toml").write_text("constraint-dependencies = ['leaf<2']\nresolution = 'lowest'\n")
    (home / "pyproject.toml").write_text("[tool.uv]\nconstraint-dependencies = ['leaf<2']\n")

    assert resolver("leaf")[0].version == "2.0"
