"""Benches declare their figures in one place; the page says what was measured, and a figure that fell is told."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import __main__ as program
from bench import goals, ours, results
from bench.goals import BENCHES, Bench, Figure
from bench.machine import Machine, this_machine
from bench.phases import Phases
from bench.results import Measured, Row, fell, figures_of, page, read_history, regressions

FOLDER = Path(__file__).resolve().parents[1] / "bench"
MACHINE = str(Machine("x86_64", 2, 8, ("avx2", "sha_ni")))
BENCH = Bench("layers", (), 1, (), (Figure("rate", 0.7, "a peer"), Figure("lost", 0, most=True), Figure("size", None)))


def programs() -> set[str]:
    """Return the files that are started by hand: they have a parser of words."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")}
    return {name for name, text in texts.items() if "ArgumentParser(" in text} - {"__main__"}


def row(figure: str, value: float, *, date: str = "2026-01-01", machine: str = MACHINE) -> Row:
    return Row(date, "abc1234", machine, "layers", figure, value)


def test_every_bench_that_can_be_started_is_declared_and_no_other() -> None:
    assert programs() == {bench.name for bench in BENCHES}


def test_a_figure_is_declared_once_and_each_bench_has_some() -> None:
    names = [figure.name for bench in BENCHES for figure in bench.figures]

    assert len(names) == len(set(names))
    assert all(bench.figures for bench in BENCHES)


def test_all_of_them_end_within_half_an_hour() -> None:
    assert sum(bench.minutes for bench in BENCHES) <= 30


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: " ".join((bench.name, *bench.words)))
def test_the_words_of_the_short_mode_are_options_of_the_program(bench: Bench) -> None:
    tree = ast.parse((FOLDER / f"{bench.name}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    added = [
        call.args[0] for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument"
    ]
    options = {word.value for word in added if isinstance(word, ast.Constant)}

    assert {word for word in bench.words if word.startswith("--")} <= options


def test_no_program_has_a_bound_of_its_own() -> None:
    """A number that a figure is compared with is read from the declaration, so that there is one of it."""
    own = {}
    for name in programs() - {"serving"}:
        tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
        own[name] = [
            node.lineno
            for node in tree.body
            if isinstance(node, ast.Assign)
            and any(isinstance(one, ast.Name) and one.id in {"GOAL", "MOST_MEMORY"} for one in node.targets)
            and isinstance(node.value, ast.Constant)
        ]

    assert own == {name: [] for name in own}


def test_bounds_are_found_by_name_and_a_figure_without_one_has_none() -> None:
    assert goals.bound("push-ratio") == 0.8
    for name in ("no-such-figure", "wheel-installed-mb"):
        with pytest.raises(KeyError):
            goals.bound(name)


def test_figures_are_the_lines_that_are_declared_and_are_numbers() -> None:
    said = "a table: 7\nrate: 0.81\nlost: nan\nsize: many\nother: 3\n"

    assert figures_of(said, BENCH) == {"rate": 0.81}


def test_the_page_has_every_figure_with_goal_peer_change_machine_date_and_commit() -> None:
    history = [row("rate", 0.5), row("rate", 0.4, machine="another")]
    text = page(
        [Measured(BENCH, {"rate": 0.6, "size": 123456.0}, "it was ended")], history, MACHINE, "2026-02-02", "c0"
    )

    assert "| rate | 0.6 | at least 0.7 | **missed** | a peer | +20% |" in text
    assert "| lost | not measured | at most 0 | |  | |" in text
    assert "| size | 123,456 |  |  |  |  |" in text
    assert "Not all was measured: it was ended" in text
    assert f"- machine: {MACHINE}\n- date: 2026-02-02\n- commit: c0\n" in text


def test_a_figure_that_fell_by_a_fifth_is_told_with_what_it_was() -> None:
    history = [row("rate", 2.0), row("rate", 1.0, date="2026-01-02"), row("lost", 0.0)]
    told = regressions([Measured(BENCH, {"rate": 0.79, "lost": 1.0})], history, MACHINE)

    assert told == [
        "rate got worse: 0.79 instead of 1 (2026-01-02, abc1234)",
        "lost got worse: 1 instead of 0 (2026-01-01, abc1234)",
    ]


def test_another_kind_of_machine_and_a_first_run_are_not_compared() -> None:
    history = [row("rate", 9.0, machine="another")]

    assert regressions([Measured(BENCH, {"rate": 0.1, "size": 1.0})], history, MACHINE) == []


@given(st.floats(0.01, 1e9), st.floats(0.01, 1e9), st.booleans())
def test_what_fell_is_worse_and_by_more_than_it_would_take_back(before: float, now: float, most: bool) -> None:  # noqa: FBT001
    figure = Figure("any", 1, most=most)

    if fell(figure, before, now):
        assert (now > before) if most else (now < before)
        assert not fell(figure, now, before)
    assert not fell(figure, before, before)


@given(st.lists(st.builds(Row, *[st.text()] * 5, st.floats(allow_nan=False))))
def test_the_history_is_read_as_it_was_written_and_damage_is_passed_over(rows: list[Row]) -> None:
    text = "".join(f"{one.line()}\n" for one in rows)

    assert read_history(f"<<<<<<< here\n{text}" + '{"date": 1}\n') == rows


def test_a_machine_is_told_by_what_changes_a_figure(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: A Name\nflags\t\t: fpu avx2 sha_ni secret\n")
    told = this_machine(cpuinfo)

    assert told.flags == ("avx2", "sha_ni")
    assert this_machine(tmp_path / "none").flags == ()
    assert "A Name" not in str(told)


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, *words: str) -> tuple[int, str]:
    """Run the program with one bench whose text this is."""
    (folder / "layers.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(program, "FOLDER", folder)
    monkeypatch.setattr(program, "BENCHES", (BENCH,))
    monkeypatch.setattr(sys, "argv", ["bench", *words])
    before, said = signal.getsignal(signal.SIGINT), io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            return program.main(), said.getvalue()
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_writes_page_and_history_and_the_next_one_says_what_fell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = run(monkeypatch, tmp_path, "print('rate: 0.9'); print('lost: 0'); print('size: 5')")
    first = (tmp_path / "RESULTS.md").read_text()
    bad = run(monkeypatch, tmp_path, "print('rate: 0.6'); print('lost: 0'); print('size: 5')")
    values = [json.loads(line)["value"] for line in (tmp_path / "history.jsonl").read_text().splitlines()]

    assert good == (0, "")
    assert "| rate | 0.9 | at least 0.7 | met |" in first
    assert bad[0] == 1
    assert "goal missed: rate is 0.6, not at least 0.7" in bad[1]
    assert "rate got worse: 0.6 instead of 0.9" in bad[1]
    assert values == [0.9, 0, 5, 0.6, 0, 5]
    assert "-33%" in (tmp_path / "RESULTS.md").read_text()


def test_a_bench_that_fails_is_told_and_what_it_said_before_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, said = run(monkeypatch, tmp_path, "import sys; print('rate: 0.9'); sys.exit(3)", "layers")

    assert code == 1
    assert "bench/layers.py: it ended with code 3 without lost, size" in said
    assert "0.9" in (tmp_path / "history.jsonl").read_text()
    assert not (tmp_path / "RESULTS.md").exists()


def test_a_program_that_is_not_there_leaves_its_bench_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    measured = program.measure(Bench("layers", (), 1, ("wrk",), (Figure("rate", 1),)))

    assert measured == Measured(measured.bench, {}, "wrk is not on PATH")


def test_a_name_that_is_no_bench_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "lairs"])

    with pytest.raises(SystemExit):
        program.main()

    assert "there is no bench lairs; there are azure, " in capsys.readouterr().err


def test_numbers_are_short() -> None:
    assert [results.shown(value) for value in (12.0, 0.12345, 1234567.8, 0.0)] == ["12", "0.123", "1,234,568", "0"]


def test_what_the_phases_of_a_build_watch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[str] = []

    def look(self: Phases, owner: object, *names: str) -> None:
        # by their names, which no type checker reads: a function that moved would end the bench alone
        watched.append(names[-1])
        assert all(callable(getattr(owner, name)) for name in names[:-1])

    monkeypatch.setattr(Phases, "watch", look)
    monkeypatch.setattr(Phases, "watch_between", look)

    ours.watch_all(Phases(*ours.PHASES))

    assert {*watched} == {*ours.PHASES}
