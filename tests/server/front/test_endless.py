"""What has no end: each part of a request that is no body is bounded, wherever the packets are cut, and costs no more
than its bytes. Nobody looks at a clock here: what counts is how much was read, and who was answered before whom."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml_server.front.connection import Connection
from aciml_server.front.inflow import GULP
from aciml_server.front.pace import Pace
from aciml_server.front.parser import Parser
from aciml_server.front.request import Request
from aciml_server.front.room import Room
from aciml_server.settings import Settings
from aciml_server.values import Answer

from ..conftest import PATIENCE, Running, Serve
from ..raw import ECHO, connect, post, statuses, until_closed

LIMIT = 32 * 1024
CHUNKED = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "name of a trailer": (CHUNKED + b"0\r\n", b"a", 431),
    "value of a trailer": (CHUNKED + b"0\r\nX: ", b"a", 431),
    "trailers": (CHUNKED + b"0\r\n", b"a: 1\r\n", 431),
    "extension": (CHUNKED + b"5;", b"a", 431),
    "value of an extension": (CHUNKED + b"5;a=", b"a", 431),
    "quoted extension": (CHUNKED + b'5;a="', b"a", 431),
    "extensions of one chunk": (CHUNKED + b"5", b";a=b", 431),
    "extensions of many chunks": (CHUNKED, b"1;" + b"a" * 100 + b"\r\nx\r\n", 431),
    "size of a chunk": (CHUNKED, b"0", 431),
    "size of a later chunk": (CHUNKED + b"5\r\nhello\r\n", b"0", 431),
    "name of a header": (b"GET / HTTP/1.1\r\n", b"a", 431),
    "value of a header": (b"GET / HTTP/1.1\r\nA: ", b"a", 431),
    "space before a value": (b"GET / HTTP/1.1\r\nA:", b" ", 431),
    "headers": (b"GET / HTTP/1.1\r\n", b"a: 1\r\n", 431),
    "target": (b"GET /", b"a", 414),
    "empty lines": (b"", b"\r\n", 400),
    "empty lines behind a request": (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\r\n", 400),
}


class Heard:
    """Notes what a parser tells."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.deaf = False
        self.refused: list[int] = []
        self.wrong: list[str] = []
        self.bodies: list[bytes] = []
        self.parser = Parser(self, Pace(), limit)

    def head_read(self, request: Request, wrong: str) -> None:  # the parser's
        self.wrong.append(wrong)

    def body_came(self, request: Request) -> None:
        request.join()

    def read(self, request: Request) -> None:
        self.bodies.append(b"".join(request.body))

    def unreadable(self, answer: Answer) -> None:
        self.deaf = True
        self.refused.append(answer.status)
        self.parser.forget()

    def hear(self, data: bytes, pieces: Iterator[int]) -> int:
        """Feed data as packets of these sizes until it is refused, and return how much that took."""
        at = 0
        while at < len(data) and not self.deaf:
            end = at + next(pieces)
            self.parser.feed(data[at:end])
            at = end
        return at


def sizes(data: st.DataObject) -> Iterator[int]:
    """Draw a few sizes of packets, from bytes to what is parsed at once, and repeat them for ever."""
    drawn = data.draw(st.lists(st.integers(1, GULP) | st.integers(1, 30), min_size=1, max_size=5))
    while True:
        yield from drawn


@pytest.mark.parametrize("name", ENDLESS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_an_endless_part_is_refused_once_within_its_limit(name: str, data: st.DataObject) -> None:
    begin, drop, status = ENDLESS[name]
    heard = Heard()
    taken = heard.hear(begin + drop * (10 * LIMIT // len(drop)), sizes(data))

    assert heard.refused == [status]
    assert taken <= len(begin) + 6 * LIMIT if "many chunks" in name else len(begin) + LIMIT + 2 * GULP


@settings(max_examples=100, deadline=None)
@given(over=st.integers(-3, 3), data=st.data())
def test_a_head_may_have_its_limit_to_the_byte_however_it_is_cut(over: int, data: st.DataObject) -> None:
    empty = b"GET / HTTP/1.1\r\nHost:h\r\nA: \r\n\r\n"
    limit = data.draw(st.sampled_from([100, 1000, 5000, LIMIT]))
    heard = Heard(limit)
    heard.hear(empty.replace(b": ", b": " + b"a" * (limit + over - len(empty))), sizes(data))

    assert heard.refused == ([431] if over > 0 else [])
    assert len(heard.bodies) == (over <= 0)


@settings(max_examples=100, deadline=None)
@given(over=st.integers(-3, 3), data=st.data())
def test_trailers_may_have_the_limit_of_headers_to_the_byte_however_they_are_cut(
    over: int, data: st.DataObject
) -> None:
    value = b"a" * ((LIMIT + over) // 2 - 5)
    rest = b"a" * (LIMIT + over - len(value) - 10)
    heard = Heard()
    heard.hear(CHUNKED + b"1\r\nx\r\n0\r\nA: " + value + b"\r\nB: " + rest + b"\r\n\r\n", sizes(data))

    assert heard.refused == ([431] if over > 0 else [])
    assert heard.bodies == ([b"x"] if over <= 0 else [])


@pytest.mark.parametrize("count", [256, 257])
def test_as_many_trailers_as_headers(count: int) -> None:
    heard = Heard()
    heard.hear(CHUNKED + b"0\r\n" + b"a: 1\r\n" * count + b"\r\n", iter(lambda: GULP, 0))

    assert heard.refused == ([] if count == 256 else [431])


@pytest.mark.parametrize("line", [b"a: 1\r\n", b"a%d: 1\r\n"])
@pytest.mark.parametrize("count", [255, 256])  # and Host
def test_headers_are_counted_with_their_repeats(line: bytes, count: int) -> None:
    lines = b"".join(line % number if b"%" in line else line for number in range(count))
    heard = Heard()
    heard.hear(b"GET / HTTP/1.1\r\nHost: h\r\n" + lines + b"\r\n", iter(lambda: GULP, 0))

    assert heard.wrong == ["" if count == 255 else "there are more than 256 headers"]


@settings(max_examples=60, deadline=None)
@given(
    chunks=st.lists(
        st.tuples(st.binary(min_size=1, max_size=5000), st.integers(0, 12), st.integers(0, 9)), max_size=40
    ),
    before=st.integers(0, 3),
    data=st.data(),
)
def test_chunks_of_all_sizes_arrive_with_short_extensions(
    chunks: list[tuple[bytes, int, int]], before: int, data: st.DataObject
) -> None:
    body = b"".join(
        b"%b%x%b\r\n%b\r\n" % (b"0" * zeros, len(one), b";a=" + b"b" * extra if extra else b"", one)
        for one, extra, zeros in chunks
    )
    heard = Heard()
    heard.hear(b"\r\n" + (CHUNKED + body + b"0\r\nX-Sum: 1\r\n\r\n") * (before + 1), sizes(data))

    assert heard.refused == []
    assert heard.bodies == [b"".join(one for one, _, _ in chunks)] * (before + 1)


def test_a_large_body_in_the_smallest_chunks_arrives() -> None:
    heard = Heard()
    heard.hear(CHUNKED + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n", iter(lambda: 1000, 0))

    assert heard.bodies == [b"x" * 100_000]


# packets and the socket


class Wire:
    """A transport that notes if it is read from."""

    def __init__(self) -> None:
        self.reads, self.written, self.closed = True, b"", False

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return 0


class Busy:
    """A port where no worker ever answers; requests to other paths than ``/`` are refused."""

    def __init__(self) -> None:
        self.settings, self.room, self.draining = Settings(), Room(1 << 30), False
        self.asked = 0

    def opened(self, connection: Any) -> None: ...
    def lost(self, connection: Any) -> None: ...
    def finished(self, request: Request) -> None: ...
    def left(self, request: Request) -> None: ...

    def judge(self, request: Request, wrong: str) -> None:  # the connection's
        request.refused = None if request.path == "/" else Answer(401, b"no")

    def answer(self, connection: Any, request: Request) -> None:
        self.asked += 1

    def common(self) -> bytes:
        return b""


def behind_one_that_runs(data: bytes, piece: int) -> tuple[int, Wire]:
    """Send data in packets while a first request is being answered; return what was read of it."""
    connection, wire = Connection(Busy()), Wire()
    connection.connection_made(wire)
    connection.data_received(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    at = 0
    while at < len(data) and wire.reads:
        connection.data_received(data[at : at + piece])
        at += piece
    return at, wire


@pytest.mark.parametrize("piece", [1, 19, 1000, GULP, 200_000])
def test_no_packet_is_too_small_to_be_held_back(piece: int) -> None:
    """Requests that wait for their turn are bounded, also when each packet has only a few of them."""
    read, wire = behind_one_that_runs(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 20_000, piece)

    assert not wire.reads
    assert read <= max(piece, 2 * GULP)


@pytest.mark.parametrize("piece", [1000, GULP, 200_000])
def test_a_refused_body_that_waits_for_its_turn_is_not_read_for_ever(piece: int) -> None:
    head = b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n"
    read, wire = behind_one_that_runs(head + b"x" * 1_000_000, piece)

    assert not wire.reads
    assert read <= 64 * 1024 + 2 * max(piece, GULP)
    assert wire.written == b""  # its answer has not had its turn


def heard_by_now(client: socket.socket) -> bytes:
    """Return what has arrived, without waiting for more."""
    client.setblocking(False)
    try:
        return client.recv(1 << 16)
    except BlockingIOError:
        return b""
    finally:
        client.settimeout(PATIENCE)


@pytest.fixture(scope="module")
def server(start: Serve) -> Running:
    return start(ECHO, ACIML_PRIMARY_KEY="k")


@pytest.mark.parametrize("piece", [500, GULP])
@pytest.mark.parametrize("key", [b"Authorization: Bearer k\r\n", b""], ids=["with a key", "without"])
@pytest.mark.parametrize("name", ENDLESS)
def test_live_answers_while_something_endless_is_sent(server: Running, name: str, key: bytes, piece: int) -> None:
    """Packet by packet, with a question between two: the end comes within the limit, and nobody waits for it."""
    begin, drop, status = ENDLESS[name]
    stream = begin.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\n" + key, 1) + drop * (8 * LIMIT // len(drop))
    with connect(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent, received = 0, b""
        with contextlib.suppress(OSError):
            while b"connection: close" not in received:
                client.sendall(stream[sent : sent + piece])
                sent += piece
                assert server.ask("GET", "/live").status == 200
                received += heard_by_now(client)
            client.shutdown(socket.SHUT_WR)
            received += until_closed(client)

    refused = 401 if not key and begin.startswith(b"POST") else status
    assert statuses(received)[-1] == refused
    assert sent <= len(begin) + (6 * LIMIT if "many chunks" in name else LIMIT + 4 * GULP)


def test_the_rest_is_thrown_away_and_costs_nothing(server: Running) -> None:
    """40 MB of one trailer: whoever still sends after the answer is heard in vain, and others are served."""
    with connect(server) as client, contextlib.suppress(OSError):
        client.sendall(CHUNKED.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer k\r\n\r\n") + b"0\r\n")
        for _ in range(40):
            client.sendall(b"a" * 1_000_000)
            assert server.ask("GET", "/live").status == 200
    assert server.ask("POST", "/score", b"abc", {"authorization": "Bearer k"}).body == b"3"


def test_a_whole_request_behind_an_endless_one_is_not_answered(server: Running) -> None:
    key = "Authorization: Bearer k"
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\n" + key.encode() + b"\r\n\r\n")
    with connect(server) as client:
        client.sendall(post(b"ab", key) + head + b"0\r\n" + b"a" * (LIMIT + 2 * GULP) + b"\r\n\r\n" + post(b"abc", key))
        received = until_closed(client)

    assert statuses(received) == [200, 431]
