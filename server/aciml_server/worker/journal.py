"""Memory that a worker shares with the front: answers that are not sent yet, and which job runs.

It outlives the worker: the front reads there what a dead worker had finished, and what it had begun.
"""

from __future__ import annotations

import mmap
import struct
from typing import Optional, Tuple

SIZE = 256 * 1024
"""Bytes, with the head; a longer frame is sent at once."""
_HEAD = struct.Struct("<QQ")
_ONE = struct.Struct("<Q")
START = _HEAD.size


class Journal:
    """``end`` is where the next frame goes. Each write puts the bytes first and what tells of them last."""

    def __init__(self, memory: mmap.mmap) -> None:
        """``memory`` has ``SIZE`` bytes."""
        self._memory = memory
        self.end = START

    def begin(self, seq: int) -> None:
        """Note that a job (or the batch that it begins) runs from now on."""
        _ONE.pack_into(self._memory, 8, seq + 1)  # 0 is for none

    def idle(self) -> None:
        """Note that no job runs."""
        _ONE.pack_into(self._memory, 8, 0)

    def add(self, frame: bytes) -> None:
        """Keep the answer of the job that runs; the caller looked if there is room."""
        end = self.end + len(frame)
        self._memory[self.end : end] = frame
        self.end = end
        # after the bytes: whoever reads a length finds all of them; and their job runs no more
        _HEAD.pack_into(self._memory, 0, end - START, 0)

    def waiting(self) -> bytes:
        """Return what is not sent."""
        return self._memory[START : self.end]

    def sent(self) -> None:
        """Begin anew."""
        self.end = START
        _ONE.pack_into(self._memory, 0, 0)

    # what the front asks

    def read(self) -> Tuple[bytes, Optional[int]]:
        """Return the frames that wait, and the job that is running, if one is."""
        waiting, running = _HEAD.unpack_from(self._memory, 0)
        # the worker crashed, perhaps by writing where it should not: a length is believed as far as the memory goes
        return self._memory[START : START + min(waiting, SIZE - START)], running - 1 if running else None

    def read_while_running(self) -> bytes:
        """Return the frames that wait behind a running job; nothing if the worker moved meanwhile."""
        waiting, running = _HEAD.unpack_from(self._memory, 0)
        if not waiting or not running:
            return b""
        # the worker goes on meanwhile: what is equal before and after was not moved in between
        frames = self._memory[START : START + min(waiting, SIZE - START)]
        return frames if _HEAD.unpack_from(self._memory, 0) == (waiting, running) else b""
