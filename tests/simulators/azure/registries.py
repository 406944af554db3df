"""Azure Container Registry as ARM shows it: Microsoft.ContainerRegistry/registries, API 2025-11-01.

Each registry answers over plain HTTP on a port of 127.0.0.1, which is its ``loginServer``; see ``registry_front``.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .http import ArmError, Request, Response, Router
from .registries_fronts import KIND, Fronts
from .registries_identity import identity_of
from .registries_import import ImageImport
from .registries_rules import (
    ABAC,
    BOTH,
    DEFAULTS,
    INCLUDED,
    SOFT,
    WEBHOOKS,
    check,
    check_change,
    check_sku,
    merged,
    name_problem,
)
from .world import World

_PLACE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + KIND
_ALL = "/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry"
_USED = "The registry DNS name {} is already in use."


def install(router: Router, world: World) -> None:
    """Answer for registries; ``world.parts["fronts"]`` has their servers."""
    fronts = fronts_of(world)
    registries = Registries(world, fronts)
    router.add("POST", f"{_ALL}/checkNameAvailability", registries.check_name)
    router.add("GET", f"{_ALL}/registries", registries.list_all)
    router.add("GET", _PLACE, registries.list_group)
    for method, handler in (
        ("PUT", registries.put),
        ("PATCH", registries.patch),
        ("GET", registries.get),
        ("DELETE", registries.delete),
    ):
        router.add(method, f"{_PLACE}/{{name}}", handler)
    router.add("GET", f"{_PLACE}/{{name}}/listUsages", registries.usages)
    router.add("POST", f"{_PLACE}/{{name}}/listCredentials", registries.credentials)
    router.add("POST", f"{_PLACE}/{{name}}/regenerateCredential", registries.regenerate)
    router.add("POST", f"{_PLACE}/{{name}}/importImage", ImageImport(world, fronts).answer)


def fronts_of(world: World) -> Fronts:
    """Return the servers of this world, prepared when they are first asked for."""
    if "fronts" not in world.parts:
        fronts = world.parts["fronts"] = Fronts(world)
        world.closers.append(fronts.close)
        world.resetters.append(fronts.reset)
        world.removers[KIND.lower()] = lambda resource_id: fronts.of(resource_id.rpartition("/")[2]).clear()
    found = world.parts["fronts"]
    assert isinstance(found, Fronts)
    return found


class Registries:
    """The life of registries."""

    def __init__(self, world: World, fronts: Fronts) -> None:
        self._world, self._fronts = world, fronts

    def check_name(self, request: Request, **_: str) -> Response:
        name = str((request.json() or {}).get("name", ""))
        if problem := name_problem(name):
            return Response(200, {"nameAvailable": False, "reason": "Invalid", "message": problem})
        if self._fronts.resource(name):
            message = f"The registry {name} is already in use."
            return Response(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": message})
        return Response(200, {"nameAvailable": True})

    def list_all(self, request: Request, **_: str) -> Response:
        return Response(200, {"value": copy.deepcopy(self._world.of_kind(KIND))})

    def list_group(self, request: Request, group: str, **_: str) -> Response:
        return Response(200, {"value": copy.deepcopy(self._world.of_kind(KIND, group))})

    def get(self, request: Request, **_: str) -> Response:
        return Response(200, copy.deepcopy(self._world.need(request.path)))

    def put(self, request: Request, name: str, **_: str) -> Response:
        body = request.json() or {}
        if problem := name_problem(name):
            raise ArmError(400, "InvalidResourceName", problem)
        if not body.get("location"):
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
        with self._world.lock:
            old = self._world.get(request.path)
            taken = self._fronts.resource(name)
            if taken and not old:
                raise ArmError(409, "AlreadyInUse", _USED.format(taken["properties"]["loginServer"]))
            self._check_idle(old)
            if old and self._world.keeps_deleted(name):
                raise ArmError(400, "SoftDeletePolicyNotSupported", SOFT.format(name, request.query["api-version"]))
            properties = merged({**DEFAULTS, **_kept(old)}, body.get("properties") or {})
            sku = check_sku(body.get("sku"))
            identity = identity_of(self._world, body.get("identity"), old)
            self._check(old, str(body["location"]), sku, properties, identity)
            known = old or {"id": request.path, "name": name, "type": KIND, "location": body["location"]}
            resource = {**known, "sku": sku, "tags": dict(body.get("tags") or {})}
            return self._store(old, resource, properties, identity)

    def patch(self, request: Request, **_: str) -> Response:
        body = request.json() or {}
        with self._world.lock:
            old = self._world.need(request.path)
            self._check_idle(old)
            properties = merged(old["properties"], body.get("properties") or {})
            retention = properties["policies"]["retentionPolicy"]["status"] == "enabled"
            if retention and self._world.keeps_deleted(old["name"]):
                raise ArmError(400, "RetentionPolicyConflict", BOTH)
            sku = check_sku(body["sku"]) if body.get("sku") else old["sku"]
            identity = identity_of(self._world, body.get("identity"), old) or old.get("identity") or {}
            self._check(old, old["location"], sku, properties, identity)
            tags = old["tags"] if body.get("tags") is None else dict(body["tags"])
            return self._store(old, {**old, "sku": sku, "tags": tags}, properties, identity)

    def delete(self, request: Request, name: str, **_: str) -> Response:
        old = self._world.get(request.path)
        if old is None:
            return Response(204)

        def remove() -> None:
            self._fronts.of(name).clear()
            self._world.remove(request.path)

        for operation in self._world.operations.running(request.path):
            operation.end("Canceled", {"code": "Canceled", "message": "The registry is being deleted."})
        old["properties"]["provisioningState"] = "Deleting"
        headers = self._world.operation(request.path, remove)
        return Response(202, None, {"Location": headers["Azure-AsyncOperation"], **headers})

    def usages(self, request: Request, name: str, **_: str) -> Response:
        sku = self._world.need(request.path.rpartition("/")[0])["sku"]["name"]
        size = self._fronts.of(name).index.size()
        usage = [
            {"name": "Size", "limit": INCLUDED[sku] << 30, "currentValue": size, "unit": "Bytes"},
            {"name": "Webhooks", "limit": WEBHOOKS[sku], "currentValue": 0, "unit": "Count"},
        ]
        return Response(200, {"value": usage})

    def credentials(self, request: Request, **_: str) -> Response:
        return Response(200, self._credentials(request.path.rpartition("/")[0]))

    def regenerate(self, request: Request, **_: str) -> Response:
        resource_id = request.path.rpartition("/")[0]
        self._credentials(resource_id)
        which = (request.json() or {}).get("name")
        if which not in {"password", "password2"}:
            raise ArmError(400, "InvalidParameter", f"The password name {which!r} is not password or password2.")
        with self._world.lock:
            self._world.secrets[resource_id.lower()][which] = _password()
        return Response(200, self._credentials(resource_id))

    def _credentials(self, resource_id: str) -> dict[str, Any]:
        registry = self._world.need(resource_id)
        if not registry["properties"]["adminUserEnabled"]:
            message = (
                f"Cannot perform credential operations for {registry['id']} as admin user is disabled. "
                "Kindly enable admin user as per docs: https://docs.microsoft.com/en-us/azure/container-registry/"
                "container-registry-authentication#admin-account"
            )
            raise ArmError(400, "UnAuthorizedForCredentialOperations", message)
        known = self._world.secrets[resource_id.lower()]
        passwords = [{"name": name, "value": known[name]} for name in ("password", "password2")]
        return {"username": registry["name"], "passwords": passwords}

    def _check(
        self,
        old: Mapping[str, Any] | None,
        location: str,
        sku: Mapping[str, str],
        properties: Mapping[str, Any],
        identity: Mapping[str, Any],
    ) -> None:
        check(sku["name"], properties, identity)
        if old:
            check_change(old, location, properties)

    def _check_idle(self, old: Mapping[str, Any] | None) -> None:
        state = old["properties"]["provisioningState"] if old else "Succeeded"
        if state not in {"Succeeded", "Failed", "Canceled"}:
            message = f"The registry is in state {state}; wait until that operation ends."
            raise ArmError(409, "ConflictError", message)

    def _store(
        self,
        old: Mapping[str, Any] | None,
        resource: dict[str, Any],
        properties: dict[str, Any],
        identity: Mapping[str, Any],
    ) -> Response:
        """Keep a registry, in work until its operation ends."""
        front = self._fronts.of(resource["name"])
        made = old["properties"] if old else {"loginServer": front.host, "creationDate": _now()}
        properties |= {name: made[name] for name in ("loginServer", "creationDate")}
        properties |= {"provisioningState": "Updating" if old else "Creating", "privateEndpointConnections": []}
        named = [f"{resource['name'].lower()}.{resource['location']}.data.azurecr.io"]
        properties["dataEndpointHostNames"] = named if properties["dataEndpointEnabled"] else []
        if resource["sku"]["name"] == "Premium":
            properties.setdefault("networkRuleSet", {"defaultAction": "Allow", "ipRules": []})
        else:
            properties.pop("networkRuleSet", None)
        if self._world.by_repository(resource["name"]):
            properties["roleAssignmentMode"] = ABAC
        resource["properties"] = properties
        resource.pop("identity", None)
        if identity:
            resource["identity"] = dict(identity)
        passwords = None if old else {name: _password() for name in ("password", "password2")}
        self._world.put(resource["id"], resource, passwords)
        headers = self._world.operation(resource["id"], lambda: self._settle(resource), on_failure=self._fail(resource))
        return Response(200 if old else 201, copy.deepcopy(resource), headers)

    def _settle(self, resource: dict[str, Any]) -> None:
        with self._world.lock:
            resource["properties"]["provisioningState"] = "Succeeded"

    def _fail(self, resource: dict[str, Any]) -> Any:
        def failed(_: str) -> None:
            resource["properties"]["provisioningState"] = "Failed"

        return failed


def _kept(old: Mapping[str, Any] | None) -> dict[str, Any]:
    """A PUT without zone redundancy does not change it."""
    return {"zoneRedundancy": old["properties"]["zoneRedundancy"]} if old else {}


def _password() -> str:
    return secrets.token_hex(26)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
