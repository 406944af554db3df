"""Container apps of a subscription, as the service target has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...core.credentials import Credentials
from ...core.errors import AcimlError, Finding
from ...core.progress import Progress
from ...model.group import Group
from ..observed import LogLine, LogWish, Observed
from ..protocol import Action, GroupFacts, GroupSpec
from ..revisions import Revisions
from .account import Account
from .apps import change, image, limits
from .service import NAMES


class AzureAppTarget:
    """Satisfies ``ServiceTarget``."""

    def __init__(self, account: Account) -> None:
        """Contact nobody."""
        self._account = account

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "azure"

    def defaults(self, runs_on: str = "") -> Group:  # noqa: ARG002 - apps alone
        """Return what the service and the provider's configuration say when a property is not given."""
        config, said = self._account.config, limits.DEFAULTS
        return said.but(place=said.place.but(resource_group=config.resource_group, location=config.location))

    def default_name(self, urn: str) -> str:
        """Return a name with resource, project and stack in it."""
        return self._account.default_name(urn, NAMES, "-group")

    def judge(self, old: Group | None, new: Group, progress: Progress) -> list[Finding]:
        """Judge by the service's limits, each with its number; then by what there is, which is asked."""
        # what is wrong by itself need not be asked about
        if findings := limits.judge_app(old, new, self._account.config):
            return findings
        found = [*image.judge(old, new, self._credentials, self._account.ca_bundle), *self._labels(old, new)]
        if not found:
            self._account.apps.warn_of_room(old, new, progress)
        return found

    def _credentials(self, login_server: str) -> Credentials:
        return self._account.registries.credentials(login_server)

    def _labels(self, old: Group | None, new: Group) -> list[Finding]:
        """Report a label that somebody else's revision has; of a new app there is none."""
        traffic = new.runs.traffic
        if old is None or traffic is None or new.name is None or new.runs.traffic == old.runs.traffic:
            return []
        try:
            taken = self._account.apps.label_taken(new, traffic.named)
        except AcimlError:
            # an outage is not judged; the update asks again
            return []
        if not taken:
            return []
        why = f'the label "{traffic.named}" leads to revision {taken}, which was not made here'
        return [traffic.finding("label", f"{why}; choose another label, or take it off that revision")]

    def changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name what differs, by the table of costs."""
        return change.app_changes(old, new, self._account.config)

    def effect(self, changed: Mapping[str, Action], new: Group) -> str:
        """Say what a change costs, and which steps a new revision takes."""
        return change.effect(changed, new)

    def create(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Create or adopt the app and wait until it answers."""
        return self._account.apps.create(spec, progress)

    def update(self, group_id: str, old: GroupSpec, new: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring the app from one spec to the other; a revision that fails gets no request."""
        return self._account.apps.update(group_id, old, new, progress)

    def read(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the app; None only if ARM says 404."""
        return self._account.apps.read(group_id, known)

    def find(self, declared: Group) -> GroupFacts | None:
        """Look at the app of that name, in its own resource group."""
        return self.read(self._account.apps.site(GroupSpec(declared)).id)

    def delete(
        self,
        group_id: str,
        progress: Progress,
        known_as: str = "",
        known: GroupSpec | None = None,  # noqa: ARG002  # see ServiceTarget
    ) -> None:
        """Remove the app, and the environment that was made for it if it was the last one there."""
        self._account.apps.delete(group_id, progress, known_as)

    def observe(self, group_id: str, known: GroupSpec) -> Observed | None:
        """Look at the replicas of what serves; None only if ARM says 404."""
        return self._account.apps.observe(group_id, known)

    def log(self, group_id: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of a replica's log."""
        return self._account.apps.log(group_id, known, wish, progress)

    def revisions(self, group_id: str, known: GroupSpec) -> Revisions:
        """Return the revisions of an app."""
        return self._account.apps.revisions(group_id, known)

    @property
    def has_labels(self) -> bool:
        """Say no: the host name of an app is made of its name."""
        return False

    @property
    def starts_as_root(self) -> bool:
        """Say no: the server listens on a port that anybody may have."""
        return False

    def largest_image(self) -> int:
        """Return the limit of Container Apps."""
        return limits.LARGEST_IMAGE
