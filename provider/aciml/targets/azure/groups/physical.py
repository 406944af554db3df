"""Bringing one physical group to a spec: put, made again where the service wants that, and proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ....core.errors import AcimlError, Cancelled
from ....core.progress import Progress
from ....model.access import Access, Account
from ...protocol import GroupSpec
from ..arm.errors import AzureError
from ..arm.patience import Clock
from ..arm.polling import TimedOut
from ..tagged import dropped, folded, merged, of_ours
from . import group
from .calls import GroupCalls, Site, site_of
from .gate import Gate, secrets_of
from .place import resource_group_of
from .state import Seen, is_over, state_in
from .tags import tags_of

if TYPE_CHECKING:
    from ..arm.session import AzureSession

Pull = Callable[[str, Access], Account | None]
"""From an image, and what the group declares of accounts, to the account that pulls it."""
Granted = Callable[[str, Access], bool]
"""Tells whether a role was seen that lets the group's identity pull the image."""
INVALID_UPDATE = "InvalidContainerGroupUpdate"


class NotBrought(AcimlError):
    """The service took the request, or the old group is gone, and then something went wrong: what is there is new."""


class NotServing(NotBrought):
    """The group is there and does not answer as it should; the message tells why, without secrets."""


class Bringer:
    """Works on physical groups; knows nothing of slots and stable names."""

    def __init__(self, session: AzureSession, pull: Pull, granted: Granted) -> None:
        """Speak through ``session``."""
        self.session, self._pull, self._granted = session, pull, granted
        self.calls = GroupCalls(session)

    def site(self, spec: GroupSpec) -> Site:
        """Return where the group of a spec is, or will be."""
        config = self.session.config
        site = site_of(self.session, spec.name, resource_group_of(spec.declared, config))
        location = spec.declared.place.location or config.location
        return replace(site, location=location, size=f"{spec.cpu:g} cores, {spec.memory_gb:g} GiB")

    def body(self, spec: GroupSpec) -> dict[str, Any]:
        """Return the full model of a spec."""
        return group.to_arm(spec, self.session.config, self._pull(spec.image, spec.declared.access))

    def expected(self, spec: GroupSpec) -> dict[str, Any]:
        """Return what a GET is compared with: the same without the account that pulls, which asks nobody."""
        return group.to_arm(spec, self.session.config, None)

    def put(
        self,
        spec: GroupSpec,
        seen: Seen | None,
        progress: Progress,
        clock: Clock,
        *,
        old: GroupSpec | None = None,
    ) -> Seen:
        """Put the full model, over what is there or in its place.

        Args:
            spec: what shall be.
            seen: what is there; None if nothing is.
            progress: hears of it; a warning names the property if the service wants a new group for it.
            clock: bounds it.
            old: what was declared of what is there; of its tags those go that are no longer wanted.

        Raises:
            NotBrought: it went wrong after something was changed.
            AzureError: the service refused, all is as it was.
        """
        site, body = self.site(spec), self.body(spec)

        def granted() -> bool:
            return self._granted(spec.image, spec.declared.access)

        gone = _dropped(old, spec)
        # those that a policy has set go along, or this request would take them away
        body["tags"] = merged(body.get("tags") or {}, (seen or {}).get("tags"), gone)
        with _changing() as changed:
            if seen is not None and is_over(seen):
                progress.note(f"{site.title} is {state_in(seen)} and takes no updates: deleting it and making it again")
                # before the deletion and not after it: if that is cut,
                # nobody knows whether the old group is still there
                changed()
                self.calls.delete(site, progress, clock)
            try:
                seen = self.calls.put(site, body, progress, clock, accepted=changed, granted=granted)
            except AzureError as error:
                # no published list of what cannot change is complete,
                # so the service has the last word (model/cost.py)
                if error.code != INVALID_UPDATE:
                    raise
                progress.warn(f"{error.message}; deleting it and making it again, it does not answer meanwhile")
                changed()
                self.calls.delete(site, progress, clock)
                seen = self.calls.put(site, body, progress, clock, accepted=changed, granted=granted)
            return self._tagged(site, body["tags"], gone, seen, progress, clock)

    def prove(
        self,
        spec: GroupSpec,
        seen: Seen,
        progress: Progress,
        clock: Clock,
        *,
        fresh: bool,
        before: Seen | None = None,
    ) -> Seen:
        """Start the group if it is stopped, and wait until it serves.

        Args:
            spec: what it should be.
            seen: the group as it was just seen.
            progress: hears of it.
            clock: bounds it, and so does the spec's ``startup_timeout``.
            fresh: it was just put, so every restart counts against it.
            before: the group as it was before that, whose restarts the service may go on to count.

        Raises:
            NotServing: it does not.
        """
        site = self.site(spec)
        # one whose containers all ended well is Stopped as well, and has to be made again
        if state_in(seen) == "Stopped" and not is_over(seen):
            self.calls.start(site, progress, clock)
            seen = self.calls.get(site) or seen
        gate = Gate(
            spec,
            look=lambda: self.calls.get(site),
            # read when it is needed: most groups serve, and nobody asks for their logs
            log=lambda container: self.calls.log(site, container),
            progress=progress,
            clock=clock,
        )
        last, failure = gate.wait(seen, fresh=fresh, before=before)
        if failure is not None:
            raise NotServing(failure.describe(f'service "{spec.name}"', secrets_of(spec)))
        return last

    def tag(self, old: GroupSpec, spec: GroupSpec, seen: Seen, progress: Progress, clock: Clock) -> Seen:
        """Set the tags of a spec if they are others, and take away those of ``old``; nothing restarts."""
        gone = _dropped(old, spec)
        return self._tagged(self.site(spec), tags_of(spec), gone, seen, progress, clock)

    def _tagged(
        self, site: Site, wanted: Mapping[str, str], gone: tuple[str, ...], seen: Seen, progress: Progress, clock: Clock
    ) -> Seen:
        """Mend the tags: they are set by PATCH; whether a PUT changes them is not promised.

        Source: terraform-provider-azurerm, "CreateOrUpdate doesn't support to update tags".
        """
        whole = merged(wanted, seen.get("tags"), gone)
        if folded(seen.get("tags")) != folded(whole):
            seen = self.calls.tag(site, whole, progress, clock)
        # no page says whether that PATCH replaces all tags or adds to them
        left = of_ours(seen.get("tags"), dict.fromkeys(gone, ""))
        return self.calls.untag(site, left, seen, progress) if left else seen


def _dropped(old: GroupSpec | None, new: GroupSpec) -> tuple[str, ...]:
    return dropped(tags_of(old), tags_of(new)) if old else ()


@contextmanager
def _changing() -> Iterator[Callable[[], None]]:
    """Give a function that says that something was changed; errors after that are ``NotBrought``."""
    changes: list[bool] = []
    try:
        yield lambda: changes.append(True)
    except (Cancelled, TimedOut):
        raise
    except AcimlError as error:
        if changes:
            # callers tell by this whether there is anything to go back from
            raise NotBrought(error.message, error.advice) from error
        raise
