"""Which requests Azure Container Registry and its Tasks take, of their newest versions and of the data plane."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .conformance_operations import Operation, in_order, operations, path_pattern
from .conformance_schemas import Checker, Documents
from .conformance_types import DeploymentSchema, Types

_OPENAPI = "openapi/specification/containerregistry"
_ARM = f"{_OPENAPI}/resource-manager/Microsoft.ContainerRegistry"
_DATA_PLANE = f"{_OPENAPI}/data-plane/Azure.ContainerRegistry/stable/2021-07-01/containerregistry.json"
_SCHEMAS = "arm-json-schemas/schemas"
_TYPES = "bicep-types/generated"


@dataclass(frozen=True)
class _Service:
    """Where the facts of one service are; ``openapi`` is of an older version, and gives statuses and parameters."""

    routes: str
    openapi: str
    schema: str
    types: str


_REGISTRY = _Service(
    routes="routes-from-sdk/azure-mgmt-containerregistry-15.0.0.json",
    openapi=f"{_ARM}/stable/2023-07-01/containerregistry.json",
    schema=f"{_SCHEMAS}/2025-11-01/Microsoft.ContainerRegistry.json",
    types=f"{_TYPES}/containerregistry_0/microsoft.containerregistry/2025-11-01/types.json",
)
_TASKS = _Service(
    routes="routes-from-sdk/azure-mgmt-containerregistrytasks-1.0.0b1.json",
    openapi=f"{_ARM}/preview/2019-06-01-preview/containerregistry_build.json",
    schema=f"{_SCHEMAS}/2025-03-01-preview/Microsoft.ContainerRegistry.RegistryTasks.json",
    types=f"{_TYPES}/containerregistry_1/microsoft.containerregistry/2025-03-01-preview/types.json",
)


def registry_operations(documents: Documents) -> list[Operation]:
    """Return what the resource manager takes: the routes of the SDK, with the facts of all files about them."""
    _let_updates_have_new_properties(documents)
    return in_order([one for service in (_REGISTRY, _TASKS) for one in _service_operations(documents, service)])


def data_plane_operations(documents: Documents) -> list[Operation]:
    """Return what a registry takes itself, as far as it is not the distribution API that Docker speaks too."""
    document = documents.raw(documents.uri(_DATA_PLANE))
    # the published text says object, but the service answers lists, and OCI leaves it open
    document["definitions"]["AcrErrorInfo"]["properties"]["detail"] = {}
    # a login without an image asks for no scope
    login = document["paths"]["/oauth2/token"]["get"]["parameters"]
    login[:] = [{**one, "required": one["name"] != "scope"} for one in login]
    found = operations(documents, _DATA_PLANE, closed_query=False)
    return [one for one in found if one.template.startswith(("/acr/", "/oauth2/"))]


def _let_updates_have_new_properties(documents: Documents) -> None:
    """Add to the PATCH of 2023-07-01 the properties which a registry has gained since."""
    definitions = documents.raw(documents.uri(_REGISTRY.openapi))["definitions"]
    old = definitions["RegistryProperties"]["properties"]
    new = DeploymentSchema(documents, _REGISTRY.schema).properties_of("RegistryProperties")
    gained = {name: schema for name, schema in new.items() if name not in old}
    definitions["RegistryPropertiesUpdateParameters"]["properties"].update(gained)


def _service_operations(documents: Documents, service: _Service) -> list[Operation]:
    older = {(one.method, shape(one.template)): one for one in operations(documents, service.openapi)}
    types, schema = Types(documents, service.types), DeploymentSchema(documents, service.schema)
    routes: list[dict[str, str]] = documents.raw(documents.uri(service.routes))
    return [_operation(route, older.get((route["method"], shape(route["url"]))), types, schema) for route in routes]


def _operation(route: Mapping[str, str], older: Operation | None, types: Types, schema: DeploymentSchema) -> Operation:
    method, template = route["method"], route["url"]
    plain = Operation(method, template, path_pattern(template), route["api"])
    known = replace(older, pattern=plain.pattern, api_version=plain.api_version) if older else plain
    parts = template.partition("/providers/")[2].split("/")
    kind, action = _kind_and_action(parts, method)
    is_list = method == "GET" and not action and not parts[-1].startswith("{")
    bodies = [*_bodies(method, kind, action, types, schema), *(known.bodies if method == "PATCH" else ())]
    answer = types.list_returned(kind) if is_list else _answer(kind, action, types)
    return replace(
        known,
        bodies=tuple(bodies) or known.bodies,
        body_required=known.body_required or method in {"PUT", "PATCH"},
        answers={status: _newer(status, old, answer) for status, old in known.answers.items()},
        closed_query=older is not None,
        waits=known.waits and action != "scheduleRun",  # a run is asked for by its id
    )


def _newer(status: str, old: Checker | None, answer: Checker | None) -> Checker | None:
    """Take the newer facts where the older version has a body of that status."""
    return answer if old and answer and status in {"200", "201"} else old


def _bodies(method: str, kind: str, action: str, types: Types, schema: DeploymentSchema) -> list[Checker]:
    match method:
        case "PUT":
            found = [types.resource_sent(kind), schema.resource_sent(kind)]
        case "PATCH":
            found = [types.resource_sent(kind, partial=True)]
        case _:
            found = [types.action_sent(kind, action)] if action else []
    return [one for one in found if one]


def _answer(kind: str, action: str, types: Types) -> Checker | None:
    return types.action_returned(kind, action) if action else types.resource_returned(kind)


def _kind_and_action(parts: list[str], method: str) -> tuple[str, str]:
    """Split what follows ``/providers/`` into the resource type and, after its name, an action."""
    names = [part for part in parts if not part.startswith("{")]
    ends_in_name = parts[-1].startswith("{")
    if method == "POST" or (not ends_in_name and parts[-1].startswith("list")):
        return "/".join(names[:-1]), names[-1]
    return "/".join(names), ""


def shape(template: str) -> str:
    """Return a path without the names of its parts and without letter case, so that two versions compare."""
    return re.sub(r"\{\w+\}", "{}", template).lower()
