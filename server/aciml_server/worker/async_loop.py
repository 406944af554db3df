"""The worker's loop for coroutines: many jobs at once. Only scripts with an async ``run`` import this."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Dict, List, Optional, Union

from .. import logs, wire
from ..answers import head_of, timed_out
from ..contract.model import Model
from ..settings import Settings
from ..values import Answer, Call, Stream
from .flow import Flow
from .heads import call_of, frame_of, gone, id_of, score
from .journal import Journal

_LOG = logging.getLogger("aciml.run")


def run(sock: socket.socket, journal: Optional[Journal], models: List[Model], settings: Settings, ready: bytes) -> None:
    """Do jobs until the front says END or is gone."""
    try:
        # as in the front; there is none for Windows, where asyncio's own does the same, only slower
        import uvloop

        loop: Any = uvloop.new_event_loop()
    except ImportError:
        loop = asyncio.new_event_loop()
    # `over` is made before the loop runs, and before Python 3.10 an Event takes the loop of that moment
    asyncio.set_event_loop(loop)
    loop.run_until_complete(_live(sock, AsyncLoop(journal, models, settings, ready)))


async def _live(sock: socket.socket, protocol: "AsyncLoop") -> None:
    await asyncio.get_running_loop().create_connection(lambda: protocol, sock=sock)
    await protocol.over.wait()


class AsyncLoop(asyncio.Protocol):
    """Each job of an async ``run`` is a task; a script with a plain ``run`` beside it is called in between."""

    def __init__(self, journal: Optional[Journal], models: List[Model], settings: Settings, ready: bytes) -> None:
        """Wait for the connection."""
        self._journal = journal
        self._models = models
        self._most = settings.max_body
        self._timeout_ms = settings.scoring_timeout_ms
        # who stops at a breakpoint is not late; the front's watch (front/overtime.py) leaves such a worker alone, too
        self._limit = 0.0 if settings.debug_port else settings.scoring_timeout_ms / 1000
        self._ready = ready
        self._tasks: Dict[int, "asyncio.Task[None]"] = {}
        self._flows: Dict[int, AsyncFlow] = {}
        self._rest = bytearray()
        self._transport: Any = None
        self.over = asyncio.Event()

    # what asyncio calls

    def connection_made(self, transport: Any) -> None:
        """Say what was loaded."""
        self._transport = transport
        transport.set_write_buffer_limits(high=64 * 1024 * 1024)
        transport.write(self._ready)

    def connection_lost(self, error: Optional[Exception]) -> None:  # noqa: ARG002  # the protocol's
        """End."""
        self.over.set()

    def data_received(self, data: bytes) -> None:
        """Do what the frames say."""
        rest = self._rest
        rest += data
        start, head = 0, wire.HEAD
        while len(rest) - start >= head.size:
            body, meta, seq, number, kind, flags = head.unpack_from(rest, start)
            middle = start + head.size + meta
            if len(rest) < middle + body:
                break
            # copies: coroutines keep their bodies, and the buffer is used again
            frame = wire.Frame(
                kind, seq, number, flags, bytes(rest[start + head.size : middle]), bytes(rest[middle : middle + body])
            )
            start = middle + body
            self._take(frame)
        del rest[:start]

    def _take(self, frame: wire.Frame) -> None:
        if frame.kind == wire.JOB:
            if self._journal is not None:
                # if this process dies, the front blames all coroutines up to this one: any of them may have done it
                self._journal.begin(frame.seq)
            self._begin(frame)
        elif frame.kind == wire.CREDIT and frame.seq in self._flows:
            self._flows[frame.seq].give(wire.COUNT.unpack(frame.meta)[0])
        elif frame.kind == wire.CANCEL:
            if frame.seq in self._flows:
                # both: a task that is told of its end while it waits for a piece may not hear of it, see `leave`
                self._flows[frame.seq].leave()
            if frame.seq in self._tasks:
                self._tasks[frame.seq].cancel()
        elif frame.kind == wire.END:
            self.over.set()

    # jobs

    def _begin(self, frame: wire.Frame) -> None:
        model = self._models[frame.number]
        if not model.facts.concurrent:
            self._begin_plain(frame, model)
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._job(frame, model))
        self._tasks[frame.seq] = task
        if self._limit:
            clock = loop.call_later(self._limit, self._late, frame.seq)
            task.add_done_callback(lambda _: clock.cancel())
        task.add_done_callback(lambda _: self._done(frame.seq))

    def _begin_plain(self, frame: wire.Frame, model: Model) -> None:
        answer = score(model, frame, self._most)
        if isinstance(answer, Answer):
            self._send(frame.seq, answer)
            return
        task = asyncio.get_running_loop().create_task(self._stream(frame.seq, answer))
        self._tasks[frame.seq] = task
        task.add_done_callback(lambda _: self._done(frame.seq))

    async def _job(self, frame: wire.Frame, model: Model) -> None:
        call = call_of(frame, self._most)
        if isinstance(call, Call):  # the task has a context of its own, so that lines of several stay apart
            logs.call.set(call.headers or id_of(frame))
        answer: Union[Answer, Stream] = call if isinstance(call, Answer) else await model.score_async(call)
        if frame.seq not in self._tasks:
            return  # it was too late, and is answered
        if isinstance(answer, Answer):
            self._send(frame.seq, answer)
            # it is answered: what is still in the table when its task ends gets the answer for nobody
            del self._tasks[frame.seq]
        else:
            await self._stream(frame.seq, answer)

    def _late(self, seq: int) -> None:
        task = self._tasks.get(seq)
        # a stream that has begun cannot become an error any more; each of its pieces has the limit for itself
        if task is None or seq in self._flows:
            return
        # first out of the table, or `_done` would answer a second time when the cancelled task ends
        del self._tasks[seq]
        _LOG.error("run() took longer than %d ms and was cancelled", self._timeout_ms)
        self._send(seq, timed_out(self._timeout_ms))
        task.cancel()

    def _done(self, seq: int) -> None:
        """Answer for a task that ended without an answer, because its client left."""
        if self._tasks.pop(seq, None) is None:
            return
        flow = self._flows.pop(seq, None)
        self._transport.write(gone(seq) if flow is None else flow.end())

    def _send(self, seq: int, answer: Answer) -> None:
        self._transport.write(frame_of(seq, answer) + answer.body)

    # streams

    async def _stream(self, seq: int, answer: Stream) -> None:
        self._transport.write(wire.pack(wire.ANSWER, seq, answer.status, head_of(answer), flags=wire.MORE))
        flow = self._flows[seq] = AsyncFlow(seq, answer)
        error: Optional[BaseException] = None
        try:
            while True:
                await flow.room()
                piece = await flow.next(self._limit)
                if piece is None:
                    break
                if piece:
                    self._transport.write(flow.frame(piece) + piece)
        # a BaseException since Python 3.8: the branch below would log it as if the script had raised
        except asyncio.CancelledError:
            await flow.aclose()
            raise
        except BaseException as raised:  # noqa: BLE001  # user code
            error = raised
        del self._flows[seq]
        self._tasks.pop(seq, None)
        self._transport.write(flow.end(error))


class AsyncFlow(Flow):
    """A stream whose pieces may come from an async generator."""

    def __init__(self, seq: int, stream: Stream) -> None:
        """Nothing is sent yet."""
        super().__init__(seq, stream)
        self._more = asyncio.Event()
        self._left = False

    def leave(self) -> None:
        """Note that the client is gone: before Python 3.12 ``wait_for`` may swallow that its task is cancelled."""
        self._left = True

    def give(self, count: int) -> None:
        """Add credit."""
        self.credit += count
        if self.credit > 0:
            self._more.set()

    async def room(self) -> None:
        """Wait for credit; let others have their turn in any case."""
        await asyncio.sleep(0)
        if self._left:
            raise asyncio.CancelledError
        while self.credit <= 0:
            self._more.clear()
            await self._more.wait()

    async def next(self, limit: float) -> Optional[bytes]:
        """Return the next piece, None at the end; ``limit`` is in seconds, 0 for none."""
        if not hasattr(self.pieces, "__anext__"):
            # a plain generator, of a script beside the async one: it holds up the loop, as it does any caller
            found: Optional[bytes] = next(self.pieces, None)
            return found
        try:
            return await asyncio.wait_for(self.pieces.__anext__(), limit or None)
        except StopAsyncIteration:
            return None

    async def aclose(self) -> None:
        """Let the generator end; its ``finally`` runs."""
        aclose = getattr(self.pieces, "aclose", None)
        if aclose is None:
            self.close()
            return
        try:
            await aclose()
        except BaseException:  # noqa: BLE001  # user code
            _LOG.exception("a generator raised when it was closed")
