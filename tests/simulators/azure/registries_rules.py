"""What a registry of ARM may be: defaults, SKU limits, what cannot change. Pure.

Source: azure.md 3.1 and 3.5; bicep types of 2025-11-01. The code of public access on a lesser SKU is as the service
was seen to write it (Azure-Samples/dotNET-Frontend-AB-Testing-on-Azure-Container-Apps#5); where nobody has quoted a
code, it is our own in the same manner.
"""

from __future__ import annotations

import copy
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .http import ArmError

ABAC = "AbacRepositoryPermissions"
SOFT = (
    "Cannot override non-default values of soft delete policy for registry {} using api-version {}. Kindly use one of "
    "supported api-versions: 2022-02-01-preview and later. For more information, please visit "
    "https://aka.ms/acr/soft-delete"
)
"""As Azure/azure-service-operator#5081 quotes it; its code stands nowhere."""
BOTH = "The retention policy and the soft delete policy cannot both be enabled."
SKUS = ("Basic", "Standard", "Premium")
INCLUDED = {"Basic": 10, "Standard": 100, "Premium": 500}  # GiB
WEBHOOKS = {"Basic": 2, "Standard": 10, "Premium": 500}
_NAME = re.compile(r"[a-zA-Z0-9]{5,50}")
_READ_ONLY = (
    "creationDate", "dataEndpointHostNames", "loginServer", "privateEndpointConnections", "provisioningState", "status",
)  # fmt: skip
_POLICIES = {
    "quarantinePolicy": {"status": "disabled"},
    "trustPolicy": {"type": "Notary", "status": "disabled"},
    "retentionPolicy": {"days": 7, "status": "disabled"},
    "exportPolicy": {"status": "enabled"},
    "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
}
DEFAULTS: Mapping[str, Any] = {
    "adminUserEnabled": False,
    "anonymousPullEnabled": False,
    "dataEndpointEnabled": False,
    "encryption": {"status": "disabled"},
    "networkRuleBypassAllowedForTasks": False,
    "networkRuleBypassOptions": "AzureServices",
    "policies": _POLICIES,
    "publicNetworkAccess": "Enabled",
    "roleAssignmentMode": "LegacyRegistryPermissions",
    "zoneRedundancy": "Disabled",
}


def name_problem(name: str) -> str:
    """Return why a name cannot be one of a registry; empty if it can."""
    if _NAME.fullmatch(name):
        return ""
    return (
        f"The registry name {name} is invalid. Registry names may contain alpha numeric characters only and must be "
        "between 5 and 50 characters."
    )


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties of a registry after a change: given ones replace, policies one by one; null is not given."""
    result = copy.deepcopy(dict(old))
    for name, value in new.items():
        if value is None or name in _READ_ONLY:
            continue
        if name == "policies":
            result["policies"] = {
                policy: {**result["policies"].get(policy, {}), **(value.get(policy) or {})}
                for policy in {**result["policies"], **value}
            }
        else:
            result[name] = copy.deepcopy(value)
    if rules := result.get("networkRuleSet"):
        rules["ipRules"] = [{"action": "Allow", **rule} for rule in rules.get("ipRules") or []]
    return result


def check_sku(sku: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the SKU as GET shows it, or refuse it."""
    name = next((known for known in SKUS if known.lower() == str((sku or {}).get("name", "")).lower()), "")
    if not name:
        said = (sku or {}).get("name")
        raise ArmError(400, "InvalidSku", f"The SKU {said!r} is not supported; supported are {', '.join(SKUS)}.")
    return {"name": name, "tier": name}


def check(sku: str, properties: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Refuse what this SKU does not have, or what contradicts itself; 400."""
    for code, message in _problems(sku, properties, identity):
        raise ArmError(400, code, message)


def check_change(old: Mapping[str, Any], location: str, properties: Mapping[str, Any]) -> None:
    """Refuse what cannot change: the region and the zones (azure.md 3.1)."""
    if _plain(old["location"]) != _plain(location):
        message = (
            f"The resource '{old['name']}' already exists in location '{old['location']}' in resource group "
            f"'{old['id'].split('/')[4]}'. A resource with the same name cannot be created in location '{location}'."
        )
        raise ArmError(409, "InvalidResourceLocation", message)
    if old["properties"]["zoneRedundancy"] != properties["zoneRedundancy"]:
        message = "The zone redundancy of a registry cannot be changed after the registry is created."
        raise ArmError(400, "ZoneRedundancyCannotBeUpdated", message)


def _problems(sku: str, properties: Mapping[str, Any], identity: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for code, what, used in _PREMIUM:
        if sku != "Premium" and used(properties):
            yield code, f"{what} is not supported for the SKU {sku}."
    if sku == "Basic" and properties["anonymousPullEnabled"]:
        yield "AnonymousPullNotSupported", "Anonymous pull is not supported for the SKU Basic."
    days = properties["policies"]["retentionPolicy"].get("days")
    if not isinstance(days, int) or not 0 <= days <= 365:
        yield "InvalidRetentionPolicy", f"The retention policy days must be between 0 and 365, not {days}."
    closed = properties["publicNetworkAccess"] == "Disabled"
    if properties["policies"]["exportPolicy"]["status"] == "disabled" and not closed:
        yield "ExportPolicyCannotBeDisabled", "Disabling export needs public network access to be disabled too."
    if properties["encryption"]["status"] == "enabled" and not identity.get("userAssignedIdentities"):
        yield "EncryptionIdentityMissing", "Encryption with a customer-managed key needs a user-assigned identity."
    for rule in (properties.get("networkRuleSet") or {}).get("ipRules") or []:
        if not _is_ipv4(str(rule.get("value"))):
            yield "InvalidNetworkRule", f"The IP rule {rule.get('value')} is not an IPv4 address or range."


def _has_rules(properties: Mapping[str, Any]) -> bool:
    rules = properties.get("networkRuleSet") or {}
    return bool(rules.get("ipRules")) or rules.get("defaultAction") == "Deny"


_PREMIUM: tuple[tuple[str, str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("DisablingPublicNetworkAccessNotSupported", "Disabling public network access",
     lambda it: bool(it["publicNetworkAccess"] == "Disabled")),
    ("NetworkRuleSetNotSupported", "A network rule set", _has_rules),
    ("DataEndpointNotSupported", "A data endpoint", lambda it: bool(it["dataEndpointEnabled"])),
    ("RetentionPolicyNotSupported", "The retention policy",
     lambda it: bool(it["policies"]["retentionPolicy"]["status"] == "enabled")),
    ("QuarantinePolicyNotSupported", "The quarantine policy",
     lambda it: bool(it["policies"]["quarantinePolicy"]["status"] == "enabled")),
    ("TrustPolicyNotSupported", "Content trust",
     lambda it: bool(it["policies"]["trustPolicy"]["status"] == "enabled")),
    ("DisablingExportNotSupported", "Disabling export",
     lambda it: bool(it["policies"]["exportPolicy"]["status"] == "disabled")),
    ("EncryptionNotSupported", "Encryption with a customer-managed key",
     lambda it: bool(it["encryption"]["status"] == "enabled")),
)  # fmt: skip


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return True


def _plain(location: str) -> str:
    return location.replace(" ", "").lower()
