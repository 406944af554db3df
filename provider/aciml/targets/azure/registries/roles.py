"""Which roles let an identity pull from a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from ..arm.errors import AzureError
from ..arm.session import AzureSession

API = "2022-04-01"
PULL_ROLES: Mapping[str, str] = {
    # by id: those of built-in roles are the same in every tenant
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "b93aa761-3e63-49ed-ac28-beffa264f7ac": "Container Registry Repository Reader",
    "2a1e307c-b015-4ebd-883e-5b7698a07328": "Container Registry Repository Writer",
    "2efddaa5-3f1f-4df3-97df-af3f13818f4c": "Container Registry Repository Contributor",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
}
"""Built-in roles with the action below, or with the right to read repositories. Source: Microsoft's "Azure built-in
roles" and "Azure Container Registry roles and permissions"."""
PULL_ACTION = "microsoft.containerregistry/registries/pull/read"


def may_pull(session: AzureSession, identity_id: str, registry_id: str) -> bool | None:
    """Whether a role on the registry, or above it, lets the identity pull; None if that cannot be told.

    It cannot be told if roles may not be read here, or if a role holds for some repositories only.
    """
    try:
        return _lets_pull(session.call, session.principal_of(identity_id), registry_id)
    except AzureError as error:
        # to read roles is a right of its own, which AcrPush alone does not give
        if error.status in (401, 403):
            return None
        raise


def _lets_pull(call: Callable[..., Any], principal: str, registry_id: str) -> bool | None:
    """Whether a role on the registry, or above it, lets the principal pull.

    Returns:
        None if all roles that would have a condition, and so may hold for some repositories only.
    """
    # ARM answers with assignments at and above the scope too, which is what counts
    query = quote(f"principalId eq '{principal}'")
    path = f"{registry_id}/providers/Microsoft.Authorization/roleAssignments?$filter={query}"
    limited = False
    for assignment in (call("GET", path, API) or {}).get("value", []):
        properties = assignment["properties"]
        role = str(properties["roleDefinitionId"])
        if role.rpartition("/")[2].lower() in PULL_ROLES or _own_role_pulls(call, role):
            # conditions (ABAC) speak of repositories by expressions that only Azure evaluates
            if not properties.get("condition"):
                return True
            limited = True
    return None if limited else False


def _own_role_pulls(call: Callable[..., Any], role: str) -> bool:
    """Whether a role that is not built in has the action."""
    found = call("GET", role, API) or {"properties": {}}
    permissions = found["properties"].get("permissions", [])
    # notActions take away from their own role alone: they deny nothing (Azure RBAC, "role definitions")
    return any(_matches(each.get("actions", [])) and not _matches(each.get("notActions", [])) for each in permissions)


def _matches(actions: list[str]) -> bool:
    return any(fnmatchcase(PULL_ACTION, action.lower()) for action in actions)
