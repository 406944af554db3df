"""The body of the request that is being read: what room it has, and when it is refused."""

from __future__ import annotations

from typing import Optional, Protocol

from ..answers import refusal
from ..values import Answer
from .request import Request
from .room import FREE, STEP, Room

SKIP = 64 * 1024
"""Bytes of a refused body that are read for the sake of the connection; to read more costs more than a new one."""
CROWDED = refusal(503, "too many bodies are on their way", (("retry-after", "1"),))  # RFC 9110, section 15.6.4


class Host(Protocol):
    """The connection that reads."""

    def refuse(self, request: Request, answer: Answer) -> None:
        """Answer a request whose body shall not come, or not to its end."""

    def room_awaited(self) -> None:
        """Read nothing until there is room."""

    def room_made(self, request: Request) -> None:
        """Read on: the body has its room."""


class Intake:
    """Takes room for large bodies, and gives it back.

    A body that tells its length has all of its room before it is read, and waits for that: so none that was begun is
    given up because of others. One in chunks gets room step by step, and is refused when there is no more.
    """

    __slots__ = ("_awaiting", "_host", "_most", "_room", "wants")

    def __init__(self, host: Host, room: Room, most: int) -> None:
        """``most``: bytes that a body may have."""
        self._host = host
        self._room = room
        self._most = most
        self._awaiting: Optional[Request] = None
        self.wants = 0
        """Bytes of room that are waited for."""

    def admit(self, request: Request) -> bool:
        """Take the room for a body of known length; False if it comes later."""
        if request.length <= FREE:
            return True
        if self._room.take(request.length):
            request.reserved = request.length
            return True
        self.wants, self._awaiting = request.length, request
        self._room.wait(self, request.length)
        self._host.room_awaited()
        return False

    def granted(self) -> None:
        """Read the body for which the room is taken now."""
        request, self._awaiting = self._awaiting, None
        size, self.wants = self.wants, 0
        # it was answered while it waited
        if request is None or request.done:
            self._room.give(size)
        else:
            request.reserved = size
            self._host.room_made(request)

    def take(self, request: Request) -> None:
        """Look after a body that came in several pieces, or that was refused."""
        if request.refused is not None:
            if request.size > SKIP:
                request.close = True
            return
        request.join()
        if request.size > self._most:
            self._refuse_large(request)
        elif request.size > FREE and request.size > request.reserved and not self.wants:  # it came in chunks
            # nobody waits here: who holds room and waits for more would wait for others that do the same
            if self._room.take(STEP):
                request.reserved += STEP
            else:
                self._host.refuse(request, CROWDED)

    def close(self, request: Request) -> None:
        """Look at the size of a body that is here as a whole."""
        if request.size > self._most and request.refused is None:
            self._refuse_large(request)

    def _refuse_large(self, request: Request) -> None:
        self._host.refuse(request, refusal(413, "the body is larger than %d bytes" % self._most))

    def release(self, request: Request) -> None:
        """Give back what is set aside for a body."""
        size, request.reserved = request.reserved, 0
        if size:
            self._room.give(size)

    def leave(self) -> None:
        """Wait for no room any more."""
        if self.wants:
            self.wants, self._awaiting = 0, None
            self._room.leave(self)
