"""The worker's life: load the script, say so, do jobs until the front ends it."""

from __future__ import annotations

import json
import logging
import marshal
import mmap
import signal
import socket
import sys
import time
import traceback
from typing import Any, Iterator, List, Optional

from .. import logs, wire
from ..contract.model import Model
from ..contract.script import load
from ..settings import Settings
from ..values import FAILED, Answer, Call, ScoringTimeout, ScriptError, Stream
from .link import JOURNAL, Link

_LOG = logging.getLogger("aciml")
INIT_FAILED = 3
"""Exit code when the script cannot serve, as in v1."""
_TRUE, _FALSE = FAILED + ": True\r\n", FAILED + ": False\r\n"


def main(settings: Settings, sock_fd: int, journal_fd: int) -> int:
    """Be a worker; return the exit code: 0 when the front ended it, 3 if the script cannot serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the front hears it, and decides
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logs.configure(settings)
    sock = socket.socket(fileno=sock_fd)
    link = Link(sock, mmap.mmap(journal_fd, JOURNAL) if journal_fd >= 0 else None)
    models = load_models(settings)
    if models is None:
        return INIT_FAILED
    link.send(wire.pack(wire.READY, meta=json.dumps([model.facts._asdict() for model in models]).encode()), urgent=True)
    try:
        Loop(link, models, settings).run()
    except OSError:
        return 0  # the front is gone
    return 0


def load_models(settings: Settings) -> Optional[List[Model]]:
    """Load all scripts; on failure tell why, the short form in the last line, and return None."""
    try:
        return [
            Model(name, load(settings, script), settings.scoring_timeout_ms)
            for name, script in settings.scripts.items()
        ]
    except ScriptError as error:
        print(error, file=sys.stderr, flush=True)
    except BaseException as error:  # noqa: BLE001  # user code; SystemExit is a failure too
        sys.stdout.flush()
        traceback.print_exc()
        text = " ".join(str(error).split())
        print("init() raised %s%s" % (type(error).__name__, ": " + text if text else ""), file=sys.stderr, flush=True)
    return None


class Loop:
    """Does one job after the other in the main thread, where signals arrive."""

    def __init__(self, link: Link, models: List[Model], settings: Settings) -> None:
        """Take SIGALRM: the front sends it when a job takes too long."""
        self._link = link
        self._models = models
        self._limit = settings.scoring_timeout_ms / 1000
        self._started: Optional[float] = None
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, self._alarm)

    def _alarm(self, _number: int, _frame: Any) -> None:
        if self._started is not None and time.perf_counter() - self._started >= self._limit:
            self._started = None
            raise ScoringTimeout

    def run(self) -> None:
        """Do jobs until the front says END or is gone.

        Raises:
            OSError: the front went away in the middle of an answer.
        """
        link, models = self._link, self._models
        while True:
            frame = link.receive()
            if frame is None or frame.kind == wire.END:
                link.flush()
                return
            if frame.kind != wire.JOB:
                continue
            call = call_of(frame)
            link.begin(frame.seq)
            self._started = time.perf_counter()
            try:
                answer = models[frame.number].score(call)
            finally:
                self._started = None
            self._send(frame.seq, answer)

    def _send(self, seq: int, answer: Any) -> None:
        if isinstance(answer, Stream):
            self._stream(seq, answer)
            return
        head = head_of(answer)
        body = answer.body
        flags = wire.FAILED if answer.failed else 0
        self._link.send(wire.HEAD.pack(len(body), len(head), seq, answer.status, wire.ANSWER, flags) + head, body)

    def _stream(self, seq: int, answer: Stream) -> None:
        first = head_of(Answer(answer.status, b"", answer.content_type, answer.headers, None))
        self._link.send(wire.pack(wire.ANSWER, seq, answer.status, first, flags=wire.MORE), urgent=True)
        pieces: Iterator[bytes] = answer.pieces  # type: ignore[assignment]
        for piece in pieces:
            self._link.send(wire.pack(wire.CHUNK, seq, body=piece, flags=wire.MORE), urgent=True)
        self._link.send(wire.pack(wire.CHUNK, seq), urgent=True)


def head_of(answer: Answer) -> bytes:
    """Return the header lines of an answer, as HTTP/1.1 writes them."""
    lines = "content-type: " + answer.content_type + "\r\n"
    if answer.failed is not None:
        lines += _TRUE if answer.failed else _FALSE
    for name, value in answer.headers:
        lines += name + ": " + value + "\r\n"
    return lines.encode("latin-1", "replace")


def call_of(frame: wire.Frame) -> Call:
    """Return the call in a frame; ``meta`` is empty for the usual one, a POST whose headers nobody needs."""
    if not frame.meta:
        return Call("POST", "/score", "", {}, frame.body)  # type: ignore[arg-type]
    method, path, query, headers = marshal.loads(frame.meta)
    return Call(method, path, query, headers, frame.body)  # type: ignore[arg-type]
