"""Bodies that overwhelm whoever reads them, where the server makes the arguments: refused, and no worker ends."""

from __future__ import annotations

import gzip
import json

import pytest

from ..conftest import Serve

MARKED = """
import os
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Standard

@input_schema("data", Standard([{"a": Standard([1])}]))
def run(data):
    return [os.getpid()]
"""
TYPED = """
import os
from typing import Any, Dict, List, Optional, Union

def run(data: %s):
    return [os.getpid()]
"""
SCRIPTS = {
    "schema": MARKED,
    "list": TYPED % "List[Any]",
    "union": TYPED % "Optional[Union[Dict[str, Any], List[List[float]]]]",
    "two": TYPED % "int, more: Any = None",
}
DEPTHS = (300, 900, 1100, 5000, 100_000)


def deep(depth: int) -> list[bytes]:
    """Return JSON of this depth: whole, cut, of lists and of objects."""
    lists = b"[" * depth + b"]" * depth
    objects = b'{"a":' * depth + b"1" + b"}" * depth
    return [lists, lists[:depth], objects, b'{"data": %b, "more": %b}' % (lists, objects)]


@pytest.mark.parametrize("version", ["3.8", "", "3.13"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_json_that_is_deep_costs_no_worker(start: Serve, name: str, version: str) -> None:
    server = start(SCRIPTS[name], version=version)
    head = {"Content-Type": "application/json"}
    replies = [server.ask("POST", "/score", body, head) for depth in DEPTHS for body in deep(depth)]

    assert [reply for reply in replies if reply.status not in {200, 400, 422}] == []
    assert [reply.status for reply in replies[-4:]] == [400] * 4
    assert len({reply.body for reply in replies if reply.status == 200}) <= 1
    assert not server.log[-1].startswith("Fatal")


@pytest.mark.parametrize("name", ["schema", "list"])
def test_a_bomb_is_refused_before_it_is_read_as_json(start: Serve, name: str) -> None:
    server = start(SCRIPTS[name], ACIML_MAX_BODY="1000000")
    head = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    bomb = gzip.compress(b'{"data": [' + b"[" * 50_000_000)
    small = gzip.compress(b'{"data": [' + b"[" * 900_000)

    assert server.ask("POST", "/score", bomb, head).status == 413
    assert server.ask("POST", "/score", small, head).status == 400
    good = b'{"data": []}' if name == "schema" else b"[]"
    assert json.loads(server.ask("POST", "/score", gzip.compress(good), head).body)
