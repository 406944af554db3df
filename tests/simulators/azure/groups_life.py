"""Container groups between the service's face and what runs: bodies, states, labels, operations."""

from __future__ import annotations

import copy
import threading
import uuid
from typing import Any

from .group_runtime import DockerGroup, PaperGroup, Runtime
from .group_runtime_engine import Engine
from .group_runtime_images import Images
from .group_runtime_processes import Processes, Programs
from .group_runtime_volumes import Volumes
from .groups_view import KIND, shown
from .http import ArmError
from .labels import Labels, scope_key
from .world import World

Json = dict[str, Any]


class Groups:
    """All container groups. ``paper``: groups made from now on are not run; ``deployments`` counts them by id.

    ``programs``: groups made from now on are processes that do what their images do.

    ``worn`` has restarts of earlier runs, by id, which the service goes on to count; ``held`` says how
    often a label is still refused whose group is gone.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.mark = uuid.uuid4().hex[:8]
        self.labels = Labels(self.mark)
        self.paper = False
        self.programs: Programs | None = None
        self.deployments: dict[str, int] = {}
        self.worn: dict[str, int] = {}
        self.held: dict[str, int] = {}
        self._runtimes: dict[str, Runtime] = {}
        self._keys: dict[str, str] = {}
        self._count = 0
        self._engine: Engine | None = None
        self._lock = threading.RLock()
        world.closers.append(self.close)
        world.resetters.append(self.reset)
        world.removers[KIND.lower()] = self.erase

    def engine(self) -> Engine:
        """Return Docker, opened when it is first needed."""
        with self._lock:
            if self._engine is None:
                self._engine = Engine(self.mark)
            return self._engine

    def images(self) -> Images:
        """Return what checks and pulls images."""
        return Images(self.world, self.engine(), self.programs)

    def runtime(self, resource_id: str) -> Runtime | None:
        """Return what runs for a group."""
        return self._runtimes.get(resource_id.lower())

    def keep(self, resource_id: str, body: Json, state: str) -> Json:
        """Keep a full body; return what GET says about it."""
        self.world.put(resource_id, shown(self.world, resource_id, body, state), copy.deepcopy(body))
        return self.seen(resource_id)

    def set_state(self, resource_id: str, state: str) -> None:
        """Change the provisioning state of a group that is still there."""
        with self.world.lock:
            if found := self.world.get(resource_id):
                found["properties"]["provisioningState"] = state

    def seen(self, resource_id: str) -> Json:
        """Return what GET says now: instance views and addresses filled in."""
        with self.world.lock:
            resource = self.world.need(resource_id)
            runtime = self.runtime(resource_id)
            if runtime is not None:
                _fill(resource["properties"], runtime, self.worn.get(resource_id.lower(), 0))
                self._fill_address(resource_id, resource, runtime)
            return copy.deepcopy(resource)

    def deploy(self, resource_id: str, body: Json, trouble: str = "") -> None:
        """Run a body, and let its label point to it. Raises ``ArmError``; the group is Failed then."""
        try:
            runtime = self._runtime(resource_id)
            runtime.deploy(body, trouble)
            self._point(resource_id, body, runtime)
        except Exception:
            self.set_state(resource_id, "Failed")
            raise
        if self.world.get(resource_id):
            self.deployments[resource_id.lower()] = self.deployments.get(resource_id.lower(), 0) + 1
        self.set_state(resource_id, "Succeeded")

    def stop(self, resource_id: str) -> None:
        """Stop what runs."""
        if (runtime := self.runtime(resource_id)) is not None:
            runtime.stop()

    def erase(self, resource_id: str) -> None:
        """End a group and forget it."""
        with self._lock:
            runtime = self._runtimes.pop(resource_id.lower(), None)
            key = self._keys.pop(resource_id.lower(), None)
        if key:
            self.labels.drop(key)
        if runtime is not None:
            runtime.remove()
        self.world.remove(resource_id)

    def reset(self) -> None:
        """End all groups."""
        self.paper, self.programs = False, None
        self.deployments.clear()
        self.worn.clear()
        self.held.clear()
        threads = [threading.Thread(target=self.erase, args=(each,)) for each in list(self._runtimes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """End all groups and leave nothing in Docker."""
        self.reset()
        self.labels.close()
        if self._engine is not None:
            self._engine.close()

    def label_key(self, resource_id: str, body: Json) -> str:
        """Return what the group's label takes; empty without one."""
        address = body["properties"].get("ipAddress") or {}
        if not address.get("dnsNameLabel"):
            return ""
        scope = address.get("autoGeneratedDomainNameLabelScope") or "Unsecure"
        region = str(body["location"]).replace(" ", "").lower()
        world = self.world
        return scope_key(address["dnsNameLabel"], scope, region, world.tenant, world.subscription, resource_id)

    def check_label(self, resource_id: str, name: str, body: Json) -> None:
        """Raises ``ArmError`` 400 if another group has the label."""
        key = self.label_key(resource_id, body)
        if self.held.get(key, 0) > 0:
            self.held[key] -= 1
            raise label_taken(name, body)
        for other in self.world.of_kind(KIND):
            own = self.world.secrets[other["id"].lower()]
            if key and other["id"].lower() != resource_id.lower() and self.label_key(other["id"], own) == key:
                raise label_taken(name, body)

    def _runtime(self, resource_id: str) -> Runtime:
        with self._lock:
            found = self.runtime(resource_id)
            if found is None:
                self._count += 1
                found = PaperGroup(self._count) if self.paper else self.on_docker(resource_id)
                self._runtimes[resource_id.lower()] = found
            return found

    def on_docker(self, resource_id: str) -> Runtime:
        """Return what runs a group on Docker, or a replica of an app; it is the caller's to remove."""
        volumes = Volumes(self.engine(), self.world.folder / "shares")
        runs = Processes(self.programs, self.engine()) if self.programs else self.engine()
        return DockerGroup(resource_id.rpartition("/")[2], runs, self.images(), volumes)

    def _point(self, resource_id: str, body: Json, runtime: Runtime) -> None:
        key = self.label_key(resource_id, body)
        old = self._keys.get(resource_id.lower())
        if old and old != key:
            self.labels.drop(old)
        self._keys[resource_id.lower()] = key
        if key and not isinstance(runtime, PaperGroup):
            ports = body["properties"]["ipAddress"]["ports"]
            self.labels.point(
                key, [each["port"] for each in ports if each.get("protocol", "TCP") == "TCP"], runtime.target
            )

    def _fill_address(self, resource_id: str, resource: Json, runtime: Runtime) -> None:
        address = resource["properties"].get("ipAddress")
        if address is None or not runtime.ip:
            return
        address["ip"] = runtime.ip
        key = self.label_key(resource_id, resource)
        if key:
            address["fqdn"] = self.labels.address(key)


def label_taken(name: str, body: Json) -> ArmError:
    """Return the refusal of a label."""
    label = ((body["properties"].get("ipAddress") or {}).get("dnsNameLabel")) or ""
    text = f"The DNS name label '{label}' in container group '{name}' is not available. Try using a different label."
    return ArmError(400, "DnsNameLabelAlreadyTaken", text)


def _fill(properties: Json, runtime: Runtime, worn: int) -> None:
    view = copy.deepcopy(runtime.view())
    for each in view["containers"].values() if worn else ():
        each["restartCount"] += worn
        each.setdefault("previousState", {"state": "Terminated", "exitCode": 1, "detailStatus": "Error"})
    properties["instanceView"] = {"events": view["events"], "state": runtime.state()}
    for field in ("containers", "initContainers"):
        for each in properties.get(field) or []:
            if each["name"] in view[field]:
                each["properties"]["instanceView"] = view[field][each["name"]]
