"""Folders, walked and hashed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.errors import UserError
from aciml.core.steps import parse_steps
from aciml.docker.context import context_hash, hash_context, walk


def fill(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def paths(folder: Path, *ignore: str) -> list[str]:
    return [entry.path for entry in walk(folder, ignore)]


def test_files_and_links_come_sorted_and_links_are_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, b__c="1", a="2")
    (tmp_path / "loop").symlink_to(".")

    found = walk(tmp_path)

    assert [(entry.path, entry.link, entry.size) for entry in found] == [("a", "", 1), ("b/c", "", 1), ("loop", ".", 0)]


def test_dockerignore_and_amlignore_both_count_each_in_its_own_tongue(tmp_path: Path) -> None:
    fill(tmp_path, a_pyc="", b__a_pyc="", keep="", logs__x="", logs__y__z="")
    (tmp_path / ".dockerignore").write_text("*_pyc\n")
    (tmp_path / ".amlignore").write_text("logs/\n!.amlignore\n")

    assert paths(tmp_path, ".dockerignore") == [".amlignore", ".dockerignore", "b/a_pyc", "keep", "logs/x", "logs/y/z"]
    assert paths(tmp_path, ".dockerignore", ".amlignore") == [".amlignore", ".dockerignore", "b/a_pyc", "keep"]


def test_a_rule_that_brings_back_opens_an_ignored_folder(tmp_path: Path) -> None:
    fill(tmp_path, data__keep="", data__drop="")
    (tmp_path / ".dockerignore").write_text("data\n!data/keep\n")

    assert paths(tmp_path, ".dockerignore") == [".dockerignore", "data/keep"]


@given(st.integers(0, 2_000_000_000), st.sampled_from([0o600, 0o644, 0o664, 0o444]))
def test_neither_folder_nor_time_nor_umask_reaches_the_hash(
    tmp_path_factory: pytest.TempPathFactory, time: int, mode: int
) -> None:
    one = fill(tmp_path_factory.mktemp("one"), a="1", b__c="2")
    two = fill(tmp_path_factory.mktemp("two"), b__c="2", a="1")
    (two / "a").chmod(mode)
    os.utime(two / "a", (time, time))
    os.utime(two / "b", (time, time))

    assert hash_context(walk(one)) == hash_context(walk(two))


def test_the_executable_bit_and_the_bytes_reach_the_hash(tmp_path: Path) -> None:
    fill(tmp_path, a="1")
    seen = {hash_context(walk(tmp_path))}
    (tmp_path / "a").chmod(0o755)
    seen.add(hash_context(walk(tmp_path)))
    (tmp_path / "a").write_text("2")
    seen.add(hash_context(walk(tmp_path)))

    assert len(seen) == 3


def test_a_file_that_no_step_uses_does_not_reach_the_hash(tmp_path: Path) -> None:
    steps = parse_steps(["COPY a /a"], "steps")
    before = context_hash(steps, walk(fill(tmp_path, a="1", notes="x")))

    assert context_hash(steps, walk(fill(tmp_path, notes="y"))) == before
    assert context_hash(parse_steps(["RUN true"], "steps"), walk(tmp_path)) == ""


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing cannot be read: No such file"):
        walk(tmp_path / "nothing")


def test_sockets_and_pipes_are_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert walk(tmp_path) == []
