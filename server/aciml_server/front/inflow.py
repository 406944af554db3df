"""Bytes that came and are not parsed yet, and whether more are read from the socket.

What is not read stays in the buffers of the system, whose window tells the client to wait: the flow control of TCP
(RFC 9293, section 3.8.6) is the only one that HTTP/1.1 has.
"""

from __future__ import annotations

from typing import Any, Protocol

from .parser import Parser

GULP = 4096
"""Bytes that are parsed at once outside of bodies, so that few requests can hide in them."""


class Host(Protocol):
    """The connection that reads."""

    deaf: bool
    """What comes is not parsed any more."""

    @property
    def is_full(self) -> bool:
        """Tell if nothing more shall be parsed for now."""

    @property
    def is_over(self) -> bool:
        """Tell if nothing more will come, or be read."""

    @property
    def is_pumping(self) -> bool:
        """Tell if answers are begun right now; reading goes on after that."""


class Inflow:
    """Between a transport, which reads as much as there is, and a parser, which cannot stop in the middle of a call."""

    __slots__ = ("_host", "_parser", "held", "paused", "transport")

    def __init__(self, host: Host, parser: Parser) -> None:
        """``transport`` is set as soon as there is one."""
        self._host = host
        self._parser = parser
        self.transport: Any = None
        self.held = b""
        """What waits to be parsed."""
        self.paused = False
        """The transport reads nothing."""

    def take(self, data: bytes) -> None:
        """Parse what arrived, and keep what may not be parsed yet."""
        self.held += data
        self._gulp()

    def _gulp(self) -> None:
        view, start = memoryview(self.held), 0  # its slices copy nothing
        self.held = b""
        while start < len(view) and not self._host.deaf:
            if self._host.is_full:
                # a copy: a view would keep all that is parsed, too
                self.held = bytes(view[start:])
                break
            end = start + max(GULP, self._parser.known)  # no request can hide in a body
            self._parser.feed(view[start:end])
            start = end
        self.adjust()

    def adjust(self) -> None:
        """Read, or read no more, as the state of things is."""
        host = self._host
        full = host.is_full
        if (not self.held and full is self.paused) or host.is_over:
            return
        # while answers are begun this would call itself, through each of them
        if self.held and not full and not host.is_pumping:
            self._gulp()
            return
        full = full or bool(self.held)
        if full is not self.paused and not host.deaf:
            self.paused = full
            if full:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()
