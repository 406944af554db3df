"""A registry in ARM's words (API 2025-11-01), and back in ours: all parts, and what nobody says of them.

Each part stands in the file of its noun; here they are put together, compared and priced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ....core.casing import camel_case
from ....model.declared import leaves, with_leaves
from ....model.registry import FIELDS, SKUS, Identity, Network, Registry
from ...protocol import Action, RegistrySpec
from ..config import AzureConfig
from ..ownership import owner_in, owner_of, owner_tags, without_owner
from ..region import plain_location
from ..tagged import folded, of_ours
from . import encryption, identity, network, policies, sku
from .part import Meaning, Part, flag, switch

TAGS = Part(
    ("tags",),
    ("tags",),
    lambda registry: dict(registry.tags or {}),
    lambda seen: {"tags": without_owner(seen)},
    {"tags": folded},
)
PARTS = (
    sku.PART,
    TAGS,
    identity.PART,
    flag("admin_user_enabled", "properties", "adminUserEnabled"),
    network.PUBLIC,
    network.RULES,
    network.BYPASS,
    policies.RETENTION,
    policies.EXPORT,
    flag("anonymous_pull", "properties", "anonymousPullEnabled"),
    switch("zone_redundancy", "properties", "zoneRedundancy", default=False),
    flag("data_endpoint_enabled", "properties", "dataEndpointEnabled"),
    encryption.PART,
)
DEFAULTS = Registry(
    sku=SKUS[0],
    admin_user_enabled=False,
    network=Network(
        public_network_access=True, ip_rules=(), network_default_action="Allow", trusted_services_bypass=True
    ),
    anonymous_pull=False,
    data_endpoint_enabled=False,
    export_policy=True,
    identity=Identity(system_assigned_identity=False, identities=()),
    tags={},
)
"""What a registry of ours has when nothing is said: Azure's own values, and the cheapest sku; no retention, no key.

``zone_redundancy`` is not here: registries have it by themselves now, whatever the property says, so silence asks for
nothing. Source: Microsoft, container-registry zone-redundancy, "understand the zoneRedundancy property"."""

COSTS = {name: FIELDS[camel_case(name)].cost for name in leaves(Registry())}
CHANGEABLE = tuple(name for name, cost in COSTS.items() if cost is not None and cost.action == "in_place")
"""What an update can send; each of these has a default."""
PLACE = ("resource_group", "location")
_SHOWN = (*PLACE, "zone_redundancy", *CHANGEABLE)
_ALWAYS = (*PLACE, "sku")
"""What an import tells even where it is the default: whoever reads the program wants to know."""
_MEANINGS: Mapping[str, Meaning] = {"name": str.lower, "resource_group": str.lower, "location": plain_location} | {
    name: meaning for part in PARTS for name, meaning in part.means.items()
}
_DEFAULTS = leaves(DEFAULTS)


def body_of(registry: Registry, names: Iterable[str]) -> dict[str, Any]:
    """Write the parts of the body that hold the named properties; of these parts all has to be said."""
    wanted, body = set(names), dict[str, Any]()
    for part in PARTS:
        if wanted & set(part.names):
            part.write(registry, body)
    return body


def to_arm(spec: RegistrySpec, config: AzureConfig) -> dict[str, Any]:
    """Return the body of the PUT that makes a registry.

    What has its default is left out, since lesser skus refuse some properties even so; ``properties`` has to be there.
    """
    said = {name: value for name, value in leaves(spec.declared).items() if value is not None}
    sent = [name for name, value in said.items() if name == "zone_redundancy" or not _is_default(name, value)]
    # tags go with the creation and not after it: an interrupted run has to know its own again
    tags = {**(spec.declared.tags or {}), **owner_tags(spec.owner)}
    full = with_leaves(DEFAULTS, {**said, "tags": tags})
    location = plain_location(spec.declared.location or config.location)
    return {"location": location, **body_of(full, {"sku", "tags", "admin_user_enabled", *sent})}


def from_arm(seen: Mapping[str, Any]) -> Registry:
    """Read all properties that a registry has now from the JSON of a GET; what is off and has no value is None."""
    found = {name: value for part in PARTS for name, value in part.read(seen).items()}
    place = {
        "resource_group": resource_group_of(str(seen.get("id", ""))),
        "location": plain_location(str(seen.get("location", ""))),
    }
    return with_leaves(Registry(), {**found, **place})


def resource_group_of(resource_id: str) -> str:
    """Return the resource group in an ARM id; empty if there is none."""
    # "resourcegroups" and "resourceGroups" are both answered
    parts = resource_id.split("/")
    lower = [part.lower() for part in parts]
    return parts[lower.index("resourcegroups") + 1] if "resourcegroups" in lower[:-1] else ""


def same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a property mean the same to Azure: letter case, order, West Europe and westeurope."""
    meaning = _MEANINGS.get(name, lambda value: value)
    values = [_DEFAULTS[name] if value is None else value for value in (one, other)]
    one, other = (None if value is None else meaning(value) for value in values)
    return bool(one == other)


def differing(one: Registry, other: Registry, names: Iterable[str] = CHANGEABLE) -> list[str]:
    """Name the properties of two registries that do not mean the same to Azure."""
    before, after = leaves(one), leaves(other)
    return [name for name in names if not same(name, before[name], after[name])]


def registry_changes(old: Registry, new: Registry) -> dict[str, Action]:
    """Name what differs, on the wire, and what it costs; what is not said counts as the default.

    Silence about ``resourceGroup``, ``location`` and ``zoneRedundancy`` asks for no change.
    """
    # old and new as declared, not as seen: what Azure changed by itself is drift, and no wish of the user's
    names = {*differing(old, new, ("name", *CHANGEABLE)), *_moved(old, new)}
    costs = {name: cost for name, cost in COSTS.items() if cost and name in names}
    return {camel_case(name): "replace" if cost.action == "replace" else "update" for name, cost in costs.items()}


def _moved(old: Registry, new: Registry) -> list[str]:
    # a place that is no longer said stays where it is; only another one moves
    asked = [name for name in PLACE if None not in (leaves(old)[name], leaves(new)[name])]
    zones = new.zone_redundancy is not None and bool(old.zone_redundancy) != new.zone_redundancy
    return [*differing(old, new, asked), *(["zone_redundancy"] if zones else [])]


def drift(seen: Mapping[str, Any], known: RegistrySpec | None) -> tuple[Registry, tuple[str, ...]]:
    """Return a registry as it is, and which properties are not as declared; without ``known`` all but the defaults.

    Of an adopted registry only what was declared counts; the rest is its own affair.
    ``zone_redundancy`` never counts: Azure turns it on by itself, and no update could turn it off.
    """
    now = from_arm(seen)
    if known is None:
        found = leaves(now)
        return now, tuple(name for name in _SHOWN if name in _ALWAYS or not _is_default(name, found[name]))
    said = {name: value for name, value in leaves(known.declared).items() if value is not None}
    ours = is_ours(seen, known.owner, known.known_as) or not known.declared.adopt
    # a PATCH of tags needs all of them, so those of others (a policy's) are kept, and must not look like drift
    now = now.but(tags=of_ours(now.tags, known.declared.tags))
    counts = {*CHANGEABLE, *said} if ours else {*said}
    wanted = with_leaves(DEFAULTS, said)
    return now, tuple(differing(wanted, now, [name for name in (*PLACE, *CHANGEABLE) if name in counts]))


def _is_default(name: str, value: Any) -> bool:
    return same(name, value, False if name == "zone_redundancy" else _DEFAULTS[name])


def is_ours(seen: Mapping[str, Any], owner: str, known_as: str = "") -> bool:
    """Whether our tag says that we made it.

    ``owner`` is a urn, empty for any; ``known_as`` what the tag was when state last looked, empty if that is not known.
    """
    tag = owner_in(seen.get("tags"))
    # without the tag it is nobody's proof that we made it, whatever the name
    return bool(tag) and (not owner or tag in {owner_of(owner), known_as})
