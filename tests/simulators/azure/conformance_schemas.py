"""Published schemas made strict: unknown properties are refused, and nobody sends what only the service may say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlparse

from jsonschema import FormatChecker, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, extend
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012, Schema

_RANGES = {"int32": 2**31, "int64": 2**63}
_FORMATS = FormatChecker(formats=())
_LONGEST = 300
_REMEMBERED = 100
_ALTERNATIVES = ("oneOf", "anyOf")


@_FORMATS.checks("date-time", ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value) is not None


@_FORMATS.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -_RANGES["int32"] <= value < _RANGES["int32"]


def _refuse(why: str) -> Any:
    def refuse(_: Validator, is_so: bool, __: object, ___: object) -> Iterator[ValidationError]:  # noqa: FBT001  # jsonschema's call
        if is_so:
            yield ValidationError(why)

    return refuse


def _required_but(*marks: str) -> Any:
    """Return a ``required`` that leaves out properties with one of these marks: the other side says them."""

    def required(_: Validator, names: list[str], instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        known = schema.get("properties", {})
        for name in names if isinstance(instance, dict) else []:
            if name not in instance and not any(known.get(name, {}).get(mark) for mark in marks):
                yield ValidationError(f"{name!r} is a required property")

    return required


_CLIENT = extend(  # type: ignore[no-untyped-call]  # the stubs leave it out
    Draft202012Validator,
    {"readOnly": _refuse("is read-only: only the service may say it"), "required": _required_but("readOnly")},
)
_SERVICE = extend(  # type: ignore[no-untyped-call]  # as above
    Draft202012Validator,
    {"writeOnly": _refuse("is never returned"), "required": _required_but("writeOnly", "x-ms-secret")},
)


class Documents:
    """The files under a folder, as JSON Schema of the draft 2020-12, by URI; each is read and changed once."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self._folder = folder
        self._raw: dict[str, Any] = {}
        self._strict: dict[str, Resource[Schema]] = {}
        self.registry: Registry[Schema] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]  # attrs alias

    def uri(self, path: str) -> str:
        """Return the URI of a file, which ``path`` names relative to the folder."""
        return (self._folder.resolve() / path).as_uri()

    def raw(self, uri: str) -> Any:
        """Return a file as it is, but with references in full."""
        if uri not in self._raw:
            path = Path(unquote(urlparse(uri).path))
            self._raw[uri] = _in_full(json.loads(path.read_text(encoding="utf-8")), uri)
        return self._raw[uri]

    def add(self, uri: str, document: Any) -> None:
        """Take a document that is no file, or in place of one; its references are made full."""
        self._raw[uri] = _in_full(document, uri)

    def resolve(self, node: Any) -> Any:
        """Follow a reference, if this is one."""
        while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
            uri, pointer = urldefrag(reference)
            node = self.raw(uri)
            for part in pointer.strip("/").split("/"):
                name = unquote(part).replace("~1", "/").replace("~0", "~")
                node = node[int(name) if isinstance(node, list) else name]
        return node

    def request(self, schema: Mapping[str, Any]) -> Checker:
        """Return what checks the body of a request."""
        return Checker(self, _CLIENT, self.strict(schema), null_is_absent=False)

    def response(self, schema: Mapping[str, Any], *, null_is_absent: bool = False) -> Checker:
        """Return what checks the body of a response; some services answer null for what is not set."""
        return Checker(self, _SERVICE, self.strict(schema), null_is_absent=null_is_absent)

    def _retrieve(self, uri: str) -> Resource[Schema]:
        if uri in self._strict:
            return self._strict[uri]
        document = self.raw(uri)
        found = {name: self._strict_all(document[name], document) for name in ("definitions",) if name in document}
        self._strict[uri] = made = DRAFT202012.create_resource(found)
        # a registry never changes, and forgets what it has retrieved with the check that needed it: to make a document
        # strict takes longer than all the checks of a request
        self.registry = self.registry.with_resources(list(self._strict.items())).crawl()
        return made

    def _strict_all(self, definitions: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._chosen(name, schema, document) for name, schema in definitions.items()}

    def _chosen(self, name: str, schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
        """Make a schema strict; one with a discriminator becomes a choice of those that derive from it."""
        if not (key := schema.get("discriminator")):
            return self.strict(schema)
        choices: dict[str, Any] = {}
        for other, candidate in document["definitions"].items():
            bases = [part.get("$ref", "") for part in candidate.get("allOf", [])]
            if any(base.endswith(f"#/definitions/{name}") for base in bases):
                choices[candidate.get("x-ms-discriminator-value", other)] = self.strict(candidate)
        return choice(key, choices)

    def strict(self, schema: Any) -> Any:
        """Merge ``allOf``, let in null where it is said, and refuse properties that the schema does not name."""
        if not isinstance(schema, dict):
            return schema
        whole = _in_each_alternative(self._merged(schema))
        made = {key: value for key, value in whole.items() if key not in {"example", "x-nullable", "default"}}
        if "properties" in whole:
            made["properties"] = {name: self.strict(value) for name, value in whole["properties"].items()}
            made.setdefault("additionalProperties", False)
        for key in ("items", "additionalProperties"):
            if key in made:
                made[key] = self.strict(made[key])
        for key in _ALTERNATIVES:
            if key in made:
                made[key] = [self.strict(one) for one in made[key]]
        return {"anyOf": [{"type": "null"}, made]} if whole.get("x-nullable") else made

    def _merged(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema.get("allOf", []):
            if "if" in part:  # made by choice()
                whole.setdefault("allOf", []).append(part)
                continue
            base = self._merged(self.resolve(part))
            whole["properties"] = {**base.get("properties", {}), **whole.get("properties", {})}
            whole["required"] = [*base.get("required", []), *whole.get("required", [])]
            if "additionalProperties" in base:
                whole.setdefault("additionalProperties", base["additionalProperties"])
        return whole


def _in_each_alternative(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Move properties that stand beside ``oneOf`` into each of its schemas, which can then be closed."""
    if "properties" not in schema or not any(key in schema for key in _ALTERNATIVES):
        return dict(schema)
    made = {key: value for key, value in schema.items() if key not in {"properties", "required"}}
    for key in (key for key in _ALTERNATIVES if key in schema):
        made[key] = [
            {
                **one,
                "properties": {**schema["properties"], **one.get("properties", {})},
                "required": [*schema.get("required", []), *one.get("required", [])],
            }
            for one in schema[key]
        ]
    return made


def choice(key: str, choices: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose property ``key`` decides which of the strict schemas holds."""
    rules = [
        {"if": {"required": [key], "properties": {key: {"const": value}}}, "then": then}
        for value, then in choices.items()
    ]
    known = {"properties": {key: {"enum": list(choices)}}, "additionalProperties": True}
    return {"type": "object", "required": [key], **known, "allOf": rules}


class Checker:
    """Says what is wrong with a JSON value."""

    def __init__(self, documents: Documents, kind: type[Validator], schema: Any, *, null_is_absent: bool) -> None:
        """Take a strict schema, and the documents that its references lead to."""
        self._documents, self._kind, self._schema, self._null_is_absent = documents, kind, schema, null_is_absent
        self._sound: set[str] = set()

    def faults(self, value: Any) -> list[str]:
        """Return one sentence for each fault, with the path of the property."""
        # who polls gets the same answer again and again, and to read a schema takes longer than all else of a request
        text = json.dumps(value)
        if text in self._sound:
            return []
        value = _without_nulls(value) if self._null_is_absent else value
        validator = self._kind(self._schema, registry=self._documents.registry, format_checker=_FORMATS)
        found = [_sentence(error) for error in validator.iter_errors(value)]
        if not found:
            if len(self._sound) >= _REMEMBERED:
                self._sound.clear()
            self._sound.add(text)
        return found


def _sentence(error: ValidationError) -> str:
    """Name the property; of alternatives, tell what is wrong with the one that comes nearest."""
    while error.context and error.validator in _ALTERNATIVES:
        error = max(error.context, key=lambda one: len(one.absolute_path))
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return f"{where.lstrip('.') or 'the body'}: {error.message}"[:_LONGEST]


def _without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_nulls(value) for name, value in node.items() if value is not None}
    return [_without_nulls(one) for one in node] if isinstance(node, list) else node


def _in_full(node: Any, base: str) -> Any:
    """Make every reference absolute, so that schemas of several files can be merged."""
    if isinstance(node, dict):
        reference = node.get("$ref")
        made = {key: _in_full(value, base) for key, value in node.items()}
        return {**made, "$ref": urljoin(base, reference)} if isinstance(reference, str) else made
    return [_in_full(value, base) for value in node] if isinstance(node, list) else node
