"""The face of container apps: PUT, PATCH, GET, DELETE, start, stop, secrets, tokens."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from docker.errors import DockerException

from ..group_runtime_images import images_of
from ..http import ArmError, Request, Response, Router
from ..registries_identity import identity_of
from ..world import World
from .kinds import ALL_APPS, APP, ONE_APP, Json, plain
from .life import App, Apps, comparable, is_ready
from .merge import merged, without_nulls
from .references import check_in_use, check_references
from .rules import check_body, check_name, need
from .shape import environment_of, group_body, secret_value
from .traffic import check_traffic
from .view import check_location, shown_app

_READ_ONLY = (
    "provisioningState", "runningStatus", "latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn",
    "customDomainVerificationId", "outboundIpAddresses", "eventStreamEndpoint",
)  # fmt: skip


def install(router: Router, world: World, apps: Apps) -> None:
    """Answer for container apps."""
    service = _Service(world, apps)
    router.add("GET", "/subscriptions/{subscription}/providers/Microsoft.App/containerApps", service.list_)
    router.add("GET", ALL_APPS, service.list_)
    for method, handler in (
        ("GET", service.get), ("PUT", service.put), ("PATCH", service.patch), ("DELETE", service.delete),
    ):  # fmt: skip
        router.add(method, ONE_APP, handler)
    for verb, handler in (
        ("start", service.start), ("stop", service.stop), ("listSecrets", service.secrets),
        ("getAuthtoken", service.token),
        ("listCustomHostNameAnalysis", service.host_names),
    ):  # fmt: skip
        router.add("POST", f"{ONE_APP}/{verb}", handler)


class _Service:
    def __init__(self, world: World, apps: Apps) -> None:
        self._world, self._apps = world, apps

    def list_(self, request: Request, group: str = "", **_: str) -> Response:
        known = [self._apps.need(each["id"]) for each in self._world.of_kind(APP, group)]
        return Response(200, {"value": [shown_app(self._apps, each) for each in known]})

    def get(self, request: Request, **_: str) -> Response:
        return Response(200, self._seen(self._apps.need(request.path)))

    def put(self, request: Request, name: str, **_: str) -> Response:
        body = _whole(request)
        resource_id = request.path
        with self._world.lock:
            self._check_idle(resource_id, name)
            old = self._apps.find(resource_id)
            body = self._checked(resource_id, name, body, old)
            if old is not None and old.state == "Succeeded" and self._is_same(old, body):
                return Response(200, self._seen(old))
        self._check_images(resource_id, name, body, old)
        with self._world.lock:
            self._check_idle(resource_id, name)
            app = self._take(resource_id, body, old)
            if self._world.faults.take(self._world.line, "failed-as-200"):
                app.state = "Failed"
                return Response(200, self._seen(app))
            work = self._work(app)
            headers = self._apps.polls.by_status(resource_id, work, lambda _: self._fail(app))
            return Response(201, self._seen(app), headers)

    def patch(self, request: Request, name: str, **_: str) -> Response:
        app = self._apps.need(request.path)
        patch = request.json()
        need(isinstance(patch, dict), "InvalidRequestContent", "The request content was invalid.")
        with self._world.lock:
            self._check_idle(app.id, name)
            body = self._checked(app.id, name, _plain_body(merged(app.body, _plain_body(patch))), app)
            if self._is_same(app, body) and app.state == "Succeeded":
                return Response(200, self._seen(app))
        self._check_images(app.id, name, body, app)
        with self._world.lock:
            self._check_idle(app.id, name)
            self._take(app.id, body, app)
            return self._begin(app, self._work(app))

    def delete(self, request: Request, name: str, **_: str) -> Response:
        app = self._apps.find(request.path)
        if app is None:
            return Response(204)
        with self._world.lock:
            self._check_idle(app.id, name, may_interrupt=True)
            app.state = "Deleting"
            headers = self._apps.polls.by_result(
                app.id, lambda: self._apps.erase(app.id), lambda _: self._fail(app), lambda: None
            )
        return Response(202, None, headers)

    def start(self, request: Request, name: str, **_: str) -> Response:
        app = self._verb(request, name)
        return self._begin(app, lambda: self._running(app, self._apps.start))

    def stop(self, request: Request, name: str, **_: str) -> Response:
        app = self._verb(request, name)
        return self._begin(app, lambda: self._running(app, self._apps.stop))

    def secrets(self, request: Request, name: str, **_: str) -> Response:
        app = self._apps.need(request.path.rpartition("/")[0])
        value = [_secret(self._world, each) for each in app.configuration.get("secrets") or []]
        return Response(200, {"value": value})

    def token(self, request: Request, name: str, **_: str) -> Response:
        app = self._apps.need(request.path.rpartition("/")[0])
        expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        token = self._world.parts["authority"].issue(f"{self._world.base}/stream", subject=app.id)
        return Response(200, {
            "id": app.id, "name": app.name, "type": f"{APP}/accesstoken", "location": app.body["location"],
            "properties": {"token": token, "expires": expires.isoformat()},
        })  # fmt: skip

    def host_names(self, request: Request, name: str, **_: str) -> Response:
        """Say that nobody else has a custom host name; there is no DNS here to look at."""
        self._apps.need(request.path.rpartition("/")[0])
        return Response(200, {
            "hostName": request.query.get("customHostname", ""), "isHostnameAlreadyVerified": True,
            "customDomainVerificationTest": "Passed", "hasConflictOnManagedEnvironment": False,
        })  # fmt: skip

    def _seen(self, app: App) -> Json:
        return shown_app(self._apps, app)

    def _running(self, app: App, change: Callable[[App], None]) -> None:
        try:
            change(app)
        except Exception:
            app.state = "Failed"
            raise
        app.state = "Succeeded"

    def _begin(self, app: App, work: Callable[[], None]) -> Response:
        app.state = "InProgress"
        headers = self._apps.polls.by_result(app.id, work, lambda _: self._fail(app), lambda: self._seen(app))
        return Response(202, None, headers)

    def _verb(self, request: Request, name: str) -> App:
        app = self._apps.need(request.path.rpartition("/")[0])
        self._check_idle(app.id, name)
        return app

    def _fail(self, app: App) -> None:
        app.state = "Failed"

    def _work(self, app: App) -> Callable[[], None]:
        """Return what a write does in the background, with the faults that wait for it."""
        take = self._world.faults.take
        trouble = take(self._world.line, "crash-loop", "oom")
        expired = take(self._world.line, "revision-expired") is not None
        slow = take(self._world.line, "revision-slow") is not None
        # a first revision that is named in its own traffic never becomes ready
        named = not app.latest and any(each.get("revisionName") for each in app.traffic)
        name = trouble.name if trouble else ""
        return lambda: self._apps.deploy(app, trouble=name, expired=expired or named, slow=slow)

    def _take(self, resource_id: str, body: Json, old: App | None) -> App:
        if old is not None and self._world.faults.take(self._world.line, "suffix-ignored"):
            # as it was seen: the write ends well, and there is no revision (azure-container-apps issue 650)
            body["properties"]["template"] = copy.deepcopy(old.revisions[old.latest].template)
        app = self._apps.keep(resource_id, body)
        app.state = "InProgress"
        return app

    def _checked(self, resource_id: str, name: str, body: Json, old: App | None) -> Json:
        """Return a whole body that can be; raises ``ArmError`` for one that cannot."""
        check_name(name)
        need(body.get("location"), "LocationRequired", "The location property is required for this definition.")
        properties = body.setdefault("properties", {})
        ids = {str(properties[one]).lower() for one in ("environmentId", "managedEnvironmentId") if properties.get(one)}
        text = "environmentId and managedEnvironmentId name two environments."
        need(len(ids) < 2, "ContainerAppEnvironmentIdConflict", text)
        environment_id = environment_of(properties)
        need(
            environment_id,
            "ManagedEnvironmentIdRequired",
            f"The managed environment of Container App '{name}' is not said.",
        )
        if old is not None:
            check_location(name, old.body["location"], body["location"])
            text = f"The managed environment of Container App '{name}' cannot be changed."
            same = self._apps.environment_id(old).lower() == environment_id.lower()
            need(same, "ContainerAppEnvironmentCannotBeChanged", text)
            text = f"The kind of Container App '{name}' cannot be changed."
            need((old.body.get("kind") or "") == (body.get("kind") or ""), "ContainerAppKindCannotBeChanged", text)
        environment = self._check_environment(environment_id, body["location"])
        check_body(name, body, environment["properties"].get("workloadProfiles") or [])
        identity_of(self._world, body.get("identity"), None)
        check_references(self._world, body, environment_id)
        self._check_revisions(name, body, old)
        return body

    def _check_environment(self, environment_id: str, location: str) -> Json:
        found = self._world.get(environment_id)
        if found is None:
            text = f"The environment '{environment_id.rpartition('/')[2]}' of the container app does not exist."
            raise ArmError(400, "ManagedEnvironmentNotFound", text)
        name, state = found["name"], found["properties"]["provisioningState"]
        text = f"ManagedEnvironment '{name}' is not in a Succeeded state: it is {state}."
        need(is_ready(self._world, environment_id), "ManagedEnvironmentNotProvisioned", text)
        if self._world.faults.take(self._world.line, "environment-not-ready"):
            text = f"Managed environment '{name}' is not ready for app creation."
            raise ArmError(409, "ManagedEnvironmentNotReadyForAppCreation", text)
        text = f"The location '{location}' of the container app must be that of its environment, '{found['location']}'."
        need(plain(location) == plain(found["location"]), "ContainerAppLocationMismatch", text)
        return found

    def _check_revisions(self, name: str, body: Json, old: App | None) -> None:
        configuration = body["properties"].get("configuration") or {}
        template = body["properties"]["template"]
        revisions = list(old.revisions.values()) if old else []
        new = f"{name}--{template['revisionSuffix']}" if template.get("revisionSuffix") else ""
        if old is not None and not self._apps.same_template(old, template):
            self._check_suffix(name, template, old, new)
        known = {each.name for each in revisions} | ({new} if new else set())
        active = {each.name for each in revisions if each.active} | ({new} if new else set())
        single = str(configuration.get("activeRevisionsMode") or "Single").lower() == "single"
        check_traffic((configuration.get("ingress") or {}).get("traffic") or [], active, known, single=single)
        # inactive ones count too, they can be activated again (azure-container-apps issues 395, 654, 660)
        check_in_use(name, configuration, [(each.name, each.template) for each in revisions])

    def _check_suffix(self, name: str, template: Json, old: App, new: str) -> None:
        ignored = self._world.faults.left("suffix-ignored") > 0
        if new in old.revisions and not ignored:
            text = (
                f"Failed to provision revision for container app '{name}'. Error details: The following field(s) are "
                "either invalid or missing. Field 'template.revisionsuffix' is invalid with details: 'Invalid value: "
                f'"{template["revisionSuffix"]}": revision with suffix {template["revisionSuffix"]} already exists.\';.'
            )
            raise ArmError(400, "InvalidParameterValueInContainerTemplate", text)

    def _is_same(self, app: App, body: Json) -> bool:
        """Tell whether a body changes nothing, so that nothing is begun."""
        return _normal(app.body) == _normal(body) and self._apps.same_template(app, body["properties"]["template"])

    def _check_images(self, resource_id: str, name: str, body: Json, old: App | None) -> None:
        """Raises ``ArmError`` if an image cannot be pulled with what the body brings."""
        take = self._world.faults.take
        template = body["properties"]["template"]
        group = group_body(self._world, resource_id, body, template)
        images = images_of(group["properties"])
        if take(self._world.line, "image-inaccessible"):
            raise _inaccessible(template, images[0], "UNAUTHORIZED: authentication required")
        # a pull happens when a revision is made; a write that makes none asks no registry
        if self._apps.groups.paper or (old is not None and self._apps.same_template(old, template)):
            return
        for image in images:
            try:
                self._apps.groups.images().check(name, {"properties": {**group["properties"], **_only(group, image)}})
            except ArmError as error:
                raise _inaccessible(template, image, _cause(error)) from error

    def _check_idle(self, resource_id: str, name: str, *, may_interrupt: bool = False) -> None:
        """Refuse while an operation runs; a delete interrupts one that hangs."""
        running = self._world.operations.running(resource_id)
        if may_interrupt and running and all(each.stuck for each in running):
            for each in running:
                each.end("Canceled", {"code": "Canceled", "message": "The container app was deleted."})
            running = []
        if self._world.faults.take(self._world.line, "lock-conflict"):
            text = f"The container app '{name}' is locked by another request. Please retry later."
            raise ArmError(409, "ContainerAppLockConflict", text)
        if running or self._world.faults.take(self._world.line, "transitioning"):
            text = (
                f"Cannot modify a container app '{name}' because there is an operation in progress. Please wait for "
                "the operation to finish and try again."
            )
            raise ArmError(409, "ContainerAppOperationInProgress", text)


def _whole(request: Request) -> Json:
    body = request.json()
    need(isinstance(body, dict), "InvalidRequestContent", "The request content was invalid.")
    need(isinstance(body.get("properties") or {}, dict), "InvalidRequestContent", "The request content was invalid.")
    plain_body: Json = _plain_body(without_nulls(body))
    return plain_body


def _plain_body(body: Json) -> Json:
    """Return a body without what only the service says: clients send back what they have read."""
    made = {key: value for key, value in body.items() if key not in {"id", "name", "type", "systemData"}}
    if isinstance(properties := made.get("properties"), dict):
        made["properties"] = {key: value for key, value in properties.items() if key not in _READ_ONLY}
        configuration = made["properties"].get("configuration")
        if isinstance(configuration, dict) and isinstance(ingress := configuration.get("ingress"), dict):
            without = {key: value for key, value in ingress.items() if key != "fqdn"}
            made["properties"]["configuration"] = {**configuration, "ingress": without}
    return made


def _normal(body: Json) -> str:
    made = copy.deepcopy(body)
    properties = made["properties"]
    properties["environmentId"] = environment_of(properties).lower()
    properties.pop("managedEnvironmentId", None)
    properties["template"] = comparable(properties.get("template") or {})
    made["location"] = plain(made["location"])
    return json.dumps(without_nulls(made), sort_keys=True)


def _secret(world: World, secret: Json) -> Json:
    if secret.get("keyVaultUrl"):
        return {"name": secret["name"], "keyVaultUrl": secret["keyVaultUrl"], "identity": secret["identity"]}
    return {"name": secret["name"], "value": secret_value(world, secret)}


def _only(group: Json, image: str) -> Json:
    """Return the containers of one image."""
    return {
        field: [each for each in group["properties"][field] if each["properties"]["image"] == image]
        for field in ("containers", "initContainers")
    }


def _inaccessible(template: Json, image: str, why: str) -> ArmError:
    containers = [*(template.get("containers") or []), *(template.get("initContainers") or [])]
    name = next((each["name"] for each in containers if each["image"] == image), "")
    text = (
        "The following field(s) are either invalid or missing. Field "
        f"'template.containers.{name}.image' is invalid with details: 'Invalid value: \"{image}\": {why}';."
    )
    return ArmError(400, "InvalidParameterValueInContainerTemplate", text)


def _cause(error: ArmError) -> str:
    """Return what the registry or the engine said."""
    cause: Any = error.__cause__
    with contextlib.suppress(AttributeError):
        return str(cause.explanation)
    return str(cause) if isinstance(cause, ArmError | DockerException | OSError) else error.message
