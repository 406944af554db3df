"""Who a registry is itself: identities of its own, and those that it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ....model.registry import Identity, Registry
from .part import Part

SYSTEM, USER = "SystemAssigned", "UserAssigned"


def _to_arm(registry: Registry) -> dict[str, Any]:
    ids, system = registry.identity.identities or (), registry.identity.system_assigned_identity
    kinds = [kind for kind, there in ((SYSTEM, system), (USER, ids)) if there]
    # None in so many words: a part that is left out of a PATCH stays as it is
    body: dict[str, Any] = {"type": ", ".join(kinds) or "None"}
    return {**body, "userAssignedIdentities": {one: {} for one in ids}} if ids else body


def _from_arm(seen: Any) -> Mapping[str, Any]:
    seen = seen or {}
    return {
        "system_assigned_identity": SYSTEM.lower() in str(seen.get("type", "")).lower(),
        "identities": tuple(seen.get("userAssignedIdentities") or ()),
    }


def _lowered(ids: Iterable[str]) -> frozenset[str]:
    return frozenset(map(str.lower, ids))  # ARM minds no letter case in ids, and shows another than it was given


PART = Part(("system_assigned_identity", "identities"), ("identity",), _to_arm, _from_arm, {"identities": _lowered})


def is_less(now: Identity, wanted: Identity) -> bool:
    """Tell whether an identity goes, which a PATCH cannot say: it only adds. Source: azure-cli, acr identity remove."""
    system = now.system_assigned_identity and not wanted.system_assigned_identity
    return bool(system or _lowered(now.identities or ()) - _lowered(wanted.identities or ()))
