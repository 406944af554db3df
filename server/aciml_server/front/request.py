"""One request as it arrives on a connection."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

_PIECES = 256  # pieces of a body that may wait to be joined
_SMALL = 1024  # bytes of a piece below which joining is worth its copy


class Request:
    """What is known of a request.

    ``headers`` have lower-case names; ``ids`` are the header lines to send back. ``refused`` is set as soon as it is
    known. ``length`` is what the head says of the body, -1 for chunks; ``reserved`` bytes that are set aside for it.
    ``old`` is HTTP/1.0, which knows no chunks; with ``expects`` the client waits for ``100 Continue``. ``done`` means
    that an answer is written, or that nobody waits for one any more; with ``streams`` the beginning of it is. ``wrong``
    is what makes the head unfit for any answer but a refusal.
    """

    # one of these is made for each request: without a dict it is made sooner, and smaller
    __slots__ = (
        "body", "close", "complete", "done", "ended", "expects", "flags", "head", "headers", "id", "ids", "job",
        "joined", "length", "method", "old", "path", "query", "queued", "refused", "reply", "reserved", "route", "sent",
        "size", "started", "status", "streams", "target", "trace", "wrong",
    )  # fmt: skip

    def __init__(self, started: float) -> None:
        """``started`` is by ``time.perf_counter``."""
        self.started = started
        self.headers: Dict[bytes, bytes] = {}
        self.body: List[bytes] = []
        self.target = self.ids = self.id = b""
        self.method = self.path = self.query = self.wrong = ""
        self.size = self.joined = self.length = self.reserved = self.status = 0
        self.complete = self.done = self.close = self.expects = self.old = self.streams = False
        self.refused: Optional[Any] = None
        self.job: Optional[Any] = None
        self.route: Optional[Any] = None
        """The `Route` that its path means; None for what is none."""
        self.head = self.reply = b""
        """For the books: header lines of the answer, first bytes of its body, its size and the flags of its frame."""
        self.sent = self.flags = 0
        self.ended = self.queued = 0.0
        self.trace: Optional[Any] = None

    def join(self) -> None:
        """Put many small pieces of the body together: each costs more than it holds."""
        if len(self.body) - self.joined >= _PIECES:
            recent = self.body[self.joined :]
            if sum(map(len, recent)) < _SMALL * _PIECES:
                self.body[self.joined :] = [b"".join(recent)]
            self.joined = len(self.body)
