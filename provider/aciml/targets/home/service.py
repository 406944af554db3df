"""Services on this machine: v1's defaults, and what an image says about itself is judged before it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from ...core.errors import Finding
from ...core.ownership import Claim, Stranger
from ...core.progress import Progress
from ...model.declared import differing, read, rows_of
from ...model.group import FIELDS, Group
from ..image_told import judge_variables
from ..protocol import Action, GroupFacts, GroupSpec
from ..revisions import Revisions
from ..runs_on import kept_port
from .place import GROUP, Workspace

_IDLE = {name: field for name, field in FIELDS.items() if field.scope == "cloud"}
"""What is judged here and has no effect, so that what previews at home previews in the cloud."""
_IDLE_LEAVES = frozenset(name for name, row in rows_of(Group).items() if row.scope == "cloud")
COSTS = {name: row.cost for name, row in rows_of(Group).items() if row.cost}
_LIMITS = ("cpu_cores", "memory_gb", "cpu_limit", "memory_limit")
"""What Docker changes of a container that runs (`docker update`)."""


class HomeServices(ABC):
    """All of ``ServiceTarget`` but what looks at the place itself; see ``HomeRegistries``."""

    def __init__(self, workspace: Workspace) -> None:
        """Work for ``workspace``."""
        self.workspace = workspace

    @abstractmethod
    def bring(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Bring a group to ``spec``, whatever is there, as long as it is covered by ``claim``."""

    @abstractmethod
    def find_stranger(self, name: str, claim: Claim) -> Stranger | None:
        """Return the refusal of what has that name and is not covered by ``claim``; None if there is no such thing."""

    def find(self, declared: Group) -> GroupFacts | None:
        """Look at the group of that name."""
        return self.read(self.id_of(str(declared.name)))

    @abstractmethod
    def id_of(self, name: str) -> str:
        """Return the id of the group of that name."""

    @abstractmethod
    def read(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at a group, by its id."""

    def create(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start the group, or adopt what an interrupted creation left, and wait until it answers."""
        return self.bring(spec, self.workspace.claim(spec.owner), progress)

    def update(
        self,
        group_id: str,  # noqa: ARG002 - it follows from the name, and another name is another group
        old: GroupSpec,
        new: GroupSpec,
        progress: Progress,
    ) -> GroupFacts:
        """Bring the group to ``new``."""
        return self.bring(new, self.workspace.claim(new.owner, old.known_as), progress)

    def defaults(self, runs_on: str = "") -> Group:  # noqa: ARG002 - both kinds have v1's
        """Return nothing: v1's defaults hold."""
        return read(Group, {})

    def default_name(self, urn: str) -> str:
        """Return a name with resource, project and stack in it, and digits that other clones do not have."""
        return self.workspace.default_name(urn, GROUP)

    def judge(self, old: Group | None, new: Group, progress: Progress) -> list[Finding]:
        """Judge variables and name, also whether somebody else has it; warn of what has no effect here."""
        self.workspace.warn_of_idle(old, new, _IDLE, progress)
        name = new.name
        findings = [*judge_variables(new), *GROUP.findings(name)]
        # a name that is kept is in use by this very group
        if findings or name is None or (old and name == old.name):
            return findings
        return self.workspace.taken(name, progress.urn, self.find_stranger)

    def changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name the properties that differ; only another name is another group."""
        names = {*differing(old.declared, new.declared)}
        # the declaration has the files' paths; it is their contents that make another container
        if old.certificate != new.certificate:
            names |= {"ssl_enabled", "certificate_hash"}
        return {name: "replace" if name == "name" else "update" for name in sorted(names)}

    def effect(self, changed: Mapping[str, Action], new: Group) -> str:
        """Say what a change costs: a new container is proven on a port of its own, then takes the old one's place."""
        if "replace" in changed.values():
            if new.port and "port" not in changed:
                return f"another container under another name is {kept_port(new.port)}"
            return "another container under another name is made first, then this one goes: a new address"
        if all(name in _IDLE_LEAVES or COSTS[name].action == "none" for name in changed):
            return "nothing restarts"
        if all(name in _LIMITS or name in _IDLE_LEAVES or COSTS[name].action == "none" for name in changed):
            return "nothing restarts where the engine can change the limits of a container that runs"
        moved = "; a new address" if "port" in changed or "ssl_enabled" in changed else "; the address stays"
        return f"a restart: the new container is proven beside the old one, {self.gap}{moved}"

    @property
    def gap(self) -> str:
        """Say what callers see when the new container takes over."""
        return "then a gap of a second or two"

    def revisions(self, group_id: str, known: GroupSpec) -> Revisions | None:  # noqa: ARG002  # see ServiceTarget
        """Return None: a container has no revisions."""
        return None

    @property
    def has_labels(self) -> bool:
        """Say no: services on this machine differ by their ports."""
        return False

    @property
    def starts_as_root(self) -> bool:
        """Say no: the engine maps the port, and the server listens on one that anybody may have."""
        return False

    def largest_image(self) -> int:
        """Return 0: this machine's disk is the only limit."""
        return 0
