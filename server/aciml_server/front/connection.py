"""One client's connection: what is read becomes requests, and each is answered in its turn.

The bytes go through ``Inflow``, which holds back what may not be parsed yet, and ``Parser``; ``Intake`` has the room of
bodies, ``Pace`` the time that clients take, ``Sender`` the bytes of answers. Here is the order of it all, and the end.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any, Callable, Deque, Optional

from ..answers import refusal
from ..values import Answer
from . import presence
from .identifiers import identify
from .inflow import GULP, Inflow
from .intake import CROWDED, SKIP, Intake
from .pace import LINGER, Pace
from .parser import Parser
from .request import Request
from .room import FREE
from .sender import Sender, Site


def _nothing() -> None:
    """Nobody waits to hear of it."""


# each costs memory before any limit counts it: a client that only sends would have us keep them without end
_MOST_WAITING = 16  # pipelined requests from which no more are read


class Connection(Sender):
    """Has the requests of one client answered in their order (RFC 9112, section 9.3.2).

    ``_active`` is being answered, those in ``_waiting`` are read, and the parser may have one that is being read. One
    that is refused by its head is answered before its body is here: then it is active and being read at once.
    """

    def __init__(self, site: Site) -> None:
        """``site`` is the one that all connections of a port share."""
        super().__init__(site)
        self._pace = Pace()
        self._parser = Parser(self, self._pace, site.settings.max_header)
        self._inflow = Inflow(self, self._parser)
        self._intake = Intake(self, site.room, site.settings.max_body)
        self._active: Optional[Request] = None
        self._waiting: Deque[Request] = deque()
        self._ended = False
        """The client ended its half."""
        self.is_pumping = False
        self.crowded = False
        """There are too many connections; this one is told so."""
        self.when_made: Callable[[], object] = _nothing
        """Called as soon as the site counts it."""
        self.deaf = False
        """What comes is not parsed any more."""
        self.closing = False
        """The last answer is written."""

    # what asyncio calls

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = self._inflow.transport = transport
        self._pace.mark()
        self._site.opened(self)
        self.when_made()
        self.when_made = _nothing

    def connection_lost(self, error: Optional[Exception]) -> None:  # noqa: ARG002  # the protocol's
        """Withdraw what nobody waits for any more."""
        self._stop_reading()
        self.closing = True
        self._site.lost(self)
        for request in (self._active, self._forget(), *self._waiting):
            if request is not None and not request.done:
                request.done = True
                self._intake.release(request)
                self._site.left(request)
                request.job = None
        self._active = None
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, in one piece if that is safe."""
        if self.deaf:
            self._pace.hear_in_vain()
        elif len(data) <= GULP and not self._inflow.held:
            self._parser.feed(data)
            if self._waiting or self._parser.request is not None:  # many small pieces are as much as a large one
                self._inflow.adjust()
        else:
            self._inflow.take(data)

    def eof_received(self) -> bool:
        """Go on for a client that ended its own half after its requests, and only for one.

        A FIN alone does not tell if the client is gone. Who gets a stream, or speaks HTTP/1.0, where the end was the
        usual sign, is taken to be there: what is written next will show it. Of all others it is found out.
        """
        if self.closing or (self._active is None and not self._waiting):
            return False
        self.deaf = self._ended = True
        self._forget()
        first = self._active or self._waiting[0]
        if self._transport.get_extra_info("ssl_object"):  # asyncio keeps no half of TLS open, whatever is returned
            return False
        if first.old or first.streams:
            return True
        if self._transport.get_write_buffer_size() or not presence.ask(self._transport):
            return False
        presence.follow(self._transport, self._owes_an_answer)
        return not self._transport.is_closing()

    def _owes_an_answer(self) -> bool:
        return self._active is not None and not self._active.streams

    def pause_writing(self) -> None:
        """Begin no other answer until the client took this one."""
        self._choked = True
        self._pace.choke()
        if self._active is not None and self._active.job is not None:
            self._active.job.pause()
        self._inflow.adjust()

    def resume_writing(self) -> None:
        """Go on."""
        self._choked = False
        if self._active is not None and self._active.job is not None:
            self._active.job.go_on()
        self._pump()
        self._inflow.adjust()

    # what the parser tells

    def head_read(self, request: Request, wrong: str) -> None:
        """Decide what can be decided before the body."""
        self._site.judge(request, wrong)
        if self.crowded:
            request.refused = refusal(503, "there are too many connections", (("retry-after", "1"),))
            request.close = True
        if request.refused is not None:
            request.close = request.close or request.method == "CONNECT"  # what follows is no HTTP (RFC 9110, 9.3.6)
            self._pump()
        elif (request.length > FREE or request.expects) and self._intake.admit(request):
            self._welcome(request)

    def _welcome(self, request: Request) -> None:
        """Ask for the body of a client that waits for that, when its turn has come: an interim answer has no other."""
        if request.expects and not self._intake.wants and self._active is None and not self._waiting:
            request.expects = False
            if not request.size:  # who did not wait need not be told (RFC 9110, section 10.1.1)
                self._transport.write(presence.CONTINUE)

    def body_came(self, request: Request) -> None:
        """Look after a body that is large, or not wanted."""
        self._intake.take(request)

    def room_awaited(self) -> None:
        """Read nothing until there is room for the body."""
        self._pace.mark()
        self._inflow.adjust()

    def room_made(self, request: Request) -> None:
        """Read the body."""
        self._pace.mark()
        self._welcome(request)
        asyncio.get_running_loop().call_soon(
            self._inflow.adjust
        )  # who gave the room goes on first: this may parse, and answer

    def refuse(self, request: Request, answer: Answer) -> None:
        """Answer a request whose body shall not come, or not to its end."""
        request.refused = answer
        request.body = []
        request.close = True
        self._intake.release(request)
        self._pump()

    def read(self, request: Request) -> None:
        """Have a whole request answered, when it is its turn."""
        self._pace.since = time.monotonic()
        if request.done:  # a refusal that was sent before the body
            if request is self._active:
                self._active = None
                self._pump()
            return
        self._intake.close(request)
        if self._active is None and not self._waiting and not self._choked:
            self._active = request
            self._begin(request)
        else:
            self._waiting.append(request)

    # one after the other

    def _begin(self, request: Request) -> None:
        if request.refused is not None:
            self._send_refusal(request)
        else:
            self._site.answer(self, request)

    def _pump(self) -> None:
        """Begin the next answers, as long as each is there at once."""
        if self.is_pumping:  # ``_finished`` calls this for each: a loop needs no stack for a thousand requests
            return
        self.is_pumping = True
        while self._active is None and not self._choked and not self.closing:
            reading = self._parser.request
            if self._waiting:
                request = self._waiting.popleft()
            elif reading is not None and reading.refused is not None:
                request = reading
            else:
                break
            self._active = request
            self._begin(request)
        self.is_pumping = False
        if self._parser.request is not None and self._parser.request.expects:
            self._welcome(self._parser.request)
        if self._inflow.paused or self._inflow.held:
            self._inflow.adjust()

    def _send_refusal(self, request: Request) -> None:
        if not request.complete and (request.expects or not 0 <= request.length <= SKIP):
            request.close = True  # nobody knows where the next request begins, or when (RFC 9110, section 10.1.1)
        self.send(request, request.refused)  # type: ignore[arg-type]

    def _finished(self, request: Request) -> None:
        request.done = True
        self._site.finished(request)
        request.job = None  # they know each other; nobody but the collector would free the body
        if request.reserved:
            self._intake.release(request)
        if request.close:
            self._close_after(request)
        elif request.complete:
            self._pace.since = time.monotonic()
            self._active = None
            if self._waiting or self._inflow.paused or self._inflow.held or self._parser.request is not None:
                self._pump()
            if self._ended and not self._waiting and self._active is None:
                self._transport.close()

    def _last(self) -> bool:
        return not self._waiting and self._parser.request is None and not self._inflow.held

    # what the inflow asks

    @property
    def is_full(self) -> bool:
        """Tell if nothing more shall be parsed: answers are not taken, a body has no room, or many requests wait.

        Nor is a body that ends the connection, as soon as the answers before its refusal are written.
        """
        if self._choked or self._intake.wants > 0 or len(self._waiting) >= _MOST_WAITING:
            return True
        reading = self._parser.request
        return reading is not None and reading.refused is not None and reading.size > SKIP

    @property
    def is_over(self) -> bool:
        """Tell if nothing more will come, or be read."""
        return self.closing or self._ended or self._transport.is_closing()

    # the end

    def _stop_reading(self) -> None:
        self.deaf = True
        self._inflow.held = b""

    def _forget(self) -> Optional[Request]:
        """Read no further in a request, and return it."""
        request = self._parser.forget()
        self._intake.leave()
        if request is not None:
            self._intake.release(request)
        return request

    def unreadable(self, answer: Answer) -> None:
        """Answer in its turn what cannot be read any further, and read nothing more."""
        if self.deaf:
            return
        self._stop_reading()
        request = self._forget() or Request(time.perf_counter())
        if request.done:  # it has its answer
            request.close = True
            self._close_after(request)
            return
        request.ids = request.ids or identify(request.headers)[0]
        request.method, request.path = request.method or "-", request.path or "-"  # for the log
        request.close, request.refused = True, answer
        self._waiting.append(request)
        self._pump()

    def _close_after(self, request: Request) -> None:
        """Close, but let a client that still sends read the answer first.

        Bytes that are unread when a socket is closed become a reset, and that may take the answer from the client:
        so only the own half is closed, and what comes is thrown away (RFC 9112, section 9.6).
        """
        self._active = None
        for dropped in self._waiting:  # nobody will see their answers, and others need their room
            self._intake.release(dropped)
        self._waiting.clear()
        self._stop_reading()
        self.closing = True
        self._pace.linger(self._site.settings.patience)
        if self._ended or (request.complete and not self._site.draining):
            self._transport.close()
            return
        if self._inflow.paused:
            self._transport.resume_reading()
        if self._transport.can_write_eof():  # not with TLS
            self._transport.write_eof()

    def close_if_idle(self) -> None:
        """Close unless a request is on its way or being answered."""
        idle = self._active is None and not self._waiting and self._parser.request is None and not self._inflow.held
        if idle and not self.closing:
            self._hang_up()

    def _hang_up(self) -> None:
        self.closing = self.deaf = True
        self._transport.close()

    def refuse_all(self, answer: Answer) -> None:
        """Answer all that waits, because nothing else will."""
        for request in (self._active, *self._waiting):
            if request is not None and not request.done and request.complete and not request.streams:
                request.close = True
                self.send(request, answer)
                return
        self._transport.abort()

    # what the sweep asks

    def late(self, now: float, patience: float, keep_alive: float) -> None:
        """Send away a client that is too slow, or idle for too long."""
        waited = now - self._pace.since
        transport = self._transport
        if self._choked and self._pace.is_stuck(transport.get_write_buffer_size(), now, patience):
            transport.abort()
        elif self.closing:
            if waited > (patience if transport.get_write_buffer_size() else LINGER):
                transport.abort()
        elif self._parser.request is not None:
            if waited > patience and not self._choked:
                self._give_up(self._parser.request, now)
        elif self._active is None and not self._waiting and waited > keep_alive:
            self._hang_up()

    def _give_up(self, reading: Request, now: float) -> None:
        """Send the client away unless this server keeps it waiting, or its body comes fast enough."""
        if self._intake.wants:
            self.unreadable(CROWDED)
        elif not self._inflow.paused and not (reading.method and self._pace.brings_enough(reading.size, now)):
            part = "body" if reading.method else "headers"
            self.unreadable(refusal(408, "the %s did not arrive in time" % part))  # RFC 9110, section 15.5.9
