"""Nothing half made is ever found, whatever ends a run."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aciml.settings import Settings
from bootstrap.cache import PROJECT, cache_folder, key_of, staged, write_whole

KILLED = """
import os, signal, sys
from pathlib import Path
from bootstrap.cache import staged
with staged(Path(sys.argv[1])) as work:
    (work / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
HOLDS = """
from bootstrap.cache import only_one_run
with only_one_run():
    print("held", flush=True)
    input()
"""


def test_bootstrap_and_the_plugin_have_one_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACIML_CACHE", raising=False)

    assert cache_folder() == Settings.read().cache


def test_a_staged_folder_appears_whole(tmp_path: Path) -> None:
    final = tmp_path / "things" / "one"
    with staged(final) as work:
        (work / "file").write_text("whole")
        assert not final.exists()

    assert (final / "file").read_text() == "whole"
    assert list(final.parent.iterdir()) == [final]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), staged(tmp_path / "things" / "one"):
        _ = 1 // 0

    assert list((tmp_path / "things").iterdir()) == []


def test_what_a_killed_run_left_is_not_found_and_removed_by_the_next(tmp_path: Path) -> None:
    final = tmp_path / "things" / "one"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(final)], cwd=PROJECT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not final.exists()

    with staged(final) as work:
        (work / "file").write_text("whole")

    assert [path.name for path in final.parent.iterdir()] == ["one"]


def test_a_second_run_waits_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACIML_CACHE", str(tmp_path))
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLDS]
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as second:
            assert second.stderr is not None
            assert "waiting for it" in second.stderr.readline()
            first.communicate("\n")
            assert second.communicate("\n")[0] == "held\n"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "old")
    write_whole(tmp_path / "file", "new")

    assert (tmp_path / "file").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_changes_with_name_and_content_but_not_with_the_order(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    before = key_of([one, two])

    assert key_of([two, one]) == before
    two.write_text("3")
    assert key_of([one, two]) != before
