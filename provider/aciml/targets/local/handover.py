"""A fixed port that a service takes along when it moves: to the other kind, or to another name.

Pulumi makes what replaces a resource before it removes the old one, so that the port is in use by the service itself.
The new one is proven on a port of its own first; then what has the port ends, and goes on if its successor does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import AcimlError
from ...core.ownership import Claim, Owner
from ...core.progress import Progress
from .engine import DOOR, FRONT, KIND, NAME, STOP_SECONDS, docker_answers

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

KINDS = frozenset({"group", FRONT, DOOR})
"""What the label of the kind says of containers that a service is called at."""


def holder_of(client: docker.DockerClient, port: int, name: str, kind: str, claim: Claim) -> Container | None:
    """Return the running container by which this very resource has the port, under another name or as the other kind.

    Args:
        client: the engine.
        port: that is wanted.
        name: of the service that wants it.
        kind: what its own containers say they are: those are no predecessors.
        claim: of the resource.
    """
    if not port:
        return None
    # what state remembers is that of the one that goes on: of a predecessor the urn and the folder tell
    ours = replace(claim, remembered=None)
    with docker_answers("list its containers"):
        for seen in client.api.containers():
            labels = seen.get("Labels") or {}
            has = any(entry.get("PublicPort") == port for entry in seen.get("Ports") or ())
            another = (labels.get(KIND), labels.get(NAME)) != (kind, name)
            if has and another and labels.get(KIND) in KINDS and ours.covers(Owner.read(labels)):
                return client.containers.get(str(seen["Id"]))
    return None


@contextmanager
def handing_over(
    holder: Container, port: int, progress: Progress, undo: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """As ``handed_over``, and told; if the block fails, ``undo`` takes away what was made for this run alone."""
    progress.say(f'port {port} goes over from container "{holder.name}"')
    try:
        with handed_over(holder):
            yield
    except BaseException:  # also ctrl-C
        # after the holder runs again: callers wait for that, and for nothing else
        undo()
        raise


@contextmanager
def handed_over(holder: Container) -> Iterator[None]:
    """End what has the port for as long as its successor takes to answer there; if that fails, it goes on."""
    try:
        with docker_answers(f'stop container "{holder.name}"'):
            holder.stop(timeout=STOP_SECONDS)
        yield
    except BaseException:  # also ctrl-C
        # the error that led here is what the user has to see
        with suppress(AcimlError), docker_answers(f'start container "{holder.name}" again'):
            holder.start()
        raise
