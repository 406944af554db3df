"""What a push to a far registry costs, beside the SDK: ``python bench/azure.py`` (an emulated cloud, registry:2).

Both sides push the same layers in one run, by turns, to a registry that answers 50 ms late. Requests and bytes are
counted at the registry; what counts are ratios: seconds of this machine promise nothing.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(_ROOT), str(_ROOT / "provider")]  # this folder goes: in it, azure is this file

from bench.azure_scene import CHANGED, Cloud, cloud  # noqa: E402  # found through the line above, as what follows
from bench.azure_sides import Push, check, push_ours, push_theirs  # noqa: E402
from bench.goals import bound  # noqa: E402

GOAL = bound("create-request-ratio")
"""Times fewer requests."""


@dataclass(frozen=True)
class Case:
    """One question put to both sides, by turns; ``told``: the SDK, when its caller knows what is there."""

    name: str
    theirs: Sequence[Push]
    told: Sequence[Push]
    ours: Sequence[Push]

    @property
    def ratio(self) -> float:
        """Return how many times fewer requests we send."""
        return requests(self.theirs) / requests(self.ours)

    @property
    def speedup(self) -> float:
        """Return how many times faster we are."""
        return seconds(self.theirs) / seconds(self.ours)

    def saved(self, latency: float) -> float:
        """Return the seconds that the requests which we do not send would have waited."""
        return latency * (requests(self.theirs) - requests(self.ours))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2, help="pushes of each kind")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds added to each answer")
    parser.add_argument("--folder", type=Path, help="where to work; a folder is made in it and removed")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    wishes = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that all that was made is removed
    with cloud(wishes.folder, wishes.latency) as place:
        cases = measure(place, wishes.repetitions)
    print_table(cases)
    print_figures(cases, wishes.latency)
    late = missed(cases, wishes.latency)
    for text in late:
        say(f"goal missed: {text}")
    sys.exit(1 if late and wishes.strict else 0)


def measure(place: Cloud, repetitions: int) -> list[Case]:
    """Push by turns: an image that is new, the same again, and with one package changed."""
    runs: dict[str, tuple[list[Push], list[Push], list[Push]]] = {
        name: ([], [], []) for name in ("create", "no-op", "one-package")
    }
    everything = {layer.digest for layer in place.before.layers}
    told = {"create": set[str](), "no-op": everything, "one-package": everything}
    for number in range(1, repetitions + 1):
        for name, (theirs, knowing, ours) in runs.items():
            image = place.after if name == "one-package" else place.before
            theirs.append(push_theirs(place, image, f"theirs-{number}"))
            knowing.append(push_theirs(place, image, f"told-{number}", there=told[name]))
            ours.append(push_ours(place, image, f"ours-{number}"))
            both = f"SDK {theirs[-1].seconds:.1f} s, ours {ours[-1].seconds:.1f} s"
            say(f"{number} of {repetitions}, {name}: {both}")
        check(place, place.after, f"theirs-{number}", f"told-{number}", f"ours-{number}")
    return [Case(name, *sides) for name, sides in runs.items()]


def print_table(cases: Sequence[Case]) -> None:
    """Print medians and the goals."""
    print(f"{'case':13}{'side':17}{'requests':>9}{'sent':>11}{'got':>11}{'seconds':>9}")
    for case in cases:
        rows = (("SDK", case.theirs), ("SDK, if told", case.told), ("ours", case.ours))
        for number, (side, pushes) in enumerate(rows):
            up, down = megabytes(pushes, "up"), megabytes(pushes, "down")
            name = "" if number else case.name
            print(f"{name:13}{side:17}{requests(pushes):9.0f}{up:8.1f} MB{down:8.1f} MB{seconds(pushes):9.2f}")
        print(f"{'':13}{case.ratio:.1f} times fewer requests (goal {GOAL:g}), {case.speedup:.1f} times faster")
    print(f"\nSDK: upload_blob never looks what is there. If told: its caller sends only what is new ({len(CHANGED)}")
    print("layers of the changed package), the config and the manifest.\n")


def print_figures(cases: Sequence[Case], latency: float) -> None:
    """Print each figure on a line of its own."""
    for case in cases:
        print(f"{case.name}-request-ratio: {case.ratio:.2f}")
        print(f"{case.name}-speedup: {case.speedup:.2f}")
        print(f"{case.name}-latency-saved-seconds: {case.saved(latency):.2f}")
        print(f"{case.name}-seconds-saved: {seconds(case.theirs) - seconds(case.ours):.2f}")
        for side, pushes in (("sdk", case.theirs), ("sdk-told", case.told), ("ours", case.ours)):
            print(f"{case.name}-{side}-requests: {requests(pushes):.0f}")
            print(f"{case.name}-{side}-bytes-sent: {megabytes(pushes, 'up') * 1e6:.0f}")
            print(f"{case.name}-{side}-seconds: {seconds(pushes):.2f}")


def missed(cases: Sequence[Case], latency: float) -> list[str]:
    """Name the goals that were not reached."""
    late = [f"{case.name}: {case.ratio:.1f} times fewer requests, not {GOAL:g}" for case in cases if case.ratio < GOAL]
    for case in cases:
        gained = seconds(case.theirs) - seconds(case.ours)
        if gained < case.saved(latency):
            late.append(f"{case.name}: {gained:.1f} s faster, not {case.saved(latency):.1f}, which the latency saves")
    return late


def requests(pushes: Sequence[Push]) -> float:
    """Return the median of the requests."""
    return statistics.median(push.traffic.requests for push in pushes)


def megabytes(pushes: Sequence[Push], way: str) -> float:
    """Return the median of the megabytes that went ``up`` or ``down``."""
    every = [push.traffic.up if way == "up" else push.traffic.down for push in pushes]
    return statistics.median(every) / 1e6


def seconds(pushes: Sequence[Push]) -> float:
    """Return the median of the seconds."""
    return statistics.median(push.seconds for push in pushes)


def say(text: str) -> None:
    """Tell on standard error how far the bench is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
