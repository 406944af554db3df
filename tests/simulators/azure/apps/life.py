"""Apps between the service's face and what runs: bodies, revisions, deployments, states."""

from __future__ import annotations

import contextlib
import copy
import secrets
import string
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..group_runtime import PaperGroup
from ..http import ArmError
from ..world import World
from .ingress import Ingress
from .kinds import APP, ENVIRONMENT, Json
from .polls import Polls
from .replica import Replica
from .revision import Revision
from .rules import mode
from .shape import group_body
from .traffic import ALL_TO_LATEST, Turns

PATIENCE = 60.0
KEPT = 100
"""Inactive revisions that are kept, where the app does not say."""


@dataclass
class App:
    """One app: ``body`` is all that was declared, secrets too; revisions are in the order of their making."""

    id: str
    body: Json
    state: str = "InProgress"
    stopped: bool = False
    latest: str = ""
    latest_ready: str = ""
    revisions: dict[str, Revision] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)
    events: list[Json] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name, as it was first written."""
        return self.id.rpartition("/")[2]

    @property
    def configuration(self) -> Json:
        """What holds for the app and not for one revision."""
        found: Json = self.body["properties"].get("configuration") or {}
        return found

    @property
    def ingress(self) -> Json | None:
        """How requests come in."""
        return self.configuration.get("ingress")

    @property
    def single(self) -> bool:
        """Tell whether there is one active revision."""
        return mode(self.configuration) == "Single"

    @property
    def traffic(self) -> list[Json]:
        """The shares; the service writes them where nobody has."""
        declared = (self.ingress or {}).get("traffic")
        return list(declared or ALL_TO_LATEST) if self.ingress else []

    def weights(self) -> dict[str, int]:
        """Return the share of each revision; latest means the latest that is ready."""
        shares: dict[str, int] = {}
        for each in self.traffic:
            name = self.latest_ready if each.get("latestRevision") else each["revisionName"]
            shares[name] = shares.get(name, 0) + (each.get("weight") or 0)
        return shares

    def labels(self) -> dict[str, str]:
        """Return the revision of each label."""
        return {
            each["label"]: self.latest_ready if each.get("latestRevision") else each["revisionName"]
            for each in self.traffic
            if each.get("label")
        }


class Apps:
    """All container apps. ``patience`` in seconds is how long a revision may take to be ready; ``clock`` is the time
    that scaling goes by. ``deployments`` counts revisions that were made, by id of the app.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.polls = Polls(world)
        self.patience, self.clock = PATIENCE, time.monotonic
        self.deployments: dict[str, int] = {}
        self.threads: list[threading.Thread] = []
        self._apps: dict[str, App] = {}
        self._count = 0
        self._released = threading.Event()
        self.ingress = Ingress(world, self.by_host)
        world.closers.append(self.close)
        world.resetters.append(self.reset)
        world.removers[APP.lower()] = self.erase

    @property
    def groups(self) -> Any:
        """What runs container groups, and replicas too."""
        return self.world.parts["groups"]

    def find(self, resource_id: str) -> App | None:
        """Return an app."""
        return self._apps.get(resource_id.lower())

    def need(self, resource_id: str) -> App:
        """Return an app; raises ``ArmError`` 404."""
        self.world.need(resource_id)
        return self._apps[resource_id.lower()]

    def all(self) -> list[App]:
        """Return all apps."""
        with self.world.lock:
            return list(self._apps.values())

    def inside(self, environment_id: str) -> list[App]:
        """Return the apps of an environment."""
        return [each for each in self.all() if environment_id.lower() == self.environment_id(each).lower()]

    def environment_id(self, app: App) -> str:
        """Return the id of an app's environment."""
        properties = app.body["properties"]
        return str(properties.get("environmentId") or properties.get("managedEnvironmentId"))

    def by_host(self, environment_id: str) -> Iterator[App]:
        """Return what the ingress of an environment knows."""
        return iter(self.inside(environment_id))

    def keep(self, resource_id: str, body: Json) -> App:
        """Take a whole body; return the app, which is new if there was none."""
        with self.world.lock:
            app = self._apps.setdefault(resource_id.lower(), App(resource_id, body))
            app.body = copy.deepcopy(body)
            self.ingress.join(app.id, self.environment_id(app))
            resource = self.world.resources.setdefault(resource_id.lower(), {})
            resource.update(id=resource_id, name=app.name, type=APP, location=body["location"])
            # the tags of any resource can be changed by Microsoft.Resources, which looks for them there
            resource["tags"] = dict(body.get("tags") or {})
            self.world.secrets[resource_id.lower()] = app.body
            return app

    def new_name(self, app: App, template: Json) -> str:
        """Return the name of the revision that a template makes."""
        suffix = template.get("revisionSuffix") or ""
        if not suffix:
            letters = string.ascii_lowercase + string.digits
            suffix = "".join(secrets.choice(letters) for _ in range(7))
        return f"{app.name}--{suffix}"

    def same_template(self, app: App, template: Json) -> bool:
        """Tell whether a template makes no revision: only a suffix that is said and differs counts."""
        latest = app.revisions.get(app.latest)
        if latest is None:
            return False
        suffix = template.get("revisionSuffix") or ""
        return (not suffix or suffix == latest.suffix) and comparable(template) == comparable(latest.template)

    def deploy(self, app: App, *, trouble: str = "", expired: bool = False, slow: bool = False) -> None:
        """Make what the body declares; raises ``ArmError`` if the revision is never ready. The old one serves on."""
        template = app.body["properties"]["template"]
        try:
            if not self.same_template(app, template):
                self._make_revision(app, template, trouble=trouble, expired=expired, slow=slow)
            self.settle(app)
        except Exception:
            app.state = "Failed"
            raise
        app.state = "Succeeded"

    def settle(self, app: App) -> None:
        """Let old revisions be as the body says: in mode Single they go once the new one is ready."""
        if app.single and app.latest == app.latest_ready:
            for each in app.revisions.values():
                if each.name != app.latest and each.active:
                    each.active = False
                    each.end()
        self._purge(app)

    def activate(self, app: App, revision: Revision) -> None:
        """Run a revision again; returns at once."""
        if revision.active:
            return
        revision.active, revision.state, revision.error = True, "Provisioning", ""
        revision.scale_to(max(1, revision.least))
        self._wait_behind(app, revision)

    def restart(self, app: App, revision: Revision) -> None:
        """Begin new replicas; one that has failed gets another chance. Returns at once."""
        failed = revision.state == "Failed"
        if failed:
            revision.state, revision.error = "Provisioning", ""
            revision.end()
            revision.scale_to(max(1, revision.least))
            self._wait_behind(app, revision)
        else:
            revision.renew()

    def deactivate(self, revision: Revision) -> None:
        """Run a revision no more."""
        revision.active = False
        revision.end()

    def stop(self, app: App) -> None:
        """Run nothing."""
        app.stopped = True
        for each in app.revisions.values():
            each.end()

    def start(self, app: App) -> None:
        """Run again what is active."""
        app.stopped = False
        for each in app.revisions.values():
            if each.active:
                each.state = "Provisioning"
                each.scale_to(max(1, each.least))
                self._wait(app, each, expired=False, slow=False)

    def erase(self, resource_id: str) -> None:
        """End an app and forget it."""
        with self.world.lock:
            app = self._apps.pop(resource_id.lower(), None)
        if app is not None:
            self.ingress.drop(app.id)
            for each in app.revisions.values():
                each.active = False
                each.drop()
        self.world.remove(resource_id)

    def reset(self) -> None:
        """End all apps."""
        self._released.set()
        self._released = threading.Event()
        self.patience, self.clock = PATIENCE, time.monotonic
        self.deployments.clear()
        threads = [threading.Thread(target=self.erase, args=(each.id,)) for each in self.all()]
        for thread in threads:
            thread.start()
        for thread in [*threads, *self.threads]:
            thread.join()
        self.threads.clear()
        self.ingress.reset()

    def close(self) -> None:
        """End all apps and their ingress."""
        self.reset()
        self.ingress.close()

    def _make_revision(self, app: App, template: Json, *, trouble: str, expired: bool, slow: bool) -> None:
        name = self.new_name(app, template)
        own = copy.deepcopy(template)
        revision = Revision(name, own, lambda: self._replica(app, name, own, trouble), self._now, self.threads)
        with self.world.lock:
            app.revisions[name] = revision
            app.latest = name
            app.stopped = False
            self.deployments[app.id.lower()] = self.deployments.get(app.id.lower(), 0) + 1
        self._say(app, revision, "RevisionCreation", f"Creating a new revision: {name}")
        if self._has_room(app, revision):
            revision.scale_to(max(1, revision.least))
        self._make_known(app, revision)
        self._wait(app, revision, expired=expired, slow=slow)

    def _now(self) -> float:
        return self.clock()

    def _replica(self, app: App, revision: str, template: Json, trouble: str) -> Replica:
        template = copy.deepcopy(template)
        for each in template.get("containers") or []:
            each["env"] = [*(each.get("env") or []), *self._told(app, revision)]
        body = group_body(self.world, app.id, app.body, template)
        return Replica(revision, self._runtime(app), body, trouble)

    def _told(self, app: App, revision: str) -> list[Json]:
        """Return what every container is told ("Built-in environment variables" of the service)."""
        if self.groups.paper or not app.ingress:
            return []
        # the ingress is at 443 there; a port of this machine's may be somebody else's
        port = self.ingress.from_inside(app, self._gateway())
        host = f"{revision}.{self.ingress.domain(app)}:{port}"
        told = {"NAME": app.name, "REVISION": revision, "HOSTNAME": host}
        return [{"name": f"CONTAINER_APP_{name}", "value": text} for name, text in told.items()]

    def _gateway(self) -> str:
        seen = self.groups.engine().api.inspect_network("bridge")
        return str(seen["IPAM"]["Config"][0]["Gateway"])

    def _make_known(self, app: App, revision: Revision) -> None:
        """Let the containers that run already find the name of a new revision."""
        if self.groups.paper or not app.ingress:
            return
        host, gateway = f"{revision.name}.{self.ingress.domain(app)}", self._gateway()
        for other in app.revisions.values():
            for replica in other.replicas if other is not revision else ():
                replica.know(host, gateway)

    def _runtime(self, app: App) -> Any:
        groups = self.groups
        if groups.paper:
            self._count += 1
            return PaperGroup(self._count)
        return groups.on_docker(app.id)

    def _wait_behind(self, app: App, revision: Revision) -> None:
        def wait() -> None:
            with contextlib.suppress(ArmError):  # the revision says Failed itself
                self._wait(app, revision, expired=False, slow=False)
                self.settle(app)

        thread = threading.Thread(target=wait, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _wait(self, app: App, revision: Revision, *, expired: bool, slow: bool) -> None:
        """Wait until a revision is ready. Raises ``ArmError`` ContainerAppOperationError."""
        released, faults = self._released, self.world.faults.released
        deadline = time.monotonic() + self.patience
        while slow and not faults.wait(0.02) and not released.is_set() and revision.active:
            pass
        if not slow or revision.active:
            while not expired and not self._is_up(revision):
                if _is_lost(revision) or time.monotonic() > deadline or released.wait(0.05):
                    expired = True
                if not revision.active:  # deactivated meanwhile
                    return
        if expired:
            self._fail(app, revision)
        revision.state = "Provisioned"
        if revision.name == app.latest:
            app.latest_ready = revision.name
        self._say(app, revision, "RevisionReady", f"Successfully provisioned revision '{revision.name}'")

    def _is_up(self, revision: Revision) -> bool:
        wanted = max(1, revision.least)
        return len(revision.ready) >= wanted

    def _fail(self, app: App, revision: Revision) -> None:
        why = next((each.error for each in revision.replicas if each.error), "") or "Operation expired."
        revision.state, revision.error = "Failed", why
        text = f"Failed to provision revision for container app '{app.name}'. Error details: {why}"
        self._say(app, revision, "ReplicaUnhealthy", why, "Warning")
        raise ArmError(400, "ContainerAppOperationError", text)

    def _has_room(self, app: App, revision: Revision) -> bool:
        """Tell whether the cores of the environment are enough; if not, the revision gets no replica and no error."""
        from .usages import cores_of, cores_used  # they count apps

        environment = self.environment_id(app)
        limit = self.world.quota("ManagedEnvironmentConsumptionCores", "", 100)
        return cores_used(self, environment) + cores_of(revision.template) * max(1, revision.least) <= limit

    def _purge(self, app: App) -> None:
        """Forget the oldest inactive revisions; only a deployment does so, hence there can be more of them."""
        declared = app.configuration.get("maxInactiveRevisions")
        kept = KEPT if declared is None else int(declared)
        named = {each.get("revisionName") for each in app.traffic}
        inactive = [each for each in app.revisions.values() if not each.active and each.name not in named]
        for each in inactive[: max(0, len(inactive) - kept)]:
            app.revisions.pop(each.name, None)

    def _say(self, app: App, revision: Revision, reason: str, message: str, kind: str = "Normal") -> None:
        app.events.append(
            {
                "TimeStamp": revision.created,
                "Type": kind,
                "ContainerAppName": app.name,
                "RevisionName": revision.name,
                "ReplicaName": "",
                "Msg": message,
                "Reason": reason,
                "EventSource": "ContainerAppController",
                "Count": 1,
            }
        )


def comparable(template: Json) -> Json:
    """Return a template without what says nothing: empty values, the suffix, and defaults that are written out."""
    made: Json = _full({name: value for name, value in template.items() if name != "revisionSuffix"})
    scale = made.setdefault("scale", {})
    for name, value in (("maxReplicas", 10), ("cooldownPeriod", 300), ("pollingInterval", 30)):
        scale.setdefault(name, value)
    if not scale.get("minReplicas"):
        scale.pop("minReplicas", None)
    for each in made.get("containers") or []:
        resources = each.setdefault("resources", {})
        resources.pop("ephemeralStorage", None)  # only the service says it, and clients send back what they read
        resources.setdefault("cpu", 0.5)
        resources.setdefault("memory", "1Gi")
    return made


def _full(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _full(value) for name, value in node.items() if value not in (None, [], {}, "")}
    return [_full(one) for one in node] if isinstance(node, list) else node


def _is_lost(revision: Revision) -> bool:
    return any(each.error or each.crashes for each in revision.replicas)


def is_ready(world: World, environment_id: str) -> bool:
    """Tell whether an environment takes apps."""
    found = world.get(environment_id)
    return (
        found is not None and found["type"] == ENVIRONMENT and found["properties"]["provisioningState"] == "Succeeded"
    )
