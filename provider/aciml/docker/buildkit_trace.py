"""What BuildKit tells of a build, as the engine's API has it: messages of its own, turned into its lines of plain text.

Source: moby/buildkit ``api/services/control/control.proto`` (StatusResponse), ``util/progress/progressui`` (the lines).
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator

from .protobuf import Message, bytes_of, decode, number_of, text_of

TRACE = "moby.buildkit.trace"
"""The id of a message that has one."""


class Trace:
    """Follows one build; ``lines`` gives what is new, as ``docker build --progress=plain`` would print it."""

    def __init__(self) -> None:
        """Know no part of the build yet."""
        self._numbers: dict[str, int] = {}
        self._said = set[tuple[str, str]]()
        self._rests: dict[str, str] = defaultdict(str)

    def lines(self, aux: str) -> Iterator[str]:
        """Return the lines of a message; ``aux`` is what it carries, in base64.

        Raises:
            ValueError: it is no such message.
        """
        message = decode(base64.b64decode(aux))
        for part in _parts(message, 1):
            yield from self._vertex(part)
        for part in _parts(message, 3):
            yield from self._output(part)

    def _vertex(self, vertex: Message) -> Iterator[str]:
        digest, name = text_of(vertex, 1), text_of(vertex, 3)
        number = self._numbers.setdefault(digest, len(self._numbers) + 1)
        failed = " ".join(text_of(vertex, 7).split())
        if (5 in vertex or failed) and self._is_new(digest, "started"):
            yield f"#{number} {name}"
        # others that ran beside what failed: they are no cause
        if "context canceled" in failed:
            failed, ended = "", "CANCELED"
        else:
            ended = "CACHED" if number_of(vertex, 4) else "DONE"
        if failed and self._is_new(digest, "failed"):
            yield from self._end(digest)
            yield f"#{number} ERROR: {failed}"
        elif 6 in vertex and not failed and self._is_new(digest, "ended"):
            yield from self._end(digest)
            yield f"#{number} {ended}"

    def _output(self, log: Message) -> Iterator[str]:
        digest = text_of(log, 1)
        number = self._numbers.get(digest)
        *whole, self._rests[digest] = (self._rests[digest] + bytes_of(log, 4).decode(errors="replace")).split("\n")
        for line in whole if number else ():
            # a bar of progress writes over itself: its last state counts
            shown = line.rstrip("\r").rpartition("\r")[2]
            yield f"#{number} 0.0 {shown}"

    def _end(self, digest: str) -> Iterator[str]:
        # a program's last words may have no end of line
        if rest := self._rests.pop(digest, ""):
            yield f"#{self._numbers[digest]} 0.0 {rest}"

    def _is_new(self, digest: str, what: str) -> bool:
        seen = (digest, what) in self._said
        self._said.add((digest, what))
        return not seen


def _parts(message: Message, number: int) -> Iterator[Message]:
    for part in message.get(number, ()):
        if isinstance(part, bytes):
            yield decode(part)
