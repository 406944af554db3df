"""What tests have in the place of a resource's row: progress that keeps what it is told, and that can ask to stop."""

from __future__ import annotations

import threading

from aciml.core.errors import Cancelled
from aciml.core.progress import Silent


class Heard(Silent):
    """Keeps ``lines``, of which a user sees the last one, and ``notes`` and ``warnings``, which stay; all in order."""

    def __init__(
        self,
        brake: str = "",
        *,
        urn: str = "",
        timeout: float = 0.0,
        stop_at: int = 0,
        error: BaseException | None = None,
    ) -> None:
        """Stop at the first checkpoint behind a line with the word ``brake``, or at that with the number ``stop_at``.

        Args:
            brake: a part of a line; empty: none stops.
            urn: the resource that is spoken for.
            timeout: seconds that its user allows, 0 if nothing was said.
            stop_at: counted from 1; 0: none stops.
            error: what is raised there, ``Cancelled`` if nothing is said.
        """
        self.urn, self.timeout = urn, timeout
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.checkpoints = 0
        self._brake, self._pulled = brake, threading.Event()
        self._stop_at, self._error = stop_at, error or Cancelled()

    @property
    def kept(self) -> list[str]:
        """What stays in front of the user, whether it warns of something or not."""
        return [*self.notes, *self.warnings]

    def say(self, text: str) -> None:
        self.lines.append(text)
        if self._brake and self._brake in text:
            self._pulled.set()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def checkpoint(self) -> None:
        self.checkpoints += 1
        if self._pulled.is_set() or self.checkpoints == self._stop_at:
            raise self._error
