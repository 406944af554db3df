"""The worker's loop for functions: one job after the other in the main thread, and pieces of streams between them."""

from __future__ import annotations

import signal
import time
from typing import Any, Dict, List, Optional

from .. import logs, wire
from ..answers import head_of, timed_out
from ..contract.model import Model
from ..settings import Settings
from ..values import Answer, Call, ScoringTimeout, Stream
from .flow import Flow
from .heads import call_of, frame_of, gone, id_of, score
from .link import Link, kept

_SLOW = 0.002
"""Seconds of a step after which clients may have left meanwhile."""


class Loop:
    """Signals arrive in the main thread: SIGALRM, which the front sends when a step takes too long, ends that step."""

    def __init__(self, link: Link, models: List[Model], settings: Settings) -> None:
        """Take SIGALRM."""
        self._link = link
        self._models = models
        self._most = settings.max_body
        self._timeout_ms = settings.scoring_timeout_ms
        self._limit = settings.scoring_timeout_ms / 1000
        self._flows: Dict[int, Flow] = {}
        self._started: Optional[float] = None
        # Windows has none; a step that takes too long ends there with its worker
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, self._alarm)

    def _alarm(self, _number: int, _frame: Any) -> None:
        # a signal on its way when a step ended comes in the next one, which must not pay for it
        if self._started is not None and time.perf_counter() - self._started >= self._limit:
            self._started = None
            raise ScoringTimeout

    def run(self) -> None:
        """Do jobs until the front says END or is gone.

        Raises:
            OSError: the front went away in the middle of an answer.
        """
        link = self._link
        while True:
            # streams without credit do not move; only their clients can wake them, so there is time to wait
            moving = [flow for flow in self._flows.values() if flow.credit > 0] if self._flows else None
            frame: Optional[wire.Frame] = None
            if not moving:
                frame = link.receive()
            elif not self._look():
                return
            elif link.has_jobs:
                frame = link.receive()
            elif not moving:
                continue
            if (frame is not None or not moving) and not self._take(frame):
                return
            for flow in moving or ():
                self._step(flow)

    def _look(self) -> bool:
        """Do what the front asks for beside jobs; tell if it still wants something."""
        # a list first: `all` alone would stop at an END and leave the frames behind it undone
        return all(list(map(self._control, self._link.look())))

    def _take(self, frame: Optional[wire.Frame]) -> bool:
        if frame is None:
            return False
        if frame.kind == wire.JOB:
            self._job(frame)
        elif frame.kind == wire.BATCH:
            self._batch([job for job in (self._next() for _ in range(frame.number)) if job is not None])
        else:
            return self._control(frame)
        return True

    def _control(self, frame: wire.Frame) -> bool:
        if frame.kind == wire.END:
            self._link.flush()
            return False
        if frame.kind == wire.CANCEL and frame.number:
            self._link.send_now(gone(frame.seq))
        elif frame.kind == wire.CANCEL:
            flow = self._flows.pop(frame.seq, None)
            if flow is not None:
                flow.close()
                self._link.send_now(flow.end())
        elif frame.kind == wire.CREDIT and frame.seq in self._flows:
            self._flows[frame.seq].credit += wire.COUNT.unpack(frame.meta)[0]
        return True

    # jobs

    def _job(self, frame: wire.Frame) -> None:
        self._link.begin(frame.seq)
        self._started = started = time.perf_counter()
        try:
            answer = score(self._models[frame.number], frame, self._most)
            self._started = None
        except ScoringTimeout:  # it came between two lines of ours
            answer = self._late()
        self._send(frame.seq, answer)
        # quick jobs do not look: it is a system call each
        if time.perf_counter() - started > _SLOW and not self._look_between():
            # the same as if a write had failed: `serve` takes any OSError for the end of the front
            raise BrokenPipeError

    def _look_between(self) -> bool:
        """Look for clients that left during a long step, before the next job is begun."""
        return not self._link.has_more or self._look()

    def _next(self) -> Optional[wire.Frame]:
        """Return the next job of a batch, None if its client left."""
        while True:
            frame = self._link.receive()
            if frame is None:
                raise BrokenPipeError
            if frame.kind == wire.JOB:
                return kept(frame)
            self._control(frame)
            if frame.kind == wire.CANCEL and frame.number:
                return None

    def _batch(self, frames: List[wire.Frame]) -> None:
        if not frames:
            return
        calls = [call_of(frame, self._most) for frame in frames]
        good = [number for number, call in enumerate(calls) if type(call) is Call]
        ids = [_shown_id(calls[number], frames[number]) for number in good]
        logs.call.set({"x-request-id": ", ".join(filter(None, ids))})
        self._link.begin(frames[0].seq)
        self._started = time.perf_counter()
        answers: List[Any] = list(calls)
        try:
            for number, answer in zip(good, self._scored(frames[0].number, [calls[number] for number in good])):
                answers[number] = answer
            self._started = None
        except ScoringTimeout:
            # one call for all of them: nobody knows whose it was
            answers = [self._late()] * len(frames)
        for frame, answer in zip(frames, answers):
            self._send(frame.seq, answer)
        # the front sends the next batch to a worker that owes nothing: to hold these back would make it wait
        self._link.flush()

    def _scored(self, model: int, calls: List[Any]) -> List[Any]:
        return list(self._models[model].score_batch(calls)) if calls else []

    def _late(self) -> Answer:
        return timed_out(self._timeout_ms)

    # answers

    def _send(self, seq: int, answer: Any) -> None:
        if type(answer) is not Stream:
            self._link.send(frame_of(seq, answer), answer.body)
            return
        self._link.send_now(wire.pack(wire.ANSWER, seq, answer.status, head_of(answer), flags=wire.MORE))
        self._flows[seq] = Flow(seq, answer)

    def _step(self, flow: Flow) -> None:
        """Send the next piece of a stream."""
        # an earlier step in this round, or the look before it, may have cancelled it
        if flow.seq not in self._flows:
            return
        error: Optional[BaseException] = None
        piece: Optional[bytes] = None
        self._started = time.perf_counter()
        try:
            # each piece has the limit for itself: a stream may go on for hours
            piece = next(flow.pieces, None)
            self._started = None
        except BaseException as raised:  # noqa: BLE001  # user code
            self._started = None
            error = raised
        if piece is not None:
            if piece:
                self._link.send_now(flow.frame(piece), piece)
            return
        del self._flows[flow.seq]
        self._link.send_now(flow.end(error))


def _shown_id(call: Any, frame: wire.Frame) -> str:
    return call.headers.get("x-request-id", "") if call.headers else id_of(frame).decode("latin-1")
