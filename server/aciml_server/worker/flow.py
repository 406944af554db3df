"""A streamed answer on its way: pieces go out one by one, as many as the front gave credit for."""

from __future__ import annotations

import logging
import sys
from typing import Any

from .. import wire
from ..values import Stream, StreamBroken

_LOG = logging.getLogger("aciml.run")


class Flow:
    """``credit`` is in bytes; a piece may go beyond it, the next one waits then."""

    def __init__(self, seq: int, stream: Stream) -> None:
        """Nothing is sent yet."""
        self.seq = seq
        self.pieces: Any = stream.pieces
        self.credit = wire.WINDOW

    def frame(self, piece: bytes) -> bytes:
        """Return the head of the frame for a piece, and use up its credit."""
        self.credit -= len(piece)
        return wire.HEAD.pack(len(piece), 0, self.seq, 0, wire.CHUNK, wire.MORE)

    def end(self, error: Any = None) -> bytes:
        """Return the last frame; what raised is logged, unless it was before."""
        if error is not None and not isinstance(error, StreamBroken):
            _LOG.error("an answer ended before its time", exc_info=error)
        return wire.pack(wire.CHUNK, self.seq, flags=0 if error is None else wire.FAILED)

    def close(self) -> None:
        """Let the generator end; its ``finally`` runs."""
        close = getattr(self.pieces, "close", None)
        if close is not None:
            try:
                close()
            except BaseException:  # noqa: BLE001  # user code
                _LOG.error("a generator raised when it was closed", exc_info=sys.exc_info())
