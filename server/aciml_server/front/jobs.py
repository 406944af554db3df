"""A job: one request on its way to a worker and back, whoever asked."""

from __future__ import annotations

from typing import Any, List, Protocol


class Asker(Protocol):
    """Who waits for an answer."""

    def answered(self, job: "Job", status: int, head: bytes, body: bytes, flags: int) -> None:
        """Take the answer: header lines, and the body or (flag ``MORE``) its beginning."""

    def continued(self, job: "Job", body: bytes, more: bool) -> None:  # noqa: FBT001  # called for each piece
        """Take the next piece of the body."""

    def broken(self, job: "Job") -> None:
        """Learn that the rest of the body will never come."""


class Job:
    """One request for a model; ``body`` comes in the pieces that arrived, ``size`` bytes in all.

    ``seq`` and ``queued`` (by ``time.monotonic``) are given when it is queued. ``backend`` is the worker that has it.
    ``owed`` counts bytes of a streamed body for which that worker got no new credit, because the asker cannot take more
    for now (``pause``).
    """

    __slots__ = (
        "asker", "backend", "body", "context", "gone", "meta", "model", "owed", "paused", "queued", "sent", "seq",
        "size",
    )  # fmt: skip

    def __init__(
        self, asker: Asker, model: int, meta: bytes, body: List[bytes], size: int, context: Any = None
    ) -> None:
        """Nobody has it yet."""
        self.asker = asker
        self.model = model
        self.meta = meta
        self.body = body
        self.size = size
        self.context = context
        self.seq = 0
        self.queued = self.sent = 0.0
        self.backend: Any = None
        self.gone = self.paused = False
        self.owed = 0

    def answered(self, status: int, head: bytes, body: bytes, flags: int) -> None:
        """Give the answer to who asked."""
        self.asker.answered(self, status, head, body, flags)

    def continued(self, body: bytes, more: bool) -> None:  # noqa: FBT001  # as above
        """Give the next piece of the body to who asked."""
        self.asker.continued(self, body, more)

    def broken(self) -> None:
        """Tell who asked that the body ends before its time."""
        self.asker.broken(self)

    def pause(self) -> None:
        """Let the worker make no more than what it may already send."""
        self.paused = True

    def go_on(self) -> None:
        """Let the worker go on with the body."""
        self.paused = False
        if self.owed and self.backend is not None:
            self.backend.credit(self)
