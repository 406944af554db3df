"""Requests against the document of a service."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from aciml.core.golden.request import Expected, Golden, Request
from aciml.core.golden.schema import misfits
from tests.core.golden.test_compare import values

ROWS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}}
INPUT = {
    "type": "object",
    "required": ["data"],
    "additionalProperties": False,
    "properties": {
        "data": {"$ref": "#/components/schemas/Rows"},
        "method": {"enum": ["predict", "proba"]},
        "limit": {"type": "integer", "nullable": True},
        "when": {"anyOf": [{"type": "string"}, {"type": "number"}]},
        "self": {"$ref": "#/components/schemas/In"},
    },
}
CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}
DOCUMENT = {
    "paths": {"/score": {"post": {"requestBody": {"content": CONTENT}}}, "/": {"get": {}}},
    "components": {"schemas": {"In": INPUT, "Rows": ROWS}},
}


def wrong(body: Any, document: Any = DOCUMENT, **properties: Any) -> list[str]:
    request = Request("r", body=json.dumps(body).encode(), **properties)
    return [one.why for one in misfits(Golden((request,)), document)]


@pytest.mark.parametrize(
    "body",
    [
        {"data": [[1, 2.5]]},
        {"data": [], "limit": None, "method": "proba", "when": 5},
        {"data": [[1, 2]], "limit": 3.0, "self": {"data": []}},
    ],
)
def test_what_fits_is_no_news(body: Any) -> None:
    assert wrong(body) == []


def test_a_script_that_declares_no_input_takes_what_it_likes() -> None:
    document = {**DOCUMENT, "components": {"schemas": {"In": {"type": "object", "example": {}}}}}

    assert wrong([1, 2, 3.5], document) == wrong("text", document) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], "$ is array and should be object"),
        ({}, "$ has no data, which the service wants"),
        ({"data": [[1, "x"]]}, "$.data[0][1] is string and should be number"),
        ({"data": [[1, True]]}, "$.data[0][1] is boolean and should be number"),
        ({"data": [[1]]}, "$.data[0] has 1 items and should have 2 at least"),
        ({"data": [[1, 2, 3]]}, "$.data[0] has 3 items and should have 2 at most"),
        ({"data": [], "methd": 1}, '$.methd is not known to the service; did you mean "method"?'),
        ({"data": [], "method": "fit"}, '$.method is "fit" and should be one of ["predict", "proba"]'),
        ({"data": [], "limit": 1.5}, "$.limit is number and should be integer"),
        ({"data": [], "when": []}, "$.when is array and should be string"),
        ({"data": [], "self": {}}, "$.self has no data, which the service wants"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(body: Any, why: str) -> None:
    assert wrong(body) == [why]


def test_what_shall_be_refused_is_not_judged() -> None:
    assert wrong({}, expected=Expected(400)) == []


def test_a_path_that_is_not_there() -> None:
    assert wrong({}, path="/scoer") == ["the service has no /scoer; did you mean /score?"]
    assert wrong({}, path="/other/model/x") == ["the service has no /other/model/x; it has /score"]


@given(values, values)
def test_no_document_and_no_body_is_a_crash(body: Any, document: Any) -> None:
    wrong(body, document)
    wrong(
        body, {"paths": {"/score": {"post": {"requestBody": {"content": {"application/json": {"schema": document}}}}}}}
    )
