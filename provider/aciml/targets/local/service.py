"""Services of the local target: containers that run what the registry target has, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ...core.ownership import Claim, Stranger
from ...core.progress import Progress
from ..home.place import Workspace
from ..home.service import HomeServices
from ..observed import LogLine, LogWish, Observed
from ..protocol import GroupFacts, GroupSpec
from .engine import container_of

if TYPE_CHECKING:
    from .group import LocalGroups


class LocalServices(HomeServices):
    """Satisfies ``ServiceTarget``."""

    def __init__(self, groups: Callable[[], LocalGroups], workspace: Workspace, *, doors: bool = False) -> None:
        """Run what ``groups`` brings, behind ``doors`` if that is wanted; nothing is contacted yet."""
        super().__init__(workspace)
        self._open, self._doors = groups, doors

    @cached_property
    def _groups(self) -> LocalGroups:
        # when the first one is looked at: a preview without a change looks at none
        return self._open()

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "local"

    @property
    def gap(self) -> str:
        """Say what callers see when the new container takes over."""
        # a preview does not ask the engine whether there is a door
        first = "then takes over without a gap (one of a second or two where no door is in front yet)"
        return first if self._doors else super().gap

    def id_of(self, name: str) -> str:
        """Return the name of its container."""
        return container_of(name)

    def bring(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Start, adopt or change the group and wait until it answers."""
        return self._groups.bring(spec, claim, progress)

    def find_stranger(self, name: str, claim: Claim) -> Stranger | None:
        """Look at the container of that name."""
        try:
            self._groups.require_own(name, claim)
        except Stranger as refusal:
            return refusal
        return None

    def read(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group; None only if Docker says that its container is not there."""
        return self._groups.read(group_id, self.workspace.claim_known(known.owner, known.known_as) if known else None)

    def observe(self, group_id: str, known: GroupSpec) -> Observed | None:
        """Look at the container and at what the engine remembers of it."""
        return self._groups.observe(group_id, self.workspace.claim_known(known.owner, known.known_as))

    def log(self, group_id: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of the container's log."""
        return self._groups.log(group_id, self.workspace.claim_known(known.owner, known.known_as), wish, progress)

    def delete(
        self,
        group_id: str,
        progress: Progress,
        known_as: str = "",
        known: GroupSpec | None = None,  # noqa: ARG002  # see ServiceTarget
    ) -> None:
        """Remove the container."""
        self._groups.delete(group_id, self.workspace.claim_known(progress.urn, known_as), progress)
