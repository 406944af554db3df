"""Whether a client that ended its half of a connection still listens, or is gone.

Both look the same to TCP: a FIN. But who is gone answers the next bytes with a reset. An interim response (RFC 9110,
section 15.2) is such bytes: who still listens skips it.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any, Callable

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSED = 7  # TCP_CLOSE of Linux (net/tcp_states.h), the first byte of struct tcp_info
_LONGEST = 2.0  # seconds between two looks; no reset takes longer


def ask(transport: Any) -> bool:
    """Send the question past the transport, which must have nothing to write; False if nobody can be asked."""
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("ssl_object") or not hasattr(socket, "TCP_INFO"):
        return False
    try:
        return os.write(sock.fileno(), CONTINUE) == len(CONTINUE)
    except OSError:
        return False


def is_gone(transport: Any) -> bool:
    """Tell if the reset has come."""
    try:
        sock = transport.get_extra_info("socket")
        return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSED)
    except (OSError, AttributeError):
        return True


def follow(transport: Any, matters: Callable[[], bool], wait: float = 0.001) -> None:
    """Abort the connection as soon as the client is seen to be gone; look ever more seldom while that ``matters``."""
    if transport.is_closing() or not matters():
        return
    if is_gone(transport):
        transport.abort()
    elif wait < _LONGEST:
        asyncio.get_running_loop().call_later(wait, follow, transport, matters, wait * 4)
