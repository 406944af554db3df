"""Several scripts in one service, by path."""

from __future__ import annotations

import json

import pytest

from ..conftest import PYTHONS, Running, Serve

ADD = "import json\ndef run(raw_data): return sum(json.loads(raw_data))\n"
NAMED = "def run(raw_data): return {'name': %r, 'got': raw_data}\n"
MODELS = {"upper": "src/upper.py", "a b/ä": "src/deep/other.py"}
FILES = {
    "src/upper.py": "def run(raw_data): return raw_data.upper()\n",
    "src/deep/other.py": NAMED % "other",
}


@pytest.fixture(scope="module", params=PYTHONS)
def server(request: pytest.FixtureRequest, start: Serve) -> Running:
    return start(ADD, FILES, version=request.param, ACIML_MODELS=json.dumps(MODELS), ACIML_PRIMARY_KEY="key")


KEY = {"Authorization": "Bearer key"}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/score", 6),
        ("/score/upper", "[1, 2, 3]"),
        ("/score/a%20b/%C3%A4", {"name": "other", "got": "[1, 2, 3]"}),
        ("/score/a%20b%2F%c3%a4", {"name": "other", "got": "[1, 2, 3]"}),
        ("/%73core/upper", "[1, 2, 3]"),
    ],
)
def test_each_script_has_its_path(server: Running, path: str, answer: object) -> None:
    reply = server.ask("POST", path, b"[1, 2, 3]", KEY)

    assert (reply.status, json.loads(reply.body)) == (200, answer)


def test_a_query_reaches_its_script(server: Running) -> None:
    assert json.loads(server.ask("GET", "/score/upper?a=x", headers=KEY).body) == '{"A": "X"}'


def test_an_unknown_name_is_404_and_tells_the_names(server: Running) -> None:
    reply = server.ask("POST", "/score/nobody", b"1", KEY)

    assert reply.status == 404
    assert json.loads(reply.body)["message"] == "there is no model 'nobody' here; models: upper, a b/ä"
    assert len(reply.headers["x-request-id"]) == 36


def test_a_wrong_method_is_405_and_tells_the_right_ones(server: Running) -> None:
    reply = server.ask("PUT", "/score/upper", b"1", KEY)

    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST, OPTIONS")
    assert json.loads(reply.body)["message"] == "/score/upper is not for PUT"


def test_every_script_wants_a_key(server: Running) -> None:
    assert [server.ask("POST", path, b"1").status for path in ("/score", "/score/upper")] == [401, 401]


def test_the_document_has_all_of_them(server: Running) -> None:
    document = json.loads(server.ask("GET", "/swagger.json?version=3").body)
    posts = [item["post"] for path, item in document["paths"].items() if path.startswith("/score")]

    assert list(document["paths"]) == ["/", "/score", "/score/upper", "/score/a%20b/%C3%A4", "/swagger.json"]
    assert [post["operationId"] for post in posts] == ["RunMLService", "RunMLService_upper", "RunMLService_a_b__"]
    assert {"ServiceInput", "ServiceInput_upper", "ServiceOutput_a_b__"} <= set(document["components"]["schemas"])


@pytest.mark.parametrize("bad", ["raise ValueError('no weights')", "def init(): raise ValueError('no weights')"])
def test_a_script_that_cannot_start_says_which_it_is(start: Serve, bad: str) -> None:
    server = start(
        ADD, {"src/bad.py": bad + "\ndef run(raw_data): pass\n"}, listening=False, ACIML_MODELS='{"bad": "src/bad.py"}'
    )

    assert server.end() == 3
    assert any("bad" in line and "no weights" in line for line in server.log)


def test_a_name_without_a_script_ends_the_start(start: Serve) -> None:
    server = start(ADD, listening=False, ACIML_MODELS='{"gone": "src/gone.py"}')

    assert server.end() == 3
    assert any("gone.py" in line for line in server.log)


def test_paths_are_answered_with_the_prefix_and_without(start: Serve) -> None:
    server = start(ADD, FILES, ACIML_MODELS='{"upper": "src/upper.py"}', SERVICE_PATH_PREFIX="/team/x/")
    replies = [server.ask("POST", path, b"[1]").status for path in ("/score", "/team/x/score", "/team/x/score/upper")]
    document = json.loads(server.ask("GET", "/team/x/swagger.json").body)

    assert replies == [200, 200, 200]
    assert [server.ask("GET", path).status for path in ("/team/x/", "/team/x/ready", "/team/score")] == [200, 200, 404]
    assert "/team/x/score/upper" in document["paths"]
