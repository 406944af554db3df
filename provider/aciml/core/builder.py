"""Building a Dockerfile on another machine: the promise, and its refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Literal, Protocol, get_args

from .errors import AcimlError
from .progress import Progress

# Docker is asked first by `auto`, since it has a cache and no queue (decisions/acr-tasks.md)
Builder = Literal["auto", "docker", "acr"]
"""Who builds: Docker if its engine answers and else the target; Docker alone; the target's own builder."""

BUILDERS: tuple[Builder, ...] = get_args(Builder)
REMOTE: Builder = "acr"
"""The user's word, which is v1's and the cloud's, for the builder beside the registry."""


class RemoteBuilder(Protocol):
    """Builds a Dockerfile elsewhere than on this machine, and pushes what it gives to a registry of the target."""

    def build(
        self,
        context: IO[bytes],
        *,
        dockerfile: str,
        login_server: str,
        name: str,
        arguments: Mapping[str, str],
        hear: Callable[[str], None],
        progress: Progress,
    ) -> None:
        """Build and push ``linux/amd64``.

        Args:
            context: an uncompressed tar that holds the Dockerfile too.
            dockerfile: its path in the tar.
            login_server: the registry, which also has the base.
            name: ``repository:tag`` to push to.
            arguments: build arguments.
            hear: gets each line of the build's log, without its end; raises ``UserError`` to name the step that failed.
            progress: told how long it waits and runs; ctrl-C cancels the run.

        Raises:
            BuilderRefused: the place builds nothing for this account; another builder may.
            UserError: the build failed.
            OutageError: the place does not answer.
        """


# neither a UserError nor an OutageError: nothing failed, and Docker runs the steps instead (decisions/acr-tasks.md)
class BuilderRefused(AcimlError):
    """The remote builder takes no builds of this account or registry."""
