"""BuildKit, through the engine's own API: for what the classic builder does not know, such as RUN --mount.

Neither the docker program nor its plugin buildx is needed: a build of ``version=2`` is BuildKit's (Docker Engine API,
"Build an image"), and what it asks for while it builds is answered by a session (``session.py``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ..core.context import FileEntry
from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from .accounts import docker_login
from .buildkit_log import BuildLog
from .buildkit_trace import TRACE, Trace
from .dockerfile import DOCKERFILE, text_of
from .podman import is_podman
from .session import Offer, Text, open_session
from .step_clock import StepClock
from .stream import messages
from .transcript import in_step

if TYPE_CHECKING:
    import docker

_PLATFORM = "linux/amd64"
# BuildKit's words of a registry that was asked for an image (containerd's remotes/docker)
_ASKED = re.compile(
    r"failed to do request: Head|/manifests/sha256:|failed to resolve source metadata|failed to authorize"
)
_SINCE = (1, 39)  # API of Docker 18.09, the first whose BuildKit is no experiment


def has_buildkit(engine: docker.DockerClient) -> bool:
    """Tell whether the engine builds by BuildKit when it is asked to.

    Raises:
        docker.errors.DockerException: it does not answer.
    """
    facts = engine.version()
    version = tuple(int(part) for part in str(facts.get("ApiVersion", "1.0")).split("."))
    # moby has BuildKit on Linux alone; Podman passes over the word and builds by its own Buildah
    return version >= _SINCE and facts.get("Os") == "linux" and not is_podman(engine)


def build_with_buildkit(
    engine: docker.DockerClient,
    lines: Sequence[str],
    context: Sequence[FileEntry],
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
        engine: from ``connect``.
        lines: the Dockerfile, an entry an instruction; it is no file of the context, so that no COPY takes it along.
        context: files for COPY and ADD.
        name: of the image in the engine.
        arguments: build arguments.
        secrets: by id; they are handed over when a step asks for them, and blacked out in what is shown.
        need: what asks for BuildKit, for the error.
        log: knows the steps; hears what BuildKit says.
        progress: gets live lines, and can stop the work at any time.

    Raises:
        UserError: BuildKit is not here, or a step fails; names it and shows its last lines.
        OutageError: the engine stops answering.
    """
    from docker.errors import APIError

    if not has_buildkit(engine):
        advice = "let a Docker Engine on Linux build, 18.09 or newer, or write it without that"
        raise UserError(f"{need} needs BuildKit, and this engine does not have it", advice)
    dockerfile = Text(DOCKERFILE, text_of(lines))
    offer = Offer({"dockerfile": [dockerfile], "context": context}, secrets, docker_login)
    params = {
        "version": "2",
        "remote": "client-session",
        "dockerfile": DOCKERFILE,
        "t": name,
        "rm": "1",
        "platform": _PLATFORM,
        "buildargs": json.dumps(arguments),
    }
    clock, trace = StepClock(progress, log), Trace()
    with open_session(engine, offer) as session:
        stream = messages(engine, "/build", progress=clock, params={**params, "session": session})
        try:
            with closing(stream):
                for message in stream:
                    if "error" in message:
                        _raise_if_lost(_blacked_out(str(message["error"]), secrets))
                        log.hear(_blacked_out(f"ERROR: {message['error']}", secrets))
                        raise log.failure()
                    for line in trace.lines(message["aux"]) if message.get("id") == TRACE else ():
                        heard = _blacked_out(line, secrets)
                        if heard and (shown := log.hear(heard)):
                            progress.say(shown)
        except OutageError as error:
            raise in_step(error, log.running, log.total) from error
        except APIError as error:
            # refused before the first step, so it is about how they are written
            why = _blacked_out(str(error.explanation or error), secrets)
            raise UserError(f"Docker cannot read the steps: {why}", "mend that step") from None


class BaseLost(OutageError):
    """BuildKit does not get an image: it is gone from the engine since it was put there, or is that of a frontend."""


def _raise_if_lost(why: str) -> None:
    # it asks a registry only for what is not in the engine, where all images of FROM were put before
    if _ASKED.search(why):
        message = f"Docker cannot get an image that the build stands on: {why}"
        raise BaseLost(
            message, "see that it reaches the registry, and that nothing cleans it up meanwhile; then try again"
        )


def _blacked_out(line: str, secrets: Mapping[str, str]) -> str:
    for value in secrets.values():
        # a log has lines, and a secret of several ones would slip through as a whole
        for part in filter(None, value.splitlines()):
            line = line.replace(part, "***")
    return line.rstrip()
