"""The physical groups of a service: ``<name>``, or ``<name>-blue`` and ``<name>-green`` for updates beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from ....core.ownership import Stranger
from ....core.progress import Progress
from ...protocol import GroupSpec
from ..arm.patience import Clock
from ..ownership import may_touch, owner_in, owner_of, whose
from .calls import GroupCalls, Site
from .state import Seen, state_in

SERVICE, SLOT = "aciml-service", "aciml-slot"
"""Tags of a group that serves for another name."""
SLOTS = ("blue", "green")
BASE = ""
"""The slot of the group that has the service's own name."""


@dataclass(frozen=True)
class Present:
    """What exists of a service, by slot."""

    groups: Mapping[str, Seen]

    @property
    def best(self) -> str | None:
        """Return the slot to keep when nothing else tells: one that runs, else any; None if there is none."""
        running = [slot for slot, seen in self.groups.items() if state_in(seen) == "Running"]
        return next(iter((*running, *self.groups)), None)


def is_blue_green(spec: GroupSpec) -> bool:
    """Tell whether a spec wants updates beside what serves."""
    return spec.declared.updates.is_blue_green


def owned_by(seen: Seen, spec: GroupSpec) -> bool:
    """Tell whether a group carries the spec's owner in its tag."""
    owner = owner_of(spec.owner)
    return bool(owner) and owner_in(seen.get("tags")) == owner


class Titled(Protocol):
    """A thing in Azure that has a name for people."""

    @property
    def title(self) -> str:
        """Its name in a sentence."""

    @property
    def id(self) -> str:
        """Its ARM id."""

    @property
    def resource_group(self) -> str:
        """Where it is."""


def stranger(site: Titled, seen: Seen, spec: GroupSpec) -> Stranger:
    """Return the refusal to touch a group that is not ours, which names its owner."""
    who = owner_told(seen)
    # no way to take it over by itself: whoever made it may still update it
    advice = f"import it (pulumi import aciml:compute:ContainerGroup {spec.name} {site.id}), or choose another name"
    return Stranger(f"{site.title} exists in {site.resource_group} and belongs to {who}", advice)


def owner_told(seen: Seen) -> str:
    """Name the owner of a group in a sentence."""
    tag = owner_in(seen.get("tags"))
    return whose(tag) if tag else "somebody else"


def require_own(site: Titled, seen: Seen, old: GroupSpec, new: GroupSpec) -> None:
    """Make sure that a group that state knows is not another stack's by now.

    Raises:
        Stranger: it is. Where an older version wrote the state, nothing is remembered that could tell.
    """
    # the same name may have been made anew by another stack since state last looked
    if old.known_as and not may_touch(seen.get("tags"), new.owner, old.known_as):
        raise stranger(site, seen, new)


def name_of(service: str, slot: str) -> str:
    """Return the name of the group in a slot."""
    return f"{service}-{slot}" if slot else service


def slot_site(site: Site, slot: str) -> Site:
    """Return where the group of a slot is; ``site`` is that of the service."""
    return replace(site, name=name_of(site.name, slot), id=name_of(site.id, slot))


def physical(spec: GroupSpec, slot: str, label: str, *, marked: bool = True) -> GroupSpec:
    """Return the spec of the group in a slot, with the label that it has now; ``marked`` with the tags of a slot."""
    tags = dict(spec.declared.tagged.tags or {})
    if slot and marked:
        # on the group itself, so that a run that was killed leaves nothing that nobody can place
        tags |= {SERVICE: spec.name, SLOT: slot}
    return spec.but(name=name_of(spec.name, slot), dns_name_label=label, tags=tags)


def without_marks(seen: Seen) -> Seen:
    """Return a group without the tags that only a slot has."""
    tags = {name: value for name, value in (seen.get("tags") or {}).items() if name not in {SERVICE, SLOT}}
    return {**seen, "tags": tags}


def serves_for(seen: Seen, service: str) -> bool:
    """Tell whether a group is a slot of the service."""
    return str((seen.get("tags") or {}).get(SERVICE) or "").lower() == service.lower()


def find_slots(calls: GroupCalls, site: Site) -> dict[str, Seen]:
    """Look at the slots of a service as they are now; groups of other people with such names are not seen."""
    # the tag and not the name alone: `iris-blue` may be a service that somebody calls so
    found = {slot: calls.get(slot_site(site, slot)) for slot in SLOTS}
    return {slot: seen for slot, seen in found.items() if seen is not None and serves_for(seen, site.name)}


def find_settled(calls: GroupCalls, site: Site, spec: GroupSpec, progress: Progress, clock: Clock) -> Present:
    """Look at all groups of a service when no operation on them is under way.

    Raises:
        UserError: somebody else has a group of a slot's name.
    """
    groups: dict[str, Seen] = {}
    # all three at each run: nothing outside of Azure remembers which one serves (decisions/rollout.md)
    for slot in (BASE, *SLOTS):
        seen = calls.get_settled(slot_site(site, slot), progress, clock)
        if seen is None:
            continue
        if slot and not serves_for(seen, spec.name):
            raise stranger(slot_site(site, slot), seen, spec)
        groups[slot] = seen
    return Present(groups)
