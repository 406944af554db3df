"""What a client may do to a server: each is answered or sent away, and the next is served as if nothing had been."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import Running, Serve
from ..raw import ECHO, connect, memory, post, statuses, talk, until_closed

LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
GROWTH = 24 * 1024 * 1024  # bytes that a hostile client may cost for a while
CHUNKED = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def server(start: Serve) -> Running:
    running = start(
        ECHO,
        cold=True,
        ACIML_CLIENT_TIMEOUT="1",
        ACIML_MAX_BODY="1000000",
        ACIML_KEEP_ALIVE="5",
        ACIML_MAX_CONNECTIONS="300",
    )
    assert running.ask("POST", "/score", b"warm").status == 200
    return running


@pytest.fixture(autouse=True)
def served_afterwards(server: Running) -> Iterator[None]:
    before = memory(server)
    yield
    if server.process.poll() is not None:
        return
    assert server.ask("POST", "/score", b"abc").body == b"3"
    assert memory(server) - before < GROWTH


GARBLED = {
    "two lengths": (b"POST /score HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    "two equal lengths": (b"POST /score HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
    "a list of lengths": (b"POST /score HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nhello", 400),
    "a negative length": (b"POST /score HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    "a length with a plus": (b"POST /score HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
    "a length of 2**64": (b"POST /score HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n", 400),
    "a length of 2**64 - 1": (b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n", 413),
    "a length, then chunks": (b"POST /score HTTP/1.1\r\nContent-Length: 5\r\n" + CHUNKED[22:] + b"\r\n0\r\n\r\n", 400),
    "chunks, then a length": (CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n", 400),
    "chunks under another coding": (b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    "a coding that is none": (b"POST /score HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "a coding with a space": (b"POST /score HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "a chunk of size zz": (CHUNKED + b"\r\nzz\r\n", 400),
    "a chunk of negative size": (CHUNKED + b"\r\n-5\r\nhello\r\n", 400),
    "a chunk of 2**68": (CHUNKED + b"\r\nfffffffffffffffff\r\nhello\r\n", 400),
    "a chunk that is longer than it says": (CHUNKED + b"\r\n3\r\nhello\r\n0\r\n\r\n", 400),
    "chunks without carriage returns": (CHUNKED + b"\r\n5\nhello\n0\n\n", 400),
    "lines without carriage returns": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\nA: 1\r\n b\r\n\r\n", 400),
    "invalid UTF-8 in the target": (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", 400),
    "NUL in the target": (b"GET /\0 HTTP/1.1\r\n\r\n", 400),
    "NUL in a header": (b"GET / HTTP/1.1\r\nA: \0\r\n\r\n", 400),
    "NUL in a header's name": (b"GET / HTTP/1.1\r\nA\0: 1\r\n\r\n", 400),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a hello of TLS": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 64, 400),
    "a method that is none": (b"BREW /score HTTP/1.1\r\n\r\n", 501),
    "a tunnel": (b"CONNECT example:443 HTTP/1.1\r\nHost: x\r\n\r\n" + LAST, 404),
    "a target of 20 kB": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 414),
    "an endless target": (b"GET /" + b"a" * 2_000_000, 414),
    "a header of 40 kB": (b"GET / HTTP/1.1\r\nA: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "an endless header": (b"GET / HTTP/1.1\r\nA: " + b"a" * 2_000_000, 431),
    "an endless name": (b"GET / HTTP/1.1\r\n" + b"a" * 2_000_000, 431),
    "300 headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: 1\r\n" % n for n in range(300)) + b"\r\n", 431),
    "an expectation that nobody meets": (post(b"", "Expect: more"), 417),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "a coding that is not known": (
        b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    "chunked twice": (
        b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
}


@pytest.mark.parametrize("name", GARBLED)
def test_what_is_no_http_is_answered_once_and_closed(server: Running, name: str) -> None:
    sent, status = GARBLED[name]
    received = talk(server, sent + (LAST if status == 417 or name == "300 headers" else b""))

    assert statuses(received)[0] == status
    assert len(statuses(received)) <= 2
    assert b"x-request-id: " in received
    assert b"connection: close" in received
    assert b'{"message": "' in received


def test_the_second_request_in_a_smuggled_body_is_not_answered(server: Running) -> None:
    smuggled = b"0\r\n\r\nGET /secret HTTP/1.1\r\nHost: x\r\n\r\n"
    sent = CHUNKED + b"Content-Length: %d\r\n\r\n" % len(smuggled) + smuggled

    assert statuses(talk(server, sent + LAST)) == [400]


def test_extensions_and_trailers_of_chunks_change_nothing(server: Running) -> None:
    sent = CHUNKED + b"\r\n5;a=b\r\nhello\r\n0\r\nContent-Encoding: gzip\r\nX-Request-Id: late\r\n\r\n" + LAST
    received = talk(server, sent)

    assert statuses(received) == [200, 200]
    assert b"\r\n\r\n5HTTP" in received
    assert b"late" not in received


def test_thousands_of_requests_at_once_are_answered_in_their_order(server: Running) -> None:
    bodies = [b"x" * (number % 50) for number in range(3000)]
    with connect(server) as client:
        client.sendall(b"".join(map(post, bodies[:1500])))
        client.sendall(b"".join(map(post, bodies[1500:])) + LAST)
        received = until_closed(client)

    parts = received.split(b"\r\n\r\n")[1:]
    assert [part.split(b"HTTP/1.1")[0] for part in parts[:-1]] == [b"%d" % len(body) for body in bodies]
    assert parts[-1] == b"Healthy"


def test_thousands_of_health_checks_at_once(server: Running) -> None:
    received = talk(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20_000 + LAST)

    assert statuses(received) == [200] * 20_001


def test_who_reads_no_answers_is_not_read_from(server: Running) -> None:
    with connect(server) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 200_000_000:
                sent += client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        assert sent < 200_000_000


@pytest.mark.parametrize("kind", ["headers", "body", "chunks"])
def test_a_trickle_ends_with_408(server: Running, kind: str) -> None:
    begin = {
        "headers": b"POST /score HTTP/1.1\r\nHost: x\r\n",
        "body": b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
        "chunks": CHUNKED + b"\r\n",
    }[kind]
    drop = {"headers": b"a: 1\r\n", "body": b"x", "chunks": b"1\r\nx\r\n"}[kind]
    received = b""
    with connect(server) as client:
        client.sendall(begin)
        client.settimeout(0.1)
        while not received:
            with contextlib.suppress(TimeoutError):
                client.sendall(drop)
                received = client.recv(100)

    assert received.startswith(b"HTTP/1.1 408 ")


def test_a_client_that_says_nothing_is_sent_away(server: Running) -> None:
    with connect(server) as client:
        assert client.recv(10) == b""


def test_a_reset_in_the_middle(server: Running) -> None:
    for sent in (b"POST /sc", b"POST /score HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf", post(b"whole")):
        for _ in range(20):
            client = connect(server)
            client.sendall(sent)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()


@pytest.mark.parametrize("close", ["", "Connection: close"])
def test_a_client_that_closed_its_half_gets_all_answers(server: Running, close: str) -> None:
    received = talk(
        server, post(b"abcd") + post(b"ab", close) if close else post(b"abcd") + post(b"ab"), half_close=True
    )

    assert statuses(received) == [200, 200]


def test_half_a_request_before_the_end_costs_only_itself(server: Running) -> None:
    assert statuses(talk(server, post(b"abcd") + b"POST /score HT", half_close=True)) == [200]


def test_an_offer_of_another_protocol_is_declined_by_going_on(server: Running) -> None:
    """A client of HTTP/2 (Java's, say) sends its first request with an offer, body and all."""
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    received = talk(server, post(b"x" * 20_000, *offer) + post(b"ab", *offer) + post(b"", *offer) + LAST)

    assert statuses(received) == [200, 200, 200, 200]
    assert b"\r\n\r\n20000HTTP" in received


def test_a_refused_offer_is_answered_and_its_body_is_not_waited_for(start: Serve) -> None:
    server = start(ECHO)
    offer = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    offer += b"Transfer-Encoding: chunked\r\n\r\n"

    assert statuses(talk(server, offer + b"5\r\nhello\r\n", half_close=True)) == [404]
    server.process.terminate()
    assert server.end() == 0
    assert not any("data_received" in line for line in server.log)


def test_a_request_after_the_last_one_is_not_answered(server: Running) -> None:
    assert statuses(talk(server, post(b"a", "Connection: close") + LAST)) == [200]


def test_a_body_in_tiny_pieces_costs_no_more_than_its_size(server: Running) -> None:
    sent = CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 400_000 + b"0\r\n\r\n" + LAST

    assert b"\r\n\r\n400000HTTP" in talk(server, sent)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b"NaN", b"1e999999999", b'"\\ud800"']
)
def test_json_that_is_strange_is_an_error_of_its_request(start: Serve, body: bytes) -> None:
    server = start("import json\n\ndef run(raw_data):\n    return json.loads(raw_data)\n")
    assert server.ask("POST", "/score", body).status in (200, 400, 500)
    assert json.loads(server.ask("POST", "/score", b"[1]").body) == [1]


def test_a_storm_of_connections_is_bounded(start: Serve) -> None:
    # patient: on a busy machine the first are silent for seconds until the last have come
    server = start(ECHO, ACIML_CLIENT_TIMEOUT="1200", ACIML_KEEP_ALIVE="1200", ACIML_MAX_CONNECTIONS="300")
    clients = []
    try:
        for _ in range(420):
            client = connect(server)
            clients.append(client)
        answers = []
        for client in clients[299:350]:
            with contextlib.suppress(OSError):
                client.sendall(LAST)
                answers.append(until_closed(client)[:12])
        # the last that has room, and of those behind it as many as are told why
        assert answers == [b"HTTP/1.1 200", *[b"HTTP/1.1 503"] * 50]
    finally:
        for client in clients:
            client.close()
    assert server.ask("GET", "/").body == b"Healthy"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([
    b"GET / HTTP/1.1\r\n", b"POST /score HTTP/1.1\r\n", b"\r\n", b"Content-Length: 5\r\n", b"hello",
    b"Expect: 100-continue\r\n",
    b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"Connection: close\r\n", b"Upgrade: h2c\r\n",
    b"Connection: upgrade\r\n", b"HTTP/1.0\r\n", b"Origin: http://a\r\n", b"GET http://x/score?a=1 HTTP/1.0\r\n",
])), max_size=12))  # fmt: skip
def test_random_bytes_harm_nobody(server: Running, parts: list[bytes]) -> None:
    with connect(server) as client:
        with contextlib.suppress(OSError):
            for part in parts:
                client.sendall(part)
            client.shutdown(socket.SHUT_WR)
        until_closed(client)
    assert server.ask("GET", "/").body == b"Healthy"


def test_nothing_above_was_a_mistake_of_the_server(server: Running) -> None:
    server.process.terminate()
    assert server.end() == 0
    assert not [line for line in server.log if "mistake" in line or "Traceback" in line]
