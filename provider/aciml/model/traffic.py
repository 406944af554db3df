"""How requests move from the revision that serves to a new one, and what the new one has to prove on the way.

A revision is one image with one template: what else is declared of a service makes none. Weights are percent.
"""

import re
from collections.abc import Iterator
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from ..properties import Unknown
from .declared import Declared
from .shape import Field
from .volume import known_items

PAUSE = 60
"""Seconds that a step of a canary is looked at if nothing is said."""
PREVIOUS = 1
"""Old revisions that stay warm: a rollback is then a change of weights and no start."""
LABEL = "candidate"
"""By what name a new revision is reached before it serves."""
ERROR_RATE, P99_RATIO, REQUESTS = 0.01, 2.0, 20
"""What a gate takes if nothing is said: errors among requests, how much slower, and how many requests say anything."""
# a part of the host name `<app>---<label>`, so a label of DNS (RFC 1123, 2.1); no `--`, which ends the app's name
_LABEL = re.compile(r"[a-z]([a-z0-9]|-(?!-))*(?<!-)")
_LONGEST_LABEL = 30
_ALONE = ("canary", "shadow", "hold", "previous", "gate", "label")
"""What needs two revisions side by side, which a container group does not have."""


@lean(frozen=True, kw_only=True)
class CanaryStep(Declared):
    """One step: so much of the traffic goes to the new revision, for so long, and then the gate is asked."""

    percent: Annotated[int, Field("percent of the requests that the new revision gets", least=1, most=100)]
    pause: Annotated[
        int | None, Field("seconds before the gate of this step is asked", least=0, unit="seconds", default=PAUSE)
    ] = None

    @property
    def seconds(self) -> int:
        """Return the pause."""
        return PAUSE if self.pause is None else self.pause


@lean(frozen=True, kw_only=True)
class Gate(Declared):
    """What a new revision may not exceed at any step."""

    max_error_rate: Annotated[
        float | None,
        Field("share of its answers that may be 5xx, such as 0.01", least=0, most=1, default=ERROR_RATE),
    ] = None
    max_p99_ratio: Annotated[
        float | None,
        Field("how many times the old revision's 99th percentile its own may be", least=1, default=P99_RATIO),
    ] = None
    # no default: another model is meant to answer otherwise, and only its user knows by how much
    max_differing: Annotated[
        float | None,
        Field("share of answers to copies that may differ; only told if not said", least=0, most=1),
    ] = None
    # one error among three requests is a third, and says nothing
    min_requests: Annotated[
        int | None, Field("requests without which rates are not judged", least=1, default=REQUESTS)
    ] = None


@lean(frozen=True, kw_only=True)
class Tolerance(Declared):
    """By how much numbers of a golden answer may differ; a number passes if either of the two lets it."""

    path: Annotated[str | None, Field("JSON path of the numbers, such as $.result[*].price; all without it")] = None
    absolute: Annotated[float | None, Field("difference that is none", least=0)] = None
    relative: Annotated[float | None, Field("difference that is none, as a share of the golden number", least=0)] = None


@lean(frozen=True, kw_only=True)
class Traffic(Declared):
    """How a new revision gets its traffic. Without steps it gets all of it once it is proven."""

    canary: Annotated[tuple[CanaryStep, ...], Field("steps; a last one of 100 percent goes without saying")] = ()
    shadow: Annotated[
        int | None, Field("percent of requests that the new revision gets a copy of first", least=0, most=100)
    ] = None
    hold: Annotated[
        bool | None, Field("leave a new revision at 0 percent, where its label reaches it", default=False)
    ] = None
    label: Annotated[str | None, Field("name by which a new revision is reached", default=LABEL)] = None
    # 100 inactive ones are all that the cloud keeps (configuration.maxInactiveRevisions)
    previous: Annotated[int | None, Field("old revisions that stay warm", least=0, most=100, default=PREVIOUS)] = None
    gate: Annotated[Gate | None, Field("what each step may not exceed")] = None
    golden: Annotated[str | None, Field("file of requests with the answers that they must get")] = None
    tolerances: Annotated[tuple[Tolerance, ...], Field("by how much golden and live answers may differ")] = ()

    @property
    def named(self) -> str:
        """Return the label."""
        return self.label or LABEL

    @property
    def kept(self) -> int:
        """Return how many old revisions stay warm."""
        return PREVIOUS if self.previous is None else self.previous

    @property
    def steps(self) -> tuple[CanaryStep, ...]:
        """Return all steps, the last of which is 100 percent; none if the new revision is held."""
        if self.hold:
            return ()
        said = tuple(known_items(self.canary))
        # nothing to look at behind the last one: the old revision has no traffic to compare with
        return said if said and said[-1].percent == 100 else (*said, CanaryStep(percent=100, pause=0))


def traffic_findings(traffic: Traffic, *, revisions: bool) -> Iterator[Finding]:
    """Judge the steps, the label and the proof.

    Args:
        traffic: as it is declared.
        revisions: whether the service has revisions, as container apps have.
    """
    if not revisions:
        for name in _ALONE:
            if traffic.knows(name) or traffic.is_unsure(name):
                why = f"{name} needs two revisions side by side, and a container group is one container"
                yield traffic.finding(name, f"{why}; write runsOn: container_app, or drop it")
        yield from _proof(traffic)
        return
    yield from _steps(traffic)
    if traffic.gate and traffic.gate.knows("max_differing") and not traffic.shadow and not traffic.is_unsure("shadow"):
        why = "maxDiffering is judged by copies of requests, and none are asked for"
        yield traffic.gate.finding("max_differing", f"{why}; give shadow, or drop it")
    if traffic.hold and traffic.canary:
        why = "a revision that is held at 0 percent takes no steps"
        yield traffic.finding("canary", f"{why}; drop canary, or hold")
    if (said := traffic.label) is not None and (not _LABEL.fullmatch(said) or len(said) > _LONGEST_LABEL):
        form = f"use 1 to {_LONGEST_LABEL} lower-case letters, digits and single -, a letter first and no - last"
        yield traffic.finding("label", f'"{said}" is no label: it is a part of a host name; {form}')
    yield from _proof(traffic)


def _steps(traffic: Traffic) -> Iterator[Finding]:
    """Steps only go up: one that goes down would take back what has been proven."""
    before = 0
    for step in traffic.canary:
        if isinstance(step, Unknown) or step.percent is None:
            continue  # it is not known yet
        if step.percent <= before:
            why = f"{step.percent} percent comes after {before} percent, and steps only go up"
            advice = f"write more than {before}" if before < 100 else "drop it: 100 percent is the last step"
            yield step.finding("percent", f"{why}; {advice}")
        before = max(before, step.percent)


def _proof(traffic: Traffic) -> Iterator[Finding]:
    used = traffic.golden or traffic.shadow or traffic.is_unsure("golden", "shadow")
    if traffic.tolerances and not used:
        why = "tolerances are those of golden answers, and no file of them is named"
        yield traffic.finding("tolerances", f"{why}; give golden, or shadow, or drop them")
    paths: set[str] = set()
    for one in known_items(traffic.tolerances):
        if not one.knows("absolute", "relative") and not one.is_unsure("absolute", "relative"):
            yield Finding(one.where, "a tolerance needs absolute or relative; give one")
        if one.is_unsure("path"):
            continue
        path = one.path or "$"
        if not path.startswith("$"):
            yield one.finding("path", f'"{path}" is no JSON path; begin it with $, as in $.result[0]')
        if path in paths:
            yield Finding(one.where, f"there are two tolerances for {path}; drop one")
        paths.add(path)
