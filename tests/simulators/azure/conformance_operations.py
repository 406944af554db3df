"""Operations of a published OpenAPI 2.0 document: which requests there are, and what may be answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from .conformance_schemas import Checker, Documents
from .http import Request

_METHODS = {"get", "put", "post", "patch", "delete", "head"}
_FORM = "formData"


@dataclass(frozen=True)
class Parameter:
    """A part of the path or of the query, or a field of a form."""

    name: str
    place: str
    required: bool
    check: Checker = field(repr=False)
    number: type | None = None

    def faults(self, text: str | None) -> list[str]:
        """Say what is wrong with a value; None: there is none."""
        if text is None:
            return [f"{self.place} parameter {self.name!r} is missing"] if self.required else []
        try:
            value = self.number(text) if self.number else {"true": True, "false": False}.get(text.lower(), text)
        except ValueError:
            value = text
        return [f"{self.place} parameter {self.name!r} {why}" for why in self.check.faults(value)]


@dataclass(frozen=True)
class Operation:
    """One method on one path. ``bodies`` all have to hold; ``answers`` is by status, None: no body; empty: unknown.

    ``waits``: it may go on after the answer, and a client has to be told where to ask. ``closed_query``: parameters
    that are not published are refused.
    """

    method: str
    template: str
    pattern: re.Pattern[str]
    api_version: str
    parameters: tuple[Parameter, ...] = ()
    bodies: tuple[Checker, ...] = ()
    body_required: bool = False
    answers: Mapping[str, Checker | None] = field(default_factory=dict)
    closed_query: bool = True
    waits: bool = False

    def request_faults(self, request: Request) -> list[str]:
        """Say what is wrong with a request that is meant for this operation."""
        faults = self._version_faults(request) + self._parameter_faults(request)
        if self.bodies:
            faults += self._body_faults(request.body)
        elif request.body and not any(one.place == _FORM for one in self.parameters):
            faults.append("a body is sent, and the operation takes none")
        return faults

    def _version_faults(self, request: Request) -> list[str]:
        given = request.query.get("api-version")
        if given is None and not self.closed_query:
            return []
        return [] if given == self.api_version else [f"api-version is {given}, not {self.api_version}"]

    def _parameter_faults(self, request: Request) -> list[str]:
        found = self.pattern.fullmatch(request.path)
        values = {
            "path": {key: unquote(value) for key, value in found.groupdict().items()} if found else {},
            "query": dict(request.query),
            _FORM: dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)),
        }
        faults = [why for one in self.parameters for why in one.faults(values[one.place].get(one.name))]
        known = {one.name for one in self.parameters if one.place == "query"} | {"api-version"}
        unknown = sorted(set(request.query) - known) if self.closed_query else []
        return faults + [f"query parameter {name!r} is unknown" for name in unknown]

    def _body_faults(self, body: bytes) -> list[str]:
        if not body:
            return ["there is no body"] if self.body_required else []
        try:
            value = json.loads(body)
        except ValueError:
            return ["the body is no JSON"]
        return list(dict.fromkeys(why for one in self.bodies for why in one.faults(value)))


def operations(documents: Documents, path: str, *, closed_query: bool = True) -> list[Operation]:
    """Return the operations of a document, the most literal paths first."""
    uri = documents.uri(path)
    document = documents.raw(uri)
    found = [
        _operation(documents, document, method, template, {**shared, **operation}, closed_query=closed_query)
        for paths in (document["paths"], document.get("x-ms-paths", {}))
        for template, shared in paths.items()
        for method, operation in shared.items()
        if method in _METHODS
    ]
    return in_order(found)


def in_order(found: list[Operation]) -> list[Operation]:
    """Sort so that the first operation whose pattern matches is the right one."""
    return sorted(found, key=lambda one: len(re.sub(r"\{\w+\}", "", one.template)), reverse=True)


def path_pattern(template: str, *, slashes: bool = False) -> re.Pattern[str]:
    """Return a pattern for a path template; letter case is ignored, as the service does."""
    part = ".+?" if slashes else "[^/]+"
    text = re.sub(r"\\\{(\w+)\\\}", rf"(?P<\1>{part})", re.escape(template.partition("?")[0]))
    return re.compile(text, re.IGNORECASE)


def _operation(
    documents: Documents,
    document: Mapping[str, Any],
    method: str,
    template: str,
    operation: Mapping[str, Any],
    *,
    closed_query: bool,
) -> Operation:
    given = [documents.resolve(one) for one in operation.get("parameters", [])]
    body = next((one for one in given if one["in"] == "body"), None)
    answers = {status: _answer(documents, documents.resolve(one)) for status, one in operation["responses"].items()}
    return Operation(
        method=method.upper(),
        template=template,
        pattern=path_pattern(template, slashes=not closed_query),
        api_version=document["info"]["version"],
        parameters=tuple(
            parameter(documents, one)
            for one in given
            if one["in"] in {"path", "query", _FORM} and one["name"] != "api-version"
        ),
        bodies=(documents.request(body["schema"]),) if body and body["schema"].get("format") != "file" else (),
        body_required=bool(body and body.get("required")),
        answers=answers,
        closed_query=closed_query,
        waits=bool(operation.get("x-ms-long-running-operation")),
    )


def parameter(documents: Documents, given: Mapping[str, Any]) -> Parameter:
    """Return a parameter of the path, the query or a form."""
    rules = ("type", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum")
    schema = {key: given[key] for key in rules if key in given}
    number = {"integer": int, "number": float}.get(given["type"])
    return Parameter(given["name"], given["in"], bool(given.get("required")), documents.request(schema), number)


def _answer(documents: Documents, response: Mapping[str, Any]) -> Checker | None:
    schema = response.get("schema")
    return documents.response({} if schema.get("type") == "file" else schema) if schema else None
