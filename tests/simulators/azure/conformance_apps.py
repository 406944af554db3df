"""Which requests Microsoft.App takes in the version that the SDK speaks.

Routes and models are those of the SDK; statuses and parameters come from the newest OpenAPI that is at hand, which is
older.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .conformance_operations import Operation, in_order, operations, path_pattern
from .conformance_registries import shape
from .conformance_schemas import Checker, Documents

_SDK = "routes-from-sdk/azure-mgmt-appcontainers-5.1.0"
_OPENAPI = "openapi/specification/app/resource-manager/Microsoft.App/stable/2024-03-01"
_FILES = ("ContainerApps", "ContainerAppsRevisions", "ManagedEnvironments", "ManagedEnvironmentsStorages", "Usages")
_MODELS = {
    "containerApps": "ContainerApp",
    "containerApps/revisions": "Revision",
    "containerApps/revisions/replicas": "Replica",
    "managedEnvironments": "ManagedEnvironment",
    "managedEnvironments/storages": "ManagedEnvironmentStorage",
    "managedEnvironments/certificates": "Certificate",
    "managedEnvironments/managedCertificates": "ManagedCertificate",
    "managedEnvironments/workloadProfileStates": "WorkloadProfileStates",
    "managedEnvironments/usages": "Usage",
    "locations/usages": "Usage",
}
_ANSWERS = {
    "listSecrets": "SecretsCollection",
    "getAuthtoken": "ContainerAppAuthToken",
    "checkNameAvailability": "CheckNameAvailabilityResponse",
    "listCustomHostNameAnalysis": "CustomHostnameAnalysisResult",
    "start": "ContainerApp",
    "stop": "ContainerApp",
}
_PLAIN: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "bytes": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime.datetime": {"type": "string", "format": "date-time"},
    "Any": {},
}
_MARKS = {"R": {"readOnly": True}, "W": {"writeOnly": True}, "C": {"writeOnly": True}}


def app_operations(documents: Documents) -> list[Operation]:
    """Return what the resource manager takes; nothing where these facts are not at hand."""
    try:
        routes: list[dict[str, str]] = documents.raw(documents.uri(f"{_SDK}.json"))
        models = Models(documents, f"{_SDK}.models.json")
        older = {
            (one.method, shape(one.template)): one
            for name in _FILES
            for one in operations(documents, f"{_OPENAPI}/{name}.json")
        }
    except FileNotFoundError:
        return []
    return in_order([_operation(route, older.get((route["method"], shape(route["url"]))), models) for route in routes])


class Models:
    """The models of an SDK as JSON Schema: whole, and in parts as a merge patch has them."""

    def __init__(self, documents: Documents, path: str) -> None:
        """Turn the models into definitions."""
        found = documents.raw(documents.uri(path))
        self._documents, self._uri = documents, documents.uri(path)
        self._models: dict[str, Any] = found["models"]
        self._enums: dict[str, list[str]] = found["enums"]
        for way in ("whole", "parts"):
            definitions = {name: self._model(name, way) for name in self._models}
            documents.add(f"{self._uri}.{way}", {"definitions": definitions})

    def sent(self, name: str, *, partial: bool = False) -> Checker:
        """Return what checks a body that is sent."""
        return self._documents.request(self._at(name, "parts" if partial else "whole"))

    def returned(self, name: str) -> Checker:
        """Return what checks an answer."""
        return self._documents.response(self._at(name, "whole"), null_is_absent=True)

    def list_returned(self, name: str) -> Checker:
        """Return what checks a page."""
        page = {"value": {"type": "array", "items": self._at(name, "whole")}, "nextLink": {"type": "string"}}
        whole = {"type": "object", "required": ["value"], "properties": page}
        return self._documents.response(whole, null_is_absent=True)

    def _model(self, name: str, way: str) -> dict[str, Any]:
        fields = self._fields(name)
        made = {
            field: {
                **self._type(kind, way),
                **(_MARKS.get(flags[0], {}) if flags else {}),
                # null in a merge patch takes a property away
                **({"x-nullable": True} if way == "parts" else {}),
            }
            for field, (kind, *flags) in fields.items()
        }
        needed = [field for field, (kind, *_) in fields.items() if not kind.startswith("opt[")]
        return {"type": "object", "properties": made, "required": needed if way == "whole" else []}

    def _fields(self, name: str) -> dict[str, list[str]]:
        model = self._models[name]
        inherited = [self._fields(base) for base in model["bases"] if base in self._models]
        return {key: value for fields in [*inherited, model["fields"]] for key, value in fields.items()}

    def _type(self, kind: str, way: str) -> dict[str, Any]:
        if found := re.fullmatch(r"opt\[(.+)\]", kind):
            return self._type(found[1], way)
        if found := re.fullmatch(r"list\[(.+)\]", kind):
            return {"type": "array", "items": self._type(found[1], "whole")}  # a patch replaces arrays whole
        if found := re.fullmatch(r"dict\[str, (.+)\]", kind):
            nullable = {"x-nullable": True} if way == "parts" else {}
            return {"type": "object", "additionalProperties": {**self._type(found[1], way), **nullable}}
        if kind.startswith("enum:"):
            # the service says Auto for what is auto when it is sent
            return {"type": "string", "pattern": f"^(?i:{'|'.join(map(re.escape, self._enums[kind[5:]]))})$"}
        if kind in self._models:
            return self._at(kind, way)
        return dict(_PLAIN.get(kind, {"type": "string"}))

    def _at(self, name: str, way: str) -> dict[str, Any]:
        return {"$ref": f"{self._uri}.{way}#/definitions/{name}"}


def _operation(route: Mapping[str, str], older: Operation | None, models: Models) -> Operation:
    method, template = route["method"], route["url"]
    plain = Operation(method, template, path_pattern(template), route["api"])
    known = replace(older, pattern=plain.pattern, api_version=plain.api_version) if older else plain
    parts = template.partition("/providers/")[2].split("/")[1:]
    names = [part for part in parts if not part.startswith("{")]
    kind = "/".join(names)
    model = _MODELS.get(kind, "")
    answer = _answer(method, names, parts, models)
    bodies = (models.sent(model, partial=method == "PATCH"),) if model and method in {"PUT", "PATCH"} else ()
    return replace(
        known,
        bodies=bodies or (known.bodies if method == "POST" else ()),
        body_required=method in {"PUT", "PATCH"},
        answers={status: _newer(status, old, answer) for status, old in known.answers.items()},
        closed_query=older is not None,
    )


def _answer(method: str, names: list[str], parts: list[str], models: Models) -> Checker | None:
    if method == "POST":
        name = _ANSWERS.get(names[-1], "")
        if names == ["managedEnvironments", "getAuthtoken"]:
            name = "EnvironmentAuthToken"
        return models.returned(name) if name else None
    model = _MODELS.get("/".join(names), "")
    if not model:
        return None
    # replicas and usages come in one page, too
    return models.returned(model) if parts[-1].startswith("{") or method != "GET" else models.list_returned(model)


def _newer(status: str, old: Checker | None, answer: Checker | None) -> Checker | None:
    return answer if old and answer and status in {"200", "201"} else old
