"""One request as it arrives on a connection."""

from __future__ import annotations

from typing import Any, Dict, List, Optional


class Request:
    """``headers`` have lower-case names; ``ids`` are the header lines to send back. ``refused`` is set as soon as it is known."""

    __slots__ = (
        "body", "close", "complete", "done", "ended", "flags", "head", "headers", "id", "ids", "job", "method", "path",
        "query", "refused", "reply", "route", "sent", "size", "started", "status", "target", "trace",
    )  # fmt: skip

    def __init__(self, started: float) -> None:
        self.started = started
        self.headers: Dict[bytes, bytes] = {}
        self.target = b""
        self.method = ""
        self.path = ""
        self.query = ""
        self.ids = b""
        self.id = b""
        self.body: List[bytes] = []
        self.size = 0
        self.complete = False
        self.done = False
        self.close = False
        self.status = 0
        self.refused: Optional[Any] = None
        self.job: Optional[Any] = None
        self.route: Optional[Any] = None
        """The `Route` that its path means; None for what is none."""
        self.head = b""
        """For the books: the answer's own header lines, the first bytes of its body, its size and the flags of its frame."""
        self.reply = b""
        self.sent = 0
        self.flags = 0
        self.ended = 0.0
        self.trace: Optional[Any] = None
