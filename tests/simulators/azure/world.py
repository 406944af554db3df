"""Everything the emulator knows: resources, secrets, quotas, faults and what runs."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .faults import Faults
from .http import ArmError
from .operations import Operation, Operations

REGION = "westeurope"


def _uuid() -> str:
    return str(uuid.uuid4())


@dataclass
class World:
    """The state of one cloud. Keys of ``resources`` and ``secrets`` are ARM ids in lower case.

    ``resources`` has JSON as GET returns it, ``secrets`` what GET leaves out. ``retry_after`` in seconds goes into
    polls; below one second as ``x-ms-retry-after-ms``, because azure-core takes ``Retry-After: 0`` for 30 seconds.
    ``unregistered`` has namespaces that the subscription does not know, and how often one is Registering then.
    ``unseen`` says how often a resource that is there is still answered by 404.
    ``only_group`` is the resource group that the login has all its rights on; empty for the whole subscription.
    ``soft_delete`` and ``abac`` have parts of names of registries, in lower case.
    ``quotas`` has limits of a region: (region, name) first, then ("", name). ``closers`` run when the emulator ends,
    last first; ``resetters`` when a test begins anew; ``removers`` (by lower-case type) before a resource goes with
    its resource group. ``line`` is the ``METHOD /path`` that this thread answers.
    """

    folder: Path
    subscription: str = field(default_factory=_uuid)
    tenant: str = field(default_factory=_uuid)
    base: str = ""
    client_id: str = field(default_factory=_uuid)
    client_secret: str = field(default_factory=_uuid, repr=False)
    object_id: str = field(default_factory=_uuid)
    retry_after: float = 1
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict)
    unregistered: dict[str, int] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    only_group: str = ""
    soft_delete: set[str] = field(default_factory=set)
    abac: set[str] = field(default_factory=set)
    quotas: dict[tuple[str, str], float] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    faults: Faults = field(default_factory=Faults)
    operations: Operations = field(init=False)
    closing: threading.Event = field(default_factory=threading.Event)
    closers: list[Callable[[], None]] = field(default_factory=list)
    resetters: list[Callable[[], None]] = field(default_factory=list)
    removers: dict[str, Callable[[str], None]] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    _here: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        self.operations = Operations(self.wait_headers)

    @property
    def line(self) -> str:
        """What this thread answers."""
        return str(getattr(self._here, "line", ""))

    @line.setter
    def line(self, line: str) -> None:
        self._here.line = line

    def resource_id(self, group: str, kind: str, name: str) -> str:
        """Write an ARM id; ``kind`` is such as ``Microsoft.ContainerInstance/containerGroups``."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{group}/providers/{kind}/{name}"

    def get(self, resource_id: str) -> dict[str, Any] | None:
        """Return a resource, or None."""
        with self.lock:
            return self.resources.get(resource_id.lower())

    def need(self, resource_id: str) -> dict[str, Any]:
        """Return a resource; raises ``ArmError`` 404 if it is not there."""
        found = self.get(resource_id)
        if found is None:
            raise not_found(resource_id)
        return found

    def check_seen(self, method: str, path: str) -> None:
        """Raises ``ArmError`` 404 for what was just made and is not known everywhere yet."""
        with self.lock:
            if method == "GET" and self.unseen.get(path.lower(), 0) > 0:
                self.unseen[path.lower()] -= 1
                raise not_found(path)

    def keeps_deleted(self, registry: str) -> bool:
        """Tell whether a registry has its soft delete policy on."""
        return any(part in registry.lower() for part in self.soft_delete)

    def by_repository(self, registry: str) -> bool:
        """Tell whether a registry gives rights by repository, by its own word or by a fault."""
        return any(part in registry.lower() for part in self.abac)

    def put(self, resource_id: str, resource: dict[str, Any], secrets: Any = None) -> None:
        """Keep a resource, and what GET leaves out."""
        with self.lock:
            self.resources[resource_id.lower()] = resource
            if secrets is not None:
                self.secrets[resource_id.lower()] = secrets

    def remove(self, resource_id: str) -> dict[str, Any] | None:
        """Forget a resource and its secrets; return what it was."""
        with self.lock:
            self.secrets.pop(resource_id.lower(), None)
            return self.resources.pop(resource_id.lower(), None)

    def of_kind(self, kind: str, group: str = "") -> list[dict[str, Any]]:
        """List the resources of a type in the subscription or one resource group, ordered by id."""
        start = f"/subscriptions/{self.subscription}/".lower() + (f"resourcegroups/{group}/".lower() if group else "")
        wanted = kind.lower()
        with self.lock:
            return [
                each
                for key, each in sorted(self.resources.items())
                if key.startswith(start) and str(each.get("type", "")).lower() == wanted
            ]

    def quota(self, name: str, region: str, default: float) -> float:
        """Return a limit."""
        return self.quotas.get((region, name), self.quotas.get(("", name), default))

    def operation(
        self,
        resource_id: str,
        work: Callable[[], None],
        *,
        on_failure: Callable[[str], None] | None = None,
        folder: str = "operations",
    ) -> dict[str, str]:
        """Do ``work`` in a thread and return the headers that tell where to ask for its end.

        Faults: ``lro-failed`` calls ``on_failure`` with a code instead of the work; ``lro-stuck`` waits before it.
        """
        provider = resource_id.partition("/providers/")[2].partition("/")[0] or "Microsoft.Resources"
        location = str((self.get(resource_id) or {}).get("location", REGION))
        operation = self.operations.open(resource_id, self.base, self.subscription, provider, location, folder)
        fault = self.faults.take(self.line, "lro-failed", "lro-stuck")
        operation.stuck = fault is not None and fault.name == "lro-stuck"
        self.operations.run(operation, self._guarded(operation, fault.name if fault else "", work, on_failure))
        return {"Azure-AsyncOperation": operation.url, **self.wait_headers()}

    def _guarded(
        self, operation: Operation, fault: str, work: Callable[[], None], on_failure: Callable[[str], None] | None
    ) -> Callable[[], None]:
        released = self.faults.released
        line = self.line

        def do() -> None:
            self.line = line
            if fault == "lro-stuck":
                while not (released.wait(0.05) or self.closing.is_set() or operation.done.is_set()):
                    pass
                if on_failure and not operation.done.is_set():
                    on_failure("OperationTimedOut")
                raise ArmError(500, "OperationTimedOut", "The operation did not end in time.")
            if fault == "lro-failed":
                if on_failure:
                    on_failure("ServiceUnavailable")
                raise ArmError(409, "ServiceUnavailable", "The service is unavailable. Please retry later.")
            work()

        return do

    def wait_headers(self) -> dict[str, str]:
        """Say after how long to ask again."""
        if self.retry_after < 1:
            return {"x-ms-retry-after-ms": str(max(1, round(self.retry_after * 1000)))}
        return {"Retry-After": str(round(self.retry_after))}


def not_found(resource_id: str) -> ArmError:
    """Return the 404 of ARM for a resource."""
    group = resource_id.lower().partition("/resourcegroups/")[2].partition("/")[0]
    what = resource_id.partition("/providers/")[2]
    where = f"under resource group '{group}' " if group else ""
    return ArmError(404, "ResourceNotFound", f"The Resource '{what}' {where}was not found.")
