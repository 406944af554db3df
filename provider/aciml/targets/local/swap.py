"""Starting containers: a first one, and a new one in the place of one that serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...core.errors import AcimlError
from .engine import STOP_SECONDS, LocalEngine, docker_answers
from .gate import Failure, start
from .ports import PortTaken, free_port

if TYPE_CHECKING:
    from docker.models.containers import Container

TRIES = 5
"""How often a free port is picked again when somebody is faster."""


def launch(engine: LocalEngine, create: Callable[[int], Container], port: int) -> tuple[Container, Failure | None]:
    """Create and start a container on ``port``; 0 picks a free one.

    Raises:
        PortTaken: the port asked for has gone to somebody else; nothing is left behind.
    """
    for left in reversed(range(1 if port else TRIES)):
        container = create(port or free_port())
        try:
            # only the start tells: the engine binds a port when the process begins
            return container, start(container)
        except PortTaken:
            # ports are fixed when a container is made: another port is another container
            engine.remove(container)
            if not left:
                raise
    raise AssertionError  # pragma: no cover - the last try returns or raises


def put_in_place(
    engine: LocalEngine, old: Container, new: Container, serves: Callable[[], Failure | None]
) -> Failure | None:
    """Stop ``old``, then let ``new`` take its port and name; if ``new`` does not serve, ``old`` is brought back.

    Args:
        engine: where both are.
        old: what is there now.
        new: created under another name, not started.
        serves: waits for ``new`` and tells why it does not answer.

    Returns:
        None when ``new`` is in place, else its failure.
    """
    name, was_running = str(old.name), old.status == "running"
    try:
        with docker_answers(f'stop container "{name}"'):
            # two containers cannot have one port of the host, so there is a gap (decisions/local-service.md)
            old.stop(timeout=STOP_SECONDS)
        failure = start(new) or serves()
    except BaseException:
        # ctrl-C too: until the new one has answered nothing may stand between the user and the old one
        _bring_back(engine, old, new, was_running=was_running)
        raise
    if failure:
        _bring_back(engine, old, new, was_running=was_running)
        return failure
    # only now, when its successor has answered; and before the rename, since a name is given once
    engine.remove(old)
    take_name(new, name)
    return None


def take_name(container: Container, name: str) -> None:
    """Give a container its name for good; the name has to be free.

    One that runs in an overlay network cannot have another name (seen in Docker 20.10).
    """
    with docker_answers(f'name container "{name}"'):
        container.rename(name)
        # what the client knows of it is from before
        container.reload()


def _bring_back(engine: LocalEngine, old: Container, new: Container, *, was_running: bool) -> None:
    """Put the old one back, as far as Docker lets us: the error that led here is what the user has to see."""
    try:
        engine.remove(new)
        if was_running:
            with docker_answers(f'start container "{old.name}" again'):
                old.start()
                old.reload()
    except AcimlError:
        return
