"""An answer whose head breaks off is none: ``http.client`` takes the end of a connection for the end of a head.

A ``HEAD`` that was cut behind its status line would say that a blob is there, and an image would lack it.
"""

from __future__ import annotations

from http.client import HTTPResponse
from typing import Any, BinaryIO, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _Lines:
    """The stream of an answer, which remembers the last line that was read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.last = b""

    def readline(self, limit: int = -1, /) -> bytes:
        """Read a line."""
        self.last = self._stream.readline(limit)
        return self.last

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class _Response(HTTPResponse):
    """An answer as ``http.client`` reads it, if its head has an end (RFC 9112, section 2.1: an empty line)."""

    def begin(self) -> None:
        """Read the head.

        Raises:
            ConnectionResetError: the connection ended in it.
        """
        stream = cast("BinaryIO", self.fp)
        lines = _Lines(stream)
        held = cast("Any", self)  # typeshed has it as what can be read; here it reads heads alone
        held.fp = lines
        try:
            super().begin()
        finally:
            if held.fp is lines:  # None: it was closed on the way
                held.fp = stream
        if lines.last not in (b"\r\n", b"\n"):
            raise ConnectionResetError("the answer ended in its head")


class _Connection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
"""For ``PoolManager.pool_classes_by_scheme``."""
