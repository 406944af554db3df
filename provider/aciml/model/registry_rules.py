"""What is judged of a registry on every target: what goes with its sku, network rules, its key, its tags."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ..core.errors import Finding
from . import tag
from .declared import Declared
from .identity import id_findings
from .registry import SKUS, Registry

MOST_RULES = 100  # Microsoft, container-registry-access-selected-networks
_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|system")


def _needs(registry: Registry) -> Iterator[tuple[Declared, str, bool, str, str]]:
    """Give each property that not every sku takes: where it is, whether it asks for more, the least sku, its words.

    Sources: Microsoft, container-registry-skus; azurerm, container_registry_resource.go, CustomizeDiff.
    """
    network, action = registry.network, registry.network.network_default_action
    closed, inside = network.public_network_access is False, registry.export_policy is False
    yield network, "public_network_access", closed, "Premium", "publicNetworkAccess: false"
    yield network, "ip_rules", bool(network.ip_rules), "Premium", "ipRules"
    denied = (action or "").lower() == "deny"
    yield network, "network_default_action", denied, "Premium", "networkDefaultAction: Deny"
    yield registry, "retention_days", registry.retention_days is not None, "Premium", "retentionDays"
    yield registry, "data_endpoint_enabled", bool(registry.data_endpoint_enabled), "Premium", "dataEndpointEnabled"
    yield registry, "export_policy", inside, "Premium", "exportPolicy: false"
    yield registry, "encryption", registry.encryption is not None, "Premium", "encryption"
    yield registry, "anonymous_pull", bool(registry.anonymous_pull), "Standard", "anonymousPull"


def sku_findings(registry: Registry) -> Iterator[Finding]:
    """Judge what the sku does not take; an adopted registry that says none has one of its own, not known here."""
    taken = registry.adopt or registry.workspace
    sku = registry.sku or (None if taken else SKUS[0])
    if sku is None or registry.is_unsure("sku", "adopt", "workspace"):
        return
    rank = [one.lower() for one in SKUS].index(sku.lower())
    for said, name, asks, least, words in _needs(registry):
        if asks and rank < SKUS.index(least):
            why = f"{words} needs sku {least}, and this registry has {SKUS[rank]}; set sku: {least}"
            yield said.finding(name, why)


def ip_findings(registry: Registry) -> Iterator[Finding]:
    """Judge the addresses that may reach it."""
    network = registry.network
    for where, rule in network.texts("ip_rules"):
        try:
            # lenient, so that 203.0.113.7/24 is told by the start that it should have, and not as no address
            found = ipaddress.ip_network(rule, strict=False)
        except ValueError:
            yield Finding(where, f'"{rule}" is no address or range; write 203.0.113.7 or 203.0.113.0/24')
            continue
        if found.version != 4:
            yield Finding(where, f'"{rule}" is IPv6; the rules of a registry take IPv4 only')
        elif "/" in rule and str(found) != rule.strip():
            yield Finding(where, f'"{rule}" is not the start of its range; did you mean {found}?')
    if (count := len(network.ip_rules or ())) > MOST_RULES:
        yield network.finding("ip_rules", f"{count} rules, and a registry takes {MOST_RULES}; join ranges")


def export_findings(registry: Registry) -> Iterator[Finding]:
    """Judge the export policy: Azure takes it only where nobody can pull from outside."""
    network = registry.network
    public = network.public_network_access is not False and not network.is_unsure("public_network_access")
    if registry.export_policy is False and public:
        yield registry.finding("export_policy", "exportPolicy: false needs publicNetworkAccess: false; set both")


def identity_findings(registry: Registry) -> Iterator[Finding]:
    """Judge the ids of identities."""
    return id_findings(registry.identity.texts("identities"))


def encryption_findings(registry: Registry) -> Iterator[Finding]:
    """Judge the customer-managed key."""
    key = registry.encryption
    if key is None:
        return
    if key.knows("key_identifier") and not key.key_identifier.startswith("https://"):
        why = f'keyIdentifier is "{key.key_identifier}"; write https://<vault>.vault.azure.net/keys/<name>'
        yield key.finding("key_identifier", why)
    if key.knows("identity") and not _CLIENT_ID.fullmatch(key.identity):
        yield key.finding("identity", f'"{key.identity}" is no client id; `az identity show` prints it')
    if not registry.identity.identities and not registry.identity.is_unsure("identities"):
        why = "encryption needs the user-assigned identity that may use the key; name it here"
        yield registry.identity.finding("identities", why)


def tag_findings(registry: Registry) -> Iterator[Finding]:
    """Judge the tags; a registry that is adopted gets none of ours."""
    tags = registry.tags or {}
    taken = registry.adopt or registry.workspace or registry.is_unsure("adopt", "workspace")
    total = len(tags) + (not taken)
    if total > tag.MOST:
        why = f"{total} tags with ours are more than {tag.MOST}, the most of a resource"
        yield registry.finding("tags", why)
    yield from tag.twin_findings(registry, "tags", tags)
    for name, value in tags.items():
        yield from tag.form_findings(registry.at("tags", name), name, value)
        # Microsoft's page on tags: names do not differ by letter case
        if name.lower() == tag.OWNER:
            yield registry.finding("tags", f"the tag {name} is set by us; rename it", name)


def workspace_findings(registry: Registry) -> Iterator[Finding]:
    """Judge a registry that is that of a workspace: it has a name, and is taken over as it is."""
    if registry.workspace is None and not registry.is_unsure("workspace"):
        return
    if registry.adopt is False:
        why = "adopt: false goes against workspace, whose registry exists and is taken over; drop adopt"
        yield registry.finding("adopt", why)


RULES = (
    workspace_findings,
    sku_findings,
    ip_findings,
    export_findings,
    identity_findings,
    encryption_findings,
    tag_findings,
)


def findings(registry: Registry) -> list[Finding]:
    """Judge how the properties of a registry go together; what is unsure is passed over."""
    return [finding for rule in RULES for finding in rule(registry)]
