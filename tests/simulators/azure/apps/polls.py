"""Where a client asks for the end of a write: by status (``Azure-AsyncOperation``) or by result (``Location``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..http import ArmError, Request, Response, Router
from ..world import World
from .kinds import ENVIRONMENT

Answer = Callable[[], Any]
"""What a ``Location`` gives in the end: a resource, or None for no body."""
_FOLDERS = {"app": "containerappOperation", "environment": "managedEnvironmentOperation"}
_PLACE = "/subscriptions/{subscription}/providers/Microsoft.App/locations/{location}"


@dataclass(frozen=True)
class _Result:
    answer: Answer
    says_200: bool
    says_nothing: bool


class Polls:
    """Operations of apps and environments. One that has ``Location`` alone is asked for its result.

    The published examples put the place of results under ``Azure-AsyncOperation``; schema and SDK say ``Location``.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._results: dict[str, _Result] = {}

    def install(self, router: Router) -> None:
        """Answer polls."""
        for folder in _FOLDERS.values():
            router.add("GET", f"{_PLACE}/{folder}Statuses/{{name}}", self._status)
            router.add("GET", f"{_PLACE}/{folder}Results/{{name}}", self._result)

    def by_status(
        self, resource_id: str, work: Callable[[], None], on_failure: Callable[[str], None]
    ) -> dict[str, str]:
        """Begin the work of a PUT; return its headers."""
        headers = self._world.operation(
            resource_id, work, on_failure=on_failure, folder=f"{_folder(resource_id)}Statuses"
        )
        self._note(headers)
        return headers

    def by_result(
        self, resource_id: str, work: Callable[[], None], on_failure: Callable[[str], None], answer: Answer
    ) -> dict[str, str]:
        """Begin the work of a PATCH, a DELETE or a verb; return its headers."""
        take = self._world.faults.take
        says_200 = take(self._world.line, "location-says-200") is not None
        says_nothing = take(self._world.line, "location-says-nothing") is not None
        headers = self._world.operation(
            resource_id, work, on_failure=on_failure, folder=f"{_folder(resource_id)}Results"
        )
        where = headers.pop("Azure-AsyncOperation")
        self._results[self._note({"Azure-AsyncOperation": where})] = _Result(answer, says_200, says_nothing)
        return {"Location": where, **headers}

    def _note(self, headers: dict[str, str]) -> str:
        name = headers["Azure-AsyncOperation"].partition("?")[0].rpartition("/")[2]
        self._world.operations.find(name).started = dt.datetime.now(dt.UTC).isoformat()
        return name

    def _status(self, request: Request, name: str, **_: str) -> Response:
        operation = self._world.operations.find(name)
        return Response(200, operation.document(), {} if operation.done.is_set() else self._world.wait_headers())

    def _result(self, request: Request, name: str, **_: str) -> Response:
        operation, result = self._world.operations.find(name), self._results.get(name)
        if result is None:
            raise ArmError(404, "OperationNotFound", f"The operation '{name}' was not found.")
        if not operation.done.is_set():
            return Response(202, None, {"Location": operation.url, **self._world.wait_headers()})
        if operation.status == "Succeeded":
            return Response(200, None if result.says_nothing else result.answer())
        if result.says_200:
            return Response(200, operation.document())
        error = operation.error or {}
        raise ArmError(400, str(error.get("code", "OperationFailed")), str(error.get("message", "")))


def _folder(resource_id: str) -> str:
    return _FOLDERS["environment" if f"/{ENVIRONMENT}/".lower() in resource_id.lower() else "app"]
