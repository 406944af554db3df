"""Whether requests are such that a service takes them, by its own document: judged before anybody is asked.

Source: OpenAPI 3.0.3 and the part of JSON Schema that documents of scoring scripts have. What is not known here passes:
the service itself has the last word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..lean import lean
from ..meant import meant
from .path import Key, spoken
from .request import APPLICATION_JSON, Golden, Request, is_json

_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


@lean(frozen=True)
class Misfit:
    """A request that the service would refuse; ``why`` is a clause with the place in the body."""

    request: Request
    why: str


def misfits(golden: Golden, document: Any) -> Iterator[Misfit]:
    """Give the requests that do not fit the document of a service.

    Args:
        golden: the requests; one that shall be refused (400 and above) is not judged.
        document: OpenAPI 3, as JSON; anything else says nothing.
    """
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return
    for request in golden.requests:
        # it is recorded to see that the service refuses it
        if request.expected is not None and request.expected.status >= 400:
            continue
        if why := _misfit(request, document, paths):
            yield Misfit(request, why)


def _misfit(request: Request, document: Mapping[str, Any], paths: Mapping[str, Any]) -> str:
    path, method = request.path.partition("?")[0], request.method.lower()
    if path not in paths:
        scored = sorted(name for name, item in paths.items() if isinstance(item, dict) and method in item)
        near = meant(path, scored)
        advice = f"did you mean {near}?" if near else f"it has {', '.join(scored)}"
        return f"the service has no {path}; {advice}" if scored else ""
    try:
        content = paths[path][method]["requestBody"]["content"]
        schema = content[APPLICATION_JSON]["schema"]
    except (LookupError, TypeError):
        return ""
    # v1 wrote of a script that declares no input that it takes an object, though it takes what it likes
    bare = _Judge(document).resolved(schema)
    if isinstance(bare, dict) and bare.get("type") == "object" and bare.keys() <= {"type", "example"}:
        return ""
    if request.body is None or not is_json(request.content_type):
        return ""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return "the body is no JSON"
    return _Judge(document).judge(body, schema, ())


@lean(frozen=True)
class _Judge:
    document: Mapping[str, Any]

    def judge(self, value: Any, schema: Any, place: tuple[Key, ...], depth: int = 0) -> str:
        """Return what is wrong with a value, the first thing; empty if nothing is."""
        schema = self.resolved(schema)
        # a schema may contain itself ($ref to a parent): that deep no body is judged
        if not isinstance(schema, dict) or depth > 50:
            return ""
        # OpenAPI 3.0 has this word where JSON Schema has a list of types
        if value is None and schema.get("nullable"):
            return ""
        if why := self.kind(value, schema, place) or self.several(value, schema, place, depth):
            return why
        if isinstance(value, dict):
            return self.members(value, schema, place, depth)
        if isinstance(value, list):
            return self.items(value, schema, place, depth)
        return ""

    def kind(self, value: Any, schema: Mapping[str, Any], place: tuple[Key, ...]) -> str:
        said = schema.get("type")
        kinds = said if isinstance(said, list) else [said]
        known = [str(kind) for kind in kinds if kind in _KINDS]
        if known and not any(_is(value, kind) for kind in known):
            return f"{spoken(place)} is {_name(value)} and should be {' or '.join(known)}"
        words = schema.get("enum")
        if isinstance(words, list) and value not in words:
            return f"{spoken(place)} is {json.dumps(value)[:40]} and should be one of {json.dumps(words)[:80]}"
        return ""

    def several(self, value: Any, schema: Mapping[str, Any], place: tuple[Key, ...], depth: int) -> str:
        for inner in _list(schema.get("allOf")):
            if why := self.judge(value, inner, place, depth + 1):
                return why
        for word in ("anyOf", "oneOf"):
            found = [self.judge(value, inner, place, depth + 1) for inner in _list(schema.get(word))]
            # oneOf is judged like anyOf: that two fit is no reason to keep a request from being sent
            if found and all(found):
                return found[0]
        return ""

    def members(self, value: Mapping[str, Any], schema: Mapping[str, Any], place: tuple[Key, ...], depth: int) -> str:
        known = schema.get("properties")
        known = known if isinstance(known, dict) else {}
        for name in _list(schema.get("required")):
            if name not in value:
                return f"{spoken(place)} has no {name}, which the service wants"
        if schema.get("additionalProperties") is False:
            for name in value:
                if name not in known:
                    near = meant(name, known)
                    advice = f'; did you mean "{near}"?' if near else ""
                    return f"{spoken((*place, name))} is not known to the service{advice}"
        for name, inner in known.items():
            if name in value and (why := self.judge(value[name], inner, (*place, name), depth + 1)):
                return why
        return ""

    def items(self, value: list[Any], schema: Mapping[str, Any], place: tuple[Key, ...], depth: int) -> str:
        least, most = schema.get("minItems"), schema.get("maxItems")
        if isinstance(least, int) and len(value) < least:
            return f"{spoken(place)} has {len(value)} items and should have {least} at least"
        if isinstance(most, int) and len(value) > most:
            return f"{spoken(place)} has {len(value)} items and should have {most} at most"
        if "items" not in schema:
            return ""
        for i, one in enumerate(value):
            if why := self.judge(one, schema["items"], (*place, i), depth + 1):
                return why
        return ""

    def resolved(self, schema: Any) -> Any:
        """Follow references within the document (RFC 6901); one that leads out of it says nothing."""
        for _ in range(20):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                return schema
            found: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                # in this order, or ~01 would become a slash (RFC 6901, 4)
                name = part.replace("~1", "/").replace("~0", "~")
                found = found.get(name) if isinstance(found, dict) else None
            schema = found
        return None


def _is(value: Any, kind: str) -> bool:
    # a bool of Python is an int, and true is no number of JSON
    if isinstance(value, bool):
        return kind == "boolean"
    # 1.0 is an integer (JSON Schema 2020-12, Validation, 6.1.1)
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS[kind])


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next((kind for kind, types in _KINDS.items() if isinstance(value, types)), "another kind")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
