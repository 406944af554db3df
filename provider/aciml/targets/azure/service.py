"""Container groups of a subscription, as the service target has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...core.errors import Finding
from ...core.names import NameRule
from ...core.progress import Progress
from ...model.group import Group
from ..observed import LogLine, LogWish, Observed
from ..protocol import Action, GroupFacts, GroupSpec
from ..revisions import Revisions
from .account import Account
from .groups import change, defaults

NAMES = NameRule(32)
"""Container groups take 63 characters, container apps 32: a service that moves keeps its name."""
LARGEST_IMAGE = 15_000_000_000
"""Bytes. Source: Azure Container Instances, "resource availability and quota limits"."""


class AzureServiceTarget:
    """Satisfies ``ServiceTarget``."""

    def __init__(self, account: Account) -> None:
        """Contact nobody."""
        self._account = account

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "azure"

    def defaults(self, runs_on: str = "") -> Group:  # noqa: ARG002 - of container groups alone
        """Return what the service and the provider's configuration say when a property is not given."""
        config, said = self._account.config, defaults.DEFAULTS
        return said.but(place=said.place.but(resource_group=config.resource_group, location=config.location))

    def default_name(self, urn: str) -> str:
        """Return a name with resource, project and stack in it."""
        return self._account.default_name(urn, NAMES, "-group")

    def judge(self, old: Group | None, new: Group, progress: Progress) -> list[Finding]:
        """Judge by the service's limits, and by what the region has left, which it is asked."""
        # what is wrong by itself need not be asked about
        return defaults.judge_group(new) or self._account.rooms.judge(old, new, progress)

    def changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name what differs, by the table of rules."""
        # the place goes along: a subnet by its names is the same as by its id only in a known subscription
        return change.group_changes(old, new, self._account.config)

    def effect(self, changed: Mapping[str, Action], new: Group) -> str:
        """Say what a change costs, by the table of costs and the rollout."""
        return change.effect(changed, new)

    def create(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Create or adopt the container group and wait until it answers."""
        return self._account.groups.create(spec, progress)

    def update(self, group_id: str, old: GroupSpec, new: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring the group from one spec to the other; what fails goes back."""
        return self._account.groups.update(group_id, old, new, progress)

    def read(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group; None only if ARM says 404."""
        return self._account.groups.read(group_id, known)

    def find(self, declared: Group) -> GroupFacts | None:
        """Look at the group of that name."""
        return self.read(str(declared.name))

    def observe(self, group_id: str, known: GroupSpec) -> Observed | None:
        """Look at what serves; None only if ARM says 404."""
        return self._account.groups.observe(group_id, known)

    def log(self, group_id: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of a container's log: the service keeps that of the run of now alone."""
        return self._account.groups.log(group_id, known, wish, progress)

    def delete(self, group_id: str, progress: Progress, known_as: str = "", known: GroupSpec | None = None) -> None:
        """Remove the group, and what a rollout left beside it."""
        self._account.groups.delete(group_id, progress, known_as, known)

    def revisions(self, group_id: str, known: GroupSpec) -> Revisions | None:  # noqa: ARG002  # see ServiceTarget
        """Return None: a container group has no revisions, its slots come and go within an update."""
        return None

    @property
    def has_labels(self) -> bool:
        """Say yes: a public group has a DNS label, which one group in a region can have."""
        return True

    @property
    def starts_as_root(self) -> bool:
        """Say yes: ports are not mapped, 80 and 443 are the usual ones, and nothing promises them to other users."""
        return True

    def largest_image(self) -> int:
        """Return the limit of Container Instances."""
        return LARGEST_IMAGE
