"""Public host names without DNS: one loopback address for each label, where TCP goes on to the group that has it."""

from __future__ import annotations

import contextlib
import hashlib
import select
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterable
from typing import Any

from tests.simulators.ending_server import EndingServer

_BLOCK = 1 << 16
_RESET = struct.pack("ii", 1, 0)


def scope_key(label: str, scope: str, region: str, tenant: str, subscription: str, group_id: str) -> str:
    """Return what must be unique for a label in its scope; two groups with one key share a host name."""
    owner = {
        "TenantReuse": tenant,
        "SubscriptionReuse": subscription,
        "ResourceGroupReuse": group_id.lower().rpartition("/providers/")[0],
        "Noreuse": group_id.lower(),
    }.get(scope, "")
    return f"{label.lower()}.{hashlib.sha256(owner.encode()).hexdigest()[:16] if owner else ''}.{region}"


def loopback(seed: str) -> str:
    """Return an address of 127.0.0.0/8 for a name; equal for equal names, never near 127.0.0.1."""
    digest = hashlib.sha256(seed.encode()).digest()
    return f"127.{2 + digest[0] % 250}.{digest[1]}.{1 + digest[2] % 254}"


class Labels:
    """The listening sockets of all labels. ``seed`` keeps two emulators on one machine apart."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._forwarders: dict[tuple[str, int], _Forwarder] = {}

    def address(self, key: str) -> str:
        """Return the host "name" of a label."""
        return loopback(f"{self._seed}/{key}")

    def point(self, key: str, ports: Iterable[int], target: Callable[[], str | None]) -> None:
        """Forward these ports of a label to the address that ``target`` gives (None: nobody is there now)."""
        wanted = set(ports)
        with self._lock:
            for place, forwarder in list(self._forwarders.items()):
                if place[0] == key and place[1] not in wanted:
                    self._forwarders.pop(place).end()
                elif place[0] == key:
                    forwarder.target = target
            for port in wanted:
                if (key, port) not in self._forwarders:
                    self._forwarders[key, port] = _Forwarder((self.address(key), port), target)

    def drop(self, key: str) -> None:
        """Let a label go."""
        self.point(key, (), lambda: None)

    def close(self) -> None:
        """Let all labels go."""
        with self._lock:
            for forwarder in self._forwarders.values():
                forwarder.end()
            self._forwarders.clear()


class _Forwarder(EndingServer):
    def __init__(self, place: tuple[str, int], target: Callable[[], str | None]) -> None:
        self.target = target
        super().__init__(place, _Pipe)
        self.start()


class _Pipe(socketserver.BaseRequestHandler):
    server: _Forwarder

    def handle(self) -> None:
        client, host = self.request, self.server.target()
        try:
            if host is None:
                raise ConnectionRefusedError
            upstream = socket.create_connection((host, self.server.server_port), timeout=5)
        except OSError:  # nobody listens there: the client is reset, as it would be without us between
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        upstream.settimeout(None)
        with upstream:
            _pump(client, upstream)


def _pump(client: socket.socket, upstream: socket.socket) -> None:
    """Copy both ways until both sides have ended."""
    other = {client: upstream, upstream: client}
    reading: set[Any] = {client, upstream}
    with contextlib.suppress(OSError, ValueError):
        while reading:
            for side in select.select(list(reading), [], [])[0]:
                data = side.recv(_BLOCK)
                if data:
                    other[side].sendall(data)
                else:
                    reading.discard(side)
                    other[side].shutdown(socket.SHUT_WR)
