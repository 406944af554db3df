"""Steps that somebody wrote wrong before they were tried: level, rule, place and advice; and right ones, all silent.

Rows of ``lint_slips.txt``: ``LEVEL|BASE|RULE|WORDS OF THE MESSAGE``, then the step with a mark where it is found. Those
of ``lint_good.txt`` begin with their base. Tokens are put together here, so that no file has one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.core.errors import Level
from aciml.core.lint import lint_dockerfile, lint_steps
from aciml.core.lint_commands import _COMMANDS, _near
from aciml.core.lint_rules import LintFinding
from aciml.core.steps import parse_steps

HERE = Path(__file__).parent
MARK = "\N{DOUBLE DAGGER}"
LEVELS = {"E": Level.ERROR, "W": Level.WARNING}
BASES = {
    "D": "debian:bookworm-slim",
    "P": "python:3.11-slim",
    "A": "alpine:3.19",
    "R": "redhat/ubi9",
    "U": "ubuntu:22.04",
    "X": "mycorp.example/base:1",
}
FILES = frozenset({"app/main.py", "my.cnf", "package.json", "setup.py", "run.sh", "requirements.txt"})


def rows(name: str) -> list[str]:
    return (HERE / name).read_text(encoding="utf-8").split("\n--\n")


def judged(text: str, base: str) -> list[LintFinding]:
    steps = parse_steps(text, "steps")
    return lint_steps(steps, context_files=FILES, base=BASES.get(base, base))


@pytest.mark.parametrize("row", rows("lint_slips.txt"))
def test_a_slip_is_found_once_at_its_place(row: str) -> None:
    head, _, text = row.partition("\n")
    level, base, rule, words = head.split("|")
    before = text.partition(MARK)[0]
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))

    found = judged(text.replace(MARK, "") + "\n", base)

    assert [(one.level, one.rule, one.line, one.column) for one in found] == [(LEVELS[level], rule, *place)]
    assert words.lower() in found[0].why.lower()


@pytest.mark.parametrize("row", rows("lint_good.txt"))
def test_of_what_is_right_nothing_is_said(row: str) -> None:
    base, _, text = row.partition("\n")

    assert [one.why for one in judged(text + "\n", base) if one.level is not Level.REMARK] == []


TOKENS = (
    "sk_" + "live_" + "a1" * 12,
    "SG." + "a" * 22 + "." + "b1" * 21 + "c",
    "ya29" + "." + "a1" * 20,
    "shp" + "at_" + "0a" * 16,
    "dop" + "_v1_" + "0a" * 32,
    "da" + "pi" + "0a" * 16,
    "GOC" + "SPX-" + "a1" * 14,
    "hv" + "s." + "a1" * 12,
    "123456789" + ":AA" + "b1" * 16,
    "https://hooks." + "slack.com/services/T0A1B2C3D/B0A1B2C3D/" + "a1" * 12,
    "https://discord." + "com/api/webhooks/123/" + "a1" * 30,
)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("step", ["ENV A={}", "RUN echo {} > /x", "LABEL a={}"])
def test_a_token_is_known_by_its_shape(token: str, step: str) -> None:
    found = judged(step.format(token), "D")

    assert [(one.rule, one.level) for one in found] == [("secret", Level.ERROR)]
    assert token not in found[0].why


@settings(max_examples=200)
@given(st.sampled_from(sorted(_COMMANDS)), st.data())
def test_what_a_program_knows_is_no_slip(path: str, data: st.DataObject) -> None:
    known = _COMMANDS[path]

    assert not _near(data.draw(st.sampled_from(sorted(known))), known)


@settings(max_examples=50)
@given(st.integers(0, 30), st.sampled_from(["'", '"', ""]))
def test_an_escape_by_a_backtick_is_the_same_step(blanks: int, quote: str) -> None:
    lines = ["FROM debian", "RUN echo {q}a{q} {e}{b}", "# between{e}", "  && pip instal x {e}", "", "&& ls"]
    texts = ["\n".join(lines).format(q=quote, e=sign, b=" " * blanks) for sign in ("\\", "`")]
    one, other = (
        [(found.rule, found.line, found.column) for found in lint_dockerfile(text, where="d", context_files=None)]
        for text in (texts[0], f"# escape=`\n{texts[1]}")
    )

    assert [(rule, line + 1, column) for rule, line, column in one] == other
    assert "pip-command" in {rule for rule, _, _ in one}


def test_what_find_and_a_shell_within_a_script_run_is_likely_and_not_certain() -> None:
    texts = ["find . -exec pip instal {} +", "if x; then sh -c 'pip instal a'; fi", "cat <<E | sh; ls\npip instal a\nE"]

    for text in texts:
        assert {one.level for one in judged(f"RUN {text}", "P")} == {Level.WARNING}


def test_a_script_that_is_nested_too_deep_is_one_message() -> None:
    deep = "(" * 2000 + "ls" + ")" * 2000

    assert [(one.rule, one.level) for one in judged(f"RUN {deep}", "D")] == [("shell-syntax", Level.WARNING)]
