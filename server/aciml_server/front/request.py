"""One request as it arrives on a connection."""

from __future__ import annotations

from typing import Any, Dict, List, Optional


class Request:
    """``headers`` have lower-case names; ``ids`` are the header lines to send back. ``refused`` is set as soon as it is known."""

    __slots__ = (
        "body", "close", "complete", "done", "headers", "id", "ids", "job", "method", "path", "query", "refused",
        "size", "started", "status", "target",
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
