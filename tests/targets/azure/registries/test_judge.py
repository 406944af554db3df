"""What Azure alone says of a registry's properties; the rest is in ``tests/model/test_registry_rules.py``."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.errors import Finding
from aciml.properties import UNKNOWN
from aciml.targets.azure.registries import encryption
from aciml.targets.azure.registries import name as registry_name
from tests.targets.registries import registry

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
CLIENT = "00000000-0000-0000-0000-000000000001"
KEY = {"keyIdentifier": "https://v.vault.azure.net/keys/k", "identity": CLIENT}
PREMIUM = {"name": "contoso", "sku": "Premium"}
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "ab"}, "name", '"ab" is no registry name in Azure; use 5 to 50 letters and digits'),
    ({"name": "con-toso"}, "name", "no registry name"),
    ({"name": "a" * 51}, "name", "no registry name"),
]


def judge_key(old: dict[str, Any], new: dict[str, Any]) -> list[Finding]:
    return list(encryption.judge(registry(**old), registry(**new)))


@pytest.mark.parametrize("name", ["contoso", "Abc12", "a" * 50])
def test_what_azure_takes_is_not_judged(name: str) -> None:
    assert registry_name.judge(registry(name=name)) == []
    assert registry_name.judge(registry()) == []


@pytest.mark.parametrize(("properties", "where", "why"), BAD)
def test_what_azure_refuses_is_a_finding_with_its_path(properties: dict[str, Any], where: str, why: str) -> None:
    (finding,) = registry_name.judge(registry(**properties))

    assert finding.where == where
    assert why in finding.why


def test_a_key_of_ones_own_comes_only_with_a_new_registry() -> None:
    new = {**PREMIUM, "encryption": KEY, "identities": [ID]}

    assert [finding.where for finding in judge_key(PREMIUM, new)] == ["encryption"]
    assert judge_key(new, {**new, "encryption": {**KEY, "keyIdentifier": "https://v.vault.azure.net/keys/2"}}) == []


def test_a_key_of_ones_own_is_never_taken_back() -> None:
    old = {**PREMIUM, "encryption": KEY, "identities": [ID]}

    assert judge_key(old, {**PREMIUM, "encryption": UNKNOWN}) == []
    assert [finding.where for finding in judge_key(old, PREMIUM)] == ["encryption"]
