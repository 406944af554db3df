"""What the documents say, whatever their version: v1's operations, schemas and names.

Source: the templates of azureml-inference-server-http 1.5, written anew.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence
from urllib.parse import quote

from .dialects import Dialect, OpenApi, Swagger2
from .schemas import finite, named

_UNKNOWN: Mapping[str, Any] = {"type": "object", "example": {}}
"""What v1 says of a script whose types it does not know."""
# names of operations and schemas are v1's everywhere here: a generated client has them as names of its classes
_ERROR = {"type": "object", "properties": {"message": {"type": "string"}}}
_DIALECTS: Mapping[str, Dialect] = {"2": Swagger2(), "3": OpenApi("3.0.3"), "3.1": OpenApi("3.1.0")}
_INPUT = "The input payload for executing the real-time machine learning service."
_OUTPUT = "The service processed the input correctly and provided a result prediction, if applicable."
_FAILED = "The service failed to execute due to an error."


class Service(NamedTuple):
    """What a document says of the service itself; ``prefix`` is empty or begins with a slash."""

    title: str
    version: str
    prefix: str
    https: bool


class _Model(NamedTuple):
    """A path, the end of its operation's name, the names of its schemas, and media types beside JSON."""

    path: str
    suffix: str
    given: str
    result: str
    types: Sequence[str]


def document(version: str, service: Service, facts: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the document for ``version`` (``2``, ``3`` or ``3.1``), with a path for each model in ``facts``."""
    dialect = _DIALECTS[version]
    models = _models(facts)
    schemas: Dict[str, Any] = {}
    for model, fact in zip(models, facts):  # Python 3.8 has no `strict`
        schemas.update(_schemas(version, dialect, model, fact.get("schemas") or {}))
    schemas["ErrorResponse"] = dict(_ERROR)
    paths = _paths(dialect, models)
    about = "API specification for the Azure Machine Learning service " + service.title
    info = {"title": service.title, "description": about, "version": service.version}
    return dialect.whole(
        info, {service.prefix + path: item for path, item in paths.items()}, schemas, https=service.https
    )


def _models(facts: Sequence[Mapping[str, Any]]) -> List[_Model]:
    models: List[_Model] = []
    for number, fact in enumerate(facts):
        # the letters that a component's name may have (OpenAPI 3.0.3, "Components Object"), without the dot
        suffix = "_" + re.sub(r"[^A-Za-z0-9_-]", "_", fact["name"]) if fact["name"] else ""
        # an operationId is unique in its document (OpenAPI 3.0.3, "Operation
        # Object"), and names may differ in the replaced letters alone
        if suffix in [model.suffix for model in models]:
            suffix += "_%d" % number
        path = "/score/" + quote(fact["name"]) if fact["name"] else "/score"
        types = (fact.get("schemas") or {}).get("input_types", ())
        models.append(_Model(path, suffix, "ServiceInput" + suffix, "ServiceOutput" + suffix, types))
    return models


def _schemas(version: str, dialect: Dialect, model: _Model, known: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the schemas of a model; for decorated scripts v1's own words, where v1 had them."""
    if version != "3.1" and {version, version + ".0"} & set(known.get("v1_versions", ())):
        # a sample may hold NaN, which JSON does not have (RFC 8259, section 6)
        return {model.given: finite(known["v1_input"]), model.result: finite(known["v1_output"])}
    found: Dict[str, Any] = {}
    for name, kind in ((model.given, "input"), (model.result, "output")):
        schema = known.get(kind)
        parts = named(name, _UNKNOWN if schema is None else schema, dialect.place)
        found.update((part, dialect.schema(content)) for part, content in parts.items())
    return found


def _paths(dialect: Dialect, models: Sequence[_Model]) -> Dict[str, Any]:
    up = "If service is up and running, this response will be returned with the content 'Healthy'"
    about = "Simple health check endpoint to ensure the service is up at any given point."
    healthy = {"description": up, **dialect.text("Healthy")}
    paths = {"/": {"get": _operation(dialect, "ServiceHealthCheck", about, healthy)}}
    for model in models:
        about = "Run web service's model and get the prediction output"
        good = {"description": _OUTPUT, **dialect.content(model.result)}
        # only what scores wants a key: `/` and the documents are open to everybody
        more = {"security": [{"Bearer": []}], **dialect.body(model.given, _INPUT, model.types)}
        paths[model.path] = {"post": _operation(dialect, "RunMLService" + model.suffix, about, good, more)}
    good = {"description": "The Swagger specification.", **dialect.anything()}
    more = {"parameters": [dialect.query("version", ("2", "3", "3.1"))]}
    spec = _operation(dialect, "GetSwaggerSpec", "Get the Swagger specification.", good, more)
    return {**paths, "/swagger.json": {"get": spec}}


def _operation(
    dialect: Dialect,
    name: str,
    about: str,
    good: Mapping[str, Any],
    more: Mapping[str, Any] = {},
) -> Dict[str, Any]:
    # one form for all errors, so `default` says it once instead of a dozen statuses
    error = {"description": _FAILED, **dialect.content("ErrorResponse")}
    return {"operationId": name, "description": about, **more, "responses": {"200": good, "default": error}}
