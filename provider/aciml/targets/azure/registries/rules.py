"""What a change of each property of a registry costs, and when two values say the same."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from ....model.registry import SKUS
from ...protocol import Action, RegistrySpec, Settings


@dataclass(frozen=True)
class Rule:
    """``update``: by PATCH, images stay. ``replace``: deleted and made anew. ``none``: nothing in Azure changes."""

    action: Literal["update", "replace", "none"]
    source: str


_FORCE_NEW = "terraform-provider-azurerm container_registry_resource.go: ForceNew"
_PATCH = "azurerm: updatable; RegistryUpdateParameters of API 2025-11-01 has it"
_LOCAL = "of the local target only"

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "name": Rule("replace", f"{_FORCE_NEW}; ARM: the name is a part of the id"),
        "port": Rule("none", _LOCAL),
        "image": Rule("none", _LOCAL),
        "deleteData": Rule("none", "read when the registry is deleted"),
        "adopt": Rule("none", "read when the registry is to be made"),
        "resourceGroup": Rule("replace", f"{_FORCE_NEW}; ARM: a part of the id"),
        "location": Rule("replace", f"{_FORCE_NEW}; RegistryUpdateParameters has no location"),
        "zoneRedundancy": Rule("replace", f"{_FORCE_NEW}; RegistryUpdateParameters has no zoneRedundancy"),
        "sku": Rule("update", f"{_PATCH}; Microsoft, container-registry-skus: changed without downtime"),
        "adminUserEnabled": Rule("update", _PATCH),
        "publicNetworkAccess": Rule("update", _PATCH),
        "ipRules": Rule("update", f"{_PATCH}, in networkRuleSet"),
        "networkDefaultAction": Rule("update", f"{_PATCH}, in networkRuleSet"),
        "trustedServicesBypass": Rule("update", f"{_PATCH}, as networkRuleBypassOptions"),
        "retentionDays": Rule("update", f"{_PATCH}, in policies"),
        "anonymousPull": Rule("update", _PATCH),
        "dataEndpointEnabled": Rule("update", _PATCH),
        "exportPolicy": Rule("update", f"{_PATCH}, in policies"),
        "systemAssignedIdentity": Rule("update", f"{_PATCH}; azure-cli takes one away by PUT"),
        "identities": Rule("update", f"{_PATCH}; azure-cli takes one away by PUT"),
        "encryption": Rule("update", "azure-cli acr encryption rotate-key: PATCH; to begin or to end is a finding"),
        "tags": Rule("update", _PATCH),
    }
)

DEFAULTS: Settings = MappingProxyType(
    {
        "sku": SKUS[0],
        "adminUserEnabled": False,
        "publicNetworkAccess": True,
        "ipRules": (),
        "networkDefaultAction": "Allow",
        "trustedServicesBypass": True,
        "retentionDays": None,
        "anonymousPull": False,
        "dataEndpointEnabled": False,
        "exportPolicy": True,
        "systemAssignedIdentity": False,
        "identities": (),
        "encryption": None,
        "tags": MappingProxyType({}),
    }
)
"""What a registry of ours has when nothing is said: Azure's own values, and the cheapest sku.

``zoneRedundancy`` is not here: registries have it by themselves now, whatever the property says, so silence asks for
nothing. Source: Microsoft, container-registry zone-redundancy, "understand the zoneRedundancy property"."""


def plain_location(text: str) -> str:
    """Return ``westeurope`` for ``West Europe``."""
    return text.replace(" ", "").lower()


def plain_rule(text: str) -> str:
    """Return the usual form of an address or range; one address may be written as a range of one."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return text
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _encryption(value: Mapping[str, str] | None) -> Any:
    return value and (str(value.get("keyIdentifier", "")).rstrip("/"), str(value.get("identity", "")).lower())


_MEANING: Mapping[str, Callable[[Any], Any]] = {
    "name": str.lower,
    "resourceGroup": str.lower,
    "location": plain_location,
    "sku": str.lower,
    "networkDefaultAction": str.lower,
    "ipRules": lambda rules: frozenset(map(plain_rule, rules or ())),
    "identities": lambda ids: frozenset(map(str.lower, ids or ())),
    "encryption": _encryption,
    "tags": lambda tags: dict(tags or {}),
}


def same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a property mean the same to Azure: letter case, order, West Europe and westeurope."""
    meaning = _MEANING.get(name, lambda value: value)
    values = [DEFAULTS.get(name) if value is None else value for value in (one, other)]
    one, other = (None if value is None else meaning(value) for value in values)
    return bool(one == other)


def registry_changes(old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
    """Name what differs, and what it costs; what is not said counts as the default.

    Silence about ``resourceGroup``, ``location`` and ``zoneRedundancy`` asks for no change.
    """
    before = {**old.settings, "name": old.name}
    after = {**new.settings, "name": new.name}
    changes: dict[str, Action] = {}
    for name, rule in RULES.items():
        if rule.action != "none" and _differs(name, before.get(name), after.get(name)):
            changes[name] = rule.action
    return changes


def _differs(name: str, before: Any, after: Any) -> bool:
    if name == "zoneRedundancy":
        return after is not None and bool(before) != after
    if name in ("resourceGroup", "location") and (before is None or after is None):
        return False
    return not same(name, before, after)
