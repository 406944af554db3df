"""A listening socket: lets clients in, and closes without turning anybody away who came before."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import sys
import time
from array import array
from typing import Any, Callable, Optional, Set

from .connection import Connection

_LOG = logging.getLogger("aciml")
_AT_ONCE = 64  # connections that are let in before others have their turn
_TOO_MANY = 64  # connections above the limit that are told so; others are just closed
_HANDSHAKE = 10.0  # seconds for the handshake of TLS
_PAUSE = 0.1  # seconds until another try when the system has no more descriptors
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of Linux
_NO_SYN = b"".join(
    struct.pack("HBBI", *line)
    for line in (
        (0x30, 0, 0, 13),  # load the flags of the TCP header
        (0x45, 0, 1, 0x02),  # is SYN among them?
        (0x06, 0, 0, 0),  # then drop it
        (0x06, 0, 0, 0xFFFFFFFF),
    )
)


def bind(host: str, port: int) -> socket.socket:
    """Listen; who comes waits until a door takes the socket.

    Raises:
        OSError: the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = _bound_before(port)
    if sock is not None:
        sock.setblocking(False)
        sock.listen(1024)
        return sock
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two services have one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((host, port))
        sock.listen(1024)
    except BaseException:
        sock.close()
        raise
    return sock


def _bound_before(port: int) -> Optional[socket.socket]:
    """Return the socket that was bound to the port while this was still root (``unprivileged.py``), if there is one."""
    bound = dict(one.split(":") for one in os.environ.get("ACIML_SOCKETS", "").split(",") if one)
    descriptor = bound.pop(str(port), None)
    if descriptor is None:
        return None
    os.environ["ACIML_SOCKETS"] = ",".join("%s:%s" % one for one in bound.items())  # no worker shall see it
    os.set_inheritable(int(descriptor), False)
    return socket.socket(fileno=int(descriptor))


def port_of(sock: socket.socket) -> int:
    """Return the port that a socket has."""
    return int(sock.getsockname()[1])


class Door:
    """One port. ``context`` is asked for the TLS context of each new connection, None for plain HTTP."""

    def __init__(self, site: Any, context: Callable[[], Any]) -> None:
        """Nothing listens yet."""
        self._site = site
        self._context = context
        self._socket: Optional[socket.socket] = None
        self._culled = 0.0
        self.entering: Set[Any] = set()
        """Handshakes that go on."""

    def open(self, host: str, port: int) -> int:
        """Listen, and return the port.

        Raises:
            OSError: it cannot be had.
        """
        sock = bind(host, port)
        self.take(sock)
        return port_of(sock)

    def take(self, sock: socket.socket) -> None:
        """Let in who comes to a socket that listens."""
        self._socket = sock
        asyncio.get_running_loop().add_reader(sock.fileno(), self._accept)

    def shut(self) -> None:
        """Let nobody else come to the door; who is there already gets in."""
        if self._socket is None:
            return
        program = array("B", _NO_SYN)
        pointer = struct.pack("HP", len(_NO_SYN) // 8, program.buffer_info()[0])
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # a sandbox; who comes in the very last moment may be reset there
                self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, pointer)

    def close(self) -> None:
        """Let those in who are at the door, and close it."""
        if self._socket is None:
            return
        # all of them: a connection that the kernel has made and nobody took is reset when its socket closes
        self._accept(1 << 16)
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _accept(self, most: int = _AT_ONCE) -> None:
        for _ in range(most):
            try:
                sock, _address = self._socket.accept()  # type: ignore[union-attr]
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            self._enter(sock)

    def _rest(self, error: OSError) -> None:
        """Wait a moment: the process has no descriptors left, or the system no memory."""
        loop = asyncio.get_running_loop()
        _LOG.warning("no client can be let in: %s", error.strerror)
        sock = self._socket
        if sock is not None:
            # the socket stays readable: without a pause the loop would call this again and again
            loop.remove_reader(sock.fileno())
            loop.call_later(_PAUSE, lambda: self._socket and loop.add_reader(sock.fileno(), self._accept))

    def _enter(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        count = len(self._site.connections) + len(self.entering)
        crowded = count >= self._site.settings.max_connections
        if crowded:
            self._cull()
            if count >= self._site.settings.max_connections + _TOO_MANY:
                sock.close()
                return
        task = asyncio.ensure_future(self._connect(sock, crowded=crowded))
        self.entering.add(task)
        task.add_done_callback(self.entering.discard)

    async def _connect(self, sock: socket.socket, *, crowded: bool) -> None:
        task = asyncio.current_task()
        context = self._context()
        options = {"ssl": context, "ssl_handshake_timeout": _HANDSHAKE} if context else {}

        def connection() -> Connection:
            made = Connection(self._site)
            made.crowded = crowded
            # here and not when this task ends, a round of the loop later: the next ones that are let in in between
            # would count those who are in twice, and a limit of 300 be one of 236
            made.when_made = lambda: self.entering.discard(task)
            return made

        try:
            await asyncio.get_running_loop().connect_accepted_socket(connection, sock, **options)
        # a class of its own before Python 3.11; and what fails here is the client's affair, not worth a warning
        except (OSError, asyncio.TimeoutError) as error:
            _LOG.debug("a client did not get in: %s", error)

    def _cull(self) -> None:
        """Send idle and slow clients away sooner, because others wait."""
        now = time.monotonic()
        if now - self._culled > _PAUSE:
            self._culled = now
            for connection in list(self._site.connections):
                connection.late(now, self._site.settings.patience / 6, 1.0)
