"""Which roles let an identity pull from a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from ..arm.errors import AzureError
from ..arm.session import AzureSession
from .condition import allows

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
REPOSITORY_ROLES = frozenset(name for name, role in PULL_ROLES.items() if role.startswith("Container Registry"))
"""Those that count where roles are given repository by repository; AcrPull, Contributor and Owner do not, there.
Source: Microsoft, "Azure attribute-based access control (ABAC) for repository permissions"."""
ROLES_BY_REPOSITORY: Mapping[str, str] = {
    "pull": "Container Registry Repository Reader",
    "push": "Container Registry Repository Writer",
    "delete": "Container Registry Repository Contributor",
}
"""The role for each right where rights are given by repository: there AcrPull, AcrPush and AcrDelete count for
nothing, and Owner and Contributor neither. Source: as above."""
DATA_ACTION = "microsoft.containerregistry/registries/repositories/content/read"
PULL_ACTION = "microsoft.containerregistry/registries/pull/read"


def by_repository(registry: Mapping[str, Any]) -> bool:
    """Tell whether a registry, as ARM shows it, gives rights repository by repository (ABAC)."""
    mode = str((registry.get("properties") or {}).get("roleAssignmentMode") or "")
    return mode.lower().startswith("abac")


def may_pull(
    session: AzureSession, identity_id: str, registry_id: str, repository: str = "", *, abac: bool = False
) -> bool | None:
    """Whether a role on the registry, or above it, lets the identity pull; None if that cannot be told.

    It cannot be told if roles may not be read here, or if a role has a condition that is not about names of
    repositories alone, or no ``repository`` is said. ``abac``: the registry gives rights by repository.
    """
    try:
        return _lets_pull(session.call, session.principal_of(identity_id), registry_id, repository, abac=abac)
    except AzureError as error:
        # to read roles is a right of its own, which AcrPush alone does not give
        if error.status in (401, 403):
            return None
        raise


def _lets_pull(
    call: Callable[..., Any], principal: str, registry_id: str, repository: str, *, abac: bool
) -> bool | None:
    """Whether a role on the registry, or above it, lets the principal pull.

    Returns:
        None if a role may, whose condition cannot be judged here.
    """
    # ARM answers with assignments at and above the scope too, which is what counts; and by this filter with those of
    # the groups that the principal is in, which `principalId eq` leaves out (Azure RBAC, "list role assignments")
    query = quote(f"assignedTo('{principal}')")
    path = f"{registry_id}/providers/Microsoft.Authorization/roleAssignments?$filter={query}"
    limited = False
    for assignment in (call("GET", path, API) or {}).get("value", []):
        properties = assignment["properties"]
        role = str(properties["roleDefinitionId"])
        if role.rpartition("/")[2].lower() in (REPOSITORY_ROLES if abac else PULL_ROLES) or _own_role_pulls(
            call, role, abac=abac
        ):
            condition = str(properties.get("condition") or "")
            holds = allows(condition, DATA_ACTION, repository) if condition and repository else not condition or None
            if holds:
                return True
            limited = limited or holds is None
    return None if limited else False


def _own_role_pulls(call: Callable[..., Any], role: str, *, abac: bool) -> bool:
    """Whether a role that is not built in has the action, or where rights are by repository the right to read them."""
    if role.rpartition("/")[2].lower() in PULL_ROLES:
        return False
    found = call("GET", role, API) or {"properties": {}}
    permissions = found["properties"].get("permissions", [])
    kind, wanted = ("dataActions", DATA_ACTION) if abac else ("actions", PULL_ACTION)
    # notActions take away from their own role alone: they deny nothing (Azure RBAC, "role definitions")
    return any(
        _matches(each.get(kind, []), wanted) and not _matches(each.get(f"not{kind[0].upper()}{kind[1:]}", []), wanted)
        for each in permissions
    )


def _matches(actions: list[str], wanted: str) -> bool:
    return any(fnmatchcase(wanted, action.lower()) for action in actions)
