"""While a script is written: new workers when a file changes, beside the old ones, which serve until those can."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from importlib.util import cache_from_source
from typing import Callable, Dict, Iterable, Tuple

from ..settings import Settings

_LOG = logging.getLogger("aciml.workers")
_INTERVAL = 0.5
"""Seconds between two looks."""
_MOST = 20_000
"""Files; more are not looked at."""
_NEVER = frozenset(("__pycache__", "node_modules", "site-packages"))

Seen = Dict[str, Tuple[int, int]]


class Reload:
    """Looks at ``*.py`` below the source folder, and at all files of the model folder."""

    def __init__(self, settings: Settings, changed: Callable[[], None]) -> None:
        """``changed`` is called after each change."""
        self._source = os.path.join(settings.app_root, settings.source_directory)
        self._model = settings.model_dir
        self._changed = changed

    async def run(self) -> None:
        """Look until the end of the process; never returns."""
        loop = asyncio.get_running_loop()
        before = await loop.run_in_executor(None, self.look)
        while True:
            await asyncio.sleep(_INTERVAL)
            # in a thread: a slow disk must not hold up requests
            now = await loop.run_in_executor(None, self.look)
            if now != before:
                paths = {path for path, _ in set(now.items()) ^ set(before.items())}
                _LOG.info("changed: %s", ", ".join(sorted(os.path.basename(path) for path in paths)[:5]))
                _forget(paths)
                before = now
                self._changed()

    def look(self) -> Seen:
        """Return time and size of each file."""
        seen: Seen = {}
        _look(self._source, ".py", seen)
        if self._model:
            _look(self._model, "", seen)
        return seen


def _forget(paths: Iterable[str]) -> None:
    """Remove what Python compiled of files that changed: it compares size and whole seconds, which an edit may keep."""
    for path in paths:
        if path.endswith(".py"):
            with contextlib.suppress(OSError, NotImplementedError):  # there is none, or this Python makes none
                os.unlink(cache_from_source(path))


def _look(folder: str, suffix: str, seen: Seen) -> None:
    for where, folders, names in os.walk(folder):
        # a virtual environment: nobody edits its thousands of files (PEP 405 has this one in its root)
        if "pyvenv.cfg" in names:
            folders.clear()
            continue
        # in place: `os.walk` goes on with what is left in this very list
        folders[:] = [name for name in folders if name not in _NEVER and not name.startswith(".")]
        for name in names:
            if name.endswith(suffix) and len(seen) < _MOST:
                path = os.path.join(where, name)
                try:
                    found = os.stat(path)
                except OSError:
                    continue  # gone meanwhile
                # both: an edit may keep the size, and a copy the time
                seen[path] = (found.st_mtime_ns, found.st_size)
