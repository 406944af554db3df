"""A CLI call in a session of its own, which can end as a machine ends: all at once, nothing is tidied."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.e2e.project import LONG, Project, path_with
from tests.e2e.python import cold_python
from tests.e2e.warm import FORKS


class CliSession:
    """A running ``pulumi``; what it says goes to a file.

    Args:
        project: whose folder, config and environment it has.
        args: words of the command.
        cold: Python starts as ever. If not, programs and plugins are forks, which are not of this session: they note
            their numbers in a folder, and end with it all the same.
        environ: more variables.
    """

    def __init__(self, project: Project, *args: str, cold: bool = False, **environ: str) -> None:
        self._log = project.folder / "session.log"
        self._forks = Path(tempfile.mkdtemp(dir=project.folder))
        python = {"PATH": path_with(cold_python())} if cold else {FORKS: str(self._forks)}
        project.save()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["pulumi", "--non-interactive", "--color", "never", *args],
                cwd=project.folder,
                env={**project.environ(), **python, **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """Return what was said so far."""
        return self._log.read_text()

    def kill(self) -> None:
        """End the CLI and all that it started, plugins too, which have process groups of their own."""
        deadline = time.monotonic() + LONG
        while members := list(self._members()):
            for one in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill_the_cli_alone(self) -> None:
        """End the CLI; what it started does not hear of it."""
        os.kill(self._process.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait until the CLI has ended; return its code, negative if it was killed."""
        return self._process.wait(LONG)

    def has_no_plugin(self) -> bool:
        """Tell whether none of our plugins runs any more; the engine's language host is not ours."""
        return not any(b"/provider/__main__.py" in _command(one) for one in self._members())

    def _members(self) -> Iterator[int]:
        for fork in self._forks.glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{fork.name}/stat").read_text().rpartition(")")[2].split()
                # the number may be another process's by now, which began later
                if fields[0] not in "ZX" and fields[19] == fork.read_text():
                    yield int(fork.name)
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                with contextlib.suppress(OSError):
                    state, _, _, session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
                    if int(session) == self._process.pid and state not in "ZX":
                        yield int(place.name)


def _command(process: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


class Nth:
    """Does something when a line matches for the ``count``-th time; to be heard by ``Emulator.on_request``."""

    def __init__(self, match: str, count: int, then: Callable[[], object]) -> None:
        self._match, self._left, self._then = match.lower(), count, then
        self._lock = threading.Lock()
        self.happened = False

    def __call__(self, line: str) -> None:
        with self._lock:
            if self.happened or not line.lower().startswith(("put ", "patch ", "post ", "delete ")):
                return
            if self._match in line.lower():
                self._left -= 1
            if self._left:
                return
            self.happened = True
        self._then()
