"""BuildKit, through Docker's own command line: the only way to RUN --mount, and so to secrets."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from ..core.errors import UserError
from ..core.progress import Progress
from .buildkit_log import BuildLog
from .dockerfile import DOCKERFILE

_SECRET = "ACIML_BUILD_SECRET_"  # begin of the names of variables
_PLATFORM = "linux/amd64"
_LOOK = 0.2  # seconds; how soon ctrl-C is seen


def build_with_buildkit(
    files: IO[bytes],
    name: str,
    arguments: Mapping[str, str],
    secrets: Mapping[str, str],
    *,
    need: str,
    log: BuildLog,
    progress: Progress,
) -> None:
    """Build a context and leave the image in the engine.

    Args:
        files: tar with the Dockerfile.
        name: of the image in the engine.
        arguments: build arguments.
        secrets: by id; they are handed over in the environment, and blacked out in what is shown.
        need: what asks for BuildKit, for the error.
        log: knows the steps; hears what BuildKit says.
        progress: gets live lines, and can stop the work at any time.

    Raises:
        UserError: BuildKit is not here, or a step fails; names it and shows its last lines.
    """
    client = shutil.which("docker")
    if client is None or subprocess.run([client, "buildx", "version"], capture_output=True, check=False).returncode:
        advice = "install the buildx plugin of the docker program (docker buildx version), or write it without that"
        raise UserError(f"{need} needs BuildKit, and docker buildx is not here", advice)
    # the default builder is the engine's own: it sees images by our local names, which no other builder does
    command = [client, "buildx", "build", "--builder", "default", "--load", "--provenance=false", "--progress=plain"]
    command += ["--platform", _PLATFORM, "--tag", name, "--file", DOCKERFILE]
    # by numbers: an id of the user's may be no name of a variable
    hidden = {f"{_SECRET}{number}": value for number, value in enumerate(secrets.values())}
    command += [f"--secret=id={key},env={variable}" for key, variable in zip(secrets, hidden, strict=True)]
    command += [f"--build-arg={key}={value}" for key, value in arguments.items()]
    with _running([*command, "-"], files, hidden) as lines:
        for line in lines:
            progress.checkpoint()
            heard = _blacked_out(line, secrets)
            if heard and (shown := log.hear(heard)):
                progress.say(shown)
        if lines.status:
            raise log.failure(lines.status)


def _blacked_out(line: str, secrets: Mapping[str, str]) -> str:
    for value in secrets.values():
        # a log has lines, and a secret of several ones would slip through as a whole
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
    # to ask for it moves a spooled file to the disk, where a child can read it
    descriptor = files.fileno()
    files.flush()
    os.lseek(descriptor, 0, os.SEEK_SET)
    process = subprocess.Popen(  # our own words, no shell
        command,
        stdin=descriptor,
        stdout=subprocess.PIPE,
        # progress is written there (docker/buildx)
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
            # SIGTERM, so that the client tells the engine; a killed client would leave the build running
            process.terminate()
            process.wait()
        lines.thread.join()
        if process.stdout:
            process.stdout.close()
