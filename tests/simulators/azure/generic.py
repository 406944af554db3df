"""Resources that are only kept: identities, role assignments, Traffic Manager, Application Gateway, networks."""

from __future__ import annotations

import copy
import re
import uuid
from typing import Any

from .http import ArmError, Request, Response, Router
from .world import World, not_found

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
ROLES = {
    "AcrPull": ACR_PULL,
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
}
_PULLS = {ROLES[name] for name in ("AcrPull", "AcrPush", "Owner", "Contributor", "Reader")}
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/"
KINDS = (
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/trafficManagerProfiles",
    "Microsoft.Network/applicationGateways",
    "Microsoft.Network/virtualNetworks",
)
CHILDREN = (
    "Microsoft.Network/trafficManagerProfiles/{parent}/azureEndpoints",
    "Microsoft.Network/trafficManagerProfiles/{parent}/externalEndpoints",
    "Microsoft.Network/trafficManagerProfiles/{parent}/nestedEndpoints",
    "Microsoft.Network/virtualNetworks/{parent}/subnets",
)
_SLOW = ("applicationgateways", "virtualnetworks", "subnets")


def install(router: Router, world: World) -> None:
    """Answer for these types."""
    store = _Store(world)
    for kind in (*CHILDREN, *KINDS):
        router.add("GET", f"{_GROUP}{kind}", store.list_)
        for method, handler in (
            ("PUT", store.put),
            ("PATCH", store.patch),
            ("GET", store.get),
            ("DELETE", store.delete),
        ):
            router.add(method, f"{_GROUP}{kind}/{{name}}", handler)
    for kind in KINDS:
        router.add("GET", f"/subscriptions/{{subscription}}/providers/{kind}", store.list_)
    roles = _Roles(world)
    place = "{scope*}/providers/Microsoft.Authorization"
    router.add("GET", f"{place}/roleAssignments", roles.list_)
    router.add("GET", f"{place}/roleDefinitions", roles.definitions)
    for method, answer in (("PUT", roles.put), ("GET", roles.get), ("DELETE", roles.delete)):
        router.add(method, f"{place}/roleAssignments/{{name}}", answer)


def may_pull(world: World, principal: str, registry_id: str) -> bool:
    """Tell whether a principal has a role that pulls, on the registry or above it."""
    return any(
        each["properties"]["principalId"] == principal
        and each["properties"]["roleDefinitionId"].rpartition("/")[2].lower() in _PULLS
        and f"{registry_id}/".lower().startswith(f"{each['properties']['scope']}/".lower().replace("//", "/"))
        for each in _assignments(world)
    )


def assign(world: World, principal: str, scope: str, role: str = "AcrPull") -> dict[str, Any]:
    """Give a role to a principal."""
    name = str(uuid.uuid4())
    definition = f"/subscriptions/{world.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"
    return _Roles(world).keep(scope, name, {"principalId": principal, "roleDefinitionId": definition})


def make_identity(world: World, group: str, name: str, location: str = "westeurope") -> dict[str, Any]:
    """Make a user-assigned identity."""
    resource_id = world.resource_id(group, KINDS[0], name)
    identity = _filled(world, resource_id, {"location": location})
    world.put(resource_id, identity)
    return identity


class _Store:
    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, request: Request, **_: str) -> Response:
        body = request.json()
        if not isinstance(body, dict):
            raise ArmError(400, "InvalidRequestContent", "The request content was invalid.")
        self._check_parent(request.path)
        old = self._world.get(request.path)
        resource = _filled(self._world, request.path, body, old)
        self._world.put(request.path, resource)
        if request.path.split("/")[-2].lower() not in _SLOW:
            return Response(200 if old else 201, resource)
        resource["properties"]["provisioningState"] = "Updating"
        shown = copy.deepcopy(resource)
        headers = self._world.operation(request.path, lambda: self._settle(resource))
        return Response(200 if old else 201, shown, headers)

    def patch(self, request: Request, **_: str) -> Response:
        old = self._world.need(request.path)
        body = request.json() or {}
        changed = {**old, **body, "properties": {**old.get("properties", {}), **(body.get("properties") or {})}}
        self._world.put(request.path, changed)
        return Response(200, changed)

    def get(self, request: Request, **_: str) -> Response:
        return Response(200, self._shown(self._world.need(request.path)))

    def list_(self, request: Request, **_: str) -> Response:
        with self._world.lock:
            found = [each for each in self._world.resources.values() if self._is_in(each, request.path)]
        return Response(200, {"value": [self._shown(each) for each in found]})

    def _is_in(self, resource: dict[str, Any], path: str) -> bool:
        scope, _, kind = path.partition("/providers/")
        own_scope, _, own = str(resource["id"]).partition("/providers/")
        return own.rpartition("/")[0].lower() == kind.lower() and f"{own_scope}/".lower().startswith(
            f"{scope}/".lower()
        )

    def delete(self, request: Request, **_: str) -> Response:
        gone = self._world.remove(request.path)
        for key in [key for key in self._world.resources if key.startswith(f"{request.path}/".lower())]:
            self._world.remove(key)
        return Response(200 if gone else 204)

    def _check_parent(self, path: str) -> None:
        parts = path.partition("/providers/")[2].split("/")
        if len(parts) > 3:
            parent = path.rsplit("/", 2)[0]
            if self._world.get(parent) is None:
                raise ArmError(404, "ParentResourceNotFound", not_found(parent).message)

    def _settle(self, resource: dict[str, Any]) -> None:
        resource["properties"]["provisioningState"] = "Succeeded"

    def _shown(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Return a resource with its children inside, as Traffic Manager and networks have them."""
        field = {"trafficmanagerprofiles": "endpoints", "virtualnetworks": "subnets"}.get(
            str(resource["type"]).split("/")[-1].lower()
        )
        if not field:
            return resource
        start = f"{resource['id']}/".lower()
        with self._world.lock:
            children = [each for key, each in sorted(self._world.resources.items()) if key.startswith(start)]
        return {**resource, "properties": {**resource["properties"], field: children}}


def _filled(world: World, resource_id: str, body: dict[str, Any], old: dict[str, Any] | None = None) -> dict[str, Any]:
    parts = resource_id.partition("/providers/")[2].split("/")
    kind = "/".join([parts[0], *parts[1::2]])
    resource = {**body, "id": resource_id, "name": parts[-1], "type": kind}
    properties = dict(body.get("properties") or {})
    if kind.lower() == KINDS[0].lower():
        known = (old or {}).get("properties", {})
        properties = {
            "tenantId": world.tenant,
            "principalId": known.get("principalId", str(uuid.uuid4())),
            "clientId": known.get("clientId", str(uuid.uuid4())),
        }
    elif parts[0].lower() == "microsoft.network" and "endpoints" not in parts[-2].lower():
        properties["provisioningState"] = "Succeeded"
        resource["etag"] = f'W/"{uuid.uuid4()}"'
    resource["properties"] = properties
    _keep_children(world, resource)
    return resource


def _keep_children(world: World, resource: dict[str, Any]) -> None:
    """Children given inside of their parent become resources of their own."""
    for field, folder in (("subnets", "subnets"), ("endpoints", "")):
        if str(resource["type"]).count("/") > 1 or field not in resource["properties"]:
            continue
        for child in resource["properties"].pop(field) or []:
            where = folder or str(child.get("type", "externalEndpoints")).split("/")[-1]
            resource_id = f"{resource['id']}/{where}/{child['name']}"
            world.put(resource_id, {**child, "id": resource_id, "type": f"{resource['type']}/{where}"})


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
            found = [each for each in found if each["properties"]["principalId"] in {who[1], who[2]}]
        return Response(200, {"value": found})

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
