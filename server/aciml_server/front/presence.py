"""Whether a client that ended its half of a connection still listens, or is gone.

Both look the same to TCP: a FIN. But who is gone answers the next bytes with a reset. An interim response (RFC 9110,
section 15.2) is such bytes: who still listens skips it.
"""

from __future__ import annotations

import os
import socket
from typing import Any

_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSED = 7  # TCP_CLOSE of Linux


def ask(transport: Any) -> bool:
    """Send the question past the transport, which must have nothing to write; False if nobody can be asked."""
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("ssl_object") or not hasattr(socket, "TCP_INFO"):
        return False
    try:
        return os.write(sock.fileno(), _INTERIM) == len(_INTERIM)
    except OSError:
        return False


def is_gone(transport: Any) -> bool:
    """Tell if the reset has come."""
    try:
        sock = transport.get_extra_info("socket")
        return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSED)
    except (OSError, AttributeError):
        return True
