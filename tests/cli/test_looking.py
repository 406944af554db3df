"""Commands that look at what runs, by recorded states: what is asked stands in for Docker or the cloud, in memory."""

from __future__ import annotations

import http.server
import io
import json
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aciml.cli import main
from aciml.cli.deployed import Deployed
from aciml.cli.logs import _moment
from aciml.cli.updates import Update, update_at
from aciml.core.progress import Silent
from aciml.resources.group_spec import spec_of
from aciml.settings import Settings
from aciml.targets.choice import choose_targets
from aciml.targets.protocol import GroupFailed

STATES = Path(__file__).parent / "states"
HISTORY = [
    {
        "version": 4,
        "kind": "refresh",
        "startTime": "2026-11-27T20:25:00.000Z",
        "endTime": "2026-11-27T20:25:09.000Z",
        "result": "succeeded",
        "environment": {},
    },
    {
        "version": 3,
        "kind": "update",
        "startTime": "2026-11-27T20:23:59.000Z",
        "endTime": "2026-11-27T20:24:14.000Z",
        "result": "succeeded",
        "message": "a better model",
        "environment": {
            "git.author": "Ada",
            "git.head": "3f2a91c07b1e4455667788990011223344556677",
            "git.dirty": "true",
        },
    },
]
PULUMI = """#!{python}
import sys
words = sys.argv
if "history" in words:
    print(open({history!r}).read())
elif "export" in words:
    print(open({shown!r} if "--show-secrets" in words else {plain!r}).read())
else:
    sys.exit("error: not here")
"""
Run = Callable[..., tuple[int, str, str]]


class Stack:
    """A project whose state is a recorded one, changed; its services run in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.targets = choose_targets({"target": "memory"}, Settings(folder / "cache"))
        self.change(lambda row: row)

    def change(self, edit: Callable[[dict[str, Any]], Any]) -> None:
        """Edit the rows of both exports."""
        for name, source in (("plain", "two_services"), ("shown", "two_services_with_secrets")):
            state = json.loads((STATES / f"{source}.json").read_text())
            for row in state["deployment"]["resources"]:
                if row["type"] == "pulumi:providers:aciml":
                    row["inputs"] = {"target": "memory"}
                if row["type"] == "aciml:compute:ContainerGroup":
                    del row["outputs"]["owner"]
                    row["outputs"]["scoringUri"] = "http://127.0.0.1:1/score"
                    # nobody answers there, and no registry does
                    for side in ("inputs", "outputs"):
                        row[side]["image"] = row[side]["image"].replace("127.0.0.1:45267", "127.0.0.1:1")
                edit(row)
            (self.folder / f"{name}.json").write_text(json.dumps(state))

    def bring(self, name: str, image: str = "") -> None:
        """Make a service in memory, as an update would have."""
        service = Deployed.of_export((self.folder / "plain.json").read_text()).service(name)
        spec = spec_of(service.group.inputs, {}, keep_port=1, owner=service.group.urn)
        # the state knows it by its urn, as that of an older version does
        self.targets.service.create(spec.but(image=image or spec.image, smoke_test=None), Silent())


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    (tmp_path / "Pulumi.yaml").write_text("name: yamlscoring\nruntime: yaml\n")
    (tmp_path / "history.json").write_text(json.dumps(HISTORY))
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    paths = {name: str(tmp_path / f"{name}.json") for name in ("history", "plain", "shown")}
    program.write_text(PULUMI.format(python=sys.executable, **paths))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("ACIML_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return Stack(tmp_path)


@pytest.fixture
def run(stack: Stack, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def run_it(*words: str) -> tuple[int, str, str]:
        code = main(words)
        sys.stdout.flush()
        said = capfdbinary.readouterr()
        return code, said.out.decode(), said.err.decode()

    return run_it


def test_a_service_that_runs_and_does_not_answer_is_not_well(stack: Stack, run: Run) -> None:
    stack.bring("iris")

    code, out, _ = run("status", "iris", "--json")

    (one,) = json.loads(out)["services"]
    assert code == 1
    assert (one["state"], one["serves"], one["well"]) == ("Running", False, False)
    assert one["status"].startswith("runs and does not answer: / says no answer")


def test_a_service_that_ended_says_why_with_its_last_words(stack: Stack, run: Run) -> None:
    with pytest.raises(GroupFailed):
        stack.bring("iris", "127.0.0.1:1/probe:exits@sha256:" + "1" * 64)

    code, out, _ = run("status", "iris")

    assert code == 1
    assert out.startswith("iris does not run: its container is Terminated, exit code 3\n")
    assert "why         init() raised ModuleNotFoundError: joblib; add it to conda.yml" in out
    assert "    ModuleNotFoundError: No module named 'joblib'" in out
    assert run("logs", "iris", "--tail", "1")[1] == "ModuleNotFoundError: No module named 'joblib'\n"
    assert "die exit code 3" in run("events", "iris")[1]


def test_what_is_gone_is_said_by_all(stack: Stack, run: Run) -> None:
    code, out, _ = run("status", "--json")

    assert code == 1
    assert [one["state"] for one in json.loads(out)["services"]] == ["Gone", "Gone"]
    for word in ("logs", "events"):
        code, _, err = run(word, "iris")
        assert (code, "iris is gone" in err) == (1, True)


def test_who_brought_it_is_found_in_the_history(stack: Stack, run: Run) -> None:
    stack.bring("iris")

    _, out, _ = run("status", "iris", "--json")
    _, told, _ = run("status", "iris")

    update = json.loads(out)["services"][0]["update"]
    assert (update["version"], update["who"], update["commit"]) == (3, "Ada", "3f2a91c07b1e-dirty")
    assert "2026-11-27 20:23:59 UTC by Ada, commit 3f2a91c07b1e-dirty (update 3 of the stack)" in told


def test_a_refresh_brings_nothing_up() -> None:
    updates = [Update.of_row(row) for row in HISTORY]

    assert update_at(updates, "2026-11-27T20:25:03.5Z") is None
    assert update_at(updates, "") is None
    found = update_at(updates, "2026-11-27T20:24:14.382Z")
    assert found is not None
    assert found.version == 3


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("90s", "2026-11-27T11:58:30.000000Z"),
        ("1.5h", "2026-11-27T10:30:00.000000Z"),
        ("2d", "2026-11-25T12:00:00.000000Z"),
        ("2026-11-27T10:00:00", "2026-11-27T10:00:00.000000Z"),
        ("2026-11-27T10:00:00+02:00", "2026-11-27T08:00:00.000000Z"),
    ],
)
def test_since_is_a_span_or_a_time(text: str, wanted: str) -> None:
    import datetime as dt

    assert _moment(text, dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)) == wanted


def test_options_that_exclude_one_another_are_used_wrongly(stack: Stack, run: Run) -> None:
    for words in (
        ["logs", "iris", "--follow", "--previous"],
        ["rollback", "iris", "--list", "--to", "abc"],
        ["keys", "rotate", "diabetes"],
        ["logs", "iris", "--tail", "0"],
    ):
        code, out, _ = run(*words)
        assert (code, out) == (2, "")


class Service(http.server.BaseHTTPRequestHandler):
    """Answers what it was asked, and keeps it."""

    seen: list[dict[str, Any]]
    document: dict[str, Any]

    def do_GET(self) -> None:
        self._answer(200, json.dumps(self.document).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): text for name, text in self.headers.items()}
        self.seen.append({"path": self.path, "body": body, **headers})
        if self.path == "/score/bytes":
            self._answer(200, b"\x00\xff\x01")
        elif self.path == "/score/echo":
            self._answer(500, headers.get("authorization", "").encode())
        else:
            self._answer(200, b"[1]")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service(stack: Stack) -> Iterator[type[Service]]:
    handler = type("Handler", (Service,), {"seen": [], "document": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def edit(row: dict[str, Any]) -> None:
        if row["type"] == "aciml:compute:ContainerGroup":
            row["outputs"]["scoringUri"] = f"http://127.0.0.1:{server.server_address[1]}/score"
            row["inputs"].pop("smokeTest")

    stack.change(edit)
    yield handler
    server.shutdown()
    server.server_close()


def key(stack: Stack) -> str:
    return Deployed.of_export((stack.folder / "shown.json").read_text()).service("diabetes").group.text("primaryKey")


def test_bytes_go_and_come_as_they_are(
    stack: Stack, service: type[Service], run: Run, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (stack.folder / "picture").write_bytes(b"\x89PNG\xff")

    assert main(["invoke", "iris", "--data", "@picture", "--path", "score/bytes"]) == 0

    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"\x00\xff\x01"
    assert service.seen[0]["body"] == b"\x89PNG\xff"
    assert service.seen[0]["content-type"] == "application/octet-stream"
    assert "authorization" not in service.seen[0]


def test_a_service_that_repeats_the_key_does_not_bring_it_to_the_terminal(
    stack: Stack, service: type[Service], run: Run
) -> None:
    secret = key(stack)

    code, out, err = run("invoke", "diabetes", "--data", "{}", "--path", "/score/echo")
    _, told, _ = run("invoke", "diabetes", "--data", "{}", "--path", "/score/echo", "--json")

    assert (code, out) == (1, "Bearer [secret]")
    assert service.seen[0]["authorization"] == f"Bearer {secret}"
    assert secret not in out + err + told


def test_the_sample_is_that_of_the_services_document(service: type[Service], run: Run) -> None:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}
    service.document = {
        "paths": {"/score": {"post": {"requestBody": {"content": content}}}},
        "components": {"schemas": {"In": {"example": {"data": [1]}}}},
    }

    code, out, _ = run("invoke", "iris")

    assert (code, out) == (0, "[1]")
    assert json.loads(service.seen[0]["body"]) == {"data": [1]}


def test_a_script_without_a_sample_has_to_be_given_a_body(service: type[Service], run: Run) -> None:
    content: dict[str, Any] = {"application/json": {"example": {}}}
    documents: list[dict[str, Any]] = [{}, {"paths": {"/score": {"post": {"requestBody": {"content": content}}}}}]
    for document in documents:
        service.document = document
        code, _, err = run("invoke", "iris")
        assert (code, "give a body: --data" in err) == (1, True)
    assert service.seen == []


def test_the_sample_of_the_project_is_sent_where_the_script_declares_none(
    stack: Stack, service: type[Service], run: Run
) -> None:
    (stack.folder / "sample.json").write_text('{"data": [2]}')

    code, _, err = run("invoke", "iris")
    elsewhere = run("invoke", "iris", "--path", "/score/other")[0]

    assert (code, elsewhere) == (0, 1)
    assert [json.loads(one["body"]) for one in service.seen] == [{"data": [2]}]
    assert "with sample.json: 200" in err


def test_nobody_there_is_one_sentence(stack: Stack, run: Run) -> None:
    code, out, err = run("invoke", "iris", "--data", "1", "--json")

    assert code == 1
    assert "no answer: refused" in json.loads(out)["error"]["message"]
    assert err.count("\n") == 1


def test_keys_are_shown_where_they_were_asked_for(stack: Stack, run: Run) -> None:
    secret = key(stack)

    piped = run("keys", "show", "diabetes")
    revealed = run("keys", "show", "diabetes", "--reveal")
    as_json = run("keys", "show", "diabetes", "--json")

    assert (piped[0], secret in "".join(piped[1:])) == (1, False)
    assert f"primary_key: {secret}\n" in revealed[1]
    assert json.loads(as_json[1])["primary_key"] == secret
    assert "asks for no keys" in run("keys", "show", "iris", "--reveal")[2]


def test_standard_input_is_a_body(service: type[Service], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[7]")))

    assert run("invoke", "iris", "--data", "-")[0] == 0
    assert service.seen[0]["body"] == b"[7]"
