"""A container group that really runs: its network, its containers in order, its public address."""

from __future__ import annotations

import contextlib
import threading
import uuid
from functools import partial
from typing import Any, Protocol

from docker.errors import DockerException

from . import group_runtime_shape as shape
from .group_runtime_engine import Engine, explained
from .group_runtime_images import Images, images_of
from .group_runtime_member import Member, Plan, member
from .group_runtime_state import Events, group_state
from .group_runtime_volumes import Volumes
from .http import ArmError

Json = dict[str, Any]


class Runtime(Protocol):
    """What a container group is to the service."""

    ip: str

    def deploy(self, body: Json, trouble: str = "") -> None:
        """Run this full body: the first time, or in place of the one before. Raises ``ArmError``."""

    def stop(self) -> None:
        """Stop the containers; logs stay."""

    def know(self, host: str, address: str) -> None:
        """Let its containers find a host name that comes while they run."""

    def remove(self) -> None:
        """Leave nothing."""

    def target(self) -> str | None:
        """Return the address that takes requests now; None while nothing does."""

    def state(self) -> str:
        """Return Pending, Running, Stopped, Succeeded or Failed."""

    def view(self) -> Json:
        """Return the events of the group and the instance views of containers and init containers, by name."""

    def logs(self, container: str, tail: int | None, *, timestamps: bool) -> str | None:
        """Return a log; None if there is none yet."""

    def all_logs(self, container: str, tail: int | None) -> str:
        """Return a log with times, that of the run before in front of it."""


class DockerGroup:
    """A group on Docker: a holder has the network, so that the address stays while containers come and go."""

    def __init__(self, name: str, engine: Engine, images: Images, volumes: Volumes) -> None:
        self._name, self._engine, self._images, self._volumes = name, engine, images, volumes
        self.ip = ""
        self.events = Events()
        self._holder = ""
        self._dns: Json = {}
        self._policy = "Always"
        self._stopped = self._gone = False
        self._closing = threading.Event()
        self._members: list[Member] = []
        self._inits: list[Member] = []
        self._all_events: dict[str, Events] = {}
        self._chief: threading.Thread | None = None
        self._lock = threading.RLock()

    def deploy(self, body: Json, trouble: str = "") -> None:
        """Pull, then end what runs and start anew; returns when each container has been started once."""
        properties = body["properties"]
        runs = self._pull_all(body)
        with self._lock:
            self._check_here()
            self._volumes.prepare(properties.get("volumes") or [])
            self._end()
            self._hold(properties.get("dnsConfig") or {})
            self._policy, self._stopped = properties.get("restartPolicy") or "Always", False
            first = properties.get("initContainers") or []
            self._inits = [self._member(each, body, runs, "", is_init=True) for each in first]
            self._members = [
                self._member(each, body, runs, trouble, is_init=False) for each in properties["containers"]
            ]
            self._volumes.drop(keep=self._volumes.fresh())
            self._closing = threading.Event()
            settled = threading.Event()
            self._chief = threading.Thread(target=self._lead, args=(self._closing, settled), daemon=True)
            self._chief.start()
        settled.wait(120)
        self._check_here()

    def stop(self) -> None:
        """Stop the containers, keep their logs."""
        with self._lock:
            self._end(keep=True)
            self._stopped = True

    def know(self, host: str, address: str) -> None:
        """Let its containers find a host name: the service's own DNS has names that come while they run."""
        line = f"echo '{address} {host}' >> /etc/hosts"  # one file for all that share the holder's network
        for each in list(self._members):
            if not (found := each.container_id):
                continue
            with contextlib.suppress(DockerException):  # without a shell nobody in it asks for names
                made = self._engine.api.exec_create(found, ["sh", "-c", line], user="0")
                self._engine.api.exec_start(made["Id"])
                return

    def remove(self) -> None:
        """Remove containers, network and volumes."""
        with self._lock:
            self._gone = True
            self._end(at_once=True)
            if self._holder:
                self._engine.remove(self._holder)
            self._holder = self.ip = ""
            self._volumes.drop()

    def target(self) -> str | None:
        """The address, once a container runs and all are ready."""
        members = list(self._members)
        runs = any(each.history.phase == "Running" for each in members)
        return self.ip if runs and all(each.ready for each in members) else None

    def state(self) -> str:
        """The group's state, of its containers' states."""
        members, inits = list(self._members), list(self._inits)
        failed = [each.history for each in inits if each.over.is_set() and each.history.exit_code]
        return group_state(failed or [each.history for each in members], self._policy, stopped=self._stopped)

    def view(self) -> Json:
        """What GET shows of what happens."""
        return {
            "events": self.events.list(),
            "containers": {each.name: each.history.view() for each in list(self._members)},
            "initContainers": {each.name: each.history.view() for each in list(self._inits)},
        }

    def logs(self, container: str, tail: int | None, *, timestamps: bool) -> str | None:
        """The log of the last run of a container."""
        found = next((each for each in [*self._members, *self._inits] if each.name == container), None)
        return found.logs(tail, timestamps=timestamps) if found else None

    def all_logs(self, container: str, tail: int | None) -> str:
        """The log of the last two runs of a container, with times."""
        found = next((each for each in [*self._members, *self._inits] if each.name == container), None)
        return found.all_logs(tail) if found else ""

    def _check_here(self) -> None:
        if self._gone:
            raise ArmError(404, "ResourceNotFound", f"The container group '{self._name}' was deleted.")

    def _pull_all(self, body: Json) -> dict[str, str]:
        runs = {}
        for image in images_of(body["properties"]):
            self._tell(body, image, "Pulling", f'pulling image "{image}"')
            try:
                runs[image] = self._images.pull(image, body)
            except (DockerException, ArmError, OSError) as error:
                self._tell(body, image, "Failed", f'Failed to pull image "{image}": {explained(error)}', "Warning")
                raise ArmError(409, "RegistryErrorResponse", f"The image '{image}' could not be pulled.") from error
            self._tell(body, image, "Pulled", f'Successfully pulled image "{image}"')
        return runs

    def _tell(self, body: Json, image: str, event: str, message: str, kind: str = "Normal") -> None:
        self.events.add(event, message, kind)
        properties = body["properties"]
        for each in [*(properties.get("initContainers") or []), *properties["containers"]]:
            if each["properties"]["image"] == image:
                self._events_of(each["name"]).add(event, message, kind)

    def _events_of(self, container: str) -> Events:
        return self._all_events.setdefault(container, Events())

    def _member(self, container: Json, body: Json, runs: dict[str, str], trouble: str, *, is_init: bool) -> Member:
        properties = container["properties"]
        plan = Plan(
            container,
            runs[properties["image"]],
            self._holder,
            self.ip,
            self._volumes.binds(properties.get("volumeMounts") or []),
            self._policy,
            trouble,
            is_init,
            partial(self._images.pull, properties["image"], body),
        )
        return member(self._engine, plan, self._events_of(container["name"]))

    def _hold(self, dns: Json) -> None:
        if self._holder and dns == self._dns:
            return
        if self._holder:
            self._engine.remove(self._holder)
        name = f"aci-{self._engine.mark}-{self._name[:30]}-{uuid.uuid4().hex[:8]}"
        self._holder, self._dns = shape.hold(self._engine, name, dns), dns
        self.ip = shape.address(self._engine, self._holder)

    def _lead(self, closing: threading.Event, settled: threading.Event) -> None:
        """Run the init containers one after the other, then all others at once."""
        try:
            for each in self._inits:
                each.start()
                each.begun.wait()
                while not each.over.wait(0.2) and not closing.is_set():
                    if each.history.restarts:
                        settled.set()  # it fails again and again; the deployment itself is done
                if closing.is_set() or each.history.exit_code:
                    return
            for each in self._members:
                if closing.is_set():
                    return
                each.start()
            for each in self._members:
                each.begun.wait()
        finally:
            settled.set()

    def _end(self, *, keep: bool = False, at_once: bool = False) -> None:
        self._closing.set()
        members = [*self._members, *self._inits]
        threads = [threading.Thread(target=each.end, kwargs={"at_once": at_once}) for each in members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._chief is not None:
            self._chief.join()
        for each in members:
            each.end()  # what the chief began meanwhile
            if not keep:
                each.discard()


class PaperGroup:
    """A group that nothing runs for: it is Running from the first moment. For tests of rules alone."""

    def __init__(self, number: int) -> None:
        self.ip = f"10.{number // 62500 % 250}.{number // 250 % 250}.{1 + number % 250}"
        self._names: list[str] = []
        self._stopped = False
        self._events = Events()

    def deploy(self, body: Json, trouble: str = "") -> None:
        """Take note."""
        self._names = [each["name"] for each in body["properties"]["containers"]]
        self._stopped = False
        self._events.add("Started", "Started containers")

    def stop(self) -> None:
        """Take note."""
        self._stopped = True

    def know(self, host: str, address: str) -> None:
        """Nobody in it asks for names."""

    def remove(self) -> None:
        """Nothing is there."""

    def target(self) -> str | None:
        """Nobody answers."""
        return None

    def state(self) -> str:
        """Running or Stopped."""
        return "Stopped" if self._stopped else "Running"

    def view(self) -> Json:
        """Running containers without a past."""
        running = {"restartCount": 0, "currentState": {"state": "Running", "detailStatus": ""}, "events": []}
        return {"events": self._events.list(), "containers": dict.fromkeys(self._names, running), "initContainers": {}}

    def logs(self, container: str, tail: int | None, *, timestamps: bool) -> str | None:
        """Nothing was written."""
        return ""

    def all_logs(self, container: str, tail: int | None) -> str:
        """Nothing was written."""
        return ""
