"""A job: one request on its way to a worker and back, whoever asked."""

from __future__ import annotations

from typing import Any, List, Protocol


class Asker(Protocol):
    """Who waits for an answer."""

    def answered(self, job: "Job", status: int, head: bytes, body: bytes, flags: int) -> None:
        """Take the answer: header lines, and the body or (flag ``MORE``) its beginning."""

    def continued(self, job: "Job", body: bytes, more: bool) -> None:
        """Take the next piece of the body."""


class Job:
    """``seq`` and ``queued`` (by ``time.monotonic``) are given when it is queued; ``body`` comes in the pieces that arrived, ``size`` bytes in all."""

    __slots__ = ("asker", "body", "context", "gone", "meta", "model", "queued", "seq", "size")

    def __init__(
        self, asker: Asker, model: int, meta: bytes, body: List[bytes], size: int, context: Any = None
    ) -> None:
        self.asker = asker
        self.model = model
        self.meta = meta
        self.body = body
        self.size = size
        self.context = context
        self.seq = 0
        self.queued = 0.0
        self.gone = False

    def answered(self, status: int, head: bytes, body: bytes, flags: int) -> None:
        """Give the answer to who asked."""
        self.asker.answered(self, status, head, body, flags)

    def continued(self, body: bytes, more: bool) -> None:
        """Give the next piece of the body to who asked."""
        self.asker.continued(self, body, more)
