"""What has to be sent to bring a container group from one spec to another: nothing, tags, a PUT, or a new group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from ....model.declared import differing, leaves, rows_of
from ....model.group import Group
from ....model.insights import CONNECTION
from ....model.rollout import BLUE_GREEN
from ....model.shape import Cost
from ...protocol import Action, Certificate, GroupSpec
from . import group
from .account import foreseen_pull
from .network import label_of
from .place import Somewhere, Surroundings, resource_group_of

Plan = Literal["nothing", "tags", "put", "replace"]
COSTS: Mapping[str, Cost] = {name: row.cost for name, row in rows_of(Group).items() if row.cost}
"""What a change of each property costs, by the names of ``leaves``, and who says so (``model/cost.py``)."""
_NOWHERE = Somewhere()
_ACTIONS: Mapping[str, Action] = {"in_place": "update", "tags": "update", "none": "update", "replace": "replace"}
_TOGETHER = (
    ("subnet_id", "vnet_name", "subnet_name", "vnet_resource_group"),
    ("ssl_enabled", "certificate_hash"),
)
"""Properties that say one thing in several ways."""
_PLACE = ("name", "resource_group", "location")
"""What cannot change beside what serves: the id, and the region that the stable name is in."""


def group_changes(old: GroupSpec, new: GroupSpec, around: Surroundings = _NOWHERE) -> dict[str, Action]:
    """Name the properties that differ, by the names of ``leaves``.

    What makes no difference to the request is no change; but a property that only the provider uses, such as a smoke
    test, is an update, for which ``plan`` is "nothing".

    Args:
        old: what was declared or seen; secrets that it lacks are taken to be those of ``new``.
        new: what is declared.
        around: tells the subnet's and the label's full names apart; without it the specs have to name their places.
    """
    # whose it is, is nobody's property: a stack that was renamed writes another tag, no more
    before, after = aligned(replace(old, owner=new.owner), new)
    different = differing(before.declared, after.declared)
    bare = [name for name in different if COSTS[name].action == "none"]
    # a property may say the same in another way: a default that is written out, a subnet by its names
    said = [name for name in different if name not in bare]
    # and two together may say what two others said: a tag that moves from ``tags`` to ``properties``
    if _whole(before, around) == _whole(after, around):
        said = []
    felt = [name for name in said if _matters(name, before, after, around)] or said  # or they differ together only
    actions: dict[str, Action] = {name: _ACTIONS[COSTS[name].action] for name in sorted(bare + felt)}
    if "dns_name_label" in felt and not (label_of(before.declared, around) and label_of(after.declared, around)):
        actions["dns_name_label"] = "replace"  # the label's scope comes and goes with it, and that is not updatable
    # a second group is made for whatever differs, so only what names the service cannot change beside it
    if BLUE_GREEN in {old.declared.updates.rollout, new.declared.updates.rollout}:
        return {name: action if name in _PLACE else "update" for name, action in actions.items()}
    return actions


def effect(changed: Mapping[str, Action], new: Group) -> str:
    """Say what changes cost those who call: nothing, a restart, a gap of how long, a new address.

    Lengths are those of ``decisions/rollout.md``. Of one that is not known yet, the rollout counts as in_place.
    """
    kinds = {COSTS[name].action for name in changed if name in COSTS}
    if "replace" in changed.values():
        return _replaced(changed, new)
    if kinds <= {"none"}:
        return "nothing is sent, nothing restarts"
    if kinds <= {"none", "tags"}:
        return "nothing restarts"
    if new.updates.is_blue_green:
        stable = new.updates.stable_name
        led = stable is not None and not stable.is_silent
        gap = "no gap" if led else "a gap of tens of seconds while the label moves"
        moved = "; the host name changes" if "dns_name_label" in changed else ""
        return f"a second group is proven beside this one, then takes over: {gap}{moved}"
    moved = "; the host name changes" if "dns_name_label" in changed else "; the address stays"
    return f"a restart of all containers: a gap of tens of seconds, until the new ones answer{moved}"


def _replaced(changed: Mapping[str, Action], new: Group) -> str:
    label = "" if "dns_name_label" in changed else new.network.dns_name_label
    kept = f"the label {label} and so the host name stay, the IP address does not" if label else "a new address"
    alone = {name for name, action in changed.items() if action == "replace"} == {"name"}
    if "name" not in changed:
        kept = "its host name stays, its IP address does not" if new.network.dns_name_label else "a new IP address"
        return f"a new group under the old name, deleted first: a gap of a minute or two; {kept}"
    # as ``resources/group.py`` decides: the engine makes the new one first unless both want one name or label
    if alone and not (label and new.network.shares_label(new.network)):
        return "a new group under another name is made first, then this one is deleted: a new address"
    why = ", because both want one DNS label" if alone else ""
    return f"a new group under another name, and this one deleted first{why}: a gap of a minute or two; {kept}"


def plan(old: GroupSpec, new: GroupSpec, around: Surroundings = _NOWHERE) -> Plan:
    """Say what has to be sent; see ``group_changes`` for the arguments.

    Tags may differ beside a "put", which is not promised to change them.
    """
    before, after = aligned(old, new)
    was, now = _whole(before, around), _whole(after, around)
    # a PUT of what is there restarts the containers all the same (Microsoft, update page)
    if was == now:
        return "nothing"
    if "replace" in group_changes(old, new, around).values():
        return "replace"
    # tags alone go by PATCH, which restarts nothing
    return "tags" if {**was, "tags": {}} == {**now, "tags": {}} else "put"


def _whole(spec: GroupSpec, around: Surroundings) -> Mapping[str, Any]:
    """Return all that a spec says about the group: where it is, and what a request would say."""
    place = {"name": spec.name, "resourceGroup": resource_group_of(spec.declared, around).lower()}
    request = group.to_arm(spec, around, foreseen_pull(spec.declared))
    return {**place, **group.folded(group.same(request))}


def _matters(name: str, old: GroupSpec, new: GroupSpec, around: Surroundings) -> bool:
    """Tell whether this property makes a difference to either of the two; those that say one thing go together."""
    names = next((several for several in _TOGETHER if name in several), (name,))
    return any(_whole(_with(names, at, of), around) != _whole(at, around) for at, of in ((old, new), (new, old)))


def _with(names: tuple[str, ...], spec: GroupSpec, source: GroupSpec) -> GroupSpec:
    """Return the spec with some properties as the other has them; what a certificate is goes with its hash."""
    theirs = leaves(source.declared)
    changed = spec.but(**{name: theirs[name] for name in names})
    return replace(changed, certificate=source.certificate) if "certificate_hash" in names else changed


def aligned(old: GroupSpec, new: GroupSpec) -> tuple[GroupSpec, GroupSpec]:
    """Return both specs, ready to be compared.

    A group that was imported, or whose drift was taken over, has none of its secrets in the old spec. They are taken to
    be what the new spec says: an import must be followed by a preview without changes.
    """
    was, now = _fingerprint(old.certificate), _fingerprint(new.certificate)
    # an import cannot see the files: to take them for others would make a new group at the first `up`
    if old.certificate and new.certificate and not was:
        was = now
    before = group.with_secrets(old.declared, new.declared)
    if CONNECTION in (old.declared.secure_environment_variables or {}):  # it was said in another way
        before = before.but(insights=old.declared.insights)
    return _compared(replace(old, declared=before), was), _compared(new, now)


def _fingerprint(certificate: Certificate | None) -> str:
    """Return the hash of a certificate, or what stands in for a certificate (its hash, without a key)."""
    if certificate is None:
        return ""
    if not certificate.key:
        return certificate.chain.decode(errors="replace")
    return certificate.fingerprint


def _compared(spec: GroupSpec, fingerprint: str) -> GroupSpec:
    """Return the spec with a hash in the place of its certificate: of the old one nobody has more."""
    declared = spec.declared.but(tls=spec.declared.tls.but(certificate_hash=fingerprint or None))
    if not spec.certificate:
        return replace(spec, declared=declared)
    authorities = spec.certificate.authorities and b"some"
    return replace(spec, declared=declared, certificate=Certificate(fingerprint.encode(), b"", authorities))
