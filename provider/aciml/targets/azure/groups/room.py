"""What a region has left for container groups: its quota, and the largest group it takes.

Source: operations "Location - List Usage" and "List Capabilities" of Microsoft.ContainerInstance, API 2023-05-01.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....core.errors import Finding, OutageError, UserError
from ....core.progress import Progress
from ....model.group import Group
from ..arm.errors import AzureError, translated
from ..arm.session import AzureSession
from ..region import plain_location

GROUPS = "ContainerGroups"
_NO_REGION = frozenset(
    {"LocationNotAvailableForResourceType", "InvalidLocation", "NoRegisteredProviderFound", "LocationNotFound"}
)
"""Codes that say that the region does not exist, or does not have the service."""
_ADVICE = "delete groups, ask for fewer cores, take another location, or have the quota raised (portal, Quotas)"


@dataclass(frozen=True)
class Room:
    """What a region said. ``usages``: quota to what is used and the limit.

    ``most``: cores and GiB of the largest group by its kind of address, in lower case; empty if the region tells none.
    """

    usages: Mapping[str, tuple[float, float]]
    most: Mapping[str, tuple[float, float]]


class Rooms:
    """Asks each region once, and adds up what the resources of this run want of it. Safe to share by threads."""

    def __init__(self, session: Callable[[], AzureSession]) -> None:
        """Contact nobody; ``session`` opens the connection."""
        self._session = session
        self._lock = threading.Lock()
        self._rooms: dict[str, Room | Finding | None] = {}
        self._wanted: dict[tuple[str, str], dict[str, float]] = {}

    def judge(self, old: Group | None, new: Group, progress: Progress) -> list[Finding]:
        """Warn, with numbers, of what the region will refuse; report a region that is none.

        Only what is new is asked about: a group that stays as it is has its place already.
        """
        location = plain_location(new.place.location or "")
        # nothing that counts: asking would only cost time
        wanted = wants(old, new)
        if not location or not wanted:
            return []
        room = self._room(location, progress)
        if isinstance(room, Finding):
            return [Finding(new.place.at("location"), room.why)]
        if room is None:
            return []
        with self._lock:
            # by resource: the same question at the next preview replaces its own answer, and not another's
            self._wanted[location, progress.urn or str(new.name)] = wanted
            together = _sum(one for (place, _), one in self._wanted.items() if place == location)
        for line in (*_too_large(room, new, location), *_too_many(room, wanted, together, location)):
            progress.warn(line)
        return []

    def _room(self, location: str, progress: Progress) -> Room | Finding | None:
        with self._lock:  # held while asking: many groups begin at once, and one answer does for all
            if location not in self._rooms:
                self._rooms[location] = self._asked(location, progress)
            return self._rooms[location]

    def _asked(self, location: str, progress: Progress) -> Room | Finding | None:
        try:
            return _room_of(self._session(), location)
        except AzureError as error:
            if error.code in _NO_REGION:
                why = f'Container Instances are not offered in "{location}"'
                return Finding("location", f"{why} ({error.message}); `az account list-locations` prints all regions")
            # a code that we do not know: the service has the last word
            progress.note(f"what is left of the quota in {location} could not be asked: {error}")
        except (OutageError, UserError) as error:
            # a preview may be run by somebody without a login; the service has the last word anyway
            progress.note(f"what is left of the quota in {location} could not be asked: {error}")
        return None


def wants(old: Group | None, new: Group) -> dict[str, float]:
    """Return what a group wants of its region beyond what it has, by quota; nothing of what is not known yet."""
    if new.place.is_unsure("location") or new.size.is_unsure("cpu_cores") or new.size.cpu_cores is None:
        return {}
    cores, kind = float(new.size.cpu_cores), quota_of(new)
    # a change of an image or a port wants nothing of the region
    if old is None or old == new:
        return {GROUPS: 1, kind: cores} if old is None else {}
    # a second group is made beside the first, which holds its cores until the new one is proven
    if new.updates.is_blue_green or plain_location(old.place.location or "") != plain_location(
        new.place.location or ""
    ):
        return {GROUPS: 1, kind: cores}
    if _stays_until_the_new_one_is_made(old, new):
        return {GROUPS: 1, kind: cores}
    # of another quota nothing is freed: cores of Spot are counted apart
    more = cores - (float(old.size.cpu_cores or 0) if quota_of(old) == kind else 0)
    return {kind: more} if more > 0 else {}


def _stays_until_the_new_one_is_made(old: Group, new: Group) -> bool:
    """Tell whether nothing but the name moves, and no label with it: then the old group is deleted last."""
    renamed = not new.is_unsure("name") and old.name != new.name
    return renamed and (old.size, old.kind) == (new.size, new.kind) and not old.network.shares_label(new.network)


def quota_of(group: Group) -> str:
    """Return the name of the quota that a group's cores count for."""
    # each kind of group has a quota of its own
    if group.kind.is_spot:
        return "StandardSpotCores"
    return {"Confidential": "ConfidentialCores", "Dedicated": "DedicatedCores"}.get(
        str(group.kind.sku), "StandardCores"
    )


def _room_of(session: AzureSession, location: str) -> Room:
    what = f"asking what {location} has left for container groups"
    with translated(what):
        usages = [one.as_dict() for one in session.containers.location.list_usage(location)]
        offers = [one.as_dict() for one in session.containers.location.list_capabilities(location)]
    return Room(
        {
            # what a usage counts is by its own name, and without a limit it bounds nothing
            str((one.get("name") or {}).get("value")): (float(one.get("current_value") or 0), float(one["limit"]))
            for one in usages
            if one.get("limit") is not None
        },
        _largest(offers),
    )


def _largest(offers: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return cores and GiB of the largest group by its kind of address; those with a GPU are retired."""
    found: dict[str, tuple[float, float]] = {}
    for one in offers:
        size = one.get("capabilities")
        if str(one.get("os_type") or "Linux").lower() != "linux" or not size:
            continue
        kind = str(one.get("ip_address_type") or "Public").lower()
        cores, memory = found.get(kind, (0.0, 0.0))
        most = float(size.get("max_cpu") or 0), float(size.get("max_memory_in_gb") or 0)
        found[kind] = max(cores, most[0]), max(memory, most[1])
    return found


def _too_large(room: Room, new: Group, location: str) -> Iterable[str]:
    size, network = new.size, new.network
    if not room.most or network.is_unsure("subnet_id", "vnet_name", "subnet_name"):
        return
    most = room.most.get("private" if network.has_subnet else "public")
    if most is None:
        where = "in a virtual network" if network.has_subnet else "with an address of the internet"
        yield f"{location} tells of no groups {where}, which {new.name} is to be: take another location"
        return
    if size.is_unsure("cpu_cores", "memory_gb"):
        return
    cpu, memory = float(size.cpu_cores or 0), float(size.memory_gb or 0)
    if cpu > most[0] or memory > most[1]:
        # a warning: regions give more than they say when they have it
        yield (
            f"{new.name} asks for {cpu:g} cores and {memory:g} GiB, and {location} offers groups of up to "
            f"{most[0]:g} cores and {most[1]:g} GiB: take less, or another location"
        )


def _too_many(room: Room, wanted: Mapping[str, float], together: Mapping[str, float], location: str) -> Iterable[str]:
    for name, asked in wanted.items():
        # a quota that the region does not name bounds nothing
        used, limit = room.usages.get(name, (0.0, float("inf")))
        if used + together[name] <= limit:
            continue
        others = together[name] - asked
        rest = f", and others of this update want {others:g}" if others else ""
        # a warning: what this update deletes may free it first
        yield (
            f"quota {name} in {location}: {used:g} of {limit:g} are used, {max(0.0, limit - used):g} are left; this "
            f"group wants {asked:g} more{rest}, so Azure may answer ContainerGroupQuotaReached: {_ADVICE}"
        )


# several groups of one run want their cores together
def _sum(every: Iterable[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in every:
        for name, amount in one.items():
            found[name] = found.get(name, 0.0) + amount
    return found
