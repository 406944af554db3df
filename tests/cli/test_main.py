"""The program ``aciml`` before any command runs: wrong use, and what a shell completes."""

from __future__ import annotations

import json
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
