"""BuildKit, through Docker's own command line: the only way to RUN --mount, and so to secrets."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from ..core.errors import UserError
from ..core.progress import Progress
from .dockerfile import DOCKERFILE

_SECRET = "ACIML_BUILD_SECRET_"  # noqa: S105  # begin of the names of variables
_PLATFORM = "linux/amd64"
_LOOK = 0.2  # seconds; how soon ctrl-C is seen
_TAIL = 15


def build_with_buildkit(
    files: IO[bytes],
    name: str,
    arguments: Mapping[str, str],
    secrets: Mapping[str, str],
    *,
    need: str,
    progress: Progress,
) -> None:
    """Build a context and leave the image in the engine.

    Args:
        files: tar with the Dockerfile.
        name: of the image in the engine.
        arguments: build arguments.
        secrets: by id; they are handed over in the environment, and blacked out in what is shown.
        need: what asks for BuildKit, for the error.
        progress: gets live lines, and can stop the work at any time.

    Raises:
        UserError: BuildKit is not here, or the build fails.
    """
    client = shutil.which("docker")
    if client is None or subprocess.run([client, "buildx", "version"], capture_output=True, check=False).returncode:
        advice = "install the buildx plugin of the docker program (docker buildx version), or write it without that"
        raise UserError(f"{need} needs BuildKit, and docker buildx is not here", advice)
    command = [client, "buildx", "build", "--builder", "default", "--load", "--provenance=false", "--progress=plain"]
    command += ["--platform", _PLATFORM, "--tag", name, "--file", DOCKERFILE]
    hidden = {f"{_SECRET}{number}": value for number, value in enumerate(secrets.values())}
    command += [f"--secret=id={key},env={variable}" for key, variable in zip(secrets, hidden, strict=True)]
    command += [f"--build-arg={key}={value}" for key, value in arguments.items()]
    tail: deque[str] = deque(maxlen=_TAIL)
    with _running([*command, "-"], files, hidden) as lines:
        for line in lines:
            progress.checkpoint()
            if shown := _blacked_out(line, secrets):
                tail.append(shown)
                progress.say(shown)
        if lines.status:
            text = "".join(f"\n    {line}" for line in tail)
            raise UserError(f"BuildKit failed with exit code {lines.status}:{text}\n", "mend the Dockerfile")


def _blacked_out(line: str, secrets: Mapping[str, str]) -> str:
    for value in secrets.values():
        for part in filter(None, value.splitlines()):
            line = line.replace(part, "***")
    return line.rstrip()


class _Lines:
    """The lines of a program as they come; empty ones while it is silent. ``status`` is its exit code at the end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self.status = process, 0
        self._heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._heard.put(line)
        self._heard.put(None)

    def __iter__(self) -> Iterator[str]:
        while True:
            try:
                line = self._heard.get(timeout=_LOOK)
            except queue.Empty:
                yield ""
                continue
            if line is None:
                self.status = self._process.wait()
                return
            yield line


@contextmanager
def _running(command: list[str], files: IO[bytes], variables: Mapping[str, str]) -> Iterator[_Lines]:
    """Run a program that reads ``files``; it ends with the block."""
    descriptor = files.fileno()
    files.flush()
    os.lseek(descriptor, 0, os.SEEK_SET)
    process = subprocess.Popen(  # our own words, no shell
        command,
        stdin=descriptor,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **variables},
    )
    lines = _Lines(process)
    try:
        yield lines
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        lines.thread.join()
        if process.stdout:
            process.stdout.close()
