"""Revisions and replicas of an app, and the streams of their logs."""

from __future__ import annotations

import json
import re

from ..http import ArmError, Request, Response, Router
from ..world import World
from .kinds import ONE_APP, Json
from .life import App, Apps
from .replica import Replica
from .revision import Revision
from .view import shown_replica, shown_revision

_ALL = f"{ONE_APP}/revisions"
_ONE = f"{_ALL}/{{revision}}"
_STREAM = "/stream/subscriptions/{subscription}/resourceGroups/{group}/containerApps/{name}"
_FILTER = re.compile(r"properties/active eq (true|false)", re.IGNORECASE)


def install(router: Router, world: World, apps: Apps) -> None:
    """Answer for revisions and what is below them."""
    service = _Revisions(world, apps)
    router.add("GET", _ALL, service.list_)
    router.add("GET", _ONE, service.get)
    for verb, handler in (
        ("activate", service.activate), ("deactivate", service.deactivate), ("restart", service.restart),
    ):  # fmt: skip
        router.add("POST", f"{_ONE}/{verb}", handler)
    router.add("GET", f"{_ONE}/replicas", service.replicas)
    router.add("GET", f"{_ONE}/replicas/{{replica}}", service.replica)
    stream = f"{_STREAM}/revisions/{{revision}}/replicas/{{replica}}/containers/{{container}}/logstream"
    router.add("GET", stream, service.logs)
    router.add("GET", f"{_STREAM}/eventstream", service.events)


class _Revisions:
    def __init__(self, world: World, apps: Apps) -> None:
        self._world, self._apps = world, apps

    def list_(self, request: Request, **_: str) -> Response:
        app = self._app(request)
        wanted = _FILTER.search(request.query.get("$filter", ""))
        found = list(app.revisions.values())
        if wanted:
            found = [each for each in found if each.active == (wanted[1].lower() == "true")]
        return Response(200, {"value": [self._shown(app, each) for each in found]})

    def get(self, request: Request, revision: str, **_: str) -> Response:
        app = self._app(request)
        return Response(200, self._shown(app, self._need(app, revision)))

    def activate(self, request: Request, revision: str, **_: str) -> Response:
        app = self._app(request)
        self._check_idle(app)
        self._apps.activate(app, self._need(app, revision))
        return Response(200)

    def deactivate(self, request: Request, revision: str, **_: str) -> Response:
        app = self._app(request)
        self._check_idle(app)
        self._apps.deactivate(self._need(app, revision))
        return Response(200)

    def restart(self, request: Request, revision: str, **_: str) -> Response:
        app = self._app(request)
        self._check_idle(app)
        found = self._need(app, revision)
        if not found.active:
            raise ArmError(400, "RevisionNotActive", f"Revision '{revision}' is not active.")
        self._apps.restart(app, found)
        return Response(200)

    def replicas(self, request: Request, revision: str, **_: str) -> Response:
        app = self._app(request)
        found = self._need(app, revision)
        found.cool()
        value = [shown_replica(self._apps, app, found, each) for each in list(found.replicas)]
        return Response(200, {"value": value})

    def replica(self, request: Request, revision: str, replica: str, **_: str) -> Response:
        app = self._app(request)
        found = self._need(app, revision)
        return Response(200, shown_replica(self._apps, app, found, _replica(found, replica)))

    def logs(
        self, request: Request, group: str, name: str, revision: str, replica: str, container: str, **_: str
    ) -> Response:
        """Give the log of a container so far; ``follow`` is not waited for."""
        app = self._of_stream(request, group, name)
        tail = int(request.query["tailLines"]) if request.query.get("tailLines") else None
        text = _replica(self._need(app, revision), replica).logs(container, tail)
        plain = request.query.get("output", "json").lower() == "text"
        lines = [line.partition(" ") for line in text.splitlines()]
        said = [line if plain else json.dumps({"TimeStamp": time, "Log": line}) for time, _, line in lines]
        return Response(200, "".join(f"{line}\n" for line in said).encode())

    def events(self, request: Request, group: str, name: str, **_: str) -> Response:
        """Give what the service says about an app so far, and what happened to its replicas."""
        app = self._of_stream(request, group, name)
        found = [*app.events, *_of_replicas(app)]
        return Response(200, "".join(f"{json.dumps(each)}\n" for each in found).encode())

    def _shown(self, app: App, revision: Revision) -> Json:
        made = shown_revision(self._apps, app, revision)
        if revision.active and self._world.faults.take(self._world.line, "revision-unhealthy"):
            made["properties"] |= {"healthState": "Unhealthy", "runningState": "Degraded"}
        return made

    def _of_stream(self, request: Request, group: str, name: str) -> App:
        """Return the app whose token a stream is asked with."""
        app = self._apps.find(self._world.resource_id(group, "Microsoft.App/containerApps", name))
        if app is None:
            raise ArmError(404, "ContainerAppNotFound", f"The container app '{name}' was not found.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        authority = self._world.parts["authority"]
        if scheme.lower() != "bearer":
            raise authority.refused(
                "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
            )
        claims = authority.claims(token, (f"{self._world.base}/stream",))
        if claims["sub"].lower() != app.id.lower():
            raise authority.refused("InvalidAuthenticationToken", "The token is for another container app.")
        return app

    def _app(self, request: Request) -> App:
        return self._apps.need(request.path[: request.path.lower().index("/revisions")])

    def _need(self, app: App, name: str) -> Revision:
        found = next((each for each in app.revisions.values() if each.name.lower() == name.lower()), None)
        if found is None:
            text = f"Revision '{name}' of container app '{app.name}' was not found."
            raise ArmError(404, "RevisionNotFound", text)
        return found

    def _check_idle(self, app: App) -> None:
        if self._world.operations.running(app.id) or self._world.faults.take(self._world.line, "transitioning"):
            text = f"Cannot modify a container app '{app.name}' because there is an operation in progress."
            raise ArmError(409, "ContainerAppOperationInProgress", text)


def _replica(revision: Revision, name: str) -> Replica:
    found = next((each for each in list(revision.replicas) if each.name == name), None)
    if found is None:
        raise ArmError(404, "ReplicaNotFound", f"Replica '{name}' of revision '{revision.name}' was not found.")
    return found


def _of_replicas(app: App) -> list[Json]:
    return [
        {
            "TimeStamp": event["lastTimestamp"],
            "Type": event["type"],
            "ContainerAppName": app.name,
            "RevisionName": revision.name,
            "ReplicaName": replica.name,
            "Msg": event["message"],
            "Reason": event["name"],
            "EventSource": "ContainerAppController",
            "Count": event["count"],
        }
        for revision in app.revisions.values()
        for replica in list(revision.replicas)
        for event in replica.events()
    ]
