"""JSON schemas as components of a document: definitions get names of their own, and references lead to them."""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Dict, Mapping
from urllib.parse import unquote

SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas")
SCHEMAS = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "contentSchema",
)  # fmt: skip
"""Keywords of JSON Schema 2020-12 whose values are schemas: in lists, in objects, alone."""
# an `$id` would change what `#/...` means (JSON Schema 2020-12, Core,
# section 8.2.1), and definitions move to the document's own place
_PLACES = ("$schema", "$id", "$anchor", "$dynamicAnchor", "$vocabulary", "$comment", "$defs", "definitions")
_DEFINITION = re.compile(r"#/(?:\$defs|definitions)/([^/]+)")


def named(name: str, schema: Any, place: str) -> Dict[str, Any]:
    """Return ``schema`` as ``name``, and each of its ``$defs`` under a name that begins with it.

    ``place`` is where a document has its schemas, such as ``#/definitions/``. References to anything else become
    "anything".
    """
    plain = finite(schema)
    own = plain if isinstance(plain, dict) else {}
    defined: Dict[str, Any] = {**own.get("definitions", {}), **own.get("$defs", {})}
    names = _names(name, defined)

    def moved(reference: str) -> str:
        # a pointer in a URI is percent-encoded (RFC 6901, section 6)
        found = _DEFINITION.fullmatch(unquote(reference))
        # in this order: the other one would make a slash of `~01` (RFC 6901, section 4)
        key = found[1].replace("~1", "/").replace("~0", "~") if found else ""
        target = name if reference == "#" else names.get(key)
        return place + target if target else ""

    parts = {name: plain, **{names[key]: content for key, content in defined.items()}}
    return {part: _moved(_as_object(content), moved) for part, content in parts.items()}


def _as_object(schema: Any) -> Any:
    """Write a schema that is true or false as an object, which all readers of documents take."""
    return schema if isinstance(schema, dict) else {} if schema else {"not": {}}


def _names(name: str, defined: Mapping[str, Any]) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for key in defined:
        # the letters that a component's name may have (OpenAPI 3.0.3, "Components Object"), without the dot
        fine = "%s_%s" % (name, re.sub(r"[^A-Za-z0-9_-]", "_", key))
        found[key] = "%s_%d" % (fine, len(found)) if fine in found.values() else fine
    return found


def _moved(schema: Any, moved: Callable[[str], str]) -> Any:
    """Lead the references of a schema to their new places."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _PLACES}
    if "$ref" in kept:
        kept["$ref"] = moved(kept["$ref"])
        if not kept["$ref"]:
            # a document is whole in itself: no tool should have to fetch a part of it from elsewhere
            del kept["$ref"]
    return mapped(kept, lambda inner: _moved(inner, moved))


def mapped(schema: Dict[str, Any], change: Callable[[Any], Any]) -> Dict[str, Any]:
    """Return a schema whose inner schemas are changed; values that only look like schemas, such as examples, stay."""
    made: Dict[str, Any] = {}
    for key, value in schema.items():
        if key in SCHEMA_LISTS and isinstance(value, list):
            made[key] = [change(inner) for inner in value]
        elif key in SCHEMA_MAPS and isinstance(value, dict):
            made[key] = {name: change(inner) for name, inner in value.items()}
        elif key in SCHEMAS:
            made[key] = change(value)
        else:
            made[key] = value
    return made


def finite(value: Any) -> Any:
    """Return a value of JSON without NaN and infinities, which JSON has no words for: null stands for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return value
