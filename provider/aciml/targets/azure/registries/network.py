"""Who may reach a registry: from the internet at all, by address, by being a service of the cloud."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ....model.registry import Registry
from .part import Part, switch


def _to_arm(registry: Registry) -> Mapping[str, Any]:
    # networkRuleSet is replaced whole by a PATCH: without ipRules the rules that are there would go
    network = registry.network
    rules = [{"action": "Allow", "value": plain_rule(rule)} for rule in network.ip_rules or ()]
    return {"defaultAction": str(network.network_default_action).capitalize(), "ipRules": rules}


def _from_arm(seen: Any) -> Mapping[str, Any]:
    seen = seen or {}
    # ARM shows 203.0.113.7 as it was written, /32 or not
    rules = tuple(plain_rule(str(rule["value"])) for rule in seen.get("ipRules") or ())
    return {"ip_rules": rules, "network_default_action": str(seen.get("defaultAction") or "Allow")}


def _addresses(rules: Iterable[str]) -> frozenset[str]:
    return frozenset(map(plain_rule, rules))


PUBLIC = switch("public_network_access", "properties", "publicNetworkAccess", default=True)
RULES = Part(
    ("ip_rules", "network_default_action"),
    ("properties", "networkRuleSet"),
    _to_arm,
    _from_arm,
    {"ip_rules": _addresses, "network_default_action": str.lower},
)
BYPASS = switch(
    "trusted_services_bypass",
    "properties",
    "networkRuleBypassOptions",
    on="AzureServices",
    off="None",
    default=True,
)


def plain_rule(text: str) -> str:
    """Return the usual form of an address or range; one address may be written as a range of one."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return text
    return str(network.network_address) if network.num_addresses == 1 else str(network)
