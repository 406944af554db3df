"""What Azure Container Registry would refuse, said before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from ...core.errors import Finding
from ..protocol import Settings
from .registry_rules import DEFAULTS as STANDING
from .registry_rules import SKUS

DEFAULTS: Settings = MappingProxyType({})
"""Nothing is filled in: what is not said of an adopted registry stays as it is (see ``registry_steps``)."""

MOST_RULES = 100  # Microsoft, container-registry-access-selected-networks
LONGEST_RETENTION = 365  # days; Microsoft, container-registry-retention-policy
_NAME = re.compile(r"[a-zA-Z0-9]{5,50}")
_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|system")
_IDENTITY = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.managedidentity/userassignedidentities/[^/]+",
    re.IGNORECASE,
)
_CHOICES: Mapping[str, tuple[str, ...]] = {"sku": SKUS, "networkDefaultAction": ("Allow", "Deny")}
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


def judge_registry(old: Settings | None, new: Settings, unknown: Collection[str] = ()) -> list[Finding]:
    """Judge a registry's properties.

    Args:
        old: what it was declared as; None if it is to be made.
        new: what is wanted; what is unknown is left out.
        unknown: names of properties that are given but not known yet; they are not said to be missing.
    """
    findings = [
        *_names(new),
        *_choices(new),
        *(() if "sku" in unknown else _sku(new)),
        *_ip_rules(new),
        *_retention(new),
    ]
    findings += [*_export(new), *_identities(new), *_encryption(new, unknown)]
    if old is not None:
        findings += _new_encryption(old, new, unknown)
    return findings


def _names(new: Settings) -> Iterator[Finding]:
    if "name" in new and not _NAME.fullmatch(new["name"]):
        yield Finding("name", f'"{new["name"]}" is no registry name in Azure; use 5 to 50 letters and digits, no -')


def _choices(new: Settings) -> Iterator[Finding]:
    for name, known in _CHOICES.items():
        said = new.get(name)
        if said is None or said.lower() in map(str.lower, known):
            continue
        close = get_close_matches(said.capitalize(), known, 1)
        advice = f"did you mean {close[0]}?" if close else f"write {', '.join(known[:-1])} or {known[-1]}"
        yield Finding(name, f'{name} is "{said}"; {advice}')


def _sku(new: Settings) -> Iterator[Finding]:
    """An adopted registry that says no sku has one of its own, which is not known here."""
    sku = new.get("sku", None if new.get("adopt") else STANDING["sku"])
    if sku is None or sku.lower() not in map(str.lower, SKUS):
        return
    rank = [one.lower() for one in SKUS].index(sku.lower())
    for name, (least, counts, words) in _NEEDS.items():
        if name in new and counts(new[name]) and rank < SKUS.index(least):
            yield Finding(name, f"{words} needs sku {least}, and this registry has {SKUS[rank]}; set sku: {least}")


def _ip_rules(new: Settings) -> Iterator[Finding]:
    rules = new.get("ipRules") or ()
    for number, rule in enumerate(rules):
        try:
            network = ipaddress.ip_network(rule, strict=False)
        except ValueError:
            yield Finding(f"ipRules[{number}]", f'"{rule}" is no address or range; write 203.0.113.7 or 203.0.113.0/24')
            continue
        if network.version != 4:
            yield Finding(f"ipRules[{number}]", f'"{rule}" is IPv6; the rules of a registry take IPv4 only')
        elif "/" in rule and str(network) != rule.strip():
            yield Finding(f"ipRules[{number}]", f'"{rule}" is not the start of its range; did you mean {network}?')
    if len(rules) > MOST_RULES:
        yield Finding("ipRules", f"{len(rules)} rules, and a registry takes {MOST_RULES}; join ranges")


def _retention(new: Settings) -> Iterator[Finding]:
    days = new.get("retentionDays")
    if days is not None and not 0 <= days <= LONGEST_RETENTION:
        yield Finding("retentionDays", f"retentionDays is {days}; write 0 to {LONGEST_RETENTION}")


def _export(new: Settings) -> Iterator[Finding]:
    if new.get("exportPolicy") is False and new.get("publicNetworkAccess", True):
        yield Finding("exportPolicy", "exportPolicy: false needs publicNetworkAccess: false; set both")


def _identities(new: Settings) -> Iterator[Finding]:
    for number, one in enumerate(new.get("identities") or ()):
        if not _IDENTITY.fullmatch(one):
            why = "write /subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/…"
            yield Finding(f"identities[{number}]", f'"{one}" is no id of a user-assigned identity; {why}')


def _encryption(new: Settings, unknown: Collection[str]) -> Iterator[Finding]:
    key = new.get("encryption")
    if not key:
        return
    if "keyIdentifier" in key and not str(key["keyIdentifier"]).startswith("https://"):
        why = f'keyIdentifier is "{key["keyIdentifier"]}"; write https://<vault>.vault.azure.net/keys/<name>'
        yield Finding("encryption.keyIdentifier", why)
    if "identity" in key and not _CLIENT_ID.fullmatch(str(key["identity"])):
        yield Finding("encryption.identity", f'"{key["identity"]}" is no client id; `az identity show` prints it')
    if not new.get("identities") and "identities" not in unknown:
        yield Finding("identities", "encryption needs the user-assigned identity that may use the key; name it here")


def _new_encryption(old: Settings, new: Settings, unknown: Collection[str]) -> Iterator[Finding]:
    """Source: Microsoft, tutorial-customer-managed-keys: only while creating, and never taken back."""
    if new.get("encryption") and not old.get("encryption"):
        yield Finding(
            "encryption", "a key of your own can only be given when a registry is made; give a new one another name"
        )
    elif old.get("encryption") and not new.get("encryption") and "encryption" not in unknown:
        yield Finding(
            "encryption", "encryption with your own key cannot be taken back; leave it, or use a new registry"
        )
