"""What user code prints, taken line by line."""

from __future__ import annotations

import threading
from typing import Any, Callable, List

_TRACEBACK = "Traceback (most recent call last):"


class Lines:
    """In the place of ``sys.stdout`` or ``sys.stderr``: gives lines to ``emits``; a printed traceback counts as one.

    With ``echo`` all is written to the stream itself, too, as it is. Lines of two threads are kept apart.
    """

    def __init__(self, stream: Any, *emits: Callable[[str], None], echo: bool) -> None:
        """``stream`` answers for all that is not writing."""
        self._stream = stream
        self._emits = emits
        self._echo = echo
        self._mine = threading.local()

    def write(self, text: str) -> int:
        """Take text, whole lines or parts of them."""
        size = len(text)
        if self._echo:
            self._stream.write(text)
        mine = self._mine
        text = getattr(mine, "part", "") + text
        if "\n" in text:
            *lines, text = text.split("\n")
            for line in lines:
                self._line(line)
        mine.part = text
        return size

    def writelines(self, lines: List[str]) -> None:
        """Take several."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Give away what is no whole line yet."""
        part, self._mine.part = getattr(self._mine, "part", ""), ""
        group: List[str] = getattr(self._mine, "group", [])
        if part:
            group = [*group, part]
        self._mine.group = []
        if group:
            self._emit("\n".join(group))
        self._stream.flush()

    def _line(self, line: str) -> None:
        group: List[str] = getattr(self._mine, "group", [])
        if group:
            group.append(line)
            if not line.startswith(" "):  # the line with the exception
                self._mine.group = []
                self._emit("\n".join(group))
        elif line.startswith(_TRACEBACK):
            self._mine.group = [line]
        # an empty line spaces out a terminal; as an object of its own it says nothing
        elif line:
            self._emit(line)

    def _emit(self, text: str) -> None:
        for emit in self._emits:
            emit(text.rstrip("\r"))

    def __getattr__(self, name: str) -> Any:
        """Be the stream for all the rest."""
        return getattr(self._stream, name)
