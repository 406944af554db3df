"""What is printed: a table for people, then one ``name: value`` line per figure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .baseline import DockerRun
from .ours import PHASES, OurRun
from .stack import Unchanged

Run = TypeVar("Run")


@dataclass(frozen=True)
class Case:
    """One question put to both sides several times, by turns."""

    name: str
    theirs: Sequence[DockerRun]
    ours: Sequence[OurRun]
    goal: float

    @property
    def ratio(self) -> float:
        """Return how many times faster we are: the ratio of the medians."""
        return _middle(self.theirs, lambda run: run.seconds) / _middle(self.ours, lambda run: run.seconds)


def print_table(cases: Sequence[Case], unchanged: Unchanged) -> None:
    """Print medians, phases and the goals."""
    print(f"{'case':14}{'side':8}{'seconds':>9}  {'of these':44}{'pushed':>10}")
    for case in cases:
        theirs, ours = case.theirs, case.ours
        parts = f"build {_middle(theirs, lambda run: run.build):.1f}, push {_middle(theirs, lambda run: run.push):.1f}"
        _row(case.name, "docker", _middle(theirs, lambda run: run.seconds), parts, _middle(theirs, lambda r: r.pushed))
        parts = ", ".join(f"{name} {_middle(ours, _phase(name)):.2f}" for name in PHASES)
        _row("", "ours", _middle(ours, lambda run: run.seconds), parts, _middle(ours, lambda run: run.pushed))
        rss = max(run.rss for run in ours)
        print(f"{'':14}{case.ratio:.1f} times faster; goal {case.goal:.0f}; our peak memory {rss / 1e6:.0f} MB")
    empty, ours_preview = statistics.median(unchanged.empty), statistics.median(unchanged.ours)
    print(f"{'nothing':14}up in {unchanged.up:.1f} s with {unchanged.writes} writes to the registry; goal 0")
    print(f"{'':14}preview {ours_preview:.2f} s, of an empty program {empty:.2f} s: {unchanged.ratio:.2f}; goal 2")
    print()


def print_figures(cases: Sequence[Case], unchanged: Unchanged) -> None:
    """Print each figure on a line of its own."""
    for case in cases:
        print(f"{case.name}-ratio: {case.ratio:.2f}")
        print(f"{case.name}-docker-seconds: {_middle(case.theirs, lambda run: run.seconds):.2f}")
        print(f"{case.name}-seconds: {_middle(case.ours, lambda run: run.seconds):.2f}")
        for name in PHASES:
            print(f"{case.name}-{name}-seconds: {_middle(case.ours, _phase(name)):.2f}")
        print(f"{case.name}-docker-bytes-pushed: {_middle(case.theirs, lambda run: run.pushed):.0f}")
        print(f"{case.name}-bytes-pushed: {_middle(case.ours, lambda run: run.pushed):.0f}")
        print(f"{case.name}-peak-memory-bytes: {max(run.rss for run in case.ours)}")
    print(f"unchanged-writes: {unchanged.writes}")
    print(f"unchanged-up-seconds: {unchanged.up:.2f}")
    print(f"preview-seconds: {statistics.median(unchanged.ours):.2f}")
    print(f"preview-empty-seconds: {statistics.median(unchanged.empty):.2f}")
    print(f"preview-ratio: {unchanged.ratio:.2f}")


def missed(cases: Sequence[Case], unchanged: Unchanged) -> list[str]:
    """Name the goals that were not reached."""
    late = [f"{case.name} is {case.ratio:.1f} times faster, not {case.goal:.0f}" for case in cases]
    late = [text for text, case in zip(late, cases, strict=True) if case.ratio < case.goal]
    if unchanged.writes:
        late.append(f"an unchanged up made {unchanged.writes} writes")
    if unchanged.ratio > 2:
        late.append(f"preview takes {unchanged.ratio:.2f} times an empty program's, not 2")
    return late


def _row(case: str, side: str, seconds: float, parts: str, pushed: float) -> None:
    print(f"{case:14}{side:8}{seconds:9.2f}  {parts:44}{pushed / 1e6:7.1f} MB")


def _middle(runs: Sequence[Run], value: Callable[[Run], float]) -> float:
    return statistics.median(value(run) for run in runs)


def _phase(name: str) -> Callable[[OurRun], float]:
    return lambda run: run.phases[name]
