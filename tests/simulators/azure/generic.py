"""Resources that are only kept: identities, Traffic Manager, Application Gateway, networks."""

from __future__ import annotations

import copy
import uuid
from typing import Any

from .http import ArmError, Request, Response, Router
from .roles import ACR_PULL, ROLES, assign, may_pull
from .world import World, not_found

__all__ = ["ACR_PULL", "ROLES", "assign", "install", "make_identity", "may_pull"]

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
