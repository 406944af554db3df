"""What has to be sent to bring a container group from one spec to another: nothing, tags, a PUT, or a new group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Literal

from ...protocol import Action, GroupSpec
from .aligned import aligned
from .body import foreseen_pull, group_body
from .network import Place, Somewhere, label_of, resource_group_of
from .same import filled, folded
from .table import RULES, Rule

__all__ = ["RULES", "Plan", "Rule", "group_changes", "plan"]
Plan = Literal["nothing", "tags", "put", "replace"]
_NOWHERE = Somewhere()
_ACTIONS: Mapping[str, Action] = {"in_place": "update", "tags": "update", "none": "update", "replace": "replace"}
_SUBNET = ("subnetId", "vnetName", "subnetName", "vnetResourceGroup")
_FIELDS = frozenset(field.name for field in fields(GroupSpec))
_PLACE = ("name", "resourceGroup", "location")
"""What cannot change beside what serves: the id, and the region that the stable name is in."""
_APART = ("settings", "owner", "known_as", "container_port")
"""Fields that are no property: settings are compared one by one, the others are nobody's wish."""


def group_changes(old: GroupSpec, new: GroupSpec, config: Place = _NOWHERE) -> dict[str, Action]:
    """Name what differs: fields of the spec, keys of its settings.

    What makes no difference to the request is no change; but a property that only the provider uses, such as a smoke
    test, is an update, for which ``plan`` is "nothing".

    Args:
        old: what was declared or seen; secrets that it lacks are taken to be those of ``new``.
        new: what is declared.
        config: tells the subnet's and the label's full names apart; without it the specs have to name their places.
    """
    before, after = aligned(replace(old, owner=new.owner), new)
    differing = _differing(before, after)
    bare = [name for name in differing if RULES[name].action == "none"]
    felt = [name for name in differing if name not in bare and _matters(name, before, after, config)]
    if not felt and _whole(before, config) != _whole(after, config):
        felt = [name for name in differing if name not in bare]  # they differ together only
    actions: dict[str, Action] = {name: _ACTIONS[RULES[name].action] for name in sorted(bare + felt)}
    if "dnsNameLabel" in felt and not (label_of(before, config) and label_of(after, config)):
        actions["dnsNameLabel"] = "replace"  # the label's scope comes and goes with it, and the scope is not updatable
    if "blue_green" in {old.settings.get("rollout"), new.settings.get("rollout")}:
        return {name: action if name in _PLACE else "update" for name, action in actions.items()}
    return actions


def plan(old: GroupSpec, new: GroupSpec, config: Place = _NOWHERE) -> Plan:
    """Say what has to be sent; see ``group_changes`` for the arguments.

    Tags may differ beside a "put", which is not promised to change them.
    """
    before, after = aligned(old, new)
    was, now = _whole(before, config), _whole(after, config)
    if was == now:
        return "nothing"
    if "replace" in group_changes(old, new, config).values():
        return "replace"
    return "tags" if {**was, "tags": {}} == {**now, "tags": {}} else "put"


def _whole(spec: GroupSpec, config: Place) -> Mapping[str, Any]:
    """Return all that a spec says about the group: where it is, and what a request would say."""
    place = {"name": spec.name, "resourceGroup": resource_group_of(spec, config).lower()}
    return {**place, **folded(filled(group_body(spec, config, foreseen_pull(spec))))}


def _differing(old: GroupSpec, new: GroupSpec) -> list[str]:
    named = sorted(_FIELDS.difference(_APART))
    keys = sorted(old.settings.keys() | new.settings.keys())
    return [name for name in named if getattr(old, name) != getattr(new, name)] + [
        key for key in keys if old.settings.get(key) != new.settings.get(key)
    ]


def _matters(name: str, old: GroupSpec, new: GroupSpec, config: Place) -> bool:
    """Tell whether this property makes a difference to either of the two; those that say one thing go together."""
    names = _SUBNET if name in _SUBNET else (name,)
    return any(_whole(_with(names, at, of), config) != _whole(at, config) for at, of in ((old, new), (new, old)))


def _with(names: Iterable[str], spec: GroupSpec, source: GroupSpec) -> GroupSpec:
    """Return the spec with some properties as the other has them."""
    plain = {name: getattr(source, name) for name in names if name in _FIELDS}
    settings = {key: value for key, value in spec.settings.items() if key not in names}
    settings |= {key: value for key, value in source.settings.items() if key in names}
    return replace(spec, settings=settings, **plain)
