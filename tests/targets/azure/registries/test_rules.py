"""What each property of a registry costs to change, one row for each."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.casing import camel_case
from aciml.model.declared import leaves
from aciml.model.registry import FIELDS, Registry
from aciml.targets.azure.registries.body import CHANGEABLE, DEFAULTS, registry_changes, same
from aciml.targets.protocol import Action
from tests.targets.registries import registry

FORCE_NEW = "ForceNew"
PATCHED = "RegistryUpdateParameters"
KEY = {"keyIdentifier": "https://v.vault.azure.net/keys/k", "identity": "00000000-0000-0000-0000-000000000001"}
ROTATED = {**KEY, "keyIdentifier": "https://v.vault.azure.net/keys/k2"}
ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"

ROWS: list[tuple[str, Any, Any, Action | None, str]] = [
    ("name", "contoso", "fabrikam", "replace", FORCE_NEW),
    ("name", "contoso", "Contoso", None, FORCE_NEW),
    ("port", 0, 5000, None, "local"),
    ("image", "registry:2", "registry:3", None, "local"),
    ("deleteData", False, True, None, "deleted"),
    ("adopt", None, True, None, "made"),
    ("resourceGroup", "one", "two", "replace", FORCE_NEW),
    ("resourceGroup", "one", "ONE", None, FORCE_NEW),
    ("resourceGroup", None, "one", None, FORCE_NEW),
    ("location", "westeurope", "northeurope", "replace", FORCE_NEW),
    ("location", "westeurope", "West Europe", None, FORCE_NEW),
    ("location", "westeurope", None, None, FORCE_NEW),
    ("zoneRedundancy", False, True, "replace", FORCE_NEW),
    ("zoneRedundancy", True, False, "replace", FORCE_NEW),
    ("zoneRedundancy", None, True, "replace", FORCE_NEW),
    ("zoneRedundancy", True, None, None, FORCE_NEW),
    ("zoneRedundancy", None, False, None, FORCE_NEW),
    ("sku", "Basic", "Premium", "update", PATCHED),
    ("sku", None, "Basic", None, PATCHED),
    ("sku", "Premium", None, "update", PATCHED),
    ("sku", "Premium", "premium", None, PATCHED),
    ("adminUserEnabled", False, True, "update", PATCHED),
    ("adminUserEnabled", None, False, None, PATCHED),
    ("publicNetworkAccess", None, False, "update", PATCHED),
    ("publicNetworkAccess", None, True, None, PATCHED),
    ("ipRules", ["203.0.113.7"], ["203.0.113.8"], "update", PATCHED),
    ("ipRules", ["203.0.113.7"], ["203.0.113.7/32"], None, PATCHED),
    ("ipRules", ["1.1.1.1", "2.2.2.2"], ["2.2.2.2", "1.1.1.1"], None, PATCHED),
    ("ipRules", None, [], None, PATCHED),
    ("networkDefaultAction", "Allow", "Deny", "update", PATCHED),
    ("networkDefaultAction", None, "allow", None, PATCHED),
    ("trustedServicesBypass", True, False, "update", PATCHED),
    ("retentionDays", None, 7, "update", PATCHED),
    ("retentionDays", None, 0, "update", PATCHED),
    ("retentionDays", 7, None, "update", PATCHED),
    ("anonymousPull", None, True, "update", PATCHED),
    ("dataEndpointEnabled", None, True, "update", PATCHED),
    ("exportPolicy", True, False, "update", PATCHED),
    ("systemAssignedIdentity", None, True, "update", PATCHED),
    ("identities", [ID], [], "update", PATCHED),
    ("identities", [ID], [ID.lower()], None, PATCHED),
    ("encryption", KEY, ROTATED, "update", "rotate-key"),
    ("encryption", KEY, {**KEY, "identity": KEY["identity"].upper()}, None, "rotate-key"),
    ("tags", {"a": "1"}, {"a": "2"}, "update", PATCHED),
    ("tags", None, {}, None, PATCHED),
    ("workspace", None, "mlw", None, "name of the registry"),
]


def declared(name: str, value: Any) -> Registry:
    return registry(**{"name": "contoso", **({} if value is None else {name: value})})


@pytest.mark.parametrize(("name", "old", "new", "action", "source"), ROWS)
def test_a_change_costs_what_the_table_says(name: str, old: Any, new: Any, action: Action | None, source: str) -> None:
    assert registry_changes(declared(name, old), declared(name, new)) == ({name: action} if action else {})
    cost = FIELDS[name].cost
    assert cost is not None
    assert source in cost.source


def test_every_property_has_a_cost_a_row_and_a_source() -> None:
    assert FIELDS.keys() == {row[0] for row in ROWS}
    assert all(field.cost and field.cost.source for field in FIELDS.values())


def test_only_four_properties_replace() -> None:
    replacing = {name for name, field in FIELDS.items() if field.cost and field.cost.action == "replace"}

    assert replacing == {"name", "resourceGroup", "location", "zoneRedundancy"}


def test_only_a_cloud_has_what_an_update_can_send() -> None:
    assert {FIELDS[camel_case(name)].scope for name in CHANGEABLE} == {"cloud"}


@pytest.mark.parametrize("name", CHANGEABLE)
def test_a_default_is_the_same_as_silence(name: str) -> None:
    assert same(name, None, leaves(DEFAULTS)[name])
