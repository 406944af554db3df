"""The emulator: one cloud behind one HTTPS port, in threads of this process."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .arm import Arm
from .door import Door
from .http import ArmError, Request, Response, Router
from .identity import Authority
from .registries_rules import ABAC
from .resource_groups import ResourceGroups
from .server import Cut, HttpsServer
from .world import World

REGISTRIES = "Microsoft.ContainerRegistry/registries"
PARTS = ("generic", "roles", "groups", "registries", "tasks", "blobs", "workspaces", "apps")


@dataclass(frozen=True)
class Recorded:
    """One request and the status of its answer (0: none was given)."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    sent: int = 0
    received: int = 0

    @property
    def line(self) -> str:
        """``METHOD /path``."""
        return f"{self.method} {self.path}"


class Emulator:
    """A running cloud. ``latency`` in seconds is added to every answer; ``violations`` is what conformance found.

    ``on_request`` is called with ``METHOD /path`` of every request as it comes in, before anything is done about it.
    Without ``containers`` no group is run, each is taken for running, and images are not looked for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        latency: float = 0,
        retry_after: float = 0.05,
        specs: Path | None = None,
        resource_group: str = "emulated",
        location: str = "westeurope",
        containers: bool = True,
    ) -> None:
        self.world = World(folder, retry_after=retry_after)
        self.latency, self.resource_group, self.location = latency, resource_group, location
        self.violations: list[str] = []
        self.on_request: Callable[[str], object] | None = None
        self._containers = containers
        self._log: list[Recorded] = []
        self._lock = threading.Lock()
        self._server = HttpsServer(folder, self._answer, port)
        self.endpoint = self.world.base = self._server.base
        self.ca_bundle = self._server.ca_bundle
        self.subscription, self.tenant = self.world.subscription, self.world.tenant
        self.client_id, self.client_secret = self.world.client_id, self.world.client_secret
        self.authority = Authority(self.world)
        self.world.parts["authority"] = self.authority
        self.groups = ResourceGroups(self.world)
        self.world.parts["emulator"] = self
        self.world.parts["certificates"] = self._server.authority
        self._router = self._routes()
        self._arm, self._door = Arm(self.world, self.authority), Door(self.world, self.authority)
        self._conformance = _conformance(specs)
        self.reset()
        self._server.start()

    @property
    def containers(self) -> bool:
        """Whether groups that are made from now on really run; ``reset`` goes back to what the emulator began with."""
        return not self.world.parts["groups"].paper

    @containers.setter
    def containers(self, run: bool) -> None:
        self.world.parts["groups"].paper = not run

    def config(self, **changes: str) -> dict[str, str]:
        """Return provider config that points here; an empty change drops its key."""
        config = {
            "target": "azure", "subscriptionId": self.subscription, "tenantId": self.tenant,
            "resourceGroup": self.resource_group, "location": self.location, "cloud": "custom",
            "resourceManagerEndpoint": self.endpoint, "authorityHost": self.endpoint, "auth": "service_principal",
            "clientId": self.client_id, "clientSecret": self.client_secret, "caBundle": str(self.ca_bundle), **changes,
        }  # fmt: skip
        return {name: value for name, value in config.items() if value}

    def fault(self, name: str, *, times: int = 1, match: str = "", retry_after: int = 1) -> None:
        """Let the next ``times`` requests with ``match`` in their ``METHOD /path`` go wrong; see ``faults``."""
        if name == "unregistered":
            self.world.unregistered[match.lower()] = times
            return
        if name == "one-group":
            self.world.only_group = match or self.resource_group
            return
        if name in ("soft-delete", "abac"):
            (self.world.abac if name == "abac" else self.world.soft_delete).add(match.lower())
            for each in self.world.of_kind(REGISTRIES) if name == "abac" else ():
                if self.world.by_repository(each["name"]):
                    each["properties"]["roleAssignmentMode"] = ABAC
            return
        self.world.faults.add(name, times=times, match=match, retry_after=retry_after)

    def requests(self) -> list[Recorded]:
        """Return the requests since the start or the last ``forget``, in the order of their answers."""
        with self._lock:
            return list(self._log)

    def observe(self, request: Request, response: Response) -> None:
        """Hold a call to a registry's own server to the specifications."""
        found = self._conformance.check(request, response) if self._conformance is not None else []
        with self._lock:
            self.violations.extend(found)

    def forget(self) -> None:
        """Forget requests, violations and faults; what hangs goes on."""
        self.world.faults.clear()
        with self._lock:
            self._log.clear()
        self.violations.clear()

    def reset(self) -> None:
        """Be as new: no resource but the resource group, nothing runs, nothing is wrong."""
        self._quiet()
        with self.world.lock:
            self.world.resources.clear()
            self.world.secrets.clear()
            self.world.unseen.clear()
            self.world.unregistered.clear()
            self.world.only_group = ""
            self.world.soft_delete.clear()
            self.world.abac.clear()
            self.world.quotas.clear()
        self.groups.make(self.resource_group, self.location)
        self.authority.life = 3600
        self.on_request = None
        self.containers = self._containers
        self.forget()

    def close(self) -> None:
        """End everything that runs."""
        self.world.closing.set()
        self._quiet()
        self._server.close()
        for close in reversed(self.world.closers):
            close()

    def _quiet(self) -> None:
        """End what runs, and what waits for it."""
        self.world.faults.clear()
        self.world.operations.settle(1)
        for reset in self.world.resetters:
            reset()
        self.world.operations.settle()

    def _routes(self) -> Router:
        router = Router()
        self.world.operations.install(router)
        self.authority.install(router)
        self.groups.install(router)
        for name in PARTS:
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(f"{__package__}.{name}").install(router, self.world)
        return router

    def _answer(self, request: Request) -> Response:
        line = self.world.line = f"{request.method} {request.path}"
        if (hear := self.on_request) is not None:
            hear(line)
        if self.latency:
            time.sleep(self.latency)
        status = 0
        response = None
        try:
            response = self._door.fail(line) or self._routed(request)
            status = response.status
            if self.world.faults.take(line, "lost-answer"):
                raise Cut
            return response
        finally:
            self._record(request, status, response)

    def _routed(self, request: Request) -> Response:
        try:
            self._arm.check(request)
            self.world.check_seen(request.method, request.path)
            response = self._router.answer(request)
            if request.method == "PUT" and self.world.faults.take(self.world.line, "late-to-be-seen"):
                self.world.unseen[request.path.lower()] = 2
        except ArmError as error:
            response = error.response()
        except Cut:
            raise
        except Exception as error:  # noqa: BLE001  # a fault of the emulator must be seen by the test
            self.violations.append(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            response = ArmError(500, "InternalServerError", f"{type(error).__name__}: {error}").response()
        more = {"x-ms-request-id": str(uuid.uuid4()), "x-ms-correlation-request-id": str(uuid.uuid4())}
        return Response(response.status, response.body, {**more, **response.headers})

    def _record(self, request: Request, status: int, response: Response | None) -> None:
        received = 0 if response is None or response.body is None else len(_bytes(response.body))
        entry = Recorded(
            request.method, request.path, dict(request.query), _json(request), status, len(request.body), received
        )
        found = []
        if (
            self._conformance is not None
            and response is not None
            and request.path.lower().startswith("/subscriptions/")
        ):
            found = self._conformance.check(request, response)
        with self._lock:
            self._log.append(entry)
            self.violations.extend(found)


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _json(request: Request) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(request.body)
    return None


def _conformance(specs: Path | None) -> Any:
    """Return the checker of requests and answers; None without specifications.

    They are looked for where ``ACIML_AZURE_SPECS`` says, else beside the repository in ``shared/specs``.
    """
    named = os.environ.get("ACIML_AZURE_SPECS")
    folder = specs or (Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "specs")
    if not folder.is_dir():
        return None
    try:
        module = importlib.import_module(f"{__package__}.conformance")
    except ModuleNotFoundError:
        return None
    return module.Conformance.load(folder)


@contextmanager
def running_emulator(folder: Path, **options: Any) -> Iterator[Emulator]:
    """Run an emulator in this process; ``folder`` takes its certificates and files. Options are ``Emulator``'s."""
    emulator = Emulator(folder, **options)
    try:
        yield emulator
    finally:
        emulator.close()
