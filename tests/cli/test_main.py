"""The program ``aciml`` before any command runs: wrong use, and what a shell completes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from aciml.cli import COMMANDS, main


@pytest.mark.parametrize("words", [("import",), ("logs", "--tail", "x"), ("lnit",), ("status", "--jsn")])
def test_wrong_use_is_an_object_for_programs_and_the_usage_for_people(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*words, "--json"])
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]

    assert code == 2
    assert error["message"] in err
    assert error["advice"].endswith("--help says how it is used")


def test_commands_are_completed_without_loading_any(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for entry in COMMANDS.values():
        monkeypatch.setitem(sys.modules, f"aciml.cli.{entry.module}", None)
    monkeypatch.setenv("_ACIML_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "aciml rep")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        main([])

    assert capsys.readouterr().out.split() == ["plain,report"]


def test_ctrl_c_while_modules_are_loaded_is_one_sentence() -> None:
    program = """
import os, signal, sys

class Presses:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Presses())
from aciml.start import program
program()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "aciml: interrupted; run the same command to go on\n"
