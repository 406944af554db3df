"""Documents made of all kinds of schemas are valid, and allow what the schemas allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator

from aciml_server.swagger import Service, document
from aciml_server.swagger.older import to_openapi_3, to_swagger_2

from .validator import validate

SERVICE = Service("Name", "1.0", "", https=True)
NAMES = ("a", "b c", "ä/~", "$ref", "type")
KINDS = ("string", "number", "integer", "boolean", "array", "object", "null")
VERSIONS = ("2", "3", "3.1")
REFERENCES = ("#/$defs/T", "#/$defs/T%20x", "#/$defs/a~1b", "#/$defs/none", "https://other/schema")
RECURSIVE = ({"type": "array", "items": {"$ref": "#"}}, {"type": "object", "properties": {"next": {"$ref": "#"}}})

# a number without a fraction is an integer in JSON Schema 2020-12, however it is written; not so in older ones
floats = st.floats(width=16).map(lambda one: int(one) if one.is_integer() else one)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | floats | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=5,
)


def _words(**given: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=given)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    members = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    kinds = st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True)
    plain = _words(
        type=kinds,
        title=st.text("ab", max_size=3),
        description=st.text("ab", max_size=3),
        examples=st.lists(values, max_size=2),
    )
    return st.one_of(
        plain,
        _words(
            type=kinds,
            minimum=st.integers(-9, 9),
            exclusiveMinimum=st.integers(-9, 9),
            exclusiveMaximum=st.floats(-9, 9),
        ),
        _words(type=kinds, minLength=st.integers(0, 2), maxLength=st.integers(2, 9), contentEncoding=st.just("base64")),
        _words(const=values),
        _words(enum=st.lists(values, min_size=1, max_size=3)),
        _words(type=st.just("array"), items=inner, prefixItems=several, maxItems=st.integers(0, 3), contains=inner),
        _words(
            type=st.just("object"),
            properties=members,
            required=st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
            additionalProperties=inner,
        ),
        _words(
            properties=members,
            patternProperties=st.dictionaries(st.just("^a"), inner, max_size=1),
            additionalProperties=inner,
        ),
        _words(anyOf=several, oneOf=several, allOf=several, type=kinds),
        st.fixed_dictionaries({"not": inner, "if": inner, "then": inner}),
        st.sampled_from(RECURSIVE),
    )


schemas = st.recursive(st.booleans() | _schemas(st.booleans()), _schemas, max_leaves=6)
pointing = st.sampled_from(REFERENCES).map(lambda to: {"$ref": to, "description": "d"})
leading = st.recursive(st.booleans() | pointing, _schemas, max_leaves=6)
roots = st.builds(
    lambda schema, one, two, three: {**schema, "$schema": "x", "$defs": {"T": one, "T x": two, "a/b": three}},
    _schemas(leading), schemas, schemas, schemas,
)  # fmt: skip


def _facts(schema: Any, result: Any) -> list[Mapping[str, Any]]:
    known = {"input": schema, "output": result, "input_types": ["application/vnd.apache.arrow.stream"]}
    return [{"name": "", "schemas": None}, {"name": "x y", "schemas": known}, {"name": "x_y", "schemas": known}]


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=12, deadline=None)
@given(schema=roots, result=schemas)
def test_a_document_is_valid_whatever_the_types_are(version: str, schema: Any, result: Any) -> None:
    text = json.dumps(document(version, SERVICE, _facts(schema, result)), allow_nan=False)

    try:
        validate(json.loads(text))
    except RecursionError:  # the validator follows a schema that is in itself by allOf and items without end
        assert '"allOf"' in text
        assert '"items"' in text
        reject()


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=12, deadline=None)
@given(schema=roots, result=schemas)
def test_every_reference_leads_somewhere(version: str, schema: Any, result: Any) -> None:
    made = document(version, SERVICE, _facts(schema, result))
    known = made["definitions"] if version == "2" else made["components"]["schemas"]
    place = "#/definitions/" if version == "2" else "#/components/schemas/"

    for reference in _references(made):
        assert reference.startswith(place)
        assert reference[len(place) :] in known


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for inner in value for found in _references(inner)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [
        found
        for key, inner in value.items()
        if key not in ("example", "examples", "enum", "const", "default")
        for found in _references(inner)
    ]


@example(schema={"not": {"not": False, "if": {}, "then": False}, "if": False, "then": {}}, value=None)
@settings(max_examples=150, deadline=None)
@given(schema=schemas, value=values)
def test_an_older_schema_allows_what_the_new_one_allows(schema: Any, value: Any) -> None:
    value = json.loads(json.dumps(value))
    if "$ref" in json.dumps(schema) or not Draft202012Validator(schema).is_valid(value):
        return

    assert OAS30Validator(to_openapi_3(schema)).is_valid(value)
    if value is not None:
        assert OAS30Validator(_said_in_3(to_swagger_2(schema))).is_valid(value)


def _said_in_3(schema: Any) -> Any:
    return json.loads(json.dumps(schema).replace('"x-nullable"', '"nullable"'))


ROWS = [
    ({"type": ["number", "null"]}, {"type": "number", "nullable": True}, {"type": "number", "x-nullable": True}),
    ({"const": 3}, {"enum": [3]}, {"enum": [3]}),
    ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 0, "exclusiveMinimum": True}, None),
    ({"type": "string", "examples": ["x", "y"]}, {"type": "string", "example": "x"}, None),
    ({"type": "array"}, {"type": "array", "items": {}}, None),
    (
        {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "T"},
        {"type": "string", "nullable": True, "title": "T"},
        {"type": "string", "x-nullable": True, "title": "T"},
    ),
    (
        {"anyOf": [{"type": "string", "maxLength": 1}, {"type": "string", "format": "date"}]},
        {"anyOf": [{"type": "string", "maxLength": 1}, {"type": "string", "format": "date"}]},
        {"type": "string"},
    ),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, {}),
    (
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
        {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "maxItems": 2},
        {"type": "array", "items": {}, "maxItems": 2},
    ),
    ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "format": "byte"}, None),
    ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}, None),
]


@pytest.mark.parametrize(("schema", "newer", "older"), ROWS)
def test_words_are_translated(schema: Any, newer: Any, older: Any) -> None:
    assert to_openapi_3(schema) == newer
    assert to_swagger_2(schema) == (newer if older is None else older)


def test_samples_without_a_word_in_json_are_null() -> None:
    made = document("3.1", SERVICE, _facts({"examples": [[float("nan"), float("inf"), 1.5]]}, True))

    assert made["components"]["schemas"]["ServiceInput_x_y"]["examples"] == [[None, None, 1.5]]


def test_models_whose_names_look_alike_stay_apart() -> None:
    made = document("3", SERVICE, _facts({"title": "1"}, {"title": "2"}))

    assert [item["post"]["operationId"] for path, item in made["paths"].items() if path.startswith("/score")] == [
        "RunMLService",
        "RunMLService_x_y",
        "RunMLService_x_y_2",
    ]


def test_a_decorated_script_keeps_the_words_of_v1() -> None:
    known = {
        "input": {"type": "object"},
        "output": {"type": "array"},
        "v1_input": {"type": "object", "example": {"a": float("nan")}},
        "v1_output": {"type": "string"},
        "v1_versions": ["2.0", "3.0"],
    }
    facts = [{"name": "", "schemas": known}]
    made = [document(version, SERVICE, facts) for version in VERSIONS]
    found = [one.get("definitions") or one["components"]["schemas"] for one in made]

    assert [one["ServiceOutput"] for one in found] == [{"type": "string"}, {"type": "string"}, {"type": "array"}]
    assert found[0]["ServiceInput"] == {"type": "object", "example": {"a": None}}


def test_media_types_beside_json_are_named() -> None:
    old, new = (document(version, SERVICE, _facts({}, {}))["paths"]["/score/x%20y"]["post"] for version in ("2", "3"))

    assert old["consumes"] == ["application/json", "application/vnd.apache.arrow.stream"]
    assert list(new["requestBody"]["content"]) == old["consumes"]
