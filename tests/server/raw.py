"""Bytes to and from a server, without a client that would correct them."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from .conftest import PATIENCE, Running

ECHO = "def run(raw_data):\n    return len(raw_data)\n"


def connect(server: Running) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE)


def until_closed(client: socket.socket) -> bytes:
    """Read all that comes; a reset counts as the end."""
    parts = []
    try:
        while part := client.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def talk(server: Running, sent: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes on a connection of their own, and return all that comes until the server closes it."""
    with connect(server) as client:
        client.sendall(sent)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        return until_closed(client)


def statuses(received: bytes) -> list[int]:
    """Return the status of each answer, interim ones left out."""
    found = [int(number) for number in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]
    return [number for number in found if number >= 200]


def post(body: bytes, *headers: str, path: str = "/score") -> bytes:
    """Write a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def memory(server: Running, kind: str = "VmRSS") -> int:
    """Return the bytes of memory that the front has, as ``proc_pid_status(5)`` counts them."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    found = re.search(rf"{kind}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
