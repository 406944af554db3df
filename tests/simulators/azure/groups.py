"""Container groups of Microsoft.ContainerInstance 2023-05-01."""

from __future__ import annotations

import uuid
from typing import Any

from . import groups_location
from .group_runtime_images import images_of, inaccessible
from .groups_life import Groups, label_taken
from .groups_limits import check_body, requested
from .groups_location import check_quota, quota_reached
from .groups_rules import check_update, invalid_update
from .groups_view import KIND
from .http import ArmError, Request, Response, Router
from .resource_groups import merged_tags
from .world import World

Json = dict[str, Any]
_ALL = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerInstance/containerGroups"
_ONE = f"{_ALL}/{{name}}"


def install(router: Router, world: World) -> None:
    """Answer for container groups."""
    world.faults.know("capacity-later")
    groups = world.parts["groups"] = Groups(world)
    service = _Service(world, groups)
    router.add(
        "GET", "/subscriptions/{subscription}/providers/Microsoft.ContainerInstance/containerGroups", service.list_
    )
    router.add("GET", _ALL, service.list_)
    for method, handler in (("GET", service.get), ("PUT", service.put), ("PATCH", service.patch)):
        router.add(method, _ONE, handler)
    router.add("DELETE", _ONE, service.delete)
    for verb, handler in (("restart", service.restart), ("stop", service.stop), ("start", service.start)):
        router.add("POST", f"{_ONE}/{verb}", handler)
    router.add("GET", f"{_ONE}/containers/{{container}}/logs", service.logs)
    router.add("POST", f"{_ONE}/containers/{{container}}/exec", service.exec)
    router.add("POST", f"{_ONE}/containers/{{container}}/attach", service.attach)
    router.add("GET", f"{_ONE}/outboundNetworkDependenciesEndpoints", service.endpoints)
    groups_location.install(router, world)


class _Service:
    def __init__(self, world: World, groups: Groups) -> None:
        self._world, self._groups = world, groups

    def list_(self, request: Request, group: str = "", **_: str) -> Response:
        return Response(200, {"value": [self._groups.seen(each["id"]) for each in self._world.of_kind(KIND, group)]})

    def get(self, request: Request, **_: str) -> Response:
        if self._world.faults.take(self._world.line, "restarted"):
            self._groups.worn[request.path.lower()] = 7
        seen = self._groups.seen(request.path)
        if state := self._world.faults.take(self._world.line, "repairing", "creating", "unhealthy"):
            seen["properties"]["provisioningState"] = state.name.capitalize()
        return Response(200, seen)

    def put(self, request: Request, name: str, **_: str) -> Response:
        body = request.json()
        resource_id = request.path
        with self._world.lock:
            self._check_idle(resource_id, name)
            check_body(name, body)
            old = self._world.secrets.get(resource_id.lower())
            self._check_change(resource_id, name, old, body)
        if old is not None:
            body["tags"] = old.get("tags")  # terraform azurerm: "CreateOrUpdate doesn't support to update tags"
        self._check_image(name, body)
        with self._world.lock:
            self._check_idle(resource_id, name)
            self._groups.check_label(resource_id, name, body)
            seen = self._groups.keep(resource_id, body, "Pending")
            headers = self._start(resource_id, body)
        return Response(200 if old else 201, seen, headers)

    def _start(self, resource_id: str, body: Json) -> dict[str, str]:
        trouble = self._world.faults.take(self._world.line, "crash-loop", "oom")
        later = self._world.faults.take(self._world.line, "capacity-later")

        def work() -> None:
            if later:
                self._groups.set_state(resource_id, "Failed")
                raise no_capacity(body)
            self._groups.deploy(resource_id, body, trouble.name if trouble else "")

        fail = lambda _: self._groups.set_state(resource_id, "Failed")  # noqa: E731
        return self._world.operation(resource_id, work, on_failure=fail)

    def patch(self, request: Request, name: str, **_: str) -> Response:
        resource = self._world.need(request.path)
        self._check_idle(request.path, name)
        body = request.json() or {}
        if body.get("tags") is not None:
            merges = self._world.faults.take(self._world.line, "patch-merges")
            resource["tags"] = merged_tags(resource.get("tags") or {} if merges else {}, body["tags"])
            self._world.secrets[request.path.lower()]["tags"] = dict(resource["tags"])
        return Response(200, self._groups.seen(request.path))

    def delete(self, request: Request, name: str, **_: str) -> Response:
        if self._world.get(request.path) is None:
            return Response(204)
        self._check_idle(request.path, name, may_interrupt=True)
        if self._world.faults.take(self._world.line, "label-freed-late"):
            key = self._groups.label_key(request.path, self._world.secrets[request.path.lower()])
            self._groups.held[key] = 2
        seen = self._groups.seen(request.path)
        if seen["properties"].get("instanceView", {}).get("state") in {"Stopped", "Succeeded", "Failed"}:
            self._groups.erase(request.path)
            return Response(200, seen)
        headers = self._world.operation(request.path, lambda: self._groups.erase(request.path))
        return Response(202, None, headers)

    def restart(self, request: Request, name: str, **_: str) -> Response:
        group = self._need_idle(request.path, name)
        return Response(204, None, self._start(group, self._world.secrets[group.lower()]))

    def start(self, request: Request, name: str, **_: str) -> Response:
        group = self._need_idle(request.path, name)
        runtime = self._groups.runtime(group)
        if runtime is not None and runtime.state() == "Running":
            return Response(204)
        return Response(202, None, self._start(group, self._world.secrets[group.lower()]))

    def stop(self, request: Request, name: str, **_: str) -> Response:
        self._groups.stop(self._need_idle(request.path, name))
        return Response(204)

    def logs(self, request: Request, name: str, container: str, **_: str) -> Response:
        self._need_container(request.path, name, container)
        runtime = self._groups.runtime(_group_of(request.path))
        tail = int(request.query["tail"]) if request.query.get("tail") else None
        stamps = request.query.get("timestamps", "").lower() == "true"
        text = runtime.logs(container, tail, timestamps=stamps) if runtime else None
        if text is None:
            message = f"The log of container '{container}' in container group '{name}' is not available."
            raise ArmError(404, "ContainerLogNotAvailable", message)
        return Response(200, {"content": text[-(4 << 20) :]})

    def exec(self, request: Request, name: str, container: str, **_: str) -> Response:
        self._need_container(request.path, name, container)
        if not (request.json() or {}).get("command"):
            raise ArmError(400, "InvalidRequestContent", "Required property 'command' not found in JSON. Path ''.")
        return self._socket(container)

    def attach(self, request: Request, name: str, container: str, **_: str) -> Response:
        self._need_container(request.path, name, container)
        return self._socket(container)

    def endpoints(self, request: Request, **_: str) -> Response:
        self._world.need(request.path.rpartition("/")[0])
        return Response(200, [])

    def _socket(self, container: str) -> Response:
        where = f"{self._world.base.replace('https', 'wss')}/exec/{container}-{uuid.uuid4().hex}"
        return Response(200, {"webSocketUri": where, "password": uuid.uuid4().hex})

    def _need_container(self, path: str, name: str, container: str) -> None:
        properties = self._world.need(_group_of(path))["properties"]
        names = [each["name"] for each in [*properties["containers"], *(properties.get("initContainers") or [])]]
        if container not in names:
            text = f"The container '{container}' of container group '{name}' was not found."
            raise ArmError(404, "ContainerNotFound", text)

    def _need_idle(self, path: str, name: str) -> str:
        """Return the id of the group that a verb is said to, if nothing is under way with it."""
        resource_id = path.rpartition("/")[0]
        self._world.need(resource_id)
        self._check_idle(resource_id, name)
        return resource_id

    def _check_idle(self, resource_id: str, name: str, *, may_interrupt: bool = False) -> None:
        """Refuse while an operation runs; a delete interrupts one that hangs."""
        running = self._world.operations.running(resource_id)
        if may_interrupt and running and all(each.stuck for each in running):
            for each in running:
                each.end("Canceled", {"code": "Canceled", "message": "The container group was deleted."})
            running = []
        if running or self._world.faults.take(self._world.line, "transitioning"):
            text = f"The container group '{name}' is still transitioning, please retry later."
            raise ArmError(409, "ContainerGroupTransitioning", text)

    def _check_change(self, resource_id: str, name: str, old: Json | None, body: Json) -> None:
        take = self._world.faults.take
        if take(self._world.line, "invalid-update"):
            raise invalid_update(name, "RestartPolicy", "OnFailure", "Always")
        if old is not None:
            check_update(name, old, body)
            state = self._groups.seen(resource_id)["properties"].get("instanceView", {}).get("state")
            if state in {"Succeeded", "Failed"}:
                raise invalid_update(name, "State", state, "Running")
        if take(self._world.line, "quota"):
            cores = requested(body["properties"])[0]
            raise quota_reached("StandardCores", body["location"], 10, 10, cores)
        check_quota(self._world, self._groups, resource_id, body)
        if take(self._world.line, "capacity"):
            raise no_capacity(body)
        if take(self._world.line, "label-taken"):
            raise label_taken(name, body)
        self._groups.check_label(resource_id, name, body)

    def _check_image(self, name: str, body: Json) -> None:
        images = images_of(body["properties"])
        if self._world.faults.take(self._world.line, "image-inaccessible"):
            raise inaccessible(images[0], name)
        if self._world.faults.take(self._world.line, "registry-error"):
            host = images[0].partition("/")[0]
            text = f"An error response is received from the docker registry '{host}'. Please retry later."
            raise ArmError(409, "RegistryErrorResponse", text)
        if not self._groups.paper:
            self._groups.images().check(name, body)


def no_capacity(body: Json) -> ArmError:
    """Return the refusal of a region that is full."""
    cores, memory = requested(body["properties"])
    text = (
        f"The requested resource is not available in the location '{body['location']}' at this moment. Please retry "
        f"with a different resource request or in another location. Resource requested: '{cores:g}' CPU "
        f"'{memory:g}' GB memory '{body['properties']['osType']}' OS"
    )
    return ArmError(409, "ServiceUnavailable", text)


def _group_of(path: str) -> str:
    """Return the id of the group in the path of one of its containers."""
    return path.rsplit("/containers/", 1)[0]
