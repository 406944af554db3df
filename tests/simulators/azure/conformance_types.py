"""Bicep types and ARM deployment schemas, for the versions that have no published OpenAPI here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .conformance_schemas import Checker, Documents, choice

_REQUIRED, _READ_ONLY, _WRITE_ONLY = 1, 2, 4  # ObjectTypePropertyFlags of bicep-types
_EXPRESSION = "common/definitions.json#/definitions/expression"


class Types:
    """One ``types.json``: what resources look like when they are sent and returned, and what their actions take."""

    def __init__(self, documents: Documents, path: str) -> None:
        """Turn the types into JSON Schema."""
        self._documents = documents
        self._uri = documents.uri(path)
        self._types: list[dict[str, Any]] = documents.raw(self._uri)
        self._resources = {one["name"].partition("@")[0]: one for one in self._of("ResourceType")}
        self._actions = {(one["resourceType"], one["name"]): one for one in self._of("ResourceFunctionType")}
        definitions = {str(number): self._schema(one) for number, one in enumerate(self._types)}
        documents.add(f"{self._uri}.schema", {"definitions": definitions})

    def resource_sent(self, kind: str, *, partial: bool = False) -> Checker | None:
        """Return what checks a body that makes a resource, or changes parts of one."""
        schema = self._body(kind)
        if not schema or not self._resources[kind]["writableScopes"]:
            return None
        required = [] if partial else [name for name in schema["required"] if name != "name"]  # it is in the path
        return self._documents.request({**schema, "required": required})

    def resource_returned(self, kind: str) -> Checker | None:
        """Return what checks a resource in an answer."""
        return self._documents.response(schema, null_is_absent=True) if (schema := self._body(kind)) else None

    def list_returned(self, kind: str) -> Checker | None:
        """Return what checks a page of resources."""
        if not (schema := self._body(kind)):
            return None
        page = {"value": {"type": "array", "items": schema}, "nextLink": {"type": ["string", "null"]}}
        return self._documents.response(
            {"type": "object", "required": ["value"], "properties": page}, null_is_absent=True
        )

    def action_sent(self, kind: str, action: str) -> Checker | None:
        """Return what checks the body of an action; None if it takes none, or is unknown."""
        found = self._actions.get((kind, action), {}).get("input")
        return self._documents.request(self._at(found)) if found else None

    def action_returned(self, kind: str, action: str) -> Checker | None:
        """Return what checks the answer of an action; None if there is none, or it is unknown."""
        found = self._actions.get((kind, action), {}).get("output")
        return self._documents.response(self._at(found), null_is_absent=True) if found else None

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self._types if one["$type"] == kind]

    def _body(self, kind: str) -> dict[str, Any] | None:
        if not (found := self._resources.get(kind)):
            return None
        schema = self._schema(self._documents.resolve(found["body"]))
        del schema["properties"]["apiVersion"]  # of templates, never of requests
        return schema

    def _schema(self, found: Mapping[str, Any]) -> dict[str, Any]:
        match found["$type"]:
            case "ObjectType":
                return self._object(found.get("properties", {}), found.get("additionalProperties"))
            case "DiscriminatedObjectType":
                return self._discriminated(found)
            case "UnionType":
                return {"anyOf": [self._at(one) for one in found["elements"]]}
            case "ArrayType":
                return {"type": "array", "items": self._at(found["itemType"])}
        return _plain_value(found)

    def _object(self, properties: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> dict[str, Any]:
        flagged = {name: (self._at(one["type"]), one["flags"]) for name, one in properties.items()}
        return {
            "type": "object",
            "required": [name for name, (_, flags) in flagged.items() if flags & _REQUIRED],
            "properties": {
                name: {
                    **schema,
                    **({"readOnly": True} if flags & _READ_ONLY else {}),
                    **({"writeOnly": True} if flags & _WRITE_ONLY else {}),
                }
                for name, (schema, flags) in flagged.items()
            },
            "additionalProperties": self._at(others) if others else False,
        }

    def _discriminated(self, found: Mapping[str, Any]) -> dict[str, Any]:
        elements = {name: self._documents.resolve(one) for name, one in found["elements"].items()}
        base = found["baseProperties"]
        return choice(
            found["discriminator"],
            {name: self._object({**base, **one["properties"]}) for name, one in elements.items()},
        )

    def _at(self, reference: Mapping[str, Any]) -> dict[str, Any]:
        number = str(reference["$ref"]).rpartition("/")[2]
        return {"$ref": f"{self._uri}.schema#/definitions/{number}"}


def _plain_value(found: Mapping[str, Any]) -> dict[str, Any]:
    kind = found["$type"]
    if kind == "StringLiteralType":
        return {"const": found["value"]}
    names = {"StringType": "string", "IntegerType": "integer", "BooleanType": "boolean"}
    rules = {"minLength": "minLength", "maxLength": "maxLength", "pattern": "pattern"}
    rules |= {"minValue": "minimum", "maxValue": "maximum"}
    if kind not in names:  # AnyType
        return {}
    return {"type": names[kind], **{rule: found[key] for key, rule in rules.items() if key in found}}


class DeploymentSchema:
    """A file of ``arm-json-schemas``: the body of each PUT."""

    def __init__(self, documents: Documents, path: str) -> None:
        """Leave out the expressions of templates, which no request has."""
        self._documents = documents
        original = documents.uri(path)
        self._uri = f"{original}.plain"
        plain = _plain(documents.raw(original), original, self._uri)
        documents.add(self._uri, {"definitions": plain["definitions"] | plain["resourceDefinitions"]})

    def resource_sent(self, kind: str) -> Checker | None:
        """Return what checks the body of a PUT; what a template says beside the body is not asked for."""
        name = kind.partition("/")[2].replace("/", "_")
        found = self._documents.raw(self._uri)["definitions"].get(name)
        if not found:
            return None
        beside = {"name", "type", "apiVersion", "resources"}
        properties = {key: value for key, value in found["properties"].items() if key not in beside}
        required = [key for key in found["required"] if key not in beside]
        return self._documents.request({"type": "object", "properties": properties, "required": required})

    def properties_of(self, definition: str) -> dict[str, Any]:
        """Return the properties of a definition by name."""
        return dict(self._documents.raw(self._uri)["definitions"][definition]["properties"])


def _plain(node: Any, original: str, uri: str) -> Any:
    """Leave expressions out, and let references point to what is left."""
    if isinstance(node, list):
        return [_plain(one, original, uri) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: _plain(value, original, uri) for key, value in node.items()}
    if isinstance(reference := made.get("$ref"), str):
        return {**made, "$ref": reference.replace(f"{original}#", f"{uri}#")}
    if isinstance(made.get("oneOf"), list):
        rest = [one for one in made.pop("oneOf") if not str(one.get("$ref", "")).endswith(_EXPRESSION)]
        made.update({"oneOf": rest} if len(rest) > 1 else rest[0])
    return made
