"""Subscriptions, resource groups and resource providers."""

from __future__ import annotations

from typing import Any

from .http import ArmError, Request, Response, Router
from .world import World

KIND = "Microsoft.Resources/resourceGroups"
PROVIDERS = (
    "Microsoft.ContainerInstance", "Microsoft.ContainerRegistry", "Microsoft.ManagedIdentity", "Microsoft.Network",
    "Microsoft.Authorization", "Microsoft.Resources", "Microsoft.App",
)  # fmt: skip


class ResourceGroups:
    """Resource groups of the subscription; a group that goes takes its resources along."""

    def __init__(self, world: World) -> None:
        self._world = world

    def install(self, router: Router) -> None:
        router.add("GET", "/subscriptions", self._subscriptions)
        router.add("GET", "/subscriptions/{subscription}", self._subscription)
        router.add("GET", "/tenants", self._tenants)
        groups = "/subscriptions/{subscription}/resourceGroups"
        router.add("GET", groups, self._list)
        for method, handler in (("PUT", self._put), ("GET", self._get), ("PATCH", self._patch), ("HEAD", self._head)):
            router.add(method, f"{groups}/{{name}}", handler)
        router.add("DELETE", f"{groups}/{{name}}", self._delete)
        router.add("GET", f"{groups}/{{name}}/resources", self._resources)
        router.add("PATCH", "{scope*}/providers/Microsoft.Resources/tags/default", self._tags)
        router.add("GET", "/subscriptions/{subscription}/providers", self._providers)
        router.add("GET", "/subscriptions/{subscription}/providers/{namespace}", self._provider)
        router.add("POST", "/subscriptions/{subscription}/providers/{namespace}/register", self._register)

    def id_of(self, name: str) -> str:
        """Return the ARM id of a group."""
        return f"/subscriptions/{self._world.subscription}/resourceGroups/{name}"

    def make(self, name: str, location: str = "westeurope", tags: dict[str, str] | None = None) -> dict[str, Any]:
        """Make a group or change its tags."""
        group = {
            "id": self.id_of(name), "name": name, "type": KIND, "location": location,
            "properties": {"provisioningState": "Succeeded"},
        }  # fmt: skip
        if tags is not None:
            group["tags"] = tags
        self._world.put(self.id_of(name), group)
        return group

    def need(self, name: str) -> dict[str, Any]:
        """Return a group; raises ``ArmError`` 404."""
        found = self._world.get(self.id_of(name))
        if found is None:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        return found

    def _subscriptions(self, request: Request) -> Response:
        return Response(200, {"value": [self._shown_subscription()]})

    def _subscription(self, request: Request, subscription: str) -> Response:
        return Response(200, self._shown_subscription())

    def _shown_subscription(self) -> dict[str, Any]:
        world = self._world
        return {
            "id": f"/subscriptions/{world.subscription}", "subscriptionId": world.subscription, "state": "Enabled",
            "tenantId": world.tenant, "displayName": "emulated",
            "subscriptionPolicies": {"quotaId": "PayAsYouGo_2014-09-01"},
        }  # fmt: skip

    def _tenants(self, request: Request) -> Response:
        return Response(200, {"value": [{"id": f"/tenants/{self._world.tenant}", "tenantId": self._world.tenant}]})

    def _list(self, request: Request, subscription: str) -> Response:
        return Response(200, {"value": self._world.of_kind(KIND)})

    def _put(self, request: Request, subscription: str, name: str) -> Response:
        body = request.json()
        if not isinstance(body, dict) or not body.get("location"):
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
        old = self._world.get(self.id_of(name))
        if old and _plain(old["location"]) != _plain(body["location"]):
            text = (
                f"Invalid resource group location '{body['location']}'. "
                f"The Resource group already exists in location '{old['location']}'."
            )
            raise ArmError(409, "InvalidResourceGroupLocation", text)
        return Response(200 if old else 201, self.make(name, _plain(body["location"]), body.get("tags") or {}))

    def _get(self, request: Request, subscription: str, name: str) -> Response:
        return Response(200, self.need(name))

    def _head(self, request: Request, subscription: str, name: str) -> Response:
        return Response(204 if self._world.get(self.id_of(name)) else 404)

    def _patch(self, request: Request, subscription: str, name: str) -> Response:
        group = self.need(name)
        group["tags"] = request.json().get("tags", group.get("tags", {}))
        return Response(200, group)

    def _tags(self, request: Request, scope: str) -> Response:
        """Change the tags of any resource: Merge, Replace or Delete."""
        resource, body = self._world.need(scope), request.json()
        asked, tags, how = body["properties"]["tags"], dict(resource.get("tags") or {}), body["operation"]
        lower = {name.lower() for name in asked}
        left = {name: text for name, text in tags.items() if name.lower() not in lower}
        resource["tags"] = left if how == "Delete" else merged_tags(tags if how == "Merge" else {}, asked)
        if (kept := self._world.secrets.get(scope.lower())) is not None:
            kept["tags"] = dict(resource["tags"])
        return Response(200, {"id": request.path, "name": "default", "properties": {"tags": resource["tags"]}})

    def _delete(self, request: Request, subscription: str, name: str) -> Response:
        self.need(name)
        self.need(name)["properties"] = {"provisioningState": "Deleting"}
        headers = self._world.operation(self.id_of(name), lambda: self._empty(name))
        return Response(202, None, {"Location": headers["Azure-AsyncOperation"], **headers})

    def _empty(self, name: str) -> None:
        start = f"{self.id_of(name)}/".lower()
        with self._world.lock:
            inside = [key for key in self._world.resources if key.startswith(start)]
        for key in sorted(inside, key=len, reverse=True):
            kind = str((self._world.get(key) or {}).get("type", "")).lower()
            if remover := self._world.removers.get(kind):
                remover(key)
            self._world.remove(key)
        self._world.remove(self.id_of(name))

    def _resources(self, request: Request, subscription: str, name: str) -> Response:
        self.need(name)
        start = f"{self.id_of(name)}/".lower()
        with self._world.lock:
            inside = [each for key, each in sorted(self._world.resources.items()) if key.startswith(start)]
        keys = ("id", "name", "type", "location", "tags")
        return Response(200, {"value": [{key: each[key] for key in keys if key in each} for each in inside]})

    def _providers(self, request: Request, subscription: str) -> Response:
        return Response(200, {"value": [self._registration(name) for name in PROVIDERS]})

    def _provider(self, request: Request, subscription: str, namespace: str) -> Response:
        known = {name.lower(): name for name in PROVIDERS}
        if namespace.lower() not in known:
            raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
        return Response(200, self._registration(known[namespace.lower()]))

    def _register(self, request: Request, subscription: str, namespace: str) -> Response:
        waiting = self._world.unregistered
        waiting[f"asked {namespace}".lower()] = waiting.get(namespace.lower(), 0)
        return self._provider(request, subscription, namespace)

    def _state(self, namespace: str) -> str:
        waiting, asked = self._world.unregistered, f"asked {namespace}".lower()
        if namespace.lower() not in waiting:
            return "Registered"
        if asked not in waiting:
            return "NotRegistered"
        waiting[asked] -= 1
        if waiting[asked] >= 0:
            return "Registering"
        del waiting[asked], waiting[namespace.lower()]
        return "Registered"

    def _registration(self, namespace: str) -> dict[str, Any]:
        return {
            "id": f"/subscriptions/{self._world.subscription}/providers/{namespace}", "namespace": namespace,
            "registrationState": self._state(namespace), "registrationPolicy": "RegistrationRequired",
            "resourceTypes": [],
        }  # fmt: skip


def merged_tags(there: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """Add tags to others; names mind no letter case, and one that is there keeps its spelling."""
    names = {name.lower(): name for name in there}
    return {**there, **{names.get(name.lower(), name): text for name, text in more.items()}}


def _plain(location: str) -> str:
    """Return the short name of a region: ``West Europe`` is ``westeurope``."""
    return location.replace(" ", "").lower()
