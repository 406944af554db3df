"""The log of one run of ACR Tasks, read while it grows.

It is a blob that is first not there, grows, and gets the metadata ``complete`` at the end. Source: azure-cli,
command_modules/acr/_stream_utils.py.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable

from .blob_link import BlobFacts, BlobLink, LinkRefusedError

_BLOCK = 1 << 20  # bytes asked for at once
_COMPLETE = "complete"


class TaskLog:
    """Gives each line once. ``complete`` says that nothing more will come."""

    def __init__(self, open_link: Callable[[], BlobLink]) -> None:
        """Ask for a link when it is needed, and for another when that has run out."""
        self.complete = False
        self._open = open_link
        self._link: BlobLink | None = None
        self._at = 0
        # a range may end in the middle of a character; and a step may print what is no UTF-8 at all
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def read(self) -> list[str]:
        """Return the whole lines that are new, without their ends; when it is complete also the last one.

        Raises:
            OutageError: the storage refuses or is silent; what was read is not read again.
        """
        facts = self._facts()
        if facts is None:
            return []
        lines: list[str] = []
        # not beyond the size of this look: the storage answers 416 to a range behind the end
        while self._at < facts.size and (block := self._block(facts.size)):
            self._at += len(block)
            lines += self._split(self._decoder.decode(block))
        # both: the mark may be seen while there is more to read
        if _COMPLETE in facts.metadata and self._at >= facts.size:
            self.complete = True
            lines += [self._rest] if self._rest else []
            self._rest = ""
        return lines

    def close(self) -> None:
        """Close the connection."""
        if self._link is not None:
            self._link.close()

    def _split(self, text: str) -> list[str]:
        *whole, self._rest = (self._rest + text).split("\n")
        return [line.rstrip("\r") for line in whole]

    def _facts(self) -> BlobFacts | None:
        """Look; a link that ran out during a long run is replaced once."""
        if self._link is not None:
            try:
                return self._link.facts()
            except LinkRefusedError:
                pass
        self.close()
        self._link = self._open()
        return self._link.facts()

    def _block(self, size: int) -> bytes:
        return self._link.read(self._at, min(size, self._at + _BLOCK)) if self._link else b""
