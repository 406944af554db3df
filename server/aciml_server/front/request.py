"""One request as it arrives on a connection."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

_PIECES = 256  # pieces of a body that may wait to be joined
_SMALL = 1024  # bytes of a piece below which joining is worth its copy


class Request:
    """What is known of a request; what holds for most of them stands in the class, which makes a new one cheap.

    ``headers`` have lower-case names; ``ids`` are the header lines to send back. ``refused`` is set as soon
    as it is known.
    """

    target = b""
    method = ""
    path = ""
    query = ""
    old = False
    """Of HTTP/1.0, which knows no chunks."""
    ids = b""
    id = b""
    size = 0
    length = 0
    """What the head says of the body; -1 if it comes in chunks."""
    reserved = 0
    """Bytes of the room for bodies that are taken for this one."""
    joined = 0
    expects = False
    """The client waits for ``100 Continue``."""
    complete = False
    done = False
    """An answer is written, or nobody waits for one any more."""
    close = False
    streams = False
    """The beginning of the answer is written, and more comes."""
    status = 0
    refused: Optional[Any] = None
    job: Optional[Any] = None
    route: Optional[Any] = None
    """The `Route` that its path means; None for what is none."""
    head = b""
    """For the books: header lines of the answer, the first bytes of its body, its size and the flags of its frame."""
    reply = b""
    sent = 0
    flags = 0
    ended = 0.0
    trace: Optional[Any] = None

    def __init__(self, started: float) -> None:
        """``started`` is by ``time.perf_counter``."""
        self.started = started
        self.headers: Dict[bytes, bytes] = {}
        self.body: List[bytes] = []

    def join(self) -> None:
        """Put many small pieces of the body together: each costs more than it holds."""
        if len(self.body) - self.joined >= _PIECES:
            recent = self.body[self.joined :]
            if sum(map(len, recent)) < _SMALL * _PIECES:
                self.body[self.joined :] = [b"".join(recent)]
            self.joined = len(self.body)
