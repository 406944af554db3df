"""Answers in pieces: at once, as fast as the client reads, closed when it leaves, broken when they break."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import socket
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ..conftest import Running, Serve

try:
    import zstandard
except ImportError:
    zstandard = None  # type: ignore[assignment]

SYNC = """
import json, os, sys, time

def pieces(name):
    try:
        if name == "gate":
            yield b"first "
            yield open(os.environ["GATE"]).read() + "second"
        elif name == "endless":
            while True: yield b"x" * 10_000
        elif name.startswith("long "):
            size = int(name.split()[1])
            for _ in range(12_000_000 // size): yield b"x" * size
        elif name == "breaks":
            yield b"whole"
            raise ValueError("the middle")
        elif name == "crash":
            yield b"whole"
            yield b"half"
            os._exit(5)
        elif name == "forever":
            yield b"whole"
            while True: pass
    finally:
        print("closed", name, file=sys.stderr, flush=True)

def run(raw_data):
    return pieces(raw_data) if raw_data else os.getpid()
"""
ASYNC = (
    SYNC.replace("def pieces", "async def pieces")
    .replace("def run", "async def run")
    .replace("while True: pass", "while True: await asyncio.sleep(1)")
    .replace("import json", "import asyncio, json")
)
BOTH = pytest.mark.parametrize("script", [SYNC, ASYNC], ids=["generator", "async generator"])


def _begin(server: Running, name: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    client = server.connect()
    client.request("POST", "/score", name.encode())
    return client, client.getresponse()


@BOTH
def test_a_piece_arrives_before_the_next_is_made(start: Serve, script: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")  # pathlib cannot make pipes
    server = start(script, GATE=str(tmp_path / "gate"))
    client, answer = _begin(server, "gate")

    assert answer.status == 200
    assert answer.read(6) == b"first "
    (tmp_path / "gate").write_text("")
    assert answer.read() == b"second"
    client.close()


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@BOTH
def test_a_client_that_does_not_read_fills_no_memory_and_blocks_nobody(start: Serve, script: str) -> None:
    server = start(script, cold=True)
    server.ask("POST", "/score", b"")
    before = _memory(server.process.pid)
    stalled = []
    for _ in range(5):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nendless")
        assert client.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
        stalled.append(client)
    pids = {server.ask("POST", "/score", b"").body for _ in range(300)}

    assert len(pids) == 1
    assert _memory(server.process.pid) - before < 40 << 20
    for client in stalled:
        client.close()
    for _ in stalled:
        server.wait_for("closed endless")
    assert server.ask("POST", "/score", b"").body in pids


def test_a_client_that_reads_gets_much_of_an_endless_answer(start: Serve) -> None:
    server = start(SYNC, cold=True)
    client, answer = _begin(server, "endless")

    assert len(answer.read(30 << 20)) == 30 << 20
    assert _memory(server.process.pid) < 150 << 20
    client.close()
    server.wait_for("closed endless")


@BOTH
@pytest.mark.parametrize("size", [1000, 100_000, 3_000_000])
def test_clients_that_read_in_bursts_get_all_of_a_long_answer(start: Serve, script: str, size: int) -> None:
    server = start(script)
    clients = [_begin(server, f"long {size}") for _ in range(3)]
    for _, answer in clients:
        assert len(answer.read(1)) == 1
    whole = [1 + sum(len(part) for part in iter(partial(answer.read, 1 << 20), b"")) for _, answer in clients]

    assert whole == [12_000_000] * 3
    for client, _ in clients:
        client.close()


@BOTH
@pytest.mark.parametrize("name", ["breaks", "crash"])
def test_an_answer_that_breaks_has_no_end(start: Serve, script: str, name: str) -> None:
    server = start(script)
    client, answer = _begin(server, name)

    assert answer.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        answer.read()
    client.close()
    assert server.ask("POST", "/score", b"").status == 200
    if name == "breaks":
        server.process.terminate()
        server.end()
        assert "ValueError: the middle" in "\n".join(server.log)


@BOTH
def test_a_piece_that_takes_too_long_breaks_the_answer(start: Serve, script: str) -> None:
    server = start(script, SCORING_TIMEOUT_MS="300")
    client, answer = _begin(server, "forever")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        answer.read()
    client.close()

    assert server.ask("POST", "/score", b"").status == 200


def test_a_queued_stream_of_a_client_that_left_is_not_begun(start: Serve, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    server = start(SYNC, GATE=str(tmp_path / "gate"))
    client, answer = _begin(server, "gate")
    answer.read(6)
    left = server.connect()
    left.request("POST", "/score", b"endless")
    left.close()
    (tmp_path / "gate").write_text("")
    answer.read()
    client.close()
    assert server.ask("POST", "/score", b"").status == 200
    server.process.terminate()

    assert server.end() == 0


LENGTH = "import zlib\ndef run(raw_data): return [len(raw_data), zlib.crc32(raw_data.encode())]"
TEXT = b'{"data": [1.5, 2.5, 3.5]}' * 1000


def _deflate_bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


ENCODINGS = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZIP": gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:]),
    "deflate": zlib.compress(TEXT),
    "deflate ": _deflate_bare(TEXT),
    "identity": TEXT,
    "deflate, gzip": gzip.compress(zlib.compress(TEXT)),
    **({"zstd": zstandard.compress(TEXT)} if zstandard else {}),
}


@pytest.fixture(scope="module")
def unpacking(start: Serve) -> Running:
    return start(LENGTH, ACIML_MAX_BODY="1000000", cold=True)  # a worker is looked for among the front's children


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_packed_bodies_are_unpacked(unpacking: Running, encoding: str) -> None:
    reply = unpacking.ask("POST", "/score", ENCODINGS[encoding], {"Content-Encoding": encoding})

    assert json.loads(reply.body) == [len(TEXT), zlib.crc32(TEXT)]


def _bomb(size: int = 60_000_000, wbits: int = 31) -> bytes:
    """Return the beginning of a long run of zeros, as gzip (31) or zlib (15) write it: one block again and again."""
    packer, block = zlib.compressobj(wbits=wbits), b"\0" * 1_000_000
    begin, again = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return begin + again * (size // len(block) - 1)


# functions: what is made when tests are collected is made in each process that runs some of them
REFUSED: dict[str, tuple[str, Callable[[], bytes], int]] = {
    "unknown": ("br", lambda: b"x", 415),
    "too deep": ("gzip, gzip, gzip, gzip", lambda: b"x", 415),
    "not gzip": ("gzip", lambda: b"not gzip", 400),
    "empty": ("gzip", lambda: b"", 400),
    "cut": ("gzip", lambda: gzip.compress(TEXT)[:-9], 400),
    "followed by something": ("gzip", lambda: gzip.compress(TEXT) + b"rubbish", 400),
    "a bomb": ("gzip", _bomb, 413),
    "a deflated bomb": ("deflate", lambda: _bomb(wbits=15), 413),
    "a bomb of many members": ("gzip", lambda: gzip.compress(b"\0" * 900_000) * 3, 413),
    "a bomb in a bomb": ("gzip, gzip", lambda: gzip.compress(_bomb()), 413),
    "not zstd": ("zstd", lambda: b"not zstd", 400),
    **(
        {
            "a zstd bomb": ("zstd", lambda: zstandard.compress(b"\0" * 60_000_000), 413),
            "cut zstd": ("zstd", lambda: zstandard.compress(TEXT)[:-9], 400),
        }
        if zstandard
        else {}
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_unpacked_is_refused(unpacking: Running, case: str) -> None:
    encoding, body, status = REFUSED[case]
    reply = unpacking.ask("POST", "/score", body(), {"Content-Encoding": encoding})

    assert reply.status == status, reply.body
    assert json.loads(reply.body)["message"]
    if status == 415:
        assert reply.headers["accept-encoding"].startswith("gzip, deflate")


def test_a_bomb_needs_no_memory(unpacking: Running) -> None:
    worker = json.loads(
        Path(f"/proc/{unpacking.process.pid}/task/{unpacking.process.pid}/children").read_text().split()[0]
    )
    assert unpacking.ask("POST", "/score", _bomb(500_000_000), {"Content-Encoding": "gzip"}).status == 413
    peak = int(Path(f"/proc/{worker}/status").read_text().split("VmHWM:")[1].split()[0])

    assert peak < 100_000  # KiB
