"""The contract over a real process: route, script and request in; status, headers and body out."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

import pytest

from .conftest import PYTHONS, Reply, Running, Serve

SCRIPT = """
import json, os, sys

started = []

class Array:
    def tolist(self):
        return [1, 2.5]

def init():
    started.append(os.environ.get("ACIML_PRIMARY_KEY", "no key here"))

def fail():
    raise ValueError("secret-of-the-script")

ANSWERS = {
    "none": lambda: None,
    "array": lambda: {"a": Array()},
    "text": lambda: "text",
    "raise": fail,
    "exit": lambda: sys.exit(7),
    "object": object,
    "started": lambda: started,
    "modules": lambda: sorted(m for m in sys.modules if m in ("numpy", "score", "aciml_server")),
    "path": lambda: [os.path.basename(p) for p in (sys.path[0], sys.path[1], sys.path[-1])],
}

def run(raw_data, request_headers=None):
    if raw_data.startswith("do "):
        return ANSWERS[raw_data[3:]]()
    if raw_data == "headers":
        return {n: v for n, v in request_headers.items() if n in ("x-mine", "authorization")}
    return {"got": raw_data}
"""
KEYS = {"ACIML_PRIMARY_KEY": "first-key", "ACIML_SECONDARY_KEY": "zweiter-schlüssel"}
KEY = {"Authorization": "Bearer first-key"}


class Row(NamedTuple):
    """One promise."""

    name: str
    method: str
    path: str
    status: int
    answer: object
    body: bytes | None = None
    headers: dict[str, str] | None = KEY
    failed: str | None = None


GOT = {"Content-Type": "application/x-www-form-urlencoded", **KEY}
ROWS = [
    Row("health needs no key", "GET", "/", 200, b"Healthy", headers=None),
    Row("health answers HEAD", "HEAD", "/", 200, b"", headers=None),
    Row("health is not for POST", "POST", "/", 405, "/ is not for POST"),
    Row("an unknown path is 404", "GET", "/nothing", 404, "there is no '/nothing' here"),
    Row("the body is handed over as text", "POST", "/score", 200, {"got": "ä"}, "ä".encode(), failed="False"),
    Row("a form body is not swallowed", "POST", "/score", 200, {"got": "a=1"}, b"a=1", GOT, "False"),
    Row("an empty body is an empty text", "POST", "/score", 200, {"got": ""}, b"", failed="False"),
    Row("GET hands over its query", "GET", "/score?a=1&b=x&b=2&c=", 200, {"got": '{"a": 1, "b": ["x", 2], "c": ""}'}),
    Row("OPTIONS does not run the script", "OPTIONS", "/score", 200, b""),
    Row("DELETE is 405", "DELETE", "/score", 405, "/score is not for DELETE"),
    Row("an invented method is 501", "BREW", "/score", 501, "Unsupported method"),
    Row("None becomes an empty object", "POST", "/score", 200, {}, b"do none", failed="False"),
    Row("numpy's tolist is used", "POST", "/score", 200, {"a": [1, 2.5]}, b"do array", failed="False"),
    Row("a text becomes a JSON string", "POST", "/score", 200, "text", b"do text", failed="False"),
    Row("an exception is 500", "POST", "/score", 500, "An unexpected error", b"do raise", failed="True"),
    Row("sys.exit in run is 500", "POST", "/score", 500, "An unexpected error", b"do exit", failed="True"),
    Row("no JSON is 500", "POST", "/score", 500, "An unexpected internal", b"do object", failed="False"),
    Row("not UTF-8 is 400", "POST", "/score", 400, "the body is not UTF-8: byte 1", b"a\xff"),
    Row("headers come without the key", "POST", "/score", 200, {"x-mine": "1"}, b"headers", {**KEY, "x-mine": "1"}),
    Row("the keys are not in the environment", "POST", "/score", 200, ["no key here"], b"do started"),
    Row("only our modules are loaded", "POST", "/score", 200, ["aciml_server", "score"], b"do modules"),
    Row("a wrong key is 401", "POST", "/score", 401, "a valid key", b"x", {"Authorization": "Bearer wrong"}),
    Row("no key is 401", "GET", "/score", 401, "a valid key", None, None),
    Row("another scheme is 401", "POST", "/score", 401, "a valid key", b"x", {"Authorization": "Basic first-key"}),
    Row("a long id is 431", "GET", "/", 431, "x-request-id must", headers={"x-request-id": "i" * 101}),
    Row(
        "a chunked body is 411", "POST", "/score", 411, "chunked", b"0\r\n\r\n", {**KEY, "Transfer-Encoding": "chunked"}
    ),
    Row("a length that is none is 400", "POST", "/score", 400, "Content-Length", b"", {**KEY, "Content-Length": "+1"}),
    Row("a large body is 413", "POST", "/score", 413, "the body is larger than 1000 bytes", b"x" * 3_000_000),
    Row("swagger is open", "GET", "/swagger.json?version=9", 404, "no such version", headers=None),
]


@pytest.fixture(scope="module", params=PYTHONS)
def server(request: pytest.FixtureRequest, start: Serve) -> Running:
    keys = {**KEYS, "LC_ALL": "C.UTF-8", "ACIML_MAX_BODY": "1000"}
    return start(SCRIPT, version=request.param, **keys)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_contract_holds(server: Running, row: Row) -> None:
    reply = server.ask(row.method, row.path, row.body, row.headers)

    assert (reply.status, _expected(row, reply)) == (row.status, row.answer)
    assert reply.headers["x-ms-server-version"].startswith("aciml/")
    assert len(reply.headers["x-request-id"]) == 36
    assert reply.headers["x-ms-request-id"] == reply.headers["x-request-id"]
    if row.failed:
        assert reply.headers["x-ms-run-function-failed"] == row.failed
        assert re.fullmatch(r"\d+\.\d{3}", reply.headers["x-ms-run-fn-exec-ms"])
    if reply.status == 401:
        assert reply.headers["www-authenticate"] == "Bearer"
    assert b"secret-of-the-script" not in reply.body


def _expected(row: Row, reply: Reply) -> object:
    """Bring the body into the form the row has: bytes, the beginning of a message, or JSON."""
    if isinstance(row.answer, bytes):
        return reply.body
    document = json.loads(reply.body)
    if row.status >= 400 and isinstance(row.answer, str) and document["message"].startswith(row.answer):
        return row.answer
    return document


def test_both_keys_open_the_door(server: Running) -> None:
    second = {b"Authorization": "Bearer zweiter-schlüssel".encode()}
    connection = server.connect()
    connection.putrequest("GET", "/score")
    connection.putheader(*second.popitem())
    connection.endheaders()

    assert connection.getresponse().status == 200
    connection.close()


def test_the_ids_of_the_client_come_back(server: Running) -> None:
    headers = server.ask("GET", "/", headers={"x-ms-client-request-id": "mine", "x-request-id": "other"}).headers

    assert {name: headers[name] for name in ("x-request-id", "x-ms-request-id", "x-ms-client-request-id")} == {
        "x-request-id": "other",
        "x-ms-request-id": "mine",
        "x-ms-client-request-id": "mine",
    }


def test_one_connection_serves_many_requests(server: Running) -> None:
    connection = server.connect()
    statuses = []
    for path in ("/", "/nothing", "/score", "/"):
        connection.request("GET", path, headers=KEY)
        reply = connection.getresponse()
        reply.read()
        statuses.append((reply.status, reply.will_close))
    connection.close()

    assert statuses == [(200, False), (404, False), (200, False), (200, False)]


@pytest.mark.parametrize(("version", "field", "value"), [("", "swagger", "2.0"), ("3", "openapi", "3.0.3")])
def test_swagger_names_the_routes(server: Running, version: str, field: str, value: str) -> None:
    document = json.loads(server.ask("GET", f"/swagger.json?version={version}").body)

    assert document[field] == value
    assert set(document["paths"]) == {"/", "/score", "/swagger.json"}
    assert document["paths"]["/score"]["post"]["security"] == [{"Bearer": []}]


def test_the_server_is_last_on_the_path(server: Running) -> None:
    folders = json.loads(server.ask("POST", "/score", b"do path", KEY).body)

    assert folders[1:] == ["src", "server"]
