"""Services in memory: whether one answers is read off the name of its image."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from ...core.golden.compare import judge
from ...core.golden.request import Came, Expected
from ...core.ownership import Claim, Stranger
from ...core.progress import Progress
from ..golden import told
from ..hints import hint
from ..home.place import Workspace
from ..home.service import HomeServices
from ..observed import ContainerSeen, Event, LogLine, LogWish, NoSuchRun, Observed
from ..protocol import HEALTH_PATH, GroupFacts, GroupFailed, GroupSpec
from .revisions import MemoryRevisions
from .world import Memory

Behaviour = Literal["serves", "exits", "hangs", "drifts"]
LOG = (
    "Traceback (most recent call last):",
    '  File "/var/azureml-app/score.py", line 3, in init',
    "ModuleNotFoundError: No module named 'joblib'",
)
"""The last words of every image that exits, with code 3."""


def behaviour_by_name(image: str) -> Behaviour:
    """Read the behaviour of an image off its reference: one with ``exits``, ``hangs`` or ``drifts`` in it does so.

    One that drifts serves, and answers each golden request otherwise than it should.
    """
    # in the name, because nothing is pulled: tests and examples say by it what they want to see
    words: tuple[Behaviour, ...] = ("exits", "hangs", "drifts")
    return next((word for word in words if word in image), "serves")


class MemoryServices(HomeServices):
    """Satisfies ``ServiceTarget`` without running anything."""

    prefix = "aciml-"

    def __init__(
        self, memory: Memory, workspace: Workspace, behaviour: Callable[[str], Behaviour] = behaviour_by_name
    ) -> None:
        """Keep all in ``memory``; ``behaviour`` tells of an image what it does."""
        super().__init__(workspace)
        self._memory, self._behaviour = memory, behaviour

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "memory"

    def id_of(self, name: str) -> str:
        """Return the id of a service."""
        return f"{self.prefix}{name}"

    def bring(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Start or adopt the group; whether it answers is said by the behaviour of its image."""
        id_ = self.id_of(spec.name)
        with self._memory.world() as world:
            old, mark = world.groups.get(id_), world.own(id_, claim)
            port = world.port(spec.port, old, self._memory.taken_ports, claim)
            # after the checks, before the change: what is cancelled here leaves the world as it was
            progress.checkpoint()
            address = f"127.0.0.1:{port}"
            facts = GroupFacts(
                id_, spec.name, spec.image, spec.cpu, spec.memory_gb, port, address, "Running", owner=mark
            )
            # what served goes on, as with a container that is proven beside it
            failure = self._failure(spec, progress.timeout)
            # the same promise as Docker's: `tests/contract` holds both to it
            if failure and old and old.state == "Running":
                raise GroupFailed(f"{failure}\nthe container that was there goes on at {old.address}", old)
            world.groups[id_] = replace(facts, state="Failed") if failure else facts
            world.label(id_, claim)
            if failure:
                raise GroupFailed(failure, world.groups[id_])
        return facts

    def find_stranger(self, name: str, claim: Claim) -> Stranger | None:
        """Look at what has that name."""
        with self._memory.world() as world:
            return world.theirs(self.id_of(name), claim)

    def read(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group."""
        claim = self.workspace.claim_known(known.owner, known.known_as) if known else None
        with self._memory.world() as world:
            # raised and not None: what is somebody else's is not gone, and state must not forget its own by it
            if theirs := world.theirs(group_id, claim):
                raise theirs
            return world.groups.get(group_id) or world.groups.get(self.id_of(group_id))

    def observe(self, group_id: str, known: GroupSpec) -> Observed | None:
        """Tell what follows from the image: a container that exits has ended once, with code 3."""
        facts = self.read(group_id, known)
        if facts is None:
            return None
        exits = self._behaviour(facts.image) == "exits"
        state = "Running" if facts.state == "Running" or not exits else "Terminated"
        seen = ContainerSeen(facts.id, state, image=facts.image, exit_code=3 if exits else None)
        events = (Event("start", ""), Event("die", "exit code 3"))[: 1 + exits]
        return Observed(f'container "{facts.id}"', (seen,), events)

    def log(self, group_id: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:  # noqa: ARG002
        """Give the last words of what exits; nothing else is written, and nothing is run twice."""
        seen = self.observe(group_id, known)
        if seen is None:
            return
        container = seen.container(wish.container)
        if wish.previous:
            raise NoSuchRun(f"{seen.where} has no run before that of now")
        lines = LOG if container.exit_code == 3 else ()
        yield from map(LogLine, lines[-wish.tail :] if wish.tail else lines)

    def revisions(self, group_id: str, known: GroupSpec) -> MemoryRevisions | None:  # noqa: ARG002  # see ServiceTarget
        """Return those of the world, if it has some for this service."""
        with self._memory.world() as world:
            return MemoryRevisions(self._memory, group_id) if group_id in world.revisions else None

    def delete(
        self,
        group_id: str,
        progress: Progress,
        known_as: str = "",
        known: GroupSpec | None = None,  # noqa: ARG002  # see ServiceTarget
    ) -> None:
        """Forget the group."""
        progress.checkpoint()
        with self._memory.world() as world:
            if theirs := world.theirs(group_id, self.workspace.claim_known(progress.urn, known_as)):
                progress.warn(f"{theirs.message}: it stays")
                return
            world.groups.pop(group_id, None)
            world.revisions.pop(group_id, None)
            world.mirrors.pop(group_id, None)
            world.labels.pop(group_id, None)

    def _failure(self, spec: GroupSpec, allowed: float) -> str:
        does = self._behaviour(spec.image)
        if does == "exits":
            log = "\n  ".join(("last log lines:", *LOG))
            return f'service "{spec.name}" exited with code 3: {hint(LOG, 3)}\n{log}'
        smoke = spec.smoke_test
        if does in ("serves", "drifts") and smoke and (smoke.path != "/" or smoke.expect_status != 200):
            came = 200 if smoke.path == "/" else 404
            wrong = f"{smoke.method} {smoke.path} answered {came} instead of {smoke.expect_status}"
            return f'service "{spec.name}" failed its smoke test: {wrong}'
        if does == "drifts" and spec.golden:
            answers = ((one, one.expected, spec.golden.rules_of(one)) for one in spec.golden.requests)
            verdict = judge((one.name, said, _drifted(said), rules) for one, said, rules in answers if said)
            return f'service "{spec.name}" {told(verdict, spec.golden)}'
        within = f"within {spec.patience(allowed):g} seconds"
        return f'service "{spec.name}" did not answer 200 on {HEALTH_PATH} {within}' if does == "hangs" else ""


def _drifted(expected: Expected) -> Came:
    """Return another answer of the same form: all its numbers are one more."""
    if expected.kind != "json":
        return Came(expected.status, b"drifted", expected.content_type)
    return Came(expected.status, json.dumps(_one_more(expected.value)).encode(), expected.content_type)


def _one_more(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _one_more(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_one_more(inner) for inner in value]
    return value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else value
