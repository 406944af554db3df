"""The contract over real processes, by HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from ..conftest import PYTHONS, Reply, Running, Serve
from .contract_table import ROWS, SCRIPTS, Row

NUMERIC = ("numpy", "pandas")
CORE = [row for row in ROWS if row.script in ("text", "headers", "schema", "raw", "async", "driver")]
BESIDE = ("text", "headers", "schema", "driver")
ServerOf = Callable[[str, str], Running]


def check(row: Row, reply: Reply) -> None:
    """Compare what came back with what is promised."""
    body: object = reply.body if isinstance(row.answer, bytes) else json.loads(reply.body)
    if row.answer is None:  # any error
        assert isinstance(body, dict)
        body = None if set(body) == {"message"} else body
    assert (reply.status, body) == (row.status, row.answer)
    assert reply.headers.get("x-ms-run-function-failed", "") == row.failed
    assert {name: reply.headers.get(name) for name in row.back} == row.back
    assert b"secret-of-the-script" not in reply.body


@pytest.fixture(scope="module")
def server_of(start: Serve) -> ServerOf:
    """Return the server of a script for a version of Python ("" for this one, with the package inference-schema)."""
    running: dict[tuple[str, str], Running] = {}

    def server(name: str, version: str) -> Running:
        if (name, version) not in running:
            wanted: tuple[str, ...] = NUMERIC if name == "numpy" else ()
            wanted += ("inference-schema==1.8",) if not version and name in ("schema", "numpy") else ()
            running[name, version] = start(SCRIPTS[name], version=version, wanted=wanted)
        return running[name, version]

    return server


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_contract_holds(server_of: ServerOf, row: Row) -> None:
    reply = server_of(row.script, "").ask(row.method, row.target, row.body, row.headers)

    check(row, reply)
    assert reply.headers["x-ms-server-version"].startswith("aciml/")
    assert reply.headers["x-ms-request-id"] == reply.headers["x-request-id"]
    if reply.headers.get("x-ms-run-fn-exec-ms"):
        assert re.fullmatch(r"\d+\.\d{3}", reply.headers["x-ms-run-fn-exec-ms"])


@pytest.fixture(scope="module")
def service_of(start: Serve) -> ServerOf:
    """Return a server with the script ``raw`` and, as models beside it, all others that run one call at a time."""
    running: dict[str, Running] = {}

    def service(name: str, version: str) -> Running:
        if version not in running:
            models = {name: f"src/{name}.py" for name in BESIDE}
            files = {path: SCRIPTS[name] for name, path in models.items()}
            running[version] = start(SCRIPTS["raw"], files, version=version, ACIML_MODELS=json.dumps(models))
        return running[version]

    return service


@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize("row", CORE, ids=[row.name for row in CORE])
def test_the_contract_holds_in_every_python_without_other_packages(
    server_of: ServerOf, service_of: ServerOf, version: str, row: Row
) -> None:
    # a coroutine among them would have all scripts run as coroutines do
    server = (server_of if row.script == "async" else service_of)(row.script, version)
    target = row.target.replace("/score", f"/score/{row.script}") if row.script in BESIDE else row.target
    check(row, server.ask(row.method, target, row.body, row.headers))


NUMPY_ROWS = [row for row in ROWS if row.script == "numpy"]


@pytest.mark.parametrize("row", NUMPY_ROWS, ids=[row.name for row in NUMPY_ROWS])
def test_numpy_works_with_our_equivalent_of_inference_schema(server_of: ServerOf, row: Row) -> None:
    check(row, server_of("numpy", "3.12").ask(row.method, row.target, row.body, row.headers))


INSIDE = """
import os, sys

started = []

def init():
    started.append(os.environ.get("ACIML_PRIMARY_KEY", "no key here"))

ANSWERS = {
    "environment": lambda headers: started,
    "headers": lambda headers: [name for name in ("X-Mine", "Authorization") if name in headers],
    "modules": lambda headers: sorted(m for m in sys.modules if m in ("numpy", "score", "orjson", "asyncio", "uvloop")),
    "path": lambda headers: [os.path.basename(p) for p in (sys.path[0], sys.path[-2], sys.path[-1])],
}

def run(request_headers, raw_data):  # v1 gives both by name
    return ANSWERS[raw_data](request_headers)
"""
KEY = {"Authorization": "Bearer first-key", "X-Mine": "1"}
SEEN = [
    ("environment", {"ACIML_PRIMARY_KEY": "first-key"}, ["no key here"]),
    ("headers", {"ACIML_PRIMARY_KEY": "first-key"}, ["X-Mine"]),
    ("headers", {}, ["X-Mine", "Authorization"]),
    ("modules", {}, ["score"]),
]


@pytest.mark.parametrize(("what", "environ", "expected"), SEEN)
def test_what_a_script_sees(start: Serve, what: str, environ: dict[str, str], expected: list[str]) -> None:
    server = start(INSIDE, **environ)

    assert json.loads(server.ask("POST", "/score", what.encode(), KEY).body) == expected


def test_the_server_is_last_on_the_path(start: Serve) -> None:
    assert json.loads(start(INSIDE).ask("POST", "/score", b"path", KEY).body)[1:] == ["server", "shims"]


def test_a_schema_is_kept_when_ids_go_to_the_script(start: Serve) -> None:
    server = start(SCRIPTS["schema"], version="3.12", ACIML_LOG_FORMAT="json")

    assert server.ask("POST", "/score", b'{"a": 1}', {"Content-Type": "application/json"}).status == 200
