"""What is printed: a table for people, then one ``name: value`` line per figure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .baseline import DockerRun
from .goals import bound
from .ours import PHASES, OurRun
from .stack import Fresh, Unchanged

Run = TypeVar("Run")


@dataclass(frozen=True)
class Case:
    """One question put to both sides several times, by turns."""

    name: str
    theirs: Sequence[DockerRun]
    ours: Sequence[OurRun]

    @property
    def goal(self) -> float:
        """Return how many times faster we want to be."""
        return bound(f"{self.name}-ratio")

    @property
    def ratio(self) -> float:
        """Return how many times faster we are: the ratio of the medians."""
        return _middle(self.theirs, lambda run: run.seconds) / _middle(self.ours, lambda run: run.seconds)


@dataclass(frozen=True)
class Reuse:
    """What runs of ours have in common: an environment, the same with one package changed, and another one."""

    before: OurRun
    after: OurRun
    second: OurRun

    @property
    def new_layers(self) -> dict[str, int]:
        """Return the layers that one changed package made: that of the package, or the bin it is in."""
        return {digest: size for digest, size in self.after.layers.items() if digest not in self.before.layers}

    @property
    def beside_layers(self) -> int:
        """Return the bytes pushed for one changed package that are no layer: config, and what else there is."""
        return self.after.pushed - sum(self.new_layers.values())

    @property
    def packages_shared(self) -> float:
        """Return the share of the second environment's packages that the first one has, too."""
        return len(set(self.second.packages) & set(self.before.packages)) / len(self.second.packages)

    @property
    def bytes_shared(self) -> float:
        """Return the share of the second image's bytes of layers that were in the registry before."""
        known = self.before.layers.keys() | self.after.layers.keys()
        shared = sum(size for digest, size in self.second.layers.items() if digest in known)
        return shared / sum(self.second.layers.values())


def print_table(cases: Sequence[Case], reuse: Reuse, unchanged: Unchanged, fresh: Fresh) -> None:
    """Print medians, phases and the goals."""
    print(f"{'case':14}{'side':8}{'seconds':>9}  {'of these (ours overlap)':72}{'pushed':>10}")
    for case in cases:
        theirs, ours = case.theirs, case.ours
        parts = f"build {_middle(theirs, lambda run: run.build):.1f}, push {_middle(theirs, lambda run: run.push):.1f}"
        _row(case.name, "docker", _middle(theirs, lambda run: run.seconds), parts, _middle(theirs, lambda r: r.pushed))
        parts = ", ".join(f"{name} {_middle(ours, _phase(name)):.2f}" for name in PHASES)
        _row("", "ours", _middle(ours, lambda run: run.seconds), parts, _middle(ours, lambda run: run.pushed))
        rss = max(run.rss for run in ours)
        print(f"{'':14}{case.ratio:.1f} times faster; goal {case.goal:.0f}; our peak memory {rss / 1e6:.0f} MB")
    print(f"{'':14}one changed package is {len(reuse.new_layers)} new layer; goal 1")
    shares = f"{reuse.packages_shared:.0%} of its packages and {reuse.bytes_shared:.0%} of its bytes"
    print(f"{'another':14}shares {shares} with the first; goal 66% of bytes when 2/3 of packages are shared")
    empty, ours_preview = statistics.median(unchanged.empty), statistics.median(unchanged.ours)
    print(f"{'nothing':14}up in {unchanged.up:.1f} s with {unchanged.writes} writes to the registry; goal 0")
    print(f"{'':14}preview {ours_preview:.2f} s, of an empty program {empty:.2f} s: {unchanged.ratio:.2f}")
    known, new = fresh.above(fresh.known), fresh.above(fresh.new)
    print(f"{'fresh machine':14}preview {known:.2f} s above an empty program's, of a new stack {new:.2f} s; goal 2 s")
    print()


def print_figures(cases: Sequence[Case], reuse: Reuse, unchanged: Unchanged, fresh: Fresh) -> None:
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
    print(f"one-package-new-layers: {len(reuse.new_layers)}")
    print(f"one-package-bytes-beside-layers: {reuse.beside_layers}")
    print(f"second-packages-shared: {reuse.packages_shared:.2f}")
    print(f"second-bytes-shared: {reuse.bytes_shared:.2f}")
    print(f"second-bytes-pushed: {reuse.second.pushed}")
    print(f"second-seconds: {reuse.second.seconds:.2f}")
    print(f"unchanged-writes: {unchanged.writes}")
    print(f"unchanged-up-seconds: {unchanged.up:.2f}")
    print(f"preview-seconds: {statistics.median(unchanged.ours):.2f}")
    print(f"preview-empty-seconds: {statistics.median(unchanged.empty):.2f}")
    print(f"preview-ratio: {unchanged.ratio:.2f}")
    print(f"fresh-preview-seconds: {statistics.median(fresh.known):.2f}")
    print(f"fresh-preview-new-stack-seconds: {statistics.median(fresh.new):.2f}")
    print(f"fresh-preview-empty-seconds: {statistics.median(fresh.empty):.2f}")
    print(f"fresh-preview-above-empty-seconds: {fresh.above(fresh.known):.2f}")
    print(f"fresh-preview-new-stack-above-empty-seconds: {fresh.above(fresh.new):.2f}")
    print(f"fresh-preview-ratio: {statistics.median(fresh.known) / statistics.median(fresh.empty):.2f}")


def missed(cases: Sequence[Case], reuse: Reuse, unchanged: Unchanged, fresh: Fresh) -> list[str]:
    """Name the goals that were not reached."""
    late = [f"{case.name} is {case.ratio:.1f} times faster, not {case.goal:.0f}" for case in cases]
    late = [text for text, case in zip(late, cases, strict=True) if case.ratio < case.goal]
    if len(reuse.new_layers) > 1:
        late.append(f"one changed package made {len(reuse.new_layers)} new layers")
    if reuse.bytes_shared < bound("second-bytes-shared") and reuse.packages_shared >= 0.66:
        late.append(f"another environment shares {reuse.bytes_shared:.0%} of its bytes, not 66 %")
    if unchanged.writes:
        late.append(f"an unchanged up made {unchanged.writes} writes")
    for what, times in (("", fresh.known), (" of a new stack", fresh.new)):
        if fresh.above(times) > 2:
            late.append(
                f"a fresh machine's preview{what} takes {fresh.above(times):.2f} s above an empty program's, not 2"
            )
    return late


def _row(case: str, side: str, seconds: float, parts: str, pushed: float) -> None:
    print(f"{case:14}{side:8}{seconds:9.2f}  {parts:72}{pushed / 1e6:7.1f} MB")


def _middle(runs: Sequence[Run], value: Callable[[Run], float]) -> float:
    return statistics.median(value(run) for run in runs)


def _phase(name: str) -> Callable[[OurRun], float]:
    return lambda run: run.phases[name]
