"""Container apps in memory: a service whose revisions are kept in the world, and walk to their requests in no time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from ...core.ownership import Claim
from ...core.progress import Progress
from ...model.declared import wire_paths, written
from ...model.group import Group
from ...model.scale import Scale
from ..canary import Probes, serving, told, walk
from ..protocol import Action, GroupFacts, GroupFailed, GroupSpec
from ..revisions import Revision, revision_name
from .revisions import MemoryRevisions
from .service import MemoryServices

PREFIX = "app:"
"""Begins the ids, which no name of a group does: names have no colon."""
_IDLE = {"name", "traffic", "startup_timeout", "smoke_test", "rollback", "container_app", "tags", "description"}
_NO_REVISION = frozenset(wire for wire, path in wire_paths(Group).items() if path[-1] in _IDLE)
"""What is declared and makes no revision, by names of the wire."""


def is_app(id_: str) -> bool:
    """Tell the id of an app from that of a group."""
    return id_.startswith(PREFIX)


class MemoryApps(MemoryServices):
    """Satisfies ``ServiceTarget`` without running anything."""

    prefix = PREFIX

    def bring(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Make the revision of a spec if it is not there, and lead it to its requests."""
        id_ = self.id_of(spec.name)
        with self._memory.world() as world:
            before = world.groups.get(id_)
        facts = super().bring(spec, claim, progress)
        revisions, name = MemoryRevisions(self._memory, id_), _name_of(spec)
        replicas = max(1, (spec.declared.runs.scale or Scale()).least)
        if any(one.name == name for one in revisions.list()):
            revisions.activate(name, progress)
        else:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            revisions.add(Revision(name, spec.image, now, 0, replicas, replicas, "Running"))
        clock = _Clock()
        probes = Probes(lambda: before or facts, now=clock.now, sleep=clock.sleep)
        served = serving(revisions.list(), name)
        try:
            walk(revisions, name, served, spec.declared.runs.traffic, probes, progress)
        except GroupFailed:
            with self._memory.world() as world:
                world.groups[id_] = before or facts
            raise
        return facts

    def effect(self, changed: Mapping[str, Action], new: Group) -> str:
        """Say which steps a new revision takes."""
        if "replace" in changed.values():
            return super().effect(changed, new)
        return told(new.runs.traffic)


class _Clock:
    """Time that passes where somebody waits: nobody else does anything here meanwhile."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def _name_of(spec: GroupSpec) -> str:
    said = {name: value for name, value in written(spec.declared).items() if name not in _NO_REVISION}
    return revision_name(spec.name, said)
