"""Holds every request and every response to what Microsoft has published about its services.

The specifications are no part of the project: they are looked for in ``../shared/specs``, and what needs them is left
out when that folder is not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .conformance_apps import app_operations
from .conformance_operations import Operation, operations
from .conformance_registries import data_plane_operations, registry_operations
from .conformance_schemas import Checker, Documents
from .http import Request, Response

SPECS = Path(__file__).resolve().parents[3].parent / "shared" / "specs"
CONTAINERS = (
    "openapi/specification/containerinstance/resource-manager/Microsoft.ContainerInstance/stable/2023-05-01/"
    "containerInstance.json"
)
_COMMON = "openapi/specification/common-types/resource-management/v5/types.json"
_DESCRIBED = ("microsoft.containerinstance", "microsoft.containerregistry", "microsoft.app")
_POLLED = ("/operations/", "operationstatuses/", "operationresults/", "/operationsstatus/")
_SECRETS = {"secureValue", "password", "storageAccountKey", "workspaceKey"}
_TELLS_SECRETS = ("/listcredentials", "/regeneratecredential", "/generatecredentials", "/exec", "/attach")
_REMEMBERED = 500
_NAMES_OF_PEOPLE = {"tags", "metadata"}


def missing_reason() -> str:
    """Return why nothing can be checked; empty if it can be."""
    return "" if (SPECS / CONTAINERS).is_file() else "the specifications are not there (../shared/specs)"


class Conformance:
    """All that is published about the services that the emulator stands for. Safe to share between threads."""

    def __init__(self, arm: list[Operation], data_plane: list[Operation], common: Mapping[str, Checker]) -> None:
        """Take operations, the most literal paths first."""
        # the same places are asked again and again, and each time there are some hundred patterns to look through
        self._arm, self._data_plane = (lru_cache(_REMEMBERED)(_finder(known)) for known in (arm, data_plane))
        self._common = common
        known = {one.template.rpartition("/providers/")[2].partition("/")[0].lower() for one in arm}
        self._described = [name for name in _DESCRIBED if name in known]

    @classmethod
    def load(cls, specs: Path = SPECS) -> Conformance:
        """Read the specifications; their schemas are made ready when they are first needed."""
        documents = Documents(specs)
        common = f"{documents.uri(_COMMON)}#/definitions/"
        state = documents.raw(documents.uri(_COMMON))["definitions"]["OperationStatusResult"]
        state["properties"]["properties"] = {}  # what the operation gives, says the contract of resource providers
        return cls(
            operations(documents, CONTAINERS) + registry_operations(documents) + app_operations(documents),
            data_plane_operations(documents),
            {name: documents.response({"$ref": common + name}) for name in ("ErrorResponse", "OperationStatusResult")},
        )

    def check(self, request: Request, response: Response) -> list[str]:
        """Return what is wrong with the two; nothing if it is about something that is not described."""
        body = _json_of(response.body)
        found = list(self._faults(request, response, body)) + _told_secrets(request.path, body)
        where = f"{request.method} {request.path} ({response.status})"
        return [f"{where}: {why}" for why in dict.fromkeys(found)]

    def _faults(self, request: Request, response: Response, body: Any) -> Iterator[str]:
        path = request.path.lower()
        # the last one answers: roles of a registry; to ask for a provider by its name alone is Microsoft.Resources' own
        asked = path.rpartition("/providers/")[2]
        if path.startswith(("/acr/v1/", "/oauth2/")):
            yield from _checked(self._data_plane(request.method, request.path), request, response, body)
        elif asked.partition("/")[0] not in self._described or asked.removesuffix("/register") in _DESCRIBED:
            yield from self._plain_faults(path, response, body)
        elif any(part in path for part in _POLLED) and not path.endswith("/operations"):
            yield from self._polled(path, response, body)
        else:
            yield from _checked(self._arm(request.method, request.path), request, response, body)

    def _polled(self, path: str, response: Response, body: Any) -> Iterator[str]:
        """Check what a client that polls gets: a status, a resource at a place of results, or an error."""
        if "operationresults/" in path and isinstance(body, dict) and "type" in body:
            found = self._arm("GET", str(body.get("id")))
            checker = found.answers.get("200") if found else None
            yield from _in_response(checker, body) if checker else ()
        elif response.status == 200 and body is not None:
            yield from _in_response(self._common["OperationStatusResult"], body)
        elif response.status >= 400:
            yield from self._error(response, body)

    def _plain_faults(self, path: str, response: Response, body: Any) -> Iterator[str]:
        if path.startswith("/subscriptions/") and response.status >= 400:
            yield from self._error(response, body)

    def _error(self, response: Response, body: Any) -> Iterator[str]:
        if body is not None or response.status < 500:  # what stands before the service answers 5xx with any text
            yield from _in_response(self._common["ErrorResponse"], body or {})


def _finder(known: list[Operation]) -> Callable[[str, str], Operation | None]:
    """Return what finds the operation of a method and a path."""
    return lambda method, path: next(
        (one for one in known if one.method == method and one.pattern.fullmatch(path)), None
    )


def _checked(operation: Operation | None, request: Request, response: Response, body: Any) -> Iterator[str]:
    if not operation:
        yield "no such operation is published"
        return
    for why in operation.request_faults(request):
        yield f"request: {why}"
    if operation.answers:
        yield from _answer_faults(operation.answers, response, body)
    if operation.waits:
        yield from _polling_faults(response)


def _answer_faults(answers: Mapping[str, Checker | None], response: Response, body: Any) -> Iterator[str]:
    status = str(response.status)
    error = response.status >= 400
    if status not in answers and not error:
        yield f"response: status {status} is not declared, but {', '.join(sorted(answers))}"
        return
    checker = answers.get(status) or (answers.get("default") if error else None)
    if error and body is None:
        if response.status < 500 and response.body:
            yield "response: the error is no JSON"
    elif checker and body is None and response.status != 202:  # what is only begun has nothing to tell yet
        yield "response: there is no body, or it is no JSON"
    elif checker:
        yield from _in_response(checker, body)
    elif response.body and not error:
        yield "response: there is a body, and none is declared"


def _in_response(checker: Checker, body: Any) -> Iterator[str]:
    for why in checker.faults(body):
        yield f"response: {why}"


def _polling_faults(response: Response) -> Iterator[str]:
    """Check that one who has to wait is told where to ask, and when (ARM resource provider contract)."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status == 202 and not {"azure-asyncoperation", "location"} & headers.keys():
        yield "response: 202 names neither Azure-AsyncOperation nor Location"
    if not headers.get("retry-after", "0").isdigit():
        yield f"response: Retry-After is {headers['retry-after']!r}, which is no number of seconds"


def _json_of(body: Any) -> Any:
    if not isinstance(body, bytes):
        return body
    try:
        return json.loads(body)
    except ValueError:
        return None


def _told_secrets(path: str, body: Any) -> list[str]:
    if path.lower().endswith(_TELLS_SECRETS):
        return []
    return [f"response: {where} tells a secret" for where in _secrets(body, "")]


def _secrets(node: Any, where: str) -> Iterator[str]:
    """Find secrets by name; the published schemas do not mark all of them."""
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from _secrets(one, f"{where}[{number}]")
    elif isinstance(node, dict):
        for name, value in node.items():
            inside = f"{where}.{name}".lstrip(".")
            if (name in _SECRETS and value and isinstance(value, str)) or (
                name == "secret" and isinstance(value, dict) and any(value.values())
            ):
                yield inside
            elif name not in _NAMES_OF_PEOPLE:
                yield from _secrets(value, inside)
