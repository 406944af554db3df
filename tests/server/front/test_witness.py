"""What two revisions' servers tell of one another's answers: asked by the very client that an update asks them with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.golden.live import Live, paired
from aciml.core.golden.request import Came
from aciml.model.keys import Keys
from aciml.targets.witness import Witness, p99_of, token_of
from aciml_server.front.copies import Copies, Sent, Wish, host_of
from aciml_server.front.request import Request
from aciml_server.front.witness import Witness as Server
from aciml_server.front.witness import token_of as token_at_server

from ..conftest import Running, Serve

KEYS = Keys(auth_enabled=True, primary_key="one-key", secondary_key="another-key")
VARIABLES = {"ACIML_PRIMARY_KEY": "one-key", "ACIML_SECONDARY_KEY": "another-key"}
CLIENT = {"Authorization": "Bearer one-key", "Content-Type": "application/json"}
SCRIPT = """
import json

def run(raw_data):
    number = json.loads(raw_data)["n"]
    if number == 13:
        raise ValueError
    return {"price": number * FACTOR, "label": "b"}
"""
OLD, NEW = SCRIPT.replace("FACTOR", "2.0"), SCRIPT.replace("FACTOR", "(2.5 if number == 4 else 2.0)")


def address(server: Running) -> str:
    return f"http://127.0.0.1:{server.port}"


def score(server: Running, number: int, id_: str) -> None:
    server.ask("POST", "/score", json.dumps({"n": number}).encode(), {**CLIENT, "x-request-id": id_})


def test_answers_of_two_revisions_are_compared_by_the_ids_that_a_mirror_gives(start: Serve) -> None:
    old, new = start(OLD, **VARIABLES), start(NEW, **VARIABLES)
    witness = Witness((token_of(KEYS),))
    score(old, 1, "before-anybody-asked")
    for one in (old, new):
        witness.keep(address(one))
        assert witness.ask(address(one), 1)
    first = witness.seen(address(old), 1, 7.0)
    for number in (1, 4, 13):
        for one in (old, new):
            score(one, number, f"id-{number}")
    score(old, 2, "not-mirrored")
    for one in (old, new):
        assert witness.ask(address(one), 1)

    compared = witness.compare(address(old), address(new))
    assert compared is not None
    live = Live()
    live.add(compared)
    assert (live.requests, live.differing) == (3, 1)
    [worst] = live.worst
    assert (worst.request, worst.path, worst.old, worst.new) == ("/score id-4", "$.price", "8.0", "10.0")
    assert "1 of 3 live answers differ (33.3%) from s--old; worst first:" in live.table("s--old")
    # what was told is not told again
    assert witness.compare(address(old), address(new)) == type(compared)()
    seen = witness.seen(address(old), 1, 7.0)
    assert first is not None
    assert first.requests == 0
    assert seen is not None
    assert (seen.requests, seen.errors) == (4, 1)
    assert seen.p99_ms is not None
    for one in (old, new):
        witness.let_go(address(one), 1)
    score(old, 4, "later")
    assert witness.ask(address(old), 1)
    assert witness.compare(address(old), address(new)) is None


@pytest.mark.parametrize(
    ("variables", "tokens", "why"),
    [
        (VARIABLES, (token_of(KEYS.but(secondary_key="x")),), "its servers have other keys"),
        # who has one key is a client, and shall not see what others were answered
        ({"ACIML_PRIMARY_KEY": "one-key"}, (token_of(KEYS),), "its servers have other keys"),
        ({}, (token_of(KEYS),), "its servers have other keys"),
        ({}, (), "without two keys its servers cannot know who asks"),
    ],
)
def test_nobody_else_is_told_anything(
    start: Serve, variables: dict[str, str], tokens: tuple[str, ...], why: str
) -> None:
    server = start(OLD, **variables)
    witness = Witness(tokens)

    assert not witness.ask(address(server), 1)
    assert witness.why == why
    for headers in (CLIENT, {"Authorization": "Witness one-key"}, {"Authorization": "Witness "}, {}):
        assert server.ask("POST", "/aciml/witness", b"{}", headers).status == 401


def test_a_question_that_is_none_is_refused(start: Serve) -> None:
    server = start(OLD, **VARIABLES)
    headers = {"Authorization": f"Witness {token_of(KEYS)}"}

    for body in (b"[]", b"{", b'{"seconds": "x"}', b'{"seconds": 9, "copies": {"to": "s--new", "percent": 10}}'):
        reply = server.ask("POST", "/aciml/witness", body, headers)
        assert (reply.status, b"this is no such question" in reply.body) == (400, True)
    assert server.ask("GET", "/aciml/witness", None, headers).status == 405
    # it is no client's business
    assert b"witness" not in server.ask("GET", "/nowhere", None).body


def test_a_revision_of_before_a_change_of_keys_is_asked_by_those(start: Serve) -> None:
    server = start(OLD, **VARIABLES)
    changed = token_of(KEYS.but(primary_key="new"))

    assert Witness((changed, token_of(KEYS))).ask(address(server), 1)


def test_both_sides_make_one_token() -> None:
    there = token_at_server((b"one-key", b"another-key"))
    assert token_of(KEYS) == there == token_at_server((b"another-key", b"one-key"))
    assert token_of(KEYS.but(secondary_key="one-key")) == ""
    assert token_of(Keys()) == ""


# copies


class Other(BaseHTTPRequestHandler):
    """The other revision: it waits for ``server.gate`` before it answers."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append((dict(self.headers), body))  # type: ignore[attr-defined]
        self.server.gate.wait(20)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep the terminal quiet."""


class OtherServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Other)
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.gate = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def other() -> Iterator[OtherServer]:
    server = OtherServer()
    yield server
    server.gate.set()
    server.shutdown()
    server.server_close()


def request(body: bytes, number: int = 0) -> Request:
    found = Request(0.0)
    found.method, found.path, found.target = "POST", "/score", b"/score?a=1"
    found.body, found.id = [body], b"id-%d" % number
    found.headers = {b"authorization": b"Bearer client", b"content-type": b"application/json", b"host": b"old"}
    return found


def gathered(copies: Copies, count: int) -> tuple[int, int, int, list[str]]:
    same = failed = dropped = 0
    names: list[str] = []
    done = threading.Event()
    for _ in range(4000):
        found = copies.took()
        same, failed, dropped = same + found[0], failed + found[1], dropped + found[2]
        names += [pair.id for pair in found[4]]
        if same + failed + dropped + len(names) >= count:
            break
        done.wait(0.005)
    return same, failed, dropped, names


def test_copies_are_sent_with_the_key_of_the_other_revision(other: OtherServer) -> None:
    copies = Copies(Wish(f"127.0.0.1:{other.server_port}", 100, "its-key"), secure=False)
    other.gate.set()

    copies.take(request(b"[1]", 1), Sent(200, b"[1]"))
    copies.take(request(b"[2]", 2), Sent(200, b"[0]"))
    assert gathered(copies, 2) == (1, 0, 0, ["id-2"])
    copies.end()
    headers = {name.lower(): text for name, text in other.came[0][0].items()}
    assert headers["authorization"] == "Bearer its-key"
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"] in {"id-1", "id-2"}
    assert headers["host"] != "old"


def test_what_the_other_revision_is_too_slow_for_is_dropped_and_counted(other: OtherServer) -> None:
    copies = Copies(Wish(f"127.0.0.1:{other.server_port}", 100, ""), secure=False)
    # four are on their way, and sixty-four wait; taking one never waits, or this test would not end
    for number in range(200):
        copies.take(request(b"[1]", number), Sent(200, b"[1]"))
    other.gate.set()

    same, failed, dropped, names = gathered(copies, 200)
    copies.end()
    assert (failed, names) == (0, [])
    assert same + dropped == 200
    assert dropped >= 200 - 64 - 4 - len(other.came)


def test_a_revision_that_is_not_there_harms_nobody() -> None:
    copies = Copies(Wish("127.0.0.1:1", 100, ""), secure=False)
    copies.take(request(b"[1]"), Sent(200, b"[1]"))

    assert gathered(copies, 1) == (0, 1, 0, [])
    copies.end()


def test_no_percent_sends_nothing(other: OtherServer) -> None:
    copies = Copies(Wish(f"127.0.0.1:{other.server_port}", 0, ""), secure=False)
    for number in range(50):
        copies.take(request(b"[1]", number), Sent(200, b"[1]"))

    assert copies.took()[:3] == (0, 0, 0)
    assert other.came == []


APP = {
    "CONTAINER_APP_NAME": "iris",
    "CONTAINER_APP_REVISION": "iris--rold",
    "CONTAINER_APP_HOSTNAME": "iris--rold.internal.happy-1.westeurope.azurecontainerapps.io",
}


def test_the_host_of_a_revision_is_that_of_this_one_with_another_name() -> None:
    assert host_of("iris--rnew", APP) == "iris--rnew.internal.happy-1.westeurope.azurecontainerapps.io"


@given(st.text() | st.from_regex(r"(iris--)?[a-z0-9./:@#-]*", fullmatch=True))
def test_no_word_of_the_asker_leads_out_of_the_app(word: str) -> None:
    try:
        host = host_of(word, APP)
    except ValueError:
        return
    name, dot, rest = host.partition(".")
    assert name == word
    assert name.startswith("iris--")
    assert (dot + rest) == ".internal.happy-1.westeurope.azurecontainerapps.io"
    assert not set(name) & set("./:@#?\\ \r\n")


@pytest.mark.parametrize("missing", APP)
def test_elsewhere_there_is_no_other_revision(missing: str) -> None:
    with pytest.raises(ValueError, match="no part of a container app"):
        host_of("iris--rnew", {name: text for name, text in APP.items() if name != missing})


# values


@given(st.dictionaries(st.floats(0.001, 1e6), st.integers(0, 500)))
def test_99_of_100_took_no_longer_than_the_percentile(times: dict[float, int]) -> None:
    found, total = p99_of(times), sum(times.values())

    if found is None:
        assert total == 0
        return
    assert sum(count for bound, count in times.items() if round(bound, 2) <= found) >= 0.99 * total


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2))), st.lists(st.sampled_from("abcdef")))
def test_only_what_is_certainly_one_request_is_paired(ours: list[tuple[str, int]], theirs: list[str]) -> None:
    old = [(id_, "/score", Came(200, str(number).encode())) for id_, number in ours]
    new = [(id_, "/score", Came(200, b"0")) for id_ in theirs]

    ids = [id_ for id_, _ in ours]
    once = {id_ for id_ in ids if ids.count(id_) == 1 and theirs.count(id_) == 1}
    assert {pair.id for pair in paired(old, new)} == once


def test_what_is_kept_is_bounded_and_counted() -> None:
    server = Server()
    server._go_on(60, True)  # as a question does
    for number in range(2100):
        one = request(b"", number)
        one.status, one.reply, one.started, one.ended = 200, b"x" * (300_000 if number == 0 else 4000), 0.0, 0.01
        server.take(one)

    told = server._told()
    size = sum(len(one["old"]["body"]) for one in told["answers"])
    assert size * 3 / 4 <= 4 << 20
    assert len(told["answers"]) + told["lost"] == told["requests"] == 2100
    assert told["lost"] > 1000
    # there is room again
    server.take(one)
    assert len(server._told()["answers"]) == 1
