"""Role assignments: who may pull from where."""

from __future__ import annotations

import re
import uuid
from typing import Any

from .http import ArmError, Request, Response, Router
from .registries_rules import ABAC
from .world import World

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
ROLES = {
    "AcrPull": ACR_PULL,
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Container Registry Repository Reader": "b93aa761-3e63-49ed-ac28-beffa264f7ac",
    "Container Registry Repository Writer": "2a1e307c-b015-4ebd-883e-5b7698a07328",
    "Container Registry Repository Contributor": "2efddaa5-3f1f-4df3-97df-af3f13818f4c",
    "Container Registry Repository Catalog Lister": "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7",
}
_PULLS = {ROLES[name] for name in ("AcrPull", "AcrPush", "Owner", "Contributor", "Reader")}
_START = "Container Registry Repository "
_PULLS_BY_REPOSITORY = {ROLES[_START + name] for name in ("Reader", "Writer", "Contributor")}
"""Those that count where rights are by repository; of the others none does."""


def install(router: Router, world: World) -> None:
    """Answer for role assignments and the roles that are known."""
    roles = _Roles(world)
    place = "{scope*}/providers/Microsoft.Authorization"
    router.add("GET", f"{place}/roleAssignments", roles.list_)
    router.add("GET", f"{place}/roleDefinitions", roles.definitions)
    router.add("GET", f"{place}/permissions", roles.permissions)
    for method, answer in (("PUT", roles.put), ("GET", roles.get), ("DELETE", roles.delete)):
        router.add(method, f"{place}/roleAssignments/{{name}}", answer)


def may_pull(world: World, principal: str, registry_id: str) -> bool:
    """Tell whether a principal has a role that pulls, on the registry or above it."""
    pulls = _PULLS_BY_REPOSITORY if is_by_repository(world, registry_id) else _PULLS
    return any(
        each["properties"]["principalId"] in {principal, *groups_of(world, principal)}
        and each["properties"]["roleDefinitionId"].rpartition("/")[2].lower() in pulls
        and f"{registry_id}/".lower().startswith(f"{each['properties']['scope']}/".lower().replace("//", "/"))
        for each in _assignments(world)
    )


def holds(condition: str | None, action: str, repository: str) -> bool:
    """Tell whether a condition of the kind that the portal writes for registries lets an action through.

    ``action`` is the end of its name, such as ``content/read``.
    """
    if not condition:
        return True
    full = f"microsoft.containerregistry/registries/repositories/{action}".lower()

    def named(found: re.Match[str]) -> str:
        how, value = found[1], found[2].lower() if "IgnoreCase" in found[1] else found[2]
        said = repository.startswith(value) if "StartsWith" in how else repository == value
        return f" {said} "

    text = re.sub(r"ActionMatches\{'([^']*)'\}", lambda found: f" {found[1].lower() == full} ", condition)
    text = re.sub(r"@Request\[[^\]]*repositories:name\]\s+(\w+)\s+'([^']*)'", named, text)
    text = re.sub(r"\s+", " ", text.replace("!", " not ").replace("AND", "and").replace("OR", "or"))
    if not re.fullmatch(r"(True|False|not|and|or|[() ])*", text):
        raise AssertionError(f"the emulator knows no such condition: {condition}")
    return bool(eval(text.strip()))


def is_by_repository(world: World, registry_id: str) -> bool:
    """Tell whether a registry gives rights by repository (``roleAssignmentMode``)."""
    properties = (world.get(registry_id) or {}).get("properties") or {}
    return str(properties.get("roleAssignmentMode")) == ABAC


def assign(
    world: World, principal: str, scope: str, role: str = "AcrPull", condition: str | None = None
) -> dict[str, Any]:
    """Give a role to a principal, under a condition if one is given."""
    name = str(uuid.uuid4())
    definition = f"/subscriptions/{world.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"
    limited = {"condition": condition, "conditionVersion": "2.0"} if condition else {}
    return _Roles(world).keep(scope, name, {"principalId": principal, "roleDefinitionId": definition, **limited})


def join(world: World, principal: str, group: str) -> None:
    """Let a principal be a member of a group of the directory."""
    world.parts.setdefault("directory", {}).setdefault(principal, set()).add(group)


def groups_of(world: World, principal: str) -> set[str]:
    """Return the groups that a principal is in."""
    return set(world.parts.get("directory", {}).get(principal, ()))


class _Roles:
    def __init__(self, world: World) -> None:
        self._world = world

    def keep(self, scope: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
        resource_id = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
        resource = {
            "id": resource_id, "name": name, "type": "Microsoft.Authorization/roleAssignments",
            "properties": {"scope": scope, "principalType": "ServicePrincipal", **properties},
        }  # fmt: skip
        self._world.put(resource_id, resource)
        return resource

    def put(self, request: Request, scope: str, name: str) -> Response:
        properties = (request.json() or {}).get("properties") or {}
        if not properties.get("principalId") or not properties.get("roleDefinitionId"):
            raise ArmError(400, "InvalidRoleAssignment", "principalId and roleDefinitionId are required.")
        for each in _assignments(self._world):
            same = all(each["properties"][key] == properties[key] for key in ("principalId", "roleDefinitionId"))
            if same and each["properties"]["scope"].lower() == scope.lower() and each["name"] != name:
                raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")
        return Response(201, self.keep(scope, name, properties))

    def get(self, request: Request, scope: str, name: str) -> Response:
        return Response(200, self._world.need(request.path))

    def delete(self, request: Request, scope: str, name: str) -> Response:
        gone = self._world.remove(request.path)
        return Response(200, gone) if gone else Response(204)

    def list_(self, request: Request, scope: str) -> Response:
        """Assignments at, above and below the scope; ``$filter`` knows principalId, assignedTo and atScope()."""
        wanted = request.query.get("$filter", "")
        who = re.search(r"principalId eq '([^']+)'|assignedTo\('([^']+)'\)", wanted, re.IGNORECASE)
        found = [
            each
            for each in _assignments(self._world)
            if _touches(each["properties"]["scope"], scope, at_scope="atscope()" in wanted.lower())
        ]
        if who:
            # those of the groups that somebody is in come with assignedTo() alone
            wide = {who[2], *groups_of(self._world, who[2])} if who[2] else {who[1]}
            found = [each for each in found if each["properties"]["principalId"] in wide]
        return Response(200, {"value": found})

    def permissions(self, request: Request, scope: str) -> Response:
        """What the login of a test may do: it owns the subscription."""
        return Response(200, {"value": [{"actions": ["*"], "notActions": []}]})

    def definitions(self, request: Request, scope: str) -> Response:
        wanted = re.search(r"roleName eq '([^']+)'", request.query.get("$filter", ""), re.IGNORECASE)
        start = f"/subscriptions/{self._world.subscription}/providers/Microsoft.Authorization/roleDefinitions"
        value = [
            {
                "id": f"{start}/{number}",
                "name": number,
                "type": "Microsoft.Authorization/roleDefinitions",
                "properties": {"roleName": name, "type": "BuiltInRole"},
            }
            for name, number in ROLES.items()
            if not wanted or wanted[1].lower() == name.lower()
        ]
        return Response(200, {"value": value})


def _assignments(world: World) -> list[dict[str, Any]]:
    with world.lock:
        return [
            each for each in world.resources.values() if each.get("type") == "Microsoft.Authorization/roleAssignments"
        ]


def _touches(own: str, scope: str, *, at_scope: bool) -> bool:
    above = f"{scope}/".lower().startswith(f"{own}/".lower().replace("//", "/"))
    return above or (not at_scope and f"{own}/".lower().startswith(f"{scope}/".lower()))
