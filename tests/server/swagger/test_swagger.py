"""``/swagger.json`` over the real process: versions, names, the user's own documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..conftest import PYTHONS, Running, Serve
from .validator import validate

SCRIPT = "def run(raw_data): return raw_data\n"
NAMES = {"SERVICE_NAME": "Prices", "SERVICE_VERSION": "2.5", "SERVICE_PATH_PREFIX": "team"}
EXACT = [("", "2.0"), ("2", "2.0"), ("2.0", "2.0"), ("3", "3.0.3"), ("3.0", "3.0.3"), ("3.1", "3.1.0")]


@pytest.fixture(scope="module", params=PYTHONS)
def server(request: pytest.FixtureRequest, start: Serve) -> Running:
    return start(SCRIPT, version=request.param, ACIML_PRIMARY_KEY="key", **NAMES)


def document(server: Running, version: str) -> Any:
    reply = server.ask("GET", "/swagger.json" + (f"?version={version}" if version else ""))
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    return json.loads(reply.body)


@pytest.mark.parametrize(("version", "exact"), EXACT)
def test_every_version_is_valid_and_needs_no_key(server: Running, version: str, exact: str) -> None:
    found = document(server, version)

    validate(found)
    assert found["swagger" if exact == "2.0" else "openapi"] == exact
    assert (found["info"]["title"], found["info"]["version"]) == ("Prices", "2.5")
    assert list(found["paths"]) == ["/team/", "/team/score", "/team/swagger.json"]
    assert found["paths"]["/team/score"]["post"]["security"] == [{"Bearer": []}]


@pytest.mark.parametrize("version", ["1", "2.1", "3.0.3", "3.2", "x", "%00", "2,3"])
def test_another_version_is_404(server: Running, version: str) -> None:
    reply = server.ask("GET", f"/swagger.json?version={version}")

    assert (reply.status, json.loads(reply.body)) == (404, {"message": "no such version; there are 2, 3 and 3.1"})


def test_the_names_of_v1_stay(server: Running) -> None:
    old, new = document(server, "2"), document(server, "3")
    key = {"type": "apiKey", "name": "Authorization", "in": "header", "description": "For example: Bearer abc123"}

    assert (
        set(old["definitions"])
        == set(new["components"]["schemas"])
        == {"ServiceInput", "ServiceOutput", "ErrorResponse"}
    )
    assert old["securityDefinitions"] == {"Bearer": key}
    assert [item[method]["operationId"] for item in old["paths"].values() for method in item] == [
        "ServiceHealthCheck",
        "RunMLService",
        "GetSwaggerSpec",
    ]


def test_documents_are_not_for_post(server: Running) -> None:
    reply = server.ask("POST", "/swagger.json", b"{}")

    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


def test_the_users_documents_take_their_places(start: Serve) -> None:
    files = {
        "swagger.json": '{"mine": "2, the old name"}',
        "swagger2.json": '{"mine": "2"}',
        "src/swagger3.json": '{"mine": "3, beside the script"}',
        "swagger3.1.json": '{"mine": "3.1"}',
    }
    server = start(SCRIPT, files)

    assert [document(server, version)["mine"] for version in ("2", "3", "3.1")] == [
        "2, the old name",
        "3, beside the script",
        "3.1",
    ]


def test_a_broken_document_is_told_and_not_used(start: Serve) -> None:
    server = start(SCRIPT, {"swagger.json": "{", "swagger3.json": b"\xff"})

    assert document(server, "2")["swagger"] == "2.0"
    assert document(server, "3")["openapi"] == "3.0.3"
    server.wait_for("swagger.json is not used")


def test_a_service_with_tls_says_https(start: Serve) -> None:
    assert document(start(SCRIPT), "2")["schemes"] == ["http", "https"]


TYPED = """
import dataclasses
from typing import Dict, List, Optional

@dataclasses.dataclass
class Patient:
    age: int
    weight: Optional[float] = None

def run(patients: List[Patient], scale: float = 1.0) -> Dict[str, List[float]]:
    return {"scores": [patient.age * scale for patient in patients]}
"""


@pytest.mark.parametrize("version", PYTHONS)
def test_annotations_become_schemas(start: Serve, version: str) -> None:
    server = start(TYPED, version=version)
    documents = [document(server, one) for one in ("2", "3", "3.1")]
    for one in documents:
        validate(one)
    schemas = documents[1]["components"]["schemas"]

    assert schemas["ServiceInput"]["required"] == ["patients"]
    assert schemas["ServiceInput"]["properties"]["scale"]["type"] == "number"
    assert schemas["ServiceOutput"]["additionalProperties"] == {"type": "array", "items": {"type": "number"}}
    assert json.loads(server.ask("POST", "/score", b'{"patients": [{"age": 4}], "scale": 2}', JSON).body) == {
        "scores": [8.0]
    }


JSON = {"Content-Type": "application/json"}
