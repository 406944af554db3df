"""What a registry's properties are told on every target."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.model.registry import FIELDS
from aciml.model.rules import registry_findings
from aciml.model.shape import shape_findings
from aciml.properties import UNKNOWN

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
CLIENT = "00000000-0000-0000-0000-000000000001"
KEY = {"keyIdentifier": "https://v.vault.azure.net/keys/k", "identity": CLIENT}
PREMIUM = {"name": "contoso", "sku": "Premium"}

GOOD: list[dict[str, Any]] = [
    {"name": "contoso"},
    {"name": "Abc12"},
    {"name": "a" * 50, "sku": "basic"},
    {"name": "contoso", "publicNetworkAccess": True, "networkDefaultAction": "allow", "ipRules": []},
    {"name": "contoso", "exportPolicy": True, "dataEndpointEnabled": False, "anonymousPull": False},
    {"name": "contoso", "sku": "Standard", "anonymousPull": True},
    {"name": "contoso", "adopt": True, "retentionDays": 7},  # its sku is not known here
    {"name": "contoso", "zoneRedundancy": True},
    {**PREMIUM, "publicNetworkAccess": False, "exportPolicy": False, "retentionDays": 0},
    {**PREMIUM, "retentionDays": 365, "networkDefaultAction": "Deny", "ipRules": ["203.0.113.0/24", "203.0.113.7"]},
    {**PREMIUM, "encryption": KEY, "identities": [ID]},
    {},
]
BAD: list[tuple[dict[str, Any], str, str]] = [
    (
        {"publicNetworkAccess": False},
        "publicNetworkAccess",
        "publicNetworkAccess: false needs sku Premium, and this registry has Basic; set sku: Premium",
    ),
    ({"sku": "Standard", "ipRules": ["1.1.1.1"]}, "ipRules", "needs sku Premium, and this registry has Standard"),
    ({"networkDefaultAction": "Deny"}, "networkDefaultAction", "needs sku Premium"),
    ({"retentionDays": 7}, "retentionDays", "needs sku Premium"),
    ({"dataEndpointEnabled": True}, "dataEndpointEnabled", "needs sku Premium"),
    ({"sku": "Standard", "encryption": KEY}, "encryption", "needs sku Premium"),
    ({"sku": "Basic", "anonymousPull": True}, "anonymousPull", "needs sku Standard"),
    ({**PREMIUM, "exportPolicy": False}, "exportPolicy", "needs publicNetworkAccess: false; set both"),
    ({"exportPolicy": False, "publicNetworkAccess": False}, "exportPolicy", "needs sku Premium"),
    ({**PREMIUM, "ipRules": ["203.0.113.300"]}, "ipRules[0]", "no address or range"),
    ({**PREMIUM, "ipRules": ["1.1.1.1", "fe80::1"]}, "ipRules[1]", "IPv6"),
    ({**PREMIUM, "ipRules": ["203.0.113.7/24"]}, "ipRules[0]", "did you mean 203.0.113.0/24?"),
    ({**PREMIUM, "ipRules": [f"1.1.1.{n}" for n in range(101)]}, "ipRules", "101 rules, and a registry takes 100"),
    ({**PREMIUM, "identities": ["one"]}, "identities[0]", "no id of a user-assigned identity"),
    ({**PREMIUM, "encryption": KEY, "identities": []}, "identities", "encryption needs the user-assigned identity"),
    (
        {**PREMIUM, "identities": [ID], "encryption": {**KEY, "keyIdentifier": "k"}},
        "encryption.keyIdentifier",
        "https://<vault>.vault.azure.net",
    ),
    (
        {**PREMIUM, "identities": [ID], "encryption": {**KEY, "identity": ID}},
        "encryption.identity",
        "no client id; `az identity show` prints it",
    ),
    ({"tags": {"a?": ""}}, 'tags["a?"]', "a tag's name has 1 to 512 characters"),
    ({"tags": {"aciml-owner": "me"}}, 'tags["aciml-owner"]', "the tag aciml-owner is set by us"),
]


@pytest.mark.parametrize("properties", GOOD)
def test_what_azure_takes_is_not_judged(properties: dict[str, Any]) -> None:
    assert shape_findings({"name": "contoso", **properties}, FIELDS) == []
    assert registry_findings(properties) == []


@pytest.mark.parametrize(("properties", "where", "why"), BAD)
def test_what_azure_refuses_is_a_finding_with_its_path(properties: dict[str, Any], where: str, why: str) -> None:
    found = [finding for finding in registry_findings(properties) if finding.where == where]

    assert found
    assert why in found[0].why


@pytest.mark.parametrize("name", ["sku", "identities", "encryption", "ipRules", "tags", "publicNetworkAccess"])
@pytest.mark.parametrize("properties", [*GOOD, *(row[0] for row in BAD)])
def test_what_is_not_known_yet_adds_no_finding(properties: dict[str, Any], name: str) -> None:
    before = {finding.where for finding in registry_findings(properties)}

    assert {finding.where for finding in registry_findings({**properties, name: UNKNOWN})} <= before


def test_a_missing_identity_is_told_unless_it_is_only_unknown() -> None:
    found = registry_findings({**PREMIUM, "encryption": KEY})

    assert [finding.where for finding in found] == ["identities"]
    assert registry_findings({**PREMIUM, "encryption": KEY, "identities": UNKNOWN}) == []
