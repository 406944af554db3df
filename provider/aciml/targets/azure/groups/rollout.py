"""Updates beside what serves: a second group is made and proven, the stable name moves to it, the first one goes.

What an interrupted run left is found by name and tags, so every run begins by looking: what the stable name leads to
serves, all else is material.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NoReturn

from ....core.errors import AcimlError, Cancelled
from ....core.progress import Progress
from ....model.rollout import BLUE_GREEN
from ...protocol import Drift, GroupFacts, GroupFailed, GroupSpec
from ..arm.patience import Clock
from ..arm.polling import TimedOut
from ..ownership import may_touch
from .calls import Site
from .change import plan
from .down import down
from .drift import drift, imported
from .network import label_of
from .physical import Bringer
from .pointer import Label, Pointed, StableName
from .slots import (
    BASE,
    SLOTS,
    Present,
    find_settled,
    find_slots,
    is_blue_green,
    owner_told,
    physical,
    slot_site,
    stranger,
    without_marks,
)
from .stable_name import stable_name, wait_out
from .state import Seen, address_of, facts_in, is_over, port_in, speaks_tls


@dataclass(frozen=True)
class Move:
    """One change of the group that serves: from one slot to another. ``old`` None: nobody knows what was there."""

    old: GroupSpec | None
    new: GroupSpec
    present: Present
    serving: str | None
    target: str
    stable: StableName


class Rollout:
    """Brings services that have slots, or had them, or shall have them, to their specs."""

    def __init__(self, bringer: Bringer) -> None:
        """Work with ``bringer`` on physical groups."""
        self._bringer = bringer
        self._session, self._calls = bringer.session, bringer.calls

    def look(self, spec: GroupSpec, progress: Progress, clock: Clock) -> Present:
        """Return what exists of a service, settled."""
        return find_settled(self._calls, self._bringer.site(spec), spec, progress, clock)

    def create(self, spec: GroupSpec, present: Present, progress: Progress, clock: Clock) -> GroupFacts:
        """Make the first group of a service, or go on with what an interrupted run left.

        Raises:
            NotServing: it does not serve; it is kept.
        """
        stable = stable_name(self._session, spec)
        holder = stable.holder(present.groups)
        # it was made in place before, and serves: the first slot has to be proven beside it
        # updated in place until now, under the plain name
        if BASE in present.groups:
            return self.move(self._move_of(None, spec, present), progress, clock)
        # what an interrupted run left is put over rather than deleted: it has pulled the image by then
        slot = holder or present.best or SLOTS[0]
        there = physical(spec, slot, stable.label(slot, serving=True))
        left = present.groups.get(slot)
        # with the name at once: there is nobody yet whom it could be taken from
        seen = self._bringer.put(there, left, progress, clock)
        seen = self._bringer.prove(there, seen, progress, clock, fresh=True, before=left)
        # after the proof: until then clients have whatever was there before
        self._lead(stable, seen, present, progress)
        self._clear(spec, present, slot, progress, clock)
        return self._facts(spec, seen, stable)

    def update(
        self, old: GroupSpec, sent: GroupSpec, new: GroupSpec, present: Present, progress: Progress, clock: Clock
    ) -> GroupFacts:
        """Bring a service from one spec to the other.

        Args:
            old: what was declared, to be compared.
            sent: the same, with secrets as far as they are known, to go back to.
            new: what is declared.
            present: what exists of it; something does.
            progress: hears of it.
            clock: bounds it.

        Raises:
            GroupFailed: the new group does not serve; the old one goes on.
        """
        move = self._move_of(sent, new, present)
        if move.serving is not None and self._may_stay(old, new, move):
            return self._stay(old, move, move.serving, progress, clock)
        return self.move(move, progress, clock)

    def move(self, move: Move, progress: Progress, clock: Clock) -> GroupFacts:
        """Make the new group, prove it, let the stable name lead to it, remove the others."""
        stable, new, target = move.stable, move.new, move.target
        # a label that nobody has is put at once: to move it later would be a second restart
        free = stable.is_label and stable.holder(move.present.groups) in {None, target}
        aside = physical(new, target, stable.label(target, serving=free))
        progress.note(f"{new.name}: making {aside.name} beside what serves")
        seen = self._proven_aside(move, aside, progress, clock)
        if stable.is_label and not free:
            seen = self._take_label(move, seen, progress, clock)
        elif not stable.is_label:
            try:
                pointed = self._lead(stable, seen, move.present, progress)
            except (Cancelled, TimedOut):
                # the new group stays where it is: whether it will serve
                # is not known yet, and the next run goes on with it
                raise
            except AcimlError as error:
                self._give_up(move, error, progress)
            wait_out(pointed, progress, clock)
        gone = {move.serving} if stable.is_label and not free else set()
        # the one that had the label was removed to set it free, within the move
        others = {slot: group for slot, group in move.present.groups.items() if slot not in gone}
        self._clear(new, Present(others), target, progress, clock)
        return self._facts(new, seen, stable)

    def _lead(self, stable: StableName, seen: Seen, present: Present, progress: Progress) -> Pointed:
        """Let the name lead to a group, and tell who else is behind it."""
        pointed = stable.point_to(seen, present.groups.values())
        if pointed.shared:
            progress.note(f"the backend pool has other addresses, which stay: {', '.join(pointed.shared)}")
        return pointed

    def read(self, site: Site, known: GroupSpec | None, *, compare: bool = True) -> GroupFacts | None:
        """Look at a service by its slots, and by its own name if those do not serve; None only if all are gone."""
        stable = self._name_of(known) if known else None
        found = self._serving(site, known, stable)
        if found is None:
            return None
        slot, serving = found
        facts = self._facts_at(site, serving, stable)
        seen = without_marks(serving)
        if known is None:
            return replace(facts, drift=_imported({**seen, "name": site.name}))
        label = stable.label(slot, serving=True) if stable else ""
        there = physical(known, slot, label, marked=False)
        return replace(facts, drift=drift(there, self._bringer.expected(there), seen).if_any if compare else None)

    def serving(self, site: Site, known: GroupSpec) -> tuple[Site, Seen] | None:
        """Return the physical group that serves, of those that there are; None only if all are gone."""
        found = self._serving(site, known, self._name_of(known))
        return (slot_site(site, found[0]), found[1]) if found else None

    def _serving(self, site: Site, known: GroupSpec | None, stable: StableName | None) -> tuple[str, Seen] | None:
        """Return the slot that the stable name leads to, else the best of those that there are."""
        groups = find_slots(self._calls, site)
        holder = stable.holder(groups) if stable else None
        # only then: a service with slots costs one look for each, and the plain name is no slot
        if holder is None and known is not None and (base := self._calls.get(site)) is not None:
            groups[BASE] = base
            holder = stable.holder(groups) if stable else None
        for one, seen in groups.items() if known else ():
            # state would remember it as ours, and the next deletion would take it
            if known and not may_touch(seen.get("tags"), known.owner, known.known_as):
                raise stranger(slot_site(site, one), seen, known)
        slot = holder if holder is not None else Present(groups).best
        return None if slot is None else (slot, groups[slot])

    def forget(self, site: Site, known: GroupSpec, progress: Progress, known_as: str = "") -> None:
        """Let the stable name lead to none of the service's groups; what is refused is told, and hinders nothing."""
        if not is_blue_green(known):
            return
        try:
            slots = find_slots(self._calls, site).values()
            ours = [one for one in slots if may_touch(one.get("tags"), progress.urn, known_as)]
            stable_name(self._session, known).forget(ours)
        except Cancelled:
            raise
        except AcimlError as error:
            progress.warn(f"{known.name}: its stable name still leads to what is removed: {error}")

    def delete_slots(self, site: Site, progress: Progress, clock: Clock, known_as: str = "") -> None:
        """Remove the slots of a service; fine if there are none. Those of another stack stay."""
        for slot, seen in find_slots(self._calls, site).items():
            if not may_touch(seen.get("tags"), progress.urn, known_as):
                progress.warn(f"{slot_site(site, slot).title} belongs to {owner_told(seen)}: it stays")
                continue
            self._calls.delete(slot_site(site, slot), progress, clock)

    def _move_of(self, old: GroupSpec | None, new: GroupSpec, present: Present) -> Move:
        stable = self._name_of(new) or Label("")
        serving = stable.holder(present.groups)
        # a stable name that is new leads nowhere yet; that of before still does
        if serving is None and old is not None and (before := self._name_of(old)):
            serving = before.holder(present.groups)
        if serving is None and BASE in present.groups and len(present.groups) == 1:
            serving = BASE
        # the last resort: a single group is what serves, whatever a name says of it
        if serving is None and len(present.groups) == 1:
            serving = present.best
        # back to in_place is a move as well, from the slot to the group of the plain name
        slots = [slot for slot in SLOTS if slot != serving] if is_blue_green(new) else [BASE]
        return Move(old, new, present, serving, slots[0], stable)

    def _name_of(self, spec: GroupSpec) -> StableName | None:
        """Return the stable name of any spec; one that is updated in place has its own label, if any."""
        if is_blue_green(spec) or spec.declared.updates.stable_name:
            return stable_name(self._session, spec)
        label = label_of(spec.declared, self._session.config)
        return Label(label) if label else None

    def _may_stay(self, old: GroupSpec, new: GroupSpec, move: Move) -> bool:
        """Tell whether the group that serves is what the new spec wants, tags aside."""
        if move.serving is None or is_blue_green(new) != bool(move.serving):
            return False
        # another name has to be led to the group, which only a move does
        if old.declared.updates.stable_name != new.declared.updates.stable_name:
            return False
        seen = move.present.groups[move.serving]
        there = physical(new, move.serving, move.stable.label(move.serving, serving=True))
        same = plan(old, new, self._session.config) in {"nothing", "tags"} and not is_over(seen)
        # a group that somebody changed by hand is not what the spec wants, though no word of it has changed
        return same and set(drift(there, self._bringer.expected(there), seen).names) <= {
            "tags",
            "properties",
            "description",
        }

    def _stay(self, old: GroupSpec, move: Move, slot: str, progress: Progress, clock: Clock) -> GroupFacts:
        there = physical(move.new, slot, move.stable.label(slot, serving=True))
        seen = move.present.groups[slot]
        if plan(old, move.new, self._session.config) == "tags":
            seen = self._bringer.tag(old, there, seen, progress, clock)
        seen = self._bringer.prove(there, seen, progress, clock, fresh=False)
        # a run that was killed after its move has left the old group, which costs as much as the new one
        self._clear(move.new, move.present, slot, progress, clock)
        return self._facts(move.new, seen, move.stable)

    def _proven_aside(self, move: Move, aside: GroupSpec, progress: Progress, clock: Clock) -> Seen:
        """Make the new group; if it does not serve, it goes again and the old one has never stopped."""
        try:
            left = move.present.groups.get(move.target)
            seen = self._bringer.put(aside, left, progress, clock, old=move.old)
            return self._bringer.prove(aside, seen, progress, clock, fresh=True, before=left)
        except (Cancelled, TimedOut):
            raise
        except AcimlError as error:
            self._give_up(move, error, progress)

    def _give_up(self, move: Move, why: AcimlError, progress: Progress) -> NoReturn:
        """Remove the new group and tell what serves; without an old one it stays for a look at it."""
        old = move.present.groups.get(move.serving) if move.serving is not None else None
        if old is None:
            raise why
        # in time of its own: that of the operation may be over, which is why it failed
        self._remove(move.new, move.target, progress, Clock(0))
        facts = self._facts(move.old or move.new, old, self._name_of(move.old or move.new))
        text = f"{why.message}\nthe group that was there goes on, {facts.state} at {facts.address}"
        raise GroupFailed(text, facts, why.advice) from why

    def _take_label(self, move: Move, seen: Seen, progress: Progress, clock: Clock) -> Seen:
        """Let the old group go, and put the new one with the label; nobody answers to the name in between."""
        final = physical(move.new, move.target, move.stable.label(move.target, serving=True))
        # its golden predictions are those that it has just given, and nobody answers to clients meanwhile
        final = replace(final, golden=None)
        began, since = time.monotonic(), datetime.now(UTC) if move.serving is not None else None
        # deleted and not put again without its label: that would
        # be one more restart within the gap (decisions/rollout.md)
        if move.serving is not None:
            self._remove(move.new, move.serving, progress, clock)
        try:
            proven = seen
            seen = self._bringer.put(final, proven, progress, clock)
            seen = self._bringer.prove(final, seen, progress, clock, fresh=True, before=proven)
        except (Cancelled, TimedOut) as error:
            raise down(error, since) from error.__cause__
        except AcimlError as error:
            self._bring_back(move, error, since, progress)
        progress.note(f"{move.new.name}: the name moved; nobody answered to it for {time.monotonic() - began:.1f} s")
        return seen

    def _bring_back(self, move: Move, why: AcimlError, since: datetime | None, progress: Progress) -> NoReturn:
        """Give the label to the old group again, which has to be made anew."""
        clock, old = Clock(0), move.old
        # of a group that nobody declared the secrets are not known, and without them it would not serve
        if old is None or move.serving is None or not move.new.rollback:
            raise down(why, since)
        progress.warn(f"{why.message.splitlines()[0]}; going back to {old.image}")
        stable = self._name_of(old) or move.stable
        try:
            self._remove(move.new, move.target, progress, clock)
            there = physical(old, move.serving, stable.label(move.serving, serving=True))
            seen = self._bringer.put(there, None, progress, clock)
            seen = self._bringer.prove(there, seen, progress, clock, fresh=True)
        except AcimlError as error:
            raise down(error, since) from why
        text = f"{why.message}\nwent back to {old.image}, which serves again"
        raise GroupFailed(text, self._facts(old, seen, stable), why.advice) from why

    def _remove(self, spec: GroupSpec, slot: str, progress: Progress, clock: Clock) -> None:
        self._calls.delete(slot_site(self._bringer.site(spec), slot), progress, clock)

    def _clear(self, spec: GroupSpec, present: Present, keep: str, progress: Progress, clock: Clock) -> None:
        """Remove all groups of the service but one."""
        for slot in present.groups:
            if slot != keep:
                self._remove(spec, slot, progress, clock)

    def _facts(self, spec: GroupSpec, seen: Seen, stable: StableName | None) -> GroupFacts:
        return self._facts_at(self._bringer.site(spec), seen, stable)

    def _facts_at(self, site: Site, seen: Seen, stable: StableName | None) -> GroupFacts:
        """Tell of a physical group what is true of the service: its id, and where clients find it."""
        facts = facts_in(seen, id_=site.id, name=site.name)
        pointed = stable.pointed() if stable else None
        if pointed is None or not pointed.host:
            return facts
        # a gateway listens on ports of its own, which its listeners say and not the group
        port = port_in(seen) if pointed.same_port else 0
        return replace(facts, fqdn=pointed.host, address=address_of(pointed.host, port, tls=speaks_tls(seen)))


def _imported(seen: Seen) -> Drift:
    """Return what is to be seen of a service that has slots, of which a group alone tells nothing."""
    found = imported(seen)
    now = found.now.but(updates=found.now.updates.but(rollout=BLUE_GREEN))
    return replace(found, now=now, names=(*found.names, "rollout"))
