"""Services that run in a swarm at home: what the target promises, and what is judged before anything is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ....core.errors import AcimlError, Finding, Level, OutageError
from ....core.ownership import Claim, Stranger
from ....core.progress import Progress
from ....core.reference import Reference
from ....model.group import Group
from ....registry.hosts import is_local
from ...canary import told
from ...home.place import Workspace
from ...home.service import COSTS, HomeServices
from ...observed import LogLine, LogWish, Observed
from ...protocol import Action, GroupFacts, GroupSpec
from ...runs_on import kept_port
from .app import Apps, app_of, id_of
from .bring import bring
from .cluster import EngineSeen, look
from .drift import drift, imported
from .observed import observe, read_log
from .revisions import SwarmRevisions

_QUIET = frozenset({"port", "scale", "replica_timeout", "startup_timeout", "smoke_test", "traffic", "rollback"})
"""What changes no replica that runs."""


class SwarmServices(HomeServices):
    """Satisfies ``ServiceTarget`` for services that are container apps, on the swarm of this machine's Docker."""

    def __init__(self, apps: Apps, workspace: Workspace) -> None:
        """Run what ``apps`` brings; nothing is contacted yet."""
        super().__init__(workspace)
        self.apps = apps

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "local"

    def id_of(self, name: str) -> str:
        """Return the id of a service."""
        return id_of(name)

    def bring(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Start, adopt or change the service, and wait until it answers."""
        return bring(self.apps, spec, claim, progress)

    def find_stranger(self, name: str, claim: Claim) -> Stranger | None:
        """Look at all that a service of that name would have."""
        try:
            self.apps.look(name, claim)
        except Stranger as refusal:
            return refusal
        return None

    def judge(self, old: Group | None, new: Group, progress: Progress) -> list[Finding]:
        """Judge what all services of this machine are judged by, and whether a swarm can be here."""
        findings = super().judge(old, new, progress)
        warn_of_scale(new, progress)
        try:
            engine = look(self.apps.client)
            if engine.obstacle:
                return [*findings, new.runs.finding("runs_on", "; ".join(engine.obstacle))]
            # a network is asked for once: a service that is there has its own
            if old is None and (why := self.apps.swarm.findings()):
                findings.append(new.runs.finding("runs_on", "; ".join(why)))
        except OutageError:
            # a preview needs no engine; creation asks again, and then has to know
            return findings
        findings += _of_nodes(engine, new)
        for finding in [one for one in findings if one.level is Level.WARNING]:
            progress.warn(finding.text)
        return [one for one in findings if one.level is not Level.WARNING]

    def changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name the properties that differ; keys that an import could not read are taken to be those of the program."""
        had = old.declared.keys
        if had.auth_enabled and not had.variables():
            known = {name: getattr(new.declared.keys, name) for name in ("primary_key", "secondary_key")}
            old = replace(old, declared=old.declared.but(keys=had.but(**known)))
        return super().changes(old, new)

    def effect(self, changed: Mapping[str, Action], new: Group) -> str:
        """Say what a change costs: nobody who calls meets a gap, but for a port that moves."""
        if "replace" in changed.values():
            if new.port and "port" not in changed:
                return f"another service under another name is {kept_port(new.port)}"
            return "another service under another name is made first, then this one goes: a new address"
        moved = "; the port moves, with a gap of a second" if "port" in changed else ""
        secret = {"primary_key", "secondary_key", "auth_enabled", "secure_environment_variables"} & changed.keys()
        rest = {name for name in changed if name not in _QUIET and name not in secret and not _is_idle(name)}
        if rest:
            return f"{told(new.runs.traffic)}{moved}"
        if secret:
            return f"replicas restart one after the other, the new one first: no gap{moved}"
        return f"nothing restarts{moved}"

    def read(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the service; None only if Docker says that nothing is there of it."""
        there = self.apps.look(app_of(group_id), self._claim(known) if known else None)
        facts, shown = self.apps.facts(there), there.serving or next(iter(there.revisions), None)
        if facts is None or shown is None:
            return facts
        seen = drift(known, shown) if known else imported(shown, self.apps.services.secret_texts(shown))
        return replace(facts, drift=seen.if_any)

    def observe(self, group_id: str, known: GroupSpec) -> Observed | None:
        """Look at the replicas and at what became of those before them."""
        there = self.apps.look(app_of(group_id), self._claim(known))
        return observe(self.apps, there) if there.exists else None

    def log(self, group_id: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of one replica's log, or of all of the revision that serves."""
        return read_log(self.apps, self.apps.look(app_of(group_id), self._claim(known)), wish, progress)

    def revisions(self, group_id: str, known: GroupSpec) -> SwarmRevisions:
        """Return the revisions of a service."""
        return SwarmRevisions(self.apps, app_of(group_id), self._claim(known), known.declared.keys)

    def delete(
        self,
        group_id: str,
        progress: Progress,
        known_as: str = "",
        known: GroupSpec | None = None,  # noqa: ARG002  # see ServiceTarget
    ) -> None:
        """Remove the service with all of its revisions."""
        try:
            self.apps.delete(app_of(group_id), self.workspace.claim_known(progress.urn, known_as), progress)
        except Stranger as theirs:
            progress.warn(f"{theirs.message}: it stays")

    def _claim(self, known: GroupSpec) -> Claim | None:
        return self.workspace.claim_known(known.owner, known.known_as)


def warn_of_scale(new: Group, progress: Progress) -> None:
    """Say once what is asked for and Swarm has not: it runs a number of replicas, and never another one by itself."""
    scale = new.runs.scale
    if scale is None:
        return
    asked = [scale.at(name) for name in ("max_replicas", "concurrent_requests", "cool_down") if scale.knows(name)]
    if scale.min_replicas == 0:
        asked.insert(0, f"{scale.at('min_replicas')} 0")
    # as many at most as at least: that is what Swarm does
    if scale.max_replicas is not None and scale.max_replicas == scale.least:
        asked = [one for one in asked if one != scale.at("max_replicas")]
    if asked:
        least = max(1, scale.least)
        runs = "1 replica runs" if least == 1 else f"{least} replicas run"
        effect = "has no effect" if len(asked) == 1 else "have no effect"
        progress.warn(f"Docker Swarm has no autoscaler: {runs}, and {', '.join(asked)} {effect} on this machine")


def _of_nodes(engine: EngineSeen, new: Group) -> list[Finding]:
    """Warn where other nodes cannot pull: to each of them 127.0.0.1 is itself."""
    if engine.nodes < 2 or new.is_unsure("image") or not new.image:
        return []
    try:
        registry = Reference.parse(new.image).registry
    except AcimlError:
        return []
    if not is_local(registry):
        return []
    why = (
        f"the swarm has {engine.nodes} nodes, and {registry} is another registry on each of them: replicas start on "
        "the node that has the image alone; push to a registry that all nodes reach (aciml:registryTarget)"
    )
    return [Finding(new.at("image"), why, Level.WARNING)]


def _is_idle(name: str) -> bool:
    return name in COSTS and COSTS[name].action == "none"
