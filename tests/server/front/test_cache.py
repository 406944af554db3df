"""Answers that are kept: off unless asked for, and only for what depends on the body alone."""

from __future__ import annotations

import json

import pytest

from ..conftest import PYTHONS, Running, Serve

COUNT = """
calls = 0

def run(raw_data):
    global calls
    calls += 1
    if raw_data == "fail":
        raise ValueError
    if raw_data == "stream":
        return (piece for piece in ("a", "b"))
    return [calls, raw_data if len(raw_data) < 100 else len(raw_data)]
"""


@pytest.fixture(scope="module", params=PYTHONS)
def server(request: pytest.FixtureRequest, start: Serve) -> Running:
    return start(
        COUNT,
        {"src/two.py": COUNT},
        version=request.param,
        ACIML_CACHE_BYTES="100000",
        ACIML_MODELS='{"two": "src/two.py"}',
        ACIML_PRIMARY_KEY="one",
        ACIML_SECONDARY_KEY="two",
    )


def ask(server: Running, body: bytes, path: str = "/score", **headers: str) -> tuple[int, object, bool]:
    given = {"Authorization": "Bearer one", **{name.replace("_", "-"): value for name, value in headers.items()}}
    reply = server.ask("POST", path, body, given)
    return reply.status, json.loads(reply.body), reply.headers.get("x-aciml-cache") == "hit"


def test_an_answer_is_kept(server: Running) -> None:
    first, second = ask(server, b"kept"), ask(server, b"kept")

    assert first[2] is False
    assert second == (200, first[1], True)


def test_every_key_sees_what_is_kept_and_others_do_not(server: Running) -> None:
    first = ask(server, b"shared")

    assert ask(server, b"shared", Authorization="Bearer two") == (200, first[1], True)
    assert ask(server, b"shared", Authorization="Bearer three")[0] == 401


def test_what_differs_is_not_mixed_up(server: Running) -> None:
    ask(server, b"differs")

    assert not ask(server, b"differs?")[2]
    assert not ask(server, b"differs", "/score?a=1")[2]
    assert not ask(server, b"differs", "/score/two")[2]
    assert not ask(server, b"differs", Content_Type="text/plain")[2]
    assert not ask(server, b"differs", Accept="text/csv")[2]


def test_the_ids_are_those_of_the_request(server: Running) -> None:
    replies = [server.ask("POST", "/score", b"ids", {"Authorization": "Bearer one"}) for _ in range(2)]

    assert replies[1].headers["x-aciml-cache"] == "hit"
    assert replies[0].headers["x-request-id"] != replies[1].headers["x-request-id"]


def test_failures_are_not_kept(server: Running) -> None:
    assert [ask(server, b"fail")[::2] for _ in range(2)] == [(500, False), (500, False)]


def test_what_was_used_last_stays(server: Running) -> None:
    large = [b"%d" % number * 3000 for number in range(1, 9)]  # eight bodies whose answers are small
    for body in large:
        ask(server, body)

    assert all(ask(server, body)[2] for body in large)


def test_nothing_is_kept_unless_asked_for(start: Serve) -> None:
    server = start(COUNT)

    assert [ask(server, b"x") for _ in range(2)] == [(200, [1, "x"], False), (200, [2, "x"], False)]


def test_the_room_is_obeyed(start: Serve) -> None:
    server = start("def run(raw_data): return raw_data * 100\n", ACIML_CACHE_BYTES="10000")
    for number in range(20):
        ask(server, b"%010d" % number)

    assert ask(server, b"%010d" % 19)[2]
    assert not ask(server, b"%010d" % 0)[2]
    assert not any(ask(server, b"x" * 100)[2] for _ in range(2))  # larger than a fourth of the room


def test_a_script_that_sees_headers_is_not_kept(start: Serve) -> None:
    server = start(
        "def run(raw_data, request_headers): return request_headers.get('x-who')\n", ACIML_CACHE_BYTES="10000"
    )

    assert [ask(server, b"x", X_Who=name)[1] for name in ("a", "b")] == ["a", "b"]
