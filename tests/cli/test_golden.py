"""``aciml golden``: answers are recorded and compared, with a real server whose model is a function of the test."""

# ruff: noqa: F811 - fixtures are imported, and named where they are used

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aciml.cli.sides import Words, _described, _is_image, image_spec, is_file
from aciml.cli.terminal import Terminal
from aciml.core.errors import UserError
from aciml.targets.protocol import GroupSpec
from tests.cli.test_looking import Run, Stack, key, run, stack  # noqa: F401 - fixtures
from tests.targets.specs import spec

REQUESTS = """requests:
  - name: one row
    json: {"data": [[1, 2]]}
    tolerances: [{path: $.took, ignore: true}]
  - name: two rows
    json: {"data": [[1, 2], [3, 4]]}
"""
CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}
DOCUMENT = {
    "paths": {
        "/score": {
            "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}}}
        }
    },
    "components": {
        "schemas": {
            "In": {
                "type": "object",
                "required": ["data"],
                "properties": {"data": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}},
                "example": {"data": [[5, 6]]},
            }
        }
    },
}


class Model:
    """A server; ``predict`` is what it answers to a body, ``key`` what it wants to be called with."""

    def __init__(self, predict: Callable[[Any], Any]) -> None:
        self.predict, self.key = predict, ""
        self.document: Any = DOCUMENT
        self.asked: list[Any] = []
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200, model.document)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                model.asked.append(body)
                if model.key and self.headers.get("Authorization") != f"Bearer {model.key}":
                    self.answer(401, {"message": "no"})
                else:
                    self.answer(200, model.predict(body))

            def answer(self, status: int, value: Any) -> None:
                text = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def sums(body: Any) -> Any:
    return {"predictions": [sum(row) / 3 for row in body["data"]]}


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model(sums)
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[Model]:
    made = Model(sums)
    yield made
    made.close()


@pytest.fixture
def requests(stack: Stack) -> Path:
    path = stack.folder / "requests.yaml"
    path.write_text(REQUESTS)
    return path


def test_what_is_recorded_is_the_same_afterwards(model: Model, requests: Path, run: Run) -> None:
    code, out, _ = run("golden", "record", model.url, "--requests", "requests.yaml", "-o", "golden.yaml")
    assert (code, out) == (0, f"{requests.parent}/golden.yaml: 2 requests with the answers of {model.url}\n")
    text = (requests.parent / "golden.yaml").read_text()
    assert '      json: {"predictions": [1.0]}\n' in text
    assert f'"from": "{model.url}"' in text

    code, out, _ = run("golden", "check", "golden.yaml", model.url)

    assert (code, out) == (0, f"{model.url}: 2 answers: as in golden.yaml\n")


def test_another_model_is_told_worst_first(model: Model, other: Model, requests: Path, run: Run) -> None:
    run("golden", "record", model.url, "--requests", "requests.yaml", "-o", "golden.yaml")
    other.predict = lambda body: {
        "predictions": [sum(row) / 3 * (1.25 if sum(row) > 4 else 1.125) for row in body["data"]]
    }

    code, out, _ = run("golden", "check", "golden.yaml", other.url)
    as_json = json.loads(run("golden", "check", "golden.yaml", other.url, "--json")[1])

    assert code == 1
    assert [re.sub(r"  +", "  ", line) for line in out.splitlines()] == [
        f"{other.url}: 2 of 2 answers differ from golden.yaml; worst first:",
        "  request  path  old  new  off by",
        "  two rows  $.predictions[1]  2.3333333333333335  2.916666666666667  25.00%",
        "  one row  $.predictions[0]  1.0  1.125  12.50%",
        "  two rows  $.predictions[0]  1.0  1.125  12.50%",
    ]
    assert (as_json["same"], as_json["differing"], as_json["total"]) == (False, 2, 3)
    assert as_json["differences"][0]["path"] == "$.predictions[1]"


def test_two_that_run_are_compared_without_a_file(model: Model, other: Model, run: Run) -> None:
    assert run("golden", "check", model.url, other.url)[0] == 0
    assert model.asked == [{"data": [[5, 6]]}]
    other.predict = lambda _: {"prediction": []}

    code, out, _ = run("golden", "check", f"{model.url}/score", other.url)

    assert code == 1
    assert "sample of /score  $.predictions  [3.6666666666666665]  missing" in out


def test_a_service_of_the_stack_is_asked_with_its_key(model: Model, stack: Stack, run: Run) -> None:
    model.key = key(stack)
    served_by(stack, model, "traffic", {"golden": "answers.yaml"})

    code, out, err = run("golden", "record", "diabetes")

    assert (code, err) == (0, "")
    written = (stack.folder / "answers.yaml").read_text()
    assert model.key not in written + out
    assert '"image": "127.0.0.1:1/' in written
    assert run("golden", "check", "answers.yaml", "diabetes")[0] == 0


def served_by(stack: Stack, model: Model, *said: Any) -> None:
    def edit(row: dict[str, Any]) -> None:
        if row["type"] == "aciml:compute:ContainerGroup":
            row["outputs"]["scoringUri"] = f"{model.url}/score"
            row["inputs"].pop("smokeTest")
            if said:
                row["inputs"][said[0]] = said[1]

    stack.change(edit)


def test_answers_that_change_by_themselves_are_told(model: Model, requests: Path, run: Run) -> None:
    count = iter(range(100))
    model.predict = lambda body: {**sums(body), "took": next(count), "id": next(count)}

    code, out, _ = run("golden", "record", model.url, "--requests", "requests.yaml", "-o", "golden.yaml")

    assert code == 0
    assert "not the same twice: give these a tolerance, or ignore them ({path: ..., ignore: true})" in out
    # of the first request `took` is ignored
    assert out.count("$.took") == 1
    assert out.count("$.id") == 2
    assert "not the same twice" not in run("golden", "record", model.url, "-o", "golden.yaml", "--once")[1]


def test_recording_again_keeps_names_and_tolerances(model: Model, requests: Path, run: Run) -> None:
    run("golden", "record", model.url, "--requests", "requests.yaml", "-o", "golden.jsonl")
    before = (requests.parent / "golden.jsonl").read_text()
    model.predict = lambda _: [0]

    run("golden", "record", model.url, "-o", "golden.jsonl")

    after = [json.loads(line) for line in (requests.parent / "golden.jsonl").read_text().splitlines()]
    assert [{**row, "expect": None} for row in after[1:]] == [
        {**json.loads(line), "expect": None} for line in before.splitlines()[1:]
    ]
    assert after[1]["expect"]["json"] == [0]
    assert after[1]["tolerances"] == [{"path": "$.took", "ignore": True}]


def test_requests_that_do_not_fit_are_told_before_they_are_sent(model: Model, requests: Path, run: Run) -> None:
    requests.write_text('requests:\n- {name: a, json: {"data": ["x"]}}\n- {name: b, path: /scores, json: {}}\n')
    model.predict = lambda _: 1

    _, _, err = run("golden", "record", model.url, "--requests", "requests.yaml", "-o", "golden.yaml")

    assert f'warning: {requests}:2: "a" does not fit {model.url}: $.data[0] is string and should be array\n' in err
    assert (
        f'warning: {requests}:3: "b" does not fit {model.url}: the service has no /scores; did you mean /score?' in err
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["record", "golden.yaml"], 2, "files answer nothing"),
        (["check", "a", "b", "c"], 2, "two sides are compared"),
        (["check", "URL", "golden.yaml"], 2, "name the file first"),
        (["check", "none.yaml"], 1, "none.yaml cannot be read: No such file or directory"),
        (["check", "requests.yaml", "URL"], 1, "requests.yaml has no answers"),
        (["record", "http://a:b@c"], 1, "would be seen by every user"),
        (["record", "ftp://a"], 1, "is no URL of a service"),
        (["record", "URL", "--key-variable", "NOBODY_SET_IT"], 1, "the variable NOBODY_SET_IT is empty"),
        (["record", "iris@r1"], 1, "iris has no revisions: it runs as one container"),
        (["record", "nobody"], 1, 'stack local has no service "nobody"'),
        (["record", "http://127.0.0.1:1", "--requests", "requests.yaml"], 1, "no answer to"),
        (["check"], 1, "has 2 services"),
    ],
)
def test_what_cannot_be_is_told(
    model: Model,
    requests: Path,
    run: Run,
    words: list[str],
    code: int,
    said: str,
) -> None:
    ended, out, err = run("golden", *(model.url if word == "URL" else word for word in words))

    assert (ended, said in out + err) == (code, True), out + err
    assert not (requests.parent / "golden.yaml").exists()


def test_a_key_that_is_wrong_and_one_in_an_answer_record_nothing(
    model: Model,
    requests: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model.key = "open-sesame"
    words = ("golden", "record", model.url, "--requests", "requests.yaml", "-o", "golden.yaml")
    assert "(401); name the variable that has its key by --key-variable" in run(*words)[2]

    monkeypatch.setenv("THE_KEY", "open-sesame")
    assert run(*words, "--key-variable", "THE_KEY")[0] == 0
    (requests.parent / "golden.yaml").unlink()
    model.predict = lambda _: {"headers": "Bearer open-sesame"}

    code, out, err = run(*words, "--key-variable", "THE_KEY")

    assert (code, "has the service's key in it" in err) == (1, True)
    assert "open-sesame" not in out + err
    assert not (requests.parent / "golden.yaml").exists()


@pytest.mark.parametrize(
    ("word", "is_one"),
    [
        ("host:5000/a/b@sha256:" + "0" * 64, True),
        ("python:3.11", True),
        ("host/repository", True),
        ("diabetes", False),
        ("diabetes@r12345", False),
        ("diabetes@scoring--r12345", False),
        ("@candidate", False),
    ],
)
def test_an_image_is_told_from_a_service(word: str, is_one: bool) -> None:  # noqa: FBT001
    assert _is_image(word) is is_one
    assert not is_file(word)


def test_an_image_needs_no_stack_unless_one_is_named(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # two services: nobody says whose variables it shall have
    assert _described(Words(None, None), Terminal()) is None
    assert "without the variables of a service: stack local has 2 services" in capsys.readouterr().err
    with pytest.raises(UserError, match="2 services"):
        _described(Words("local", None), Terminal())
    monkeypatch.chdir("/")
    assert _described(Words(None, None), Terminal()) is None


def test_an_image_runs_with_the_variables_of_the_service_and_without_its_keys() -> None:
    like: GroupSpec = spec(
        "scoring", "host/a@sha256:1", environmentVariables={"A": "1"}, secureEnvironmentVariables={"B": "2"},
        authEnabled=True, primaryKey="k" * 32, port=5001, cpuCores=2, scoringTimeoutMs=5, traffic={"golden": "g.yaml"},
    )  # fmt: skip

    made = image_spec("host/b@sha256:2", like)

    assert made.image == "host/b@sha256:2"
    assert made.declared.environment() | made.declared.secure_environment() == {
        "A": "1", "B": "2", "SCORING_TIMEOUT_MS": "5",
    }  # fmt: skip
    assert (made.port, made.cpu, made.declared.runs.traffic) == (0, 2, None)
