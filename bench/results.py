"""Figures of one run as a page for people, and the history in which a figure that got worse is seen."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from .goals import Bench, Figure

FALL = 0.8
"""A figure that has less than this share of what it had is told; for one that should be small, its inverse."""


@dataclass(frozen=True)
class Row:
    """A line of the history: one figure of one run. ``machine`` is a kind of machine, ``date`` a day."""

    date: str
    commit: str
    machine: str
    bench: str
    figure: str
    value: float

    def line(self) -> str:
        """Return the row as it stands in the file."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Measured:
    """What one bench gave: values by figure, or ``fault``, a sentence why there are none (or not all)."""

    bench: Bench
    values: dict[str, float]
    fault: str = ""


def figures_of(said: str, bench: Bench) -> dict[str, float]:
    """Return the declared figures among the lines ``name: value`` that a program printed; NaN is not measured."""
    wanted = {one.name for one in bench.figures}
    found = dict[str, float]()
    for line in said.splitlines():
        name, colon, value = line.partition(": ")
        if not colon or name not in wanted:
            continue
        try:
            number = float(value)
        except ValueError:
            continue
        if not math.isnan(number):
            found[name] = number
    return found


def read_history(text: str) -> list[Row]:
    """Read the history, oldest first; a line that is damaged (two merged branches) is passed over."""
    rows = []
    for line in text.splitlines():
        try:
            rows.append(Row(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return rows


def last_of(history: Iterable[Row], machine: str) -> dict[str, Row]:
    """Return the newest row of each figure on that kind of machine."""
    return {row.figure: row for row in history if row.machine == machine}


def fell(figure: Figure, before: float, now: float) -> bool:
    """Tell if a figure got worse by a fifth of what it was.

    From 0, which has no fifths (no request lost), it got worse when it misses its goal now.
    """
    if before == 0:
        return figure.most and now > 0 and not figure.met(now)
    return now * FALL > before if figure.most else now < before * FALL


def regressions(results: Iterable[Measured], history: Sequence[Row], machine: str) -> list[str]:
    """Say which figures got worse since the last run on that kind of machine, one sentence each."""
    last, told = last_of(history, machine), []
    for result in results:
        for figure in result.bench.figures:
            now, before = result.values.get(figure.name), last.get(figure.name)
            if now is not None and before is not None and fell(figure, before.value, now):
                since = f"{before.date}, {before.commit}"
                told.append(f"{figure.name} got worse: {shown(now)} instead of {shown(before.value)} ({since})")
    return told


def page(results: Sequence[Measured], history: Sequence[Row], machine: str, date: str, commit: str) -> str:
    """Return ``RESULTS.md``: a table a bench, with the goals that are missed in words."""
    last = last_of(history, machine)
    lines = [
        "# What was measured",
        "",
        "Written by `make bench`; goals and peers are declared in `bench/goals.py`. Nearly all figures are ratios of",
        "two sides that took turns in one run. `history.jsonl` has the runs before; a change is against the last on",
        "this kind of machine.",
        "",
        f"- machine: {machine}",
        f"- date: {date}",
        f"- commit: {commit}",
    ]
    for name, group in groupby(results, lambda result: result.bench.name):
        every = list(group)
        lines += ["", f"## `bench/{name}.py`", ""]
        lines += [f"Not all was measured: {result.fault}" for result in every if result.fault]
        lines += [""] * any(result.fault for result in every)
        lines += ["| figure | value | goal | | beside | change |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [_cells(figure, result, last) for result in every for figure in result.bench.figures]
    return "\n".join(lines) + "\n"


def _cells(figure: Figure, result: Measured, last: dict[str, Row]) -> str:
    value, before = result.values.get(figure.name), last.get(figure.name)
    if value is None:
        return f"| {figure.name} | not measured | {figure.goal} | | {figure.peer} | |"
    verdict = "" if figure.bound is None else "met" if figure.met(value) else "**missed**"
    change = f"{value / before.value - 1:+.0%}" if before and before.value else ""
    return f"| {figure.name} | {shown(value)} | {figure.goal} | {verdict} | {figure.peer} | {change} |"


def shown(value: float) -> str:
    """Write a number so that people can read it: three digits that count, and big ones by thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
