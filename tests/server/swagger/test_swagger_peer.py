"""Our documents beside those of v1's own server, for the same script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from aciml_server.swagger import VERSIONS, Service, document

from ..conftest import Serve, packages

PEER = ("azureml-inference-server-http==1.5.1",)
SCRIPT = "def init(): pass\ndef run(raw_data): return raw_data\n"
NAMES = {"SERVICE_NAME": "Prices", "SERVICE_VERSION": "2.5", "SERVICE_PATH_PREFIX": "a/b"}
ASK = """
import json, sys
from azureml_inference_server_http.server.create_app import create
client = create().test_client()
answers = [client.get("/swagger.json?version=" + version) for version in sys.argv[2:]]
with open(sys.argv[1], "w") as file:  # v1 makes log lines of what is printed
    json.dump([[answer.status_code, answer.get_json()] for answer in answers], file)
"""
ASKED = [*VERSIONS, "9"]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Ask v1's server, in a process of its own, for all its documents."""
    root = tmp_path_factory.mktemp("peer")
    (root / "score.py").write_text(SCRIPT, encoding="utf-8")
    app = {"AML_APP_ROOT": str(root), "AZUREML_ENTRY_SCRIPT": "score.py", "HOME": str(root), **NAMES}
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(packages(sys.executable, PEER)), **app}
    done = subprocess.run(
        [sys.executable, "-c", ASK, root / "answers.json", *ASKED],
        env=env,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(ASKED, json.loads((root / "answers.json").read_text()), strict=True))


@pytest.fixture(scope="module")
def ours(start: Serve) -> dict[str, Any]:
    server = start(SCRIPT, **NAMES)
    replies = {version: server.ask("GET", f"/swagger.json?version={version}") for version in ASKED}
    return {version: [reply.status, json.loads(reply.body)] for version, reply in replies.items()}


def without(value: Any, *names: str) -> Any:
    """Leave out what differs on purpose, wherever it is."""
    if isinstance(value, list):
        return [without(inner, *names) for inner in value]
    if not isinstance(value, dict):
        return value
    return {name: without(inner, *names) for name, inner in value.items() if name not in names}


@pytest.mark.parametrize("version", ASKED)
def test_the_same_versions_are_there(theirs: dict[str, Any], ours: dict[str, Any], version: str) -> None:
    assert ours[version][0] == theirs[version][0]


@pytest.mark.parametrize("version", ["2", "2.0"])
def test_swagger_2_says_the_same(theirs: dict[str, Any], ours: dict[str, Any], version: str) -> None:
    """On purpose: plain HTTP is said where it is spoken, 3.1 is a version to ask for, and documents are no strings."""
    mine, yours = ours[version][1], theirs[version][1]
    for one in (mine, yours):
        del one["paths"]["/a/b/swagger.json"]["get"]["parameters"]
        del one["paths"]["/a/b/swagger.json"]["get"]["responses"]["200"]["schema"]

    assert without(mine, "schemes", "examples") == without(yours, "schemes", "examples")


@pytest.mark.parametrize("version", ["3", "3.0", "3.1"])
def test_openapi_says_the_same(theirs: dict[str, Any], ours: dict[str, Any], version: str) -> None:
    """On purpose: the key is a bearer token, health needs none, and contents are of the type that is sent."""
    mine, yours = ours[version][1], theirs[version][1]
    for one in (mine, yours):
        one.pop("security", None)
        del one["components"]["securitySchemes"]
        del one["paths"]["/a/b/swagger.json"]
        del one["paths"]["/a/b/"]["get"]["responses"]["200"]["content"]

    assert mine == yours


def test_a_decorated_script_is_described_by_the_same_schemas() -> None:
    """The words of inference-schema are taken as they are; v1 puts them into its frame without a look, too."""
    shown = {"type": "array", "items": {"type": "integer"}, "example": [1]}
    known = {"input": {}, "output": {}, "v1_input": shown, "v1_output": shown, "v1_versions": ["2.0", "3.0", "3.1"]}
    made = document("2", Service("S", "1", "", https=False), [{"name": "", "schemas": known}])

    assert made["definitions"]["ServiceInput"] == made["definitions"]["ServiceOutput"] == shown
