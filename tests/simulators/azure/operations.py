"""Long-running operations: work in a thread, its state by ``Azure-AsyncOperation``."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .http import ArmError, Request, Response, Router

API_VERSIONS = {
    "microsoft.containerinstance": "2023-05-01",
    "microsoft.app": "2026-07-01",
    "microsoft.network": "2024-05-01",
    "microsoft.resources": "2022-09-01",
}


@dataclass
class Operation:
    """One piece of work. ``status`` is InProgress, Succeeded, Failed or Canceled; ``stuck`` if a fault holds it."""

    name: str
    resource_id: str
    url: str
    status: str = "InProgress"
    error: dict[str, Any] | None = None
    properties: Any = None
    stuck: bool = False
    started: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    def document(self) -> dict[str, Any]:
        """Return what a poll answers."""
        shown: dict[str, Any] = {"id": self.url.partition("?")[0], "name": self.name, "status": self.status}
        if self.started:
            shown["startTime"] = self.started
        if self.error:
            shown["error"] = self.error
        if self.properties is not None:
            shown["properties"] = self.properties
        return shown

    def end(self, status: str, error: dict[str, Any] | None = None) -> None:
        """End it, unless it has ended."""
        if not self.done.is_set():
            self.status, self.error = status, error
            self.done.set()


class Operations:
    """All operations since the start; safe to use from several threads."""

    def __init__(self, wait_headers: Callable[[], dict[str, str]] = dict) -> None:
        self._wait_headers = wait_headers
        self._lock = threading.Lock()
        self._all: dict[str, Operation] = {}
        self._threads: list[threading.Thread] = []

    def open(
        self, resource_id: str, base: str, subscription: str, provider: str, location: str, folder: str = "operations"
    ) -> Operation:
        """Make an operation whose state is asked for below the provider's location, in a folder of that name."""
        name = str(uuid.uuid4())
        version = API_VERSIONS.get(provider.lower(), "2023-07-01")
        path = f"/subscriptions/{subscription}/providers/{provider}/locations/{location}/{folder}/{name}"
        operation = Operation(name, resource_id.lower(), f"{base}{path}?api-version={version}")
        with self._lock:
            self._all[name] = operation
        return operation

    def run(self, operation: Operation, work: Callable[[], None]) -> None:
        """Do the work in a thread; ``ArmError`` makes the operation Failed with its code and message."""
        thread = threading.Thread(target=_do, args=(operation, work), daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(thread)
        thread.start()

    def running(self, resource_id: str) -> list[Operation]:
        """Return what has not ended for this resource."""
        with self._lock:
            return [
                each
                for each in self._all.values()
                if each.resource_id == resource_id.lower() and not each.done.is_set()
            ]

    def find(self, name: str) -> Operation:
        """Raises ``ArmError`` 404 for an unknown name."""
        with self._lock:
            found = self._all.get(name)
        if found is None:
            raise ArmError(404, "OperationNotFound", f"The operation '{name}' was not found.")
        return found

    def settle(self, seconds: float = 60) -> None:
        """Wait until no thread works any more."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(seconds)

    def install(self, router: Router) -> None:
        """Answer polls."""
        place = "/subscriptions/{subscription}/providers/{provider}/locations/{location}"
        router.add("GET", f"{place}/operations/{{name}}", self._get)

    def _get(self, request: Request, name: str, **_: str) -> Response:
        operation = self.find(name)
        return Response(200, operation.document(), {} if operation.done.is_set() else self._wait_headers())


def _do(operation: Operation, work: Callable[[], None]) -> None:
    try:
        work()
    except ArmError as error:
        operation.end("Failed", {"code": error.code, "message": error.message})
    except Exception as error:  # noqa: BLE001  # whatever the work runs into is the answer to a poll
        operation.end("Failed", {"code": "InternalServerError", "message": f"{type(error).__name__}: {error}"})
    else:
        operation.end("Succeeded")
