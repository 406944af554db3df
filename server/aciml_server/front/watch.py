"""Files that may be replaced while the service runs: secrets that are mounted, certificates that are renewed."""

from __future__ import annotations

import os
from typing import Sequence, Tuple

_State = Tuple[Tuple[int, int, int], ...]


class Watch:
    """Notices a change of files; through links, so that a folder swapped as a whole (Kubernetes) is seen."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Empty paths do not count."""
        self._paths = [path for path in paths if path]
        self._seen = self._state()

    def changed(self) -> bool:
        """Tell if a file was changed since the last time; a file that is away for a moment has not."""
        if not self._paths:
            return False
        state = self._state()
        if state == self._seen or (0, 0, 0) in state:
            return False
        self._seen = state
        return True

    def _state(self) -> _State:
        return tuple(_signature(path) for path in self._paths)


def _signature(path: str) -> Tuple[int, int, int]:
    try:
        facts = os.stat(path)
    except OSError:
        return (0, 0, 0)
    # all three: a copy may keep the time, an edit the inode, and both the size
    return (facts.st_mtime_ns, facts.st_ino, facts.st_size)
