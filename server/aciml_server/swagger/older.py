"""JSON Schema 2020-12 in the words of OpenAPI 3.0 and of Swagger 2.0, which know less.

What an older one cannot say is left out, so that it allows more and never less. Sources: OpenAPI 3.0.3, "Schema
Object"; Swagger 2.0, "Schema Object"; JSON Schema 2020-12, Validation.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Sequence

from .schemas import mapped

_COMMON = (
    "$ref", "type", "title", "description", "format", "default", "multipleOf", "maxLength", "minLength", "pattern",
    "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "enum", "properties",
    "additionalProperties", "items", "allOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "readOnly",
    "example",
)  # fmt: skip
_ONLY_3 = ("anyOf", "not", "nullable", "deprecated", "writeOnly")
# what is not in the older list is left out at the end: a validator of documents refuses keywords that it does not know
_KNOWN = frozenset(_COMMON + _ONLY_3)
_NULL: Dict[str, Any] = {"enum": [None], "nullable": True}
"""How 3.0 says ``{"type": "null"}``."""


def to_openapi_3(schema: Any) -> Dict[str, Any]:
    """Return a schema of OpenAPI 3.0."""
    if not isinstance(schema, dict):
        # 3.0 has no schemas that are true or false, but for `additionalProperties`
        return {} if schema else {"not": {}}
    made = mapped(dict(schema), to_openapi_3)
    # here true and false may stay: what was made of false above, `{"not": {}}`, says the same to fewer tools
    extra = made.pop("additionalProperties", None)
    if extra is not None and schema["additionalProperties"] not in (True, {}):
        made["additionalProperties"] = False if schema["additionalProperties"] is False else extra
    _items(made, schema)
    _patterns(made)
    _bounds(made)
    _values(made)
    _type(made)
    _choices(made)
    # as it was written: a translated one may be {} only because its words were left out
    if "not" in made and schema.get("not", {}) not in ({}, True):
        del made["not"]  # what is left out inside would forbid more
    return _alone({key: value for key, value in made.items() if key in _KNOWN or key.startswith("x-")})


def to_swagger_2(schema: Any) -> Dict[str, Any]:
    """Return a schema of Swagger 2.0."""
    return _down(to_openapi_3(schema))


def _down(schema: Dict[str, Any]) -> Dict[str, Any]:
    """Turn a schema of 3.0 into one of 2.0, which has no ``anyOf``, ``oneOf``, ``not`` and ``nullable``."""
    made = {key: value for key, value in mapped(schema, _inner).items() if key not in _ONLY_3}
    options = schema.get("anyOf", [])
    real = [_down(option) for option in options if option != _NULL]
    if len(real) < len(options) or schema.get("nullable"):
        # 2.0 has no null at all; this is a common word of tools for it
        made["x-nullable"] = True
        if made.get("default", 0) is None:
            del made["default"]  # null is a value of no type here
    if real:
        made = {**_shared(real), **made}
    return _alone(made)


def _inner(schema: Any) -> Any:
    return _down(schema) if isinstance(schema, dict) else schema


def _shared(options: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Return what all options have in common: the one itself, or their type."""
    if len(options) == 1:
        return options[0]
    types = {option.get("type") for option in options}
    # nothing in common is no constraint: a document may allow more than the service, and never less
    if len(types) != 1 or None in types:
        return {}
    kind = types.pop()
    # 3.0 demands `items` of each array ("Schema Object"), and readers of 2.0 expect them, too
    return {"type": kind, "items": {}} if kind == "array" else {"type": kind}


def _items(made: Dict[str, Any], schema: Dict[str, Any]) -> None:
    """Say a tuple as a list of any of its members."""
    first: Optional[List[Dict[str, Any]]] = made.pop("prefixItems", None)
    if not first:
        return
    rest = schema.get("items", True)
    if rest is False:
        # a tuple that is closed has no more values than it names; how few is said by `minItems` already
        made["maxItems"] = min(len(first), made.get("maxItems", len(first)))
        options = first
    else:
        options = [*first, made.get("items", {})]
    distinct: List[Dict[str, Any]] = []
    for option in options:
        if option not in distinct:
            distinct.append(option)
    # `prefixItems` came with 2020-12; before it one schema holds for all items
    made["items"] = distinct[0] if len(distinct) == 1 else {} if {} in distinct else {"anyOf": distinct}


def _patterns(made: Dict[str, Any]) -> None:
    """Allow what patterns allow: without them, all that is not named."""
    if made.pop("patternProperties", None):
        made.pop("additionalProperties", None)


def _bounds(made: Dict[str, Any]) -> None:
    """Say an exclusive bound as a bound and a flag."""
    for plain, exclusive, tighter in (("minimum", "exclusiveMinimum", max), ("maximum", "exclusiveMaximum", min)):
        # a number since draft 6 of JSON Schema; the older versions
        # follow draft 5 and 4, where it is a flag beside the bound
        edge = made.pop(exclusive, None)
        if edge is None or isinstance(edge, bool):
            if edge and plain in made:
                made[exclusive] = True
            continue
        # of both the tighter one alone matters, and the flag leaves room for one
        if plain not in made or tighter(edge, made[plain]) == edge:
            made[plain], made[exclusive] = edge, True


def _values(made: Dict[str, Any]) -> None:
    """Say ``const``, ``examples`` and encodings in older words."""
    if "const" in made:
        made["enum"] = [made.pop("const")]
    examples = made.pop("examples", None)
    if examples and "example" not in made:
        # the singular is OpenAPI's own; a list is unknown to it in a schema
        made["example"] = examples[0]
    if "enum" in made:
        # by their JSON: 1 and True are equal to Python, and a list has no hash
        made["enum"] = list({json.dumps(value): value for value in made["enum"]}.values())  # each once
        # draft 4 wants one member at least, as for `required` below
        if not made["enum"]:
            del made["enum"]
    if not made.get("required", True):
        del made["required"]
    encoding = made.pop("contentEncoding", "")
    if "format" not in made and (encoding == "base64" or made.get("contentMediaType") == "application/octet-stream"):
        # the older words for both ("Data Types")
        made["format"] = "byte" if encoding == "base64" else "binary"


def _type(made: Dict[str, Any]) -> None:
    """Say a list of types as one type, ``nullable``, or a choice."""
    kinds = made.get("type")
    if kinds is None:
        return
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    rest = [kind for kind in kinds if kind != "null"]
    # one name is all that the older versions take ("Schema Object")
    del made["type"]
    if not rest:
        made.update(_NULL)
        return
    if len(rest) > 1:
        _choice(made, kinds)
        return
    made["type"] = rest[0]
    if rest[0] == "array":
        made.setdefault("items", {})
    if "null" in kinds:
        made["nullable"] = True


def _choice(made: Dict[str, Any], kinds: Sequence[str]) -> None:
    """Add a choice of types, beside one that is there already."""
    options: List[Dict[str, Any]] = []
    for kind in kinds:
        option: Dict[str, Any] = {"type": kind, "items": made.get("items", {})} if kind == "array" else {"type": kind}
        options.append(_NULL if kind == "null" else option)
    _add_choice(made, options)


def _add_choice(made: Dict[str, Any], options: List[Dict[str, Any]]) -> None:
    # two choices at once: both have to hold, and a schema has one place for one
    if "anyOf" in made:
        made["allOf"] = [*made.get("allOf", []), {"anyOf": options}]
    else:
        made["anyOf"] = options


def _choices(made: Dict[str, Any]) -> None:
    """Say ``oneOf`` as ``anyOf``, since what is left out may make two fit, and a choice with null as ``nullable``."""
    one = made.pop("oneOf", None)
    if one:
        _add_choice(made, one)
    options = made.get("anyOf", [])
    real = [option for option in options if option != _NULL]
    # `nullable` counts only beside a `type` (OpenAPI 3.0.3, clarified
    # there), and the option must not change what stands outside
    if len(real) == 1 < len(options) and "type" in real[0] and not set(real[0]) & (set(made) - {"anyOf"}):
        del made["anyOf"]
        made.update(real[0], nullable=True)


def _alone(schema: Dict[str, Any]) -> Dict[str, Any]:
    """Let a reference stand alone, because what stands beside it does not count in older versions."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    # `allOf` is the one place where a reference and more can hold at once
    return {**rest, "allOf": [{"$ref": schema["$ref"]}, *rest.get("allOf", [])]}
