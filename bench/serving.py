"""What the scoring server costs, beside six others: ``python bench/serving.py`` (Linux, two cores, wrk, an index).

The server has one core and the load the other. All take turns in every round, and what counts are ratios inside a
round, by their medians: figures of this machine promise nothing.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

from bench import peers, serving_more  # noqa: E402  # found through the line above
from bench.load import Load, put_load  # noqa: E402
from bench.serving_goals import GOALS, Goal  # noqa: E402
from bench.serving_places import Home, install, running  # noqa: E402

_RANDOM = random.Random(7)  # the same megabyte for all
WORKLOADS = {
    "a": [0.5 + number for number in range(10)],
    "b": [number / 32 for number in range(32)],
    "c": [[_RANDOM.random() for _ in range(1000)] for _ in range(64)],
}


@dataclass
class Figures:
    """All that was measured: by (server, figure), one value a round."""

    rows: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def put(self, server: str, figure: str, value: float) -> None:
        """Write a value down."""
        self.rows.setdefault((server, figure), []).append(value)

    def middle(self, server: str, figure: str) -> float:
        """Return the median; NaN if nothing was measured."""
        return statistics.median(self.rows.get((server, figure)) or [float("nan")])

    def ratio(self, server: str, other: str, figure: str, of: str = "") -> float:
        """Return the median of the rounds' ratios."""
        pairs = zip(self.rows.get((server, figure), ()), self.rows.get((other, of or figure), ()), strict=False)
        return statistics.median([mine / theirs for mine, theirs in pairs if theirs] or [float("nan")])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of load with 32 connections; with one it is 2")
    parser.add_argument("--peers", default="", help="only these, by name, parted by commas")
    parser.add_argument("--workloads", default="abc")
    parser.add_argument("--no-more", action="store_true", help="leave out batching, TLS, health and crash")
    parser.add_argument("--folder", type=Path, default=_cache(), help="where the servers are installed")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    wishes = parser.parse_args()
    os.sched_setaffinity(0, {peers_cpu()})
    wanted = wishes.peers.split(",") if wishes.peers else [peer.name for peer in peers.PEERS]
    others = [peer for peer in peers.PEERS if peer.name in wanted]
    figures = Figures()
    homes = {peer.name: install(peer, wishes.folder) for peer in (peers.ours(), *others)}
    for peer in (peers.ours(), *others):
        figures.put(peer.name, "size", homes[peer.name].size)
        figures.put(peer.name, "distributions", homes[peer.name].distributions)
    for number in range(1, wishes.repetitions + 1):
        say(f"round {number} of {wishes.repetitions}")
        measure_round(figures, others, homes, wishes.workloads, wishes.seconds)
        if not wishes.no_more:
            serving_more.measure(figures, homes, WORKLOADS, wishes.seconds)
    print_table(figures, [peer.name for peer in (peers.ours(), peers.ours_typed(), *others)], wishes.workloads)
    sys.exit(1 if print_goals(figures, GOALS) and wishes.strict else 0)


def measure_round(
    figures: Figures, others: Iterable[peers.Peer], homes: dict[str, Home], workloads: str, seconds: int
) -> None:
    """Have every server do every workload once, one after the other."""
    for work in workloads:
        typed = [peers.ours_typed()] if work == "c" else []
        for peer in (peers.ours(), *typed, *others):
            home = homes[peer.name.partition("-")[0]]
            with running(peer, home, work, WORKLOADS[work]) as server:
                if work == "a":
                    figures.put(peer.name, "cold", server.cold)
                    figures.put(peer.name, "memory", server.memory())
                many, one = ask(server.url, server.body(WORKLOADS[work]), server.headers, seconds)
            put(figures, peer.name, work, many, one)
            say(f"  {work} {peer.name}: {many.rate:.0f}/s, p99 {many.p99:.1f} ms, alone {one.p50:.3f} ms")


def ask(url: str, body: bytes, headers: dict[str, str], seconds: int) -> tuple[Load, Load]:
    """Warm up, then ask with 32 connections and with one."""
    put_load(url, body, headers, 4, 1)
    return put_load(url, body, headers, 32, seconds), put_load(url, body, headers, 1, 2)


def put(figures: Figures, name: str, work: str, many: Load, one: Load) -> None:
    """Write down what one server did with one workload."""
    for figure, value in (
        ("rate", many.rate),
        ("p50", many.p50),
        ("p99", many.p99),
        ("alone", one.p50),
        ("alone-p99", one.p99),
        ("wrong", many.wrong + many.broken),
    ):
        figures.put(name, f"{work}-{figure}", value)


def print_table(figures: Figures, names: Sequence[str], workloads: str) -> None:
    """Print medians for people."""
    for work in workloads:
        print(f"{work.upper():14} {'per second':>11} {'p50 ms':>9} {'p99 ms':>9} {'alone ms':>9} {'lost':>5}")
        for name in names:
            row = [figures.middle(name, f"{work}-{figure}") for figure in ("rate", "p50", "p99", "alone", "wrong")]
            print(f"{name:14} {row[0]:11.0f} {row[1]:9.2f} {row[2]:9.2f} {row[3]:9.3f} {row[4]:5.0f}")
    print(f"{'idle':14} {'cold s':>11} {'PSS MB':>9} {'size MB':>9} {'packages':>9}")
    for name in names:
        row = [figures.middle(name, figure) for figure in ("cold", "memory", "size", "distributions")]
        print(f"{name:14} {row[0]:11.2f} {row[1] / 1e6:9.1f} {row[2] / 1e6:9.1f} {row[3]:9.0f}")


def print_goals(figures: Figures, goals: Sequence[Goal]) -> list[str]:
    """Print one ``name: value`` line a goal; return the missed ones."""
    late = []
    for goal in goals:
        value = goal.value(figures)
        if math.isnan(value):  # not measured
            continue
        print(f"{goal.name}: {value:.3f}")
        if not goal.met(value):
            late.append(goal.name)
            say(f"goal missed: {goal.name} is {value:.3f}, not {goal.sentence}")
    return late


def peers_cpu() -> int:
    """Return the core of the load, where this program stays, too."""
    from bench.load import LOAD_CPU

    return LOAD_CPU


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aciml" / "bench"


def say(text: str) -> None:
    """Tell on standard error how far the bench is."""
    print(text, file=sys.stderr, flush=True)


Measure = Callable[[Figures], float]

if __name__ == "__main__":
    main()
