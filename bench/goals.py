"""What each bench measures and wants to reach: the one place for figures, bounds, peers and time limits.

``python -m bench`` runs what is declared here; the programs take their bounds from here, too. A figure is a line
``name: value`` that the program prints. Nearly all are ratios of two sides that took turns in one run, because seconds
of one machine say nothing about another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .serving_goals import GOALS as SERVING_GOALS


@dataclass(frozen=True)
class Figure:
    """One line of a bench: it is to be at least ``bound``, or at most if ``most``; None is a figure without a goal.

    ``peer`` is what it is compared with, in words for a table; empty where the figure stands alone.
    """

    name: str
    bound: float | None
    peer: str = ""
    most: bool = False

    def met(self, value: float) -> bool:
        """Tell if the goal is reached; without one it is."""
        if self.bound is None:
            return True
        return value <= self.bound if self.most else value >= self.bound

    @property
    def goal(self) -> str:
        """Say what was wanted; empty without a goal."""
        return "" if self.bound is None else f"{'at most' if self.most else 'at least'} {self.bound:g}"


@dataclass(frozen=True)
class Bench:
    """A program of this folder, as ``python -m bench`` runs it.

    Args:
        name: of the program, without ``.py``; ``words`` are its short mode.
        minutes: after which it is ended, so that all of them together have a known end.
        needs: programs on PATH; where one is missing the bench is told and left out.
    """

    name: str
    words: tuple[str, ...]
    minutes: float
    needs: tuple[str, ...]
    figures: tuple[Figure, ...]


_DOCKERFILE = "docker build and push"
_WHEELS = "uv in a docker build, and push"
_EMPTY = "an empty program"
_BARE = "the bare server"

IMAGE = (
    Figure("cold-ratio", 8, _DOCKERFILE),
    Figure("one-package-ratio", 15, _DOCKERFILE),
    Figure("one-package-new-layers", 1, most=True),
    Figure("second-bytes-shared", 0.66, "the first environment"),
    Figure("unchanged-writes", 0, most=True),
    Figure("fresh-preview-above-empty-seconds", 2, _EMPTY, most=True),
    Figure("fresh-preview-new-stack-above-empty-seconds", 2, _EMPTY, most=True),
)
WHEELS = (
    Figure("wheels-cold-ratio", 4, _WHEELS),
    Figure("wheels-changed-ratio", 15, _WHEELS),
    Figure("wheels-changed-new-layers", 1, most=True),
    Figure("wheels-second-bytes-shared", 0.66, "the first environment"),
    Figure("wheels-big-peak-memory-bytes", 400_000_000, most=True),
)
LAYERS = (
    Figure("layers-of-bound", 0.70, "two sha256 and a deflate"),
    Figure("layers-of-bound-in-cpu-time", 0.70, "two sha256 and a deflate"),
    Figure("layers-cached-peak-memory-bytes", 400_000_000, most=True),
)
PREVIEW = (
    Figure("preview-one-service-ratio", 1.3, _EMPTY, most=True),
    Figure("preview-ten-services-ratio", 2, _EMPTY, most=True),
)
SLIM = (
    Figure("slim-bytes-ratio", 0.95, "the whole image", most=True),
    Figure("slim-pull-ratio", 1, "the whole image", most=True),
    Figure("slim-lost-imports", 0, most=True),
)
EDIT = (
    Figure("edit-above-preview-seconds", 1.5, "an unchanged preview", most=True),
    Figure("edit-starts", 1, most=True),
    Figure("edit-lost-requests", 0, most=True),
)
PUSH = (Figure("push-ratio", 0.8, "curl -T"),)
AZURE = (
    Figure("create-request-ratio", 4, "the SDK"),
    Figure("one-package-request-ratio", 4, "the SDK"),
)
GOLDEN = (
    Figure("golden-caught", 20),
    Figure("golden-false-alarms", 0, most=True),
)
SCALE = (
    Figure("a-envoy-adds-ms", 0.3, _BARE, most=True),
    Figure("b-envoy-rate-ratio", 0.95, _BARE),
    Figure("b-two-replicas-ratio", 1.7, "one replica"),
    Figure("b-shadow-p99-ratio", 1.05, "without copies", most=True),
    Figure("canary-lost", 0, most=True),
)
WHEEL = (
    Figure("wheel-distributions", None, most=True),
    Figure("wheel-installed-mb", None, most=True),
)


def _serving() -> Iterator[Figure]:
    """Give the goals of the server, whose table also says how each is computed."""
    for goal in SERVING_GOALS:
        _, over, peer = goal.name.partition("-over-")
        yield Figure(goal.name, goal.bound, peer if over else "", goal.most)


BENCHES = (
    Bench("layers", ("--repetitions", "2"), 1, (), LAYERS),
    Bench("push", ("--repetitions", "3"), 1, ("docker", "curl"), PUSH),
    Bench("preview", ("--previews", "9"), 2, ("docker", "pulumi"), PREVIEW),
    Bench("azure", ("--repetitions", "1", "--latency", "0.02"), 1.2, ("docker",), AZURE),
    Bench("image", ("--repetitions", "1", "--previews", "3", "--only", "conda"), 3, ("docker", "pulumi"), IMAGE),
    Bench("image", ("--repetitions", "1", "--only", "wheels"), 8, ("docker", "pulumi"), WHEELS),
    Bench("slim", ("--repetitions", "2"), 2.5, ("docker",), SLIM),
    Bench("edit", ("--repetitions", "1", "--requests", "1000"), 1.3, ("docker", "pulumi"), EDIT),
    Bench("golden", ("--rebuilds", "3"), 1.5, (), GOLDEN),
    Bench("wheel", (), 0.5, (), WHEEL),
    Bench(
        "scale",
        ("--repetitions", "1", "--seconds", "2", "--turns", "4", "--requests", "1000"),
        2.5,
        ("docker", "pulumi"),
        SCALE,
    ),
    Bench("serving", ("--repetitions", "1", "--seconds", "2"), 5.5, ("wrk",), tuple(_serving())),
)
"""The short ones first, so that much is known early; together they last half an hour at most."""


def figure(name: str) -> Figure:
    """Return the declared figure of that name.

    Raises:
        KeyError: there is none.
    """
    for bench in BENCHES:
        for one in bench.figures:
            if one.name == name:
                return one
    raise KeyError(name)


def bound(name: str) -> float:
    """Return what a program's figure is to reach.

    Raises:
        KeyError: it is not declared, or has no goal.
    """
    value = figure(name).bound
    if value is None:
        raise KeyError(name)
    return value
