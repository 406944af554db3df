"""What ``/swagger.json`` says: Swagger 2.0, OpenAPI 3.0 and 3.1; minimal and valid."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from . import __version__

_VERSIONS = {"2": "2.0", "2.0": "2.0", "3": "3.0.3", "3.0": "3.0.3", "3.1": "3.1.0"}
_SCHEMAS: Mapping[str, Any] = {
    "ServiceInput": {"example": {"data": [[0.0]]}},
    "ServiceOutput": {"example": [0.0]},
    "ErrorResponse": {"type": "object", "properties": {"message": {"type": "string"}}},
}


def document(version: str, service: str) -> Optional[Dict[str, Any]]:
    """Return the document for ``version`` (2, 3 or 3.1; empty means 2); None if there is none."""
    exact = _VERSIONS.get(version or "2")
    if exact is None:
        return None
    return _swagger(service) if exact == "2.0" else _openapi(exact, service)


def _swagger(service: str) -> Dict[str, Any]:
    body = {"name": "serviceInputPayload", "in": "body", "schema": {"$ref": "#/definitions/ServiceInput"}}
    answers = _answers(lambda name: {"schema": {"$ref": "#/definitions/" + name}})
    key = {"type": "apiKey", "name": "Authorization", "in": "header", "description": "Bearer <key>"}
    return {
        "swagger": "2.0",
        "info": {"title": service, "version": __version__},
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": _paths({"parameters": [body]}, answers),
        "definitions": dict(_SCHEMAS),
        "securityDefinitions": {"Bearer": key},
    }


def _openapi(version: str, service: str) -> Dict[str, Any]:
    def content(name: str) -> Dict[str, Any]:
        return {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/" + name}}}}

    key = {"type": "http", "scheme": "bearer"}
    return {
        "openapi": version,
        "info": {"title": service, "version": __version__},
        "paths": _paths({"requestBody": content("ServiceInput")}, _answers(content)),
        "components": {"schemas": dict(_SCHEMAS), "securitySchemes": {"Bearer": key}},
    }


def _answers(content: Any) -> Dict[str, Any]:
    good = {"description": "The result of run()", **content("ServiceOutput")}
    return {"200": good, "default": {"description": "An error", **content("ErrorResponse")}}


def _paths(body: Mapping[str, Any], answers: Mapping[str, Any]) -> Dict[str, Any]:
    fine = {"200": {"description": "OK"}}
    score = {"operationId": "RunMLService", "security": [{"Bearer": []}], **body, "responses": dict(answers)}
    return {
        "/": {"get": {"operationId": "ServiceHealthCheck", "responses": fine}},
        "/score": {"post": score},
        "/swagger.json": {"get": {"operationId": "GetSwagger", "responses": fine}},
    }
