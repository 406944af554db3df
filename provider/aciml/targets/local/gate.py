"""The gate of the local target: a container passes when it answers 200; if it does not, this tells why."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import OutageError
from ...core.progress import Progress
from ..protocol import Certificate, GroupSpec
from .engine import docker_answers
from .ports import HOST, PortTaken, published_port, reached_port

if TYPE_CHECKING:
    from docker.models.containers import Container

POLL_SECONDS = 0.1
SHOWN_LINES = 20
# more than is shown: the exception that explains the end may stand far above it
READ_LINES = 200
# also `created`: a start that fails leaves it so
_ENDED = frozenset({"created", "exited", "dead"})
# Docker, Podman and Docker Desktop; the API has one code for all that fails at a start, so words have to do
_PORT_WORDS = ("port is already allocated", "address already in use", "ports are not available")
_LOST = "attempted to invoke a command that was not found"  # Podman's words for Docker's exit code 127


@dataclass(frozen=True)
class Failure:
    """Why a container does not serve. ``exit_code`` is None while it runs; ``lines`` are its last log lines."""

    container: str
    what: str
    exit_code: int | None
    out_of_memory: bool
    lines: tuple[str, ...]

    def describe(self, subject: str, secrets: Iterable[str] = ()) -> str:
        """Tell it to the user: exit code, hint and the last log lines, in which ``secrets`` are blotted out."""
        from ...core.golden.table import FAILED
        from ..hints import hint

        answered = self.what.startswith(("failed its smoke test", FAILED))  # then it runs, and what it said tells why
        said = "" if answered else hint(self.lines, self.exit_code, out_of_memory=self.out_of_memory)
        head = f"{subject} {self.what}{': ' if said else ''}{said}"
        log = "\n  ".join((f'last log lines of container "{self.container}":', *self.lines[-SHOWN_LINES:]))
        text = f"{head}\n{log if self.lines else 'it wrote nothing to its log'}"
        # the longest first: one may be a part of another, and its rest would be left to read
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return text


def start(container: Container) -> Failure | None:
    """Start a container; what its image's command did wrong comes back as ``Failure``.

    Raises:
        PortTaken: somebody took the port meanwhile.
        OutageError: Docker does not answer.
    """
    from docker.errors import APIError

    with docker_answers(f'start container "{container.name}"'):
        try:
            container.start()
        except APIError as error:
            said = str(error.explanation or error)
            if any(word in said.lower() for word in _PORT_WORDS):
                raise PortTaken(published_port(container)) from error
            container.reload()
            code = 127 if _LOST in said else int(container.attrs["State"].get("ExitCode") or 0)
            if code not in {126, 127}:  # what an engine answers for a command it cannot run
                raise
            return Failure(str(container.name), f"could not be started, exit code {code}", code, False, (said,))
    return None


def wait_until_serving(
    container: Container, path: str, timeout: float, progress: Progress, certificate: Certificate | None = None
) -> Failure | None:
    """Wait for a 200 on ``path``, by TLS if the server has a ``certificate``; ``timeout`` in seconds.

    Returns:
        None when it answers, else why it does not: it ended, or the time is over.

    Raises:
        Cancelled: at once when the user asks to stop; the container is left to the caller.
        OutageError: Docker does not answer.
    """
    # here, and below: HTTP is slow to load, and a preview starts nothing
    from ..smoke import knock

    url = base_url(container, certificate) + path
    began, pause = time.monotonic(), threading.Event()
    while True:
        progress.checkpoint()
        # before the look at the container: one that answers is spared the call
        answer = knock(url, certificate)
        if answer.serves:
            return None
        with docker_answers(f'look at container "{container.name}"'):
            container.reload()
        # at once, not when the time is over: a container that fails in a second is told in a second
        if container.status in _ENDED:
            return _ended(container)
        waited = time.monotonic() - began
        if waited >= timeout:
            what = f"did not answer 200 on {path} within {timeout:g} seconds (last seen: {answer})"
            return Failure(str(container.name), what, None, False, last_lines(container))
        # what was seen last tells a slow init() (refused) from a wrong port or path (404)
        progress.say(f"waiting for 200 on {url}, {waited:.0f} of {timeout:g} s ({answer})")
        pause.wait(POLL_SECONDS)


def prove_by_request(container: Container, spec: GroupSpec) -> Failure | None:
    """Send the smoke test, if there is one, to a container that serves, and tell what came if it was not as wanted."""
    from ..smoke import run_smoke, trust

    if spec.smoke_test is None:
        return None
    key = spec.declared.keys.shown
    wrong = run_smoke(base_url(container, spec.certificate), spec.smoke_test, key, trust(spec.certificate))
    if not wrong:
        return None
    return Failure(str(container.name), f"failed its smoke test: {wrong}", None, False, last_lines(container))


def prove_by_answers(container: Container, spec: GroupSpec, progress: Progress) -> Failure | None:
    """Ask a container that serves for its golden predictions, and tell what differs."""
    from ..golden import prove

    wrong = prove(base_url(container, spec.certificate), spec, progress)
    return Failure(str(container.name), wrong, None, False, last_lines(container)) if wrong else None


def base_url(container: Container, certificate: Certificate | None) -> str:
    """Return where a container is asked."""
    return f"{'https' if certificate else 'http'}://{HOST}:{reached_port(container)}"


def last_lines(container: Container, *, whole: bool = False) -> tuple[str, ...]:
    """Return the end of the log; nothing if the log driver does not let it be read.

    ``whole`` is for a container that has ended: it waits until the engine has written all that came from it.
    """
    try:
        with docker_answers(f'read the log of container "{container.name}"'):
            # an engine says "exited" when the process is gone, and copies its last lines a moment later; a log that is
            # followed ends when they are written (Engine API, "Get container logs")
            log: bytes = container.logs(tail=READ_LINES, follow=whole)
    except OutageError:
        # some log drivers keep nothing to read (`none`, others without the engine's cache): no reason to fail twice
        return ()
    return tuple(line.rstrip() for line in log.decode(errors="replace").splitlines())


def _ended(container: Container) -> Failure:
    state = container.attrs["State"]
    # the flag beside the code: a child that was killed for memory leaves its parent to end with a code of its own
    code, killed = int(state.get("ExitCode") or 0), bool(state.get("OOMKilled"))
    # a container that never started writes nothing, and some engines would wait for it to begin
    lines = last_lines(container, whole=container.status != "created")
    return Failure(str(container.name), f"exited with code {code}", code, killed, lines)
