"""The requests about one container group: each waits while another operation on the group is under way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ....core.errors import AcimlError, UserError
from ....core.progress import Progress
from ..arm.errors import AzureError, translated
from ..arm.patience import GOES_ON, ROLE_TRIES, Again, Clock, asked_seconds, looked_for, sent, settled
from ..arm.polling import TimedOut, wait_for
from ..arm.session import AzureSession
from ..tagged import folded
from .state import Seen, is_settled, provisioning_state

if TYPE_CHECKING:
    from azure.mgmt.containerinstance.operations import ContainerGroupsOperations

Result = TypeVar("Result")
KIND = "Microsoft.ContainerInstance/containerGroups"
TRANSITIONING = "ContainerGroupTransitioning"
# a transition ends by itself, so the clock alone bounds it; a registry that refuses may do so for good
BUSY: Mapping[str, int] = {TRANSITIONING: 1000, "RegistryErrorResponse": 3}
"""Codes that ask for the same request again later, and how often that is tried at most."""
INACCESSIBLE = "InaccessibleImage"
TAKEN = "DnsNameLabelAlreadyTaken"
# with a pause of ten seconds between them (BUSY_SECONDS): five minutes
LABEL_TRIES = 30
"""How often a label is asked for whose group was deleted here: it is free some minutes later than the group is gone
(azure-docs, issues about "DnsNameLabelAlreadyTaken" after a deletion)."""
Patience = Mapping[str, tuple[int, Callable[[], bool]]]
"""Code of an answer that may pass by itself -> how often to try again, and whether there is hope."""
_WHY = {
    TAKEN: "its label was that of a group that was deleted just now, and is not free yet",
    INACCESSIBLE: "the role that lets it pull is there, and the service does not know of it yet",
    "RegistryErrorResponse": "the image's registry refused or throttled the pull",
}
LOG_LINES = 200
TAGS_API = "2021-04-01"


@dataclass(frozen=True)
class Site:
    """Where a physical group is, or will be. ``location`` may be empty for one that exists."""

    resource_group: str
    name: str
    id: str
    location: str = ""
    size: str = ""

    @property
    def title(self) -> str:
        """Name it in a sentence."""
        return f"container group {self.name}"


def site_of(session: AzureSession, id_or_name: str, resource_group: str = "") -> Site:
    """Return the site of an ARM id, or of a name in a resource group (the provider's if empty).

    Raises:
        UserError: it is the id of something else, or of another subscription.
    """
    # `pulumi import` takes a name as well as an ARM id, which is what state has
    if not id_or_name.startswith("/"):
        group = resource_group or session.config.resource_group
        # the group of the provider: an import by name cannot say another one
        return Site(group, id_or_name, session.resource_id(KIND, id_or_name, group))
    # /subscriptions/S/resourceGroups/G/providers/N/containerGroups/NAME
    parts = id_or_name.strip("/").split("/")
    if len(parts) != 8 or "/".join(parts[5:7]).lower() != KIND.lower():
        advice = "give .../resourceGroups/<group>/providers/Microsoft.ContainerInstance/containerGroups/<name>"
        raise UserError(f"{id_or_name} is no id of a container group", advice)
    # an id of another subscription would be asked for in ours, and not be found
    if parts[1].lower() != session.config.subscription_id.lower():
        advice = f"set aciml:subscriptionId to {parts[1]}"
        raise UserError(f"{id_or_name} is not in subscription {session.config.subscription_id}", advice)
    return Site(parts[3], parts[7], id_or_name)


class GroupCalls:
    """Requests through the SDK's client, in ARM's JSON: it keeps fields that the SDK's models drop."""

    def __init__(self, session: AzureSession) -> None:
        """Speak through ``session``."""
        self._session = session
        # labels of groups that were seen, by id, and those whose group was deleted here since
        # for deletions: the label is freed some minutes after the group is gone, and only of our own we know that
        self._labels: dict[str, str] = {}
        self._freed: set[str] = set()

    @property
    def _groups(self) -> ContainerGroupsOperations:
        return self._session.containers.container_groups

    def get(self, site: Site) -> Seen | None:
        """Look at a group; None only if it is certainly gone."""
        try:
            with translated(f"looking at {site.title}"):
                found: Seen = self._groups.get(site.resource_group, site.name, cls=_json)  # type: ignore[assignment]  # what cls returns
                # before the deletion nobody asks for it: it is kept by each look
                self._labels[site.id.lower()] = _label_in(found)
                return found
        except AzureError as error:
            if error.gone:
                return None
            raise

    def get_settled(self, site: Site, progress: Progress, clock: Clock) -> Seen | None:
        """Look at a group when no operation on it is under way any more.

        Raises:
            TimedOut: the operation takes longer than the clock has.
        """
        return settled(site.title, lambda: self.get(site), provisioning_state, is_settled, progress, clock)

    def put(
        self,
        site: Site,
        body: Mapping[str, Any],
        progress: Progress,
        clock: Clock,
        *,
        accepted: Callable[[], None],
        granted: Callable[[], bool] = lambda: False,
    ) -> Seen:
        """Put the full model and wait until the service is done with it.

        Args:
            site: where.
            body: ARM's JSON.
            progress: hears of it.
            clock: bounds it.
            accepted: called as soon as the service has taken the request; what fails later may have changed something.
            granted: tells whether a role lets the group pull, so that it is only the service that does not know yet.
        """
        what, tried = f"putting {site.title}", {"region": site.location, "size": site.size}
        # a label that somebody else has will not be free by waiting: then it is told at once
        patience = {INACCESSIBLE: (ROLE_TRIES, granted), TAKEN: (LABEL_TRIES, lambda: _label_in(body) in self._freed)}
        # bytes, because the SDK's models drop fields that they do not know
        content = json.dumps(body).encode()
        poller = self._sent(
            what,
            lambda: self._groups.begin_create_or_update(site.resource_group, site.name, content, cls=_json),  # type: ignore[call-overload]  # bytes are an IO
            progress,
            clock,
            tried,
            patience,
        )
        # here and not after the wait: from the 201 on the old group is no more what it was
        accepted()
        try:
            found: Seen = wait_for(poller, what, progress, timeout=clock.left, **tried)
        except AzureError as error:
            return self._looked_at(site, error, progress, clock)
        return found

    def _looked_at(self, site: Site, error: AzureError, progress: Progress, clock: Clock) -> Seen:
        """Return the group if it was put all the same: a question about an operation may fail, and it goes on.

        Raises:
            AzureError: the operation failed, as the group says too.
            TimedOut: nobody can be asked; whoever goes back now would disturb an operation that goes well.
        """
        # told by an answer with 200: the operation itself has failed (``errors.AzureError``)
        # 0 means that there was no answer at all, 400 and more that the question was wrong
        if 0 < error.status < 400:
            raise error
        try:
            seen = self._new(site, progress, clock)
        except AzureError as again:
            raise TimedOut(f"{error.message}; nor can {site.title} be looked at: {again.message}", GOES_ON) from error
        # the two ends of an operation that is over without success (ARM, "async operations")
        if seen is None or provisioning_state(seen).lower() in {"failed", "canceled"}:
            raise error
        progress.note(f"{error.message}; {site.title} itself is {provisioning_state(seen)}, that counts")
        return seen

    def _new(self, site: Site, progress: Progress, clock: Clock) -> Seen | None:
        """Look at a group that was just put, until the operation on it is done; a 404 has to last to be believed."""
        return looked_for(lambda: self.get_settled(site, progress, clock), progress, clock, there=True)

    def tag(self, site: Site, tags: Mapping[str, str], progress: Progress, clock: Clock) -> Seen:
        """Set the tags by PATCH, which does not restart anything."""
        from azure.mgmt.containerinstance.models import Resource

        # the only thing that this PATCH takes (ContainerGroups_Update)
        what = f"setting tags of {site.title}"
        change = Resource(tags=dict(tags))
        found: Seen = self._sent(
            what,
            lambda: self._groups.update(site.resource_group, site.name, change, cls=_json),  # type: ignore[arg-type,return-value]  # what cls returns
            progress,
            clock,
        )
        return found

    def untag(self, site: Site, tags: Mapping[str, str], seen: Seen, progress: Progress) -> Seen:
        """Take tags away, by the request that all resources of Azure have for it; return the group without them."""
        # PATCH of the group adds tags, and takes none away
        path = f"{site.id}/providers/Microsoft.Resources/tags/default"
        body = {"operation": "Delete", "properties": {"tags": dict(tags)}}
        self._session.call("PATCH", path, TAGS_API, body, f"taking tags of {site.title} away", progress)
        return {
            **seen,
            "tags": {name: value for name, value in seen["tags"].items() if name.lower() not in folded(tags)},
        }

    def start(self, site: Site, progress: Progress, clock: Clock) -> None:
        """Start a stopped group."""
        what = f"starting {site.title}"
        poller = self._sent(what, lambda: self._groups.begin_start(site.resource_group, site.name), progress, clock)
        try:
            wait_for(poller, what, progress, timeout=clock.left)
        except AzureError as error:
            self._looked_at(site, error, progress, clock)

    def delete(self, site: Site, progress: Progress, clock: Clock) -> None:
        """Remove a group and wait until it is gone; fine if it is gone already."""
        what = f"deleting {site.title}"
        # remembered before: afterwards nothing has it any more
        if label := self._labels.get(site.id.lower()):
            self._freed.add(label)
        try:
            poller = self._sent(
                what, lambda: self._groups.begin_delete(site.resource_group, site.name, cls=_nothing), progress, clock
            )
            wait_for(poller, what, progress, timeout=clock.left)
        except AzureError as error:
            # whatever is wrong with the operation's own URL: what counts is that the group is gone
            if not error.gone and (error.status < 400 or not self._goes(site, progress, clock)):
                raise

    def _goes(self, site: Site, progress: Progress, clock: Clock) -> bool:
        """Tell whether a group that is to be deleted is gone soon."""
        # a 404 counts at once here, as that is what is waited for
        return looked_for(lambda: self.get_settled(site, progress, clock), progress, clock, there=False) is None

    def log(self, site: Site, container: str) -> tuple[str, ...]:
        """Return the last lines of a container's log; nothing if it cannot be read."""
        try:
            with translated(f"reading the log of {site.title}"):
                logs = self._session.containers.containers.list_logs(
                    site.resource_group, site.name, container, tail=LOG_LINES
                )
        except AcimlError:
            # the log explains a failure: when it cannot be read, that failure still has to be told
            return ()
        return tuple(line.rstrip() for line in (logs.content or "").splitlines())

    def _sent(
        self,
        what: str,
        send: Callable[[], Result],
        progress: Progress,
        clock: Clock,
        tried: Mapping[str, str] | None = None,
        patience: Patience = MappingProxyType({}),
    ) -> Result:
        """Send a request, again and again while the group is busy."""

        def again(error: AzureError, tries: int) -> Again | None:
            why = _WHY.get(error.code, "another operation is under way")
            return Again(asked_seconds(error), why) if tries <= _tries(error, patience) else None

        # what was tried goes into the message: quota and capacity are matters of region and size
        return sent(self._session, KIND, what, send, progress, clock, again, **(tried or {}))


def _tries(error: AzureError, patience: Patience) -> int:
    """Return how often a request is tried again after this answer."""
    often, passes = patience.get(error.code, (BUSY.get(error.code, 0), lambda: True))
    return often if passes() else 0


def _label_in(group: Mapping[str, Any]) -> str:
    """Return the DNS label in a request or an answer, in lower case; empty if there is none."""
    address = (group.get("properties") or {}).get("ipAddress") or {}
    return str(address.get("dnsNameLabel") or "").lower()


def _json(pipeline_response: Any, _model: Any, _headers: Any) -> Any:
    return json.loads(pipeline_response.http_response.text())


def _nothing(_response: Any, _model: Any, _headers: Any) -> None:
    return None
