"""The identities of a registry as GET shows them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from .http import ArmError
from .world import World


def identity_of(world: World, wanted: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what is wanted with ids filled in; a system-assigned identity stays the same over changes."""
    kind = str((wanted or {}).get("type") or "None")
    if wanted is None or kind == "None":
        return {}
    identity: dict[str, Any] = {"type": kind}
    if "SystemAssigned" in kind:
        known = str(((old or {}).get("identity") or {}).get("principalId") or uuid.uuid4())
        identity |= {"principalId": known, "tenantId": world.tenant}
    if "UserAssigned" in kind:
        assigned = wanted.get("userAssignedIdentities") or {}
        identity["userAssignedIdentities"] = {each: _assigned(world, each) for each in assigned}
    return identity


def _assigned(world: World, resource_id: str) -> dict[str, str]:
    found = world.get(resource_id)
    if found is None:
        raise ArmError(400, "FailedIdentityOperation", f"Resource '{resource_id}' was not found.")
    return {name: found["properties"][name] for name in ("principalId", "clientId")}
