"""The two forms of a document: Swagger 2.0, and OpenAPI 3.0 or 3.1."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Protocol, Sequence, Union

from .older import to_openapi_3, to_swagger_2

_JSON = "application/json"
Part = Dict[str, Any]


class Dialect(Protocol):
    """How the parts of a document are written. ``place`` is where its schemas are."""

    place: str

    def schema(self, schema: Any) -> Any:
        """Write a JSON schema."""

    def content(self, name: str) -> Part:
        """Say that an answer is JSON of a schema."""

    def body(self, name: str, about: str, types: Sequence[str]) -> Part:
        """Say that a request is JSON of a schema, or one of the media types."""

    def text(self, example: str) -> Part:
        """Say that an answer is text."""

    def anything(self) -> Part:
        """Say that an answer is JSON."""

    def query(self, name: str, values: Sequence[str]) -> Part:
        """Say that a parameter may be given, with one of the values."""

    def whole(self, info: Part, paths: Part, schemas: Part, *, https: bool) -> Part:
        """Put a document together."""


class Swagger2:
    """Swagger 2.0. The key is a header, written out with its ``Bearer``."""

    place = "#/definitions/"

    def schema(self, schema: Any) -> Any:
        """Write a JSON schema."""
        return to_swagger_2(schema)

    def content(self, name: str) -> Part:
        """Say that an answer is JSON of a schema."""
        return {"schema": {"$ref": self.place + name}}

    def body(self, name: str, about: str, types: Sequence[str]) -> Part:
        """Say that a request is JSON of a schema, or one of the media types."""
        # v1's name, which clients generated from its documents use for the argument
        given = {"name": "serviceInputPayload", "in": "body", "description": about, **self.content(name)}
        # an operation's list takes the place of the document's
        # (Swagger 2.0, "Operation Object"), so JSON is named again
        return {**({"consumes": [_JSON, *types]} if types else {}), "parameters": [given]}

    def text(self, example: str) -> Part:
        """Say that an answer is text."""
        # examples by media type are the Response Object's own here; in 3.x one belongs to its schema
        return {"schema": {"type": "string"}, "examples": {"text/html": example}}

    def anything(self) -> Part:
        """Say that an answer is JSON."""
        return {"schema": {"type": "object"}}

    def query(self, name: str, values: Sequence[str]) -> Part:
        """Say that a parameter may be given, with one of the values."""
        return {"name": name, "in": "query", "required": False, "type": "string", "enum": list(values)}

    def whole(self, info: Part, paths: Part, schemas: Part, *, https: bool) -> Part:
        """Put a document together."""
        # 2.0 knows basic, apiKey and oauth2 alone (Swagger 2.0,
        # "Security Scheme Object"), so a bearer token is a header there
        key = {"type": "apiKey", "name": "Authorization", "in": "header", "description": "For example: Bearer abc123"}
        return {
            "swagger": "2.0",
            "info": info,
            # without a certificate of ours a proxy before us may speak TLS all the same
            "schemes": ["https"] if https else ["http", "https"],
            "consumes": [_JSON],
            "produces": [_JSON],
            "securityDefinitions": {"Bearer": key},
            "paths": paths,
            "definitions": schemas,
        }


class OpenApi:
    """OpenAPI 3.0 or 3.1. The key is a bearer token, so that a page asks for the key alone."""

    place = "#/components/schemas/"

    def __init__(self, version: str) -> None:
        """``version`` is written into the document."""
        self._version = version

    def schema(self, schema: Any) -> Union[Part, bool]:
        """Write a JSON schema; 3.1 takes it as it is."""
        # a Schema Object of 3.1 is JSON Schema 2020-12 itself
        # (OpenAPI 3.1.0, "Schema Object"); 3.0 has an older kin of it
        if self._version.startswith("3.0"):
            return to_openapi_3(schema)
        kept: Union[Part, bool] = schema
        return kept

    def content(self, name: str) -> Part:
        """Say that an answer is JSON of a schema."""
        return {"content": {_JSON: {"schema": {"$ref": self.place + name}}}}

    def body(self, name: str, about: str, types: Sequence[str]) -> Part:
        """Say that a request is JSON of a schema, or one of the media types."""
        content: Mapping[str, Any] = self.content(name)["content"]
        # how 3.0 says bytes (OpenAPI 3.0.3, "Considerations for File Uploads"); 3.1 takes it, too
        others = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in types if kind != _JSON}
        return {"requestBody": {"description": about, "content": {**content, **others}}}

    def text(self, example: str) -> Part:
        """Say that an answer is text."""
        return {"content": {"text/html": {"schema": {"type": "string", "example": example}}}}

    def anything(self) -> Part:
        """Say that an answer is JSON."""
        return {"content": {_JSON: {"schema": {"type": "object"}}}}

    def query(self, name: str, values: Sequence[str]) -> Part:
        """Say that a parameter may be given, with one of the values."""
        return {"name": name, "in": "query", "required": False, "schema": {"type": "string", "enum": list(values)}}

    def whole(self, info: Part, paths: Part, schemas: Part, *, https: bool) -> Part:  # noqa: ARG002  # relative here
        """Put a document together."""
        # the word of RFC 6750, which 3.x knows: a tool writes the header itself
        key = {"type": "http", "scheme": "bearer", "description": "A key of the service"}
        return {
            # no `servers`: the host is then that of the document (OpenAPI 3.0.3, "OpenAPI Object"), whatever its name
            "openapi": self._version,
            "info": info,
            "paths": paths,
            "components": {"schemas": schemas, "securitySchemes": {"Bearer": key}},
        }
