"""Container groups as the target protocol has them: created or adopted, updated with a way back, read, removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from ....core.errors import AcimlError, Cancelled
from ....core.progress import Progress
from ....core.reference import Reference
from ...observed import LogLine, LogWish, Observed
from ...protocol import GroupFacts, GroupFailed, GroupSpec
from ..arm.patience import GOES_ON, Clock
from ..arm.polling import TimedOut
from ..ownership import may_touch
from . import group
from .calls import Site, site_of
from .change import COSTS, plan
from .down import down
from .drift import drift, imported
from .gate import secrets_of
from .observed import observe, read_log
from .physical import Bringer, Granted, NotBrought, NotServing, Pull
from .rollout import Rollout
from .slots import BASE, is_blue_green, owned_by, owner_told, require_own, slot_site, stranger
from .state import Seen, facts_in, is_over

if TYPE_CHECKING:
    from ..arm.session import AzureSession


class AzureGroups:
    """All container groups of one subscription. The id of a group is its ARM id, also while slots serve for it."""

    def __init__(self, session: AzureSession, pull: Pull, granted: Granted = lambda _image, _access: False) -> None:
        """Speak through ``session``; ``pull`` tells how a group pulls an image, ``granted`` whether by a known role."""
        self._session = session
        self._bringer = Bringer(session, pull, granted)
        self._rollout = Rollout(self._bringer)
        # by urn: a replacement under the old name comes as a deletion, and a creation after it
        self._deleted: dict[str, datetime] = {}

    def create(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Make the group, or adopt the one that an interrupted run has left, and wait until it serves.

        Raises:
            Stranger: a group of this name belongs to somebody else.
            AzureError: the service refused; nothing exists.
            GroupFailed: it exists and does not serve, or the wait was stopped. If this run has deleted the one before,
                the message says since when nothing serves.
        """
        try:
            return self._created(spec, progress)
        except AcimlError as error:
            raise down(error, self._deleted.get(progress.urn)) from error.__cause__

    def _created(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        clock, site = Clock(progress.timeout), self._bringer.site(spec)
        # first: without it the PUT answers 404, which says less than what is to be done
        self._session.ensure_resource_group(site.resource_group, progress)
        if is_blue_green(spec):
            return self._create_slot(spec, progress, clock)
        seen = self._bringer.calls.get(site)
        # the tag alone: a PUT over it would restart, and change, what another stack runs
        if seen is not None and not owned_by(seen, spec):
            raise stranger(site, seen, spec)
        with self._keeping(spec):
            return self._facts(spec, self._adopted(site, spec, seen, progress, clock))

    def update(self, id_: str, old: GroupSpec, new: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring the group from one spec to the other, by as little as that takes.

        Raises:
            Stranger: another stack has made a group of this name since.
            AzureError: the service refused; all is as it was.
            GroupFailed: the new one does not serve; the message says what serves now.
        """
        clock = Clock(progress.timeout)
        # the usual case costs one GET; slots are looked for only where there can be some
        if not (is_blue_green(new) or is_blue_green(old)):
            seen = self._bringer.calls.get_settled(site_of(self._session, id_), progress, clock)
            if seen is not None:
                require_own(site_of(self._session, id_), seen, old, new)
                # what the service refused has changed nothing, so state stays as it is
                with self._keeping(new, known=old, refused_is_harmless=True):
                    return self._updated(old, new, seen, progress, clock)
        present = self._rollout.look(new, progress, clock)
        if not present.groups:
            return self.create(new, progress)
        for slot, seen in present.groups.items():
            require_own(slot_site(self._bringer.site(new), slot), seen, old, new)
        # it was to become blue-green and never did, so there is nothing to move back
        if BASE in present.groups and len(present.groups) == 1 and not is_blue_green(new):
            with self._keeping(new, known=old, refused_is_harmless=True):
                return self._updated(old, new, present.groups[BASE], progress, clock)
        with self._keeping(new, known=old):
            return self._rollout.update(old, sendable(old, new), new, present, progress, clock)

    def read(self, id_: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group, by ARM id or by name; None only if ARM says 404.

        Raises:
            Stranger: state knows another one of this name.
        """
        site = site_of(self._session, id_, known.declared.place.resource_group or "" if known else "")
        seen = None if known is not None and is_blue_green(known) else self._bringer.calls.get(site)
        if seen is None:
            return self._rollout.read(site, known)
        # state would remember its tag as ours, and the next deletion would take it
        if known is not None and not may_touch(seen.get("tags"), known.owner, known.known_as):
            raise stranger(site, seen, known)
        facts = facts_in(seen, id_=site.id, name=site.name)
        if known is None:
            return replace(facts, drift=imported(seen))
        return replace(facts, drift=drift(known, self._bringer.expected(known), seen).if_any)

    def serving(self, id_: str, known: GroupSpec) -> tuple[Site, Seen] | None:
        """Return the physical group that serves: the one of the service's name, or a slot; None if all are gone.

        Raises:
            Stranger: state knows another one of this name.
        """
        site = site_of(self._session, id_, known.declared.place.resource_group or "")
        seen = None if is_blue_green(known) else self._bringer.calls.get(site)
        if seen is None:
            return self._rollout.serving(site, known)
        if not may_touch(seen.get("tags"), known.owner, known.known_as):
            raise stranger(site, seen, known)
        return site, seen

    def observe(self, id_: str, known: GroupSpec) -> Observed | None:
        """Look at containers and events of what serves; None only if it is gone."""
        found = self.serving(id_, known)
        return observe(*found) if found else None

    def log(self, id_: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of a container's log; nothing if the group is gone."""
        return read_log(self._session, lambda: self.serving(id_, known), known.declared, wish, progress)

    def delete(self, id_: str, progress: Progress, known_as: str = "", known: GroupSpec | None = None) -> None:
        """Remove the group and its slots; fine if they are gone. What another stack made is left, with a warning."""
        clock, site = Clock(progress.timeout), site_of(self._session, id_)
        # first, so that no gateway sends anybody to a group that is on its way out
        if known is not None:
            self._rollout.forget(site, known, progress, known_as)
        seen = self._bringer.calls.get(site)
        if seen is not None and not may_touch(seen.get("tags"), progress.urn, known_as):
            progress.warn(f"{site.title} belongs to {owner_told(seen)}: it stays")
        elif seen is not None:
            self._deleted[progress.urn] = datetime.now(UTC)
            self._bringer.calls.delete(site, progress, clock)
        # also for a service in place: it may have been blue-green before, and a killed run may have left a slot
        self._rollout.delete_slots(site, progress, clock, known_as)

    def _create_slot(self, spec: GroupSpec, progress: Progress, clock: Clock) -> GroupFacts:
        present = self._rollout.look(spec, progress, clock)
        for slot, seen in present.groups.items():
            if not owned_by(seen, spec):
                raise stranger(slot_site(self._bringer.site(spec), slot), seen, spec)
        with self._keeping(spec):
            return self._rollout.create(spec, present, progress, clock)

    def _adopted(self, site: Site, spec: GroupSpec, seen: Seen | None, progress: Progress, clock: Clock) -> Seen:
        """Make the group, or bring one of ours to the spec."""
        if seen is not None:
            progress.note(f"{site.title} is there already and is ours: going on with it")
            seen = self._bringer.calls.get_settled(site, progress, clock)
        # what needs no PUT gets none: each one restarts the
        # containers, even with an equal body (Microsoft, update page)
        before, fresh = seen, seen is None or self._must_be_put(spec, seen)
        if seen is None or fresh:
            if seen is not None and self._is_replaced(spec, seen):
                # first: a PUT of what cannot change in place is refused (InvalidContainerGroupUpdate)
                self._bringer.calls.delete(site, progress, clock)
                seen = None
            seen = self._bringer.put(spec, seen, progress, clock)
        return self._bringer.prove(spec, seen, progress, clock, fresh=fresh, before=before)

    def _must_be_put(self, spec: GroupSpec, seen: Seen) -> bool:
        """Tell whether what is there may differ from the spec: secrets cannot be seen."""
        return is_over(seen) or has_secrets(spec) or bool(drift(spec, self._bringer.expected(spec), seen).names)

    def _is_replaced(self, spec: GroupSpec, seen: Seen) -> bool:
        differs = drift(spec, self._bringer.expected(spec), seen).names
        return any(COSTS[name].action == "replace" for name in differs)

    def _updated(self, old: GroupSpec, new: GroupSpec, seen: Seen, progress: Progress, clock: Clock) -> GroupFacts:
        wanted = plan(old, new, self._session.config)
        if wanted == "nothing" and (is_over(seen) or drift(new, self._bringer.expected(new), seen).names):
            wanted = "put"  # an interrupted run, or somebody's hand
        if wanted in {"nothing", "tags"}:
            # PATCH sets tags and nothing else, and restarts nothing
            if wanted == "tags":
                seen = self._bringer.tag(old, new, seen, progress, clock)
            return self._facts(new, self._bringer.prove(new, seen, progress, clock, fresh=False))
        if wanted == "replace":
            progress.note(f"{self._bringer.site(new).title} has to be made again for this change")
        return self._put(old, new, seen, progress, clock, remake=wanted == "replace")

    def _put(
        self, old: GroupSpec, new: GroupSpec, seen: Seen, progress: Progress, clock: Clock, *, remake: bool
    ) -> GroupFacts:
        """Put the new spec and prove it; what fails goes back to the old one."""
        now: Seen | None = seen
        since = datetime.now(UTC)
        try:
            if remake:
                self._bringer.calls.delete(self._bringer.site(new), progress, clock)
                now = None
            now = self._bringer.put(new, now, progress, clock, old=old)
            return self._facts(new, self._bringer.prove(new, now, progress, clock, fresh=True, before=seen))
        except (Cancelled, TimedOut):
            # no way back here: the operation goes on in Azure, and another one would be answered by 409 until it ends
            raise
        except AcimlError as error:
            # what was refused has not touched the old one; after a deletion it has to come back whatever went wrong
            if not (remake or isinstance(error, NotBrought)):
                raise
            if not new.rollback:
                raise down(error, since) from error.__cause__
            self._go_back(sendable(old, new), error, since, progress)

    def _go_back(self, old: GroupSpec, why: AcimlError, since: datetime, progress: Progress) -> NoReturn:
        """Bring the old spec back in time of its own, and tell how that went."""
        digest, clock = short_digest(old), Clock(0)
        progress.warn(f"{why.message.splitlines()[0]}; going back to {digest}")
        try:
            there = self._bringer.calls.get_settled(self._bringer.site(old), progress, clock)
            seen = self._bringer.put(old, there, progress, clock)
            seen = self._bringer.prove(old, seen, progress, clock, fresh=True, before=there)
        except (Cancelled, TimedOut):
            # the way back is an operation like any other: it goes on, and the next run finds it
            raise
        except AcimlError as error:
            tried = "but that does not serve either" if isinstance(error, NotServing) else "but that could not be done"
            text = f"{why.message}\nwent back to {digest}, {tried}: {error.message}"
            raise down(GroupFailed(text, self._glance(old), why.advice or error.advice), since) from error
        raise GroupFailed(
            f"{why.message}\nwent back to {digest}, which serves again", self._facts(old, seen), why.advice
        ) from why

    def _facts(self, spec: GroupSpec, seen: Seen | None) -> GroupFacts:
        """Return what is known of a group that was just asked for; without a look at it, what it should be."""
        site = self._bringer.site(spec)
        if seen is None:
            return GroupFacts(site.id, spec.name, spec.image, spec.cpu, spec.memory_gb, spec.port, "", "Unknown")
        return facts_in(seen, id_=site.id, name=spec.name)

    def _glance(self, spec: GroupSpec) -> GroupFacts | None:
        """Look once more before giving up; None only if there is certainly nothing."""
        try:
            if is_blue_green(spec):
                return self._rollout.read(self._bringer.site(spec), spec, compare=False)
            seen = self._bringer.calls.get(self._bringer.site(spec))
        except AcimlError:
            # an outage while we look tells nothing: state keeps the id rather than lose a group that costs money
            return self._facts(spec, None)
        return None if seen is None else self._facts(spec, seen)

    @contextmanager
    def _keeping(
        self, spec: GroupSpec, known: GroupSpec | None = None, *, refused_is_harmless: bool = False
    ) -> Iterator[None]:
        """Let state keep what exists when something goes wrong in the middle."""
        try:
            yield
        except GroupFailed:
            raise
        except AcimlError as error:
            stopped = isinstance(error, Cancelled)
            # a plain error keeps the state of before, which is still true (decisions/plugin.md)
            if refused_is_harmless and not stopped and not isinstance(error, NotBrought):
                raise
            # the old spec too: between in_place and blue_green what there is may be found by that one alone
            facts = self._glance(spec) or (self._glance(known) if known else None)
            if facts is None:
                raise
            # "what is finished is kept" is said by the advice; below it may stand since when nothing serves
            message = "cancelled" + "".join(error.message.partition("\n")[1:]) if stopped else error.message
            advice = error.advice or ("" if isinstance(error, NotServing) else GOES_ON)
            raise GroupFailed(message, facts, GOES_ON if stopped else advice) from error


def short_digest(spec: GroupSpec) -> str:
    """Return the digest of a spec's image, or the whole reference if it has none."""
    return Reference.parse(spec.image).digest or spec.image


def has_secrets(spec: GroupSpec) -> bool:
    """Tell whether a request carries anything that a GET does not show."""
    # answers lack secure values, passwords and keys of accounts, and have secret volumes as {} (the specification's
    # examples): whether they are still the same, nobody can see
    return spec.certificate is not None or any(secrets_of(spec))


def sendable(old: GroupSpec, new: GroupSpec) -> GroupSpec:
    """Return ``old`` with what its state does not keep, so that it can be sent again.

    Secrets that cannot be read back are taken to be those of ``new``, and so are the files of a certificate: of the one
    it had only the hash is known.
    """
    certificate = old.certificate
    if certificate is not None and not certificate.key:
        # the nearest there is: a group without any would not answer by TLS at all
        certificate = new.certificate
    return replace(old, certificate=certificate, declared=group.with_secrets(old.declared, new.declared))
