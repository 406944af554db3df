"""What is judged of a registry on every target: what goes with its sku, network rules, its key, its tags."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..core.errors import Finding
from .identity import id_findings
from .registry import SKUS
from .said import Said
from .tag import registry_tag_findings

MOST_RULES = 100  # Microsoft, container-registry-access-selected-networks
_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|system")
_NEEDS: Mapping[str, tuple[str, Callable[[Any], bool], str]] = {
    "publicNetworkAccess": ("Premium", lambda value: not value, "publicNetworkAccess: false"),
    "ipRules": ("Premium", bool, "ipRules"),
    "networkDefaultAction": ("Premium", lambda value: value.lower() == "deny", "networkDefaultAction: Deny"),
    "retentionDays": ("Premium", lambda value: value is not None, "retentionDays"),
    "dataEndpointEnabled": ("Premium", bool, "dataEndpointEnabled"),
    "exportPolicy": ("Premium", lambda value: not value, "exportPolicy: false"),
    "encryption": ("Premium", bool, "encryption"),
    "anonymousPull": ("Standard", bool, "anonymousPull"),
}
"""Property -> the least sku that takes it, and when it counts. Sources: Microsoft, container-registry-skus; azurerm,
container_registry_resource.go, CustomizeDiff."""


def sku_findings(said: Said) -> Iterator[Finding]:
    """Judge what the sku does not take; an adopted registry that says none has one of its own, not known here."""
    if said.unsure("sku", "adopt"):
        return
    sku = said.get("sku", None if said.get("adopt") else SKUS[0])
    if sku is None:
        return
    rank = [one.lower() for one in SKUS].index(sku.lower())
    for name, (least, counts, words) in _NEEDS.items():
        if said.known(name) and counts(said.get(name)) and rank < SKUS.index(least):
            why = f"{words} needs sku {least}, and this registry has {SKUS[rank]}; set sku: {least}"
            yield said.finding(name, why)


def ip_findings(said: Said) -> Iterator[Finding]:
    """Judge the addresses that may reach it."""
    for where, rule in said.texts("ipRules"):
        try:
            network = ipaddress.ip_network(rule, strict=False)
        except ValueError:
            yield Finding(where, f'"{rule}" is no address or range; write 203.0.113.7 or 203.0.113.0/24')
            continue
        if network.version != 4:
            yield Finding(where, f'"{rule}" is IPv6; the rules of a registry take IPv4 only')
        elif "/" in rule and str(network) != rule.strip():
            yield Finding(where, f'"{rule}" is not the start of its range; did you mean {network}?')
    if (count := len(said.items("ipRules"))) > MOST_RULES:
        yield said.finding("ipRules", f"{count} rules, and a registry takes {MOST_RULES}; join ranges")


def export_findings(said: Said) -> Iterator[Finding]:
    """Judge the export policy."""
    public = said.get("publicNetworkAccess", True) and not said.unsure("publicNetworkAccess")
    if said.get("exportPolicy") is False and public:
        yield said.finding("exportPolicy", "exportPolicy: false needs publicNetworkAccess: false; set both")


def identity_findings(said: Said) -> Iterator[Finding]:
    """Judge the ids of identities."""
    yield from id_findings(said.texts("identities"))


def encryption_findings(said: Said) -> Iterator[Finding]:
    """Judge the customer-managed key."""
    if not said.get("encryption"):
        return
    key = said.inside("encryption")
    address, identity = key.get("keyIdentifier"), key.get("identity")
    if address is not None and not address.startswith("https://"):
        why = f'keyIdentifier is "{address}"; write https://<vault>.vault.azure.net/keys/<name>'
        yield key.finding("keyIdentifier", why)
    if identity is not None and not _CLIENT_ID.fullmatch(identity):
        yield key.finding("identity", f'"{identity}" is no client id; `az identity show` prints it')
    if not said.get("identities") and not said.unsure("identities"):
        why = "encryption needs the user-assigned identity that may use the key; name it here"
        yield said.finding("identities", why)


RULES = (sku_findings, ip_findings, export_findings, identity_findings, encryption_findings, registry_tag_findings)
