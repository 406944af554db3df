"""A registry in ARM's words and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml import __version__
from aciml.model.declared import leaves, with_leaves, written_leaves
from aciml.model.registry import Registry
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.ownership import owner_of
from aciml.targets.azure.registries.body import CHANGEABLE, DEFAULTS, body_of, drift, from_arm, same, to_arm
from aciml.targets.azure.registries.steps import steps, wanted
from aciml.targets.protocol import RegistrySpec
from tests.targets.registries import registry, wanted_registry

CONFIG = AzureConfig.read(
    {
        "subscriptionId": "00000000-0000-0000-0000-000000000001",
        "resourceGroup": "models",
        "location": "West Europe",
    },
    {},
)
URN = "urn:pulumi:prod::iris::aciml:index:Registry$aciml:registry:ContainerRegistry::contoso"
OWNER = {"aciml-owner": "prod/iris/contoso"}
MADE = {**OWNER, "aciml-version": __version__}
"""What is written on a new one; those that an older version made have no version."""
BASE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/models/providers"
ID = f"{BASE}/Microsoft.ManagedIdentity/userAssignedIdentities/one"
KEY = {"keyIdentifier": "https://v.vault.azure.net/keys/k", "identity": "00000000-0000-0000-0000-000000000002"}
PLAIN = {"adminUserEnabled": False}

GOLDEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"location": "westeurope", "sku": {"name": "Basic"}, "tags": MADE, "properties": PLAIN}),
    (
        {
            "location": "North Europe",
            "sku": "standard",
            "anonymousPull": True,
            "adminUserEnabled": True,
            "tags": {"a": "1"},
        },
        {
            "location": "northeurope",
            "sku": {"name": "Standard"},
            "tags": {"a": "1", **MADE},
            "properties": {"anonymousPullEnabled": True, "adminUserEnabled": True},
        },
    ),
    (
        {
            "sku": "Premium",
            "publicNetworkAccess": False,
            "exportPolicy": False,
            "retentionDays": 30,
            "trustedServicesBypass": False,
            "dataEndpointEnabled": True,
            "zoneRedundancy": True,
            "systemAssignedIdentity": True,
            "identities": [ID],
            "encryption": KEY,
        },
        {
            "location": "westeurope",
            "sku": {"name": "Premium"},
            "tags": MADE,
            "identity": {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {ID: {}}},
            "properties": {
                **PLAIN,
                "publicNetworkAccess": "Disabled",
                "networkRuleBypassOptions": "None",
                "dataEndpointEnabled": True,
                "zoneRedundancy": "Enabled",
                "policies": {
                    "exportPolicy": {"status": "disabled"},
                    "retentionPolicy": {"status": "enabled", "days": 30},
                },
                "encryption": {"status": "enabled", "keyVaultProperties": KEY},
            },
        },
    ),
    (
        {"sku": "Premium", "networkDefaultAction": "deny", "ipRules": ["203.0.113.7/32", "198.51.100.0/24"]},
        {
            "location": "westeurope",
            "sku": {"name": "Premium"},
            "tags": MADE,
            "properties": {
                **PLAIN,
                "networkRuleSet": {
                    "defaultAction": "Deny",
                    "ipRules": [
                        {"action": "Allow", "value": "203.0.113.7"},
                        {"action": "Allow", "value": "198.51.100.0/24"},
                    ],
                },
            },
        },
    ),
    (  # what is said but is the default is not sent: a Basic registry would refuse some of it
        written_leaves(DEFAULTS, CHANGEABLE),
        {"location": "westeurope", "sku": {"name": "Basic"}, "tags": MADE, "properties": PLAIN},
    ),
]


@pytest.mark.parametrize(("settings", "body"), GOLDEN)
def test_the_body_of_a_new_registry(settings: dict[str, Any], body: dict[str, Any]) -> None:
    assert to_arm(wanted_registry("contoso", owner=URN, **settings), CONFIG) == body


def arm(settings: dict[str, Any], *, owner: bool = True) -> dict[str, Any]:
    """A registry as a GET shows it, with what the service adds."""
    body = to_arm(wanted_registry("contoso", owner=URN if owner else "", **settings), CONFIG)
    added = {"loginServer": "contoso.azurecr.io", "provisioningState": "Succeeded", "creationDate": "2026-01-01"}
    policies = {
        "retentionPolicy": {"status": "disabled", "days": 7},
        "exportPolicy": {"status": "enabled"},
        "quarantinePolicy": {"status": "disabled"},
        **body.get("properties", {}).get("policies", {}),
    }
    return {
        "id": f"{BASE}/Microsoft.ContainerRegistry/registries/contoso",
        "name": "contoso",
        **body,
        "properties": {
            **added,
            "encryption": {"status": "disabled"},
            **body.get("properties", {}),
            "policies": policies,
        },
    }


def seen_otherwise(seen: dict[str, Any], known: RegistrySpec | None) -> dict[str, Any]:
    """Return what drift is, by the names of the wire."""
    return written_leaves(*drift(seen, known))


def usual(**properties: Any) -> Registry:
    """Return a registry of which all is said: the defaults, but for some properties."""
    said = {name: value for name, value in leaves(registry(**properties)).items() if value is not None}
    return with_leaves(DEFAULTS, said)


ADDRESSES = st.ip_addresses(v=4).map(str)
RANGES = st.tuples(st.integers(0, 255), st.integers(8, 31)).map(lambda pair: f"{pair[0]}.0.0.0/{pair[1]}")
NAMES = st.text("abcdefghijklmnop", min_size=1, max_size=6)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "sku": st.sampled_from(["Basic", "Standard", "Premium"]),
        "adminUserEnabled": st.booleans(),
        "publicNetworkAccess": st.booleans(),
        "ipRules": st.lists(ADDRESSES | RANGES, max_size=4, unique=True),
        "networkDefaultAction": st.sampled_from(["Allow", "Deny"]),
        "trustedServicesBypass": st.booleans(),
        "retentionDays": st.integers(0, 365),
        "anonymousPull": st.booleans(),
        "dataEndpointEnabled": st.booleans(),
        "exportPolicy": st.booleans(),
        "systemAssignedIdentity": st.booleans(),
        "identities": st.lists(NAMES.map(lambda name: ID + name), max_size=3, unique=True),
        "encryption": st.just(KEY),
        "tags": st.dictionaries(NAMES, NAMES, max_size=3),
    },
)


@given(SETTINGS)
def test_what_was_sent_is_read_back(settings: dict[str, Any]) -> None:
    seen, said = leaves(from_arm(arm(settings))), leaves(usual(**settings))

    for name in CHANGEABLE:
        assert same(name, seen[name], said[name]), name


@given(SETTINGS)
def test_what_was_made_shows_no_drift(settings: dict[str, Any]) -> None:
    assert seen_otherwise(arm(settings), wanted_registry("contoso", owner=URN, **settings)) == {}


@given(SETTINGS)
def test_what_was_imported_shows_no_drift(settings: dict[str, Any]) -> None:
    imported = seen_otherwise(arm(settings, owner=False), None)

    assert seen_otherwise(arm(settings, owner=False), wanted_registry("contoso", **imported)) == {}
    assert seen_otherwise(arm(settings), wanted_registry("contoso", owner=URN, **imported)) == {}
    assert imported["resourceGroup"] == "models"


@given(SETTINGS, SETTINGS)
def test_the_steps_from_one_to_another_lead_there_and_then_nothing_is_left(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    seen = arm(old)
    whole = wanted(seen, registry(**old), registry(**new), ours=True)

    for step in steps(seen, whole, owner_of(URN)):
        seen = dict(step.body) if step.method == "PUT" else patched(seen, step.body)

    assert steps(seen, whole, owner_of(URN)) == []
    assert seen_otherwise(seen, wanted_registry("contoso", owner=URN, **new)) == {}


def patched(seen: Any, body: Any) -> Any:
    """As ARM merges a PATCH: objects by their keys, tags and lists whole; identities are only added."""
    merged = dict(seen)
    for name, value in body.items():
        if name == "identity" and isinstance(value, dict):
            ids = {**merged.get(name, {}).get("userAssignedIdentities", {}), **value.get("userAssignedIdentities", {})}
            merged[name] = {**value, "userAssignedIdentities": ids}
        elif name != "tags" and isinstance(value, dict):
            merged[name] = patched(merged.get(name) or {}, value)
        else:
            merged[name] = value
    return merged


def test_drift_names_what_is_otherwise_and_what_is_gone() -> None:
    seen = arm({"sku": "Premium", "adminUserEnabled": True, "ipRules": ["1.1.1.1"]})
    known = wanted_registry("contoso", owner=URN, sku="Standard", retentionDays=7)

    assert seen_otherwise(seen, known) == {
        "sku": "Premium",
        "adminUserEnabled": True,
        "ipRules": ["1.1.1.1"],
        "retentionDays": None,
    }


def test_zones_are_azures_own_affair() -> None:
    assert seen_otherwise(arm({"zoneRedundancy": True}), wanted_registry("contoso", owner=URN)) == {}
    declared = wanted_registry("contoso", owner=URN, zoneRedundancy=True)
    assert seen_otherwise(arm({}), declared) == {}


def test_of_an_adopted_registry_only_what_is_declared_counts() -> None:
    seen = arm({"sku": "Premium", "adminUserEnabled": True, "tags": {"team": "x", "cost": "1"}}, owner=False)
    known = wanted_registry("contoso", owner=URN, adopt=True, tags={"cost": "2"}, anonymousPull=True)

    assert seen_otherwise(seen, known) == {"tags": {"cost": "1"}, "anonymousPull": False}


def test_what_an_adopted_registry_has_besides_stays() -> None:
    seen = arm({"sku": "Premium", "adminUserEnabled": True, "tags": {"team": "x", "mine": "1"}}, owner=False)
    old, new = registry(tags={"mine": "1"}, adminUserEnabled=True), registry(adopt=True, anonymousPull=True)

    whole = wanted(seen, old, new, ours=False)

    assert (whole.sku, whole.admin_user_enabled, whole.anonymous_pull) == ("Premium", False, True)
    assert whole.tags == {"team": "x"}
    assert whole.adopt is None


def test_a_higher_sku_is_sent_first_and_alone() -> None:
    whole = usual(sku="Premium", retentionDays=5, adminUserEnabled=True)

    sent = steps(arm({}), whole, owner_of(URN))

    assert [step.method for step in sent] == ["PATCH", "PATCH"]
    assert sent[0].body == {"sku": {"name": "Premium"}}
    assert sent[1].body == {
        "properties": {
            "adminUserEnabled": True,
            "policies": {"retentionPolicy": {"status": "enabled", "days": 5}},
        }
    }


def test_a_lower_sku_is_sent_last_and_alone() -> None:
    sent = steps(arm({"sku": "Premium", "retentionDays": 5, "ipRules": ["1.1.1.1"]}), DEFAULTS, owner_of(URN))

    assert sent[0].body == {
        "properties": {
            "networkRuleSet": {"defaultAction": "Allow", "ipRules": []},
            "policies": {"retentionPolicy": {"status": "disabled"}},
        }
    }
    assert sent[1].body == {"sku": {"name": "Basic"}}


def test_an_identity_is_taken_away_by_sending_the_whole_registry() -> None:
    seen = arm({"sku": "Premium", "identities": [ID, ID + "2"], "retentionDays": 5})
    whole = usual(sku="Premium", identities=[ID], retentionDays=5)

    (sent,) = steps(seen, whole, owner_of(URN))

    assert sent.method == "PUT"
    assert sent.body["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {ID: {}}}
    assert sent.body["properties"]["policies"]["retentionPolicy"] == {"status": "enabled", "days": 5}


def test_a_missing_owner_tag_is_written() -> None:
    (sent,) = steps(arm({"tags": {"a": "1"}}, owner=False), usual(tags={"a": "1"}), owner_of(URN))

    assert sent.body == {"tags": {"a": "1", **OWNER}}


def test_a_part_is_written_whole() -> None:
    whole = usual(ipRules=["1.1.1.1"], networkDefaultAction="Deny")

    assert body_of(whole, ["ip_rules"]) == body_of(whole, ["network_default_action"])


@pytest.mark.parametrize(
    ("urn", "owner"),
    [
        (URN, "prod/iris/contoso"),
        ("urn:pulumi:a::b::c::d::e", "a/b/d::e"),
        ("me", "me"),
        ("", ""),
        (f"urn:pulumi:a::b::c::{'x' * 300}", "x" * 256),
    ],
)
def test_the_owner_is_stack_project_and_name(urn: str, owner: str) -> None:
    assert owner_of(urn) == owner
