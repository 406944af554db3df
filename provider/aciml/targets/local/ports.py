"""Ports on 127.0.0.1: who has one, and which is free."""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING

from ...core.errors import UserError
from ...core.ownership import Owner, whose
from .engine import docker_answers

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

HOST = "127.0.0.1"
_LOOKS, _LOOK_SECONDS = 20, 0.1
"""How often, and how long after one another, a port is tried that nobody listens at, and that cannot be had."""
_PAUSE = threading.Event()


class PortTaken(UserError):
    """Somebody else has the port."""

    def __init__(self, port: int, by: str = "", owner: str = "") -> None:
        """Name the port and, if known, the container that has it and whose that is."""
        of = f", which belongs to {owner}" if owner else ""
        who = f' (container "{by}"{of})' if by else ""
        seen = f"port {port} on {HOST} is in use by another program{who}"
        super().__init__(seen, "choose another port in the stack config or 0")


def free_port() -> int:
    """Return a port that is free now."""
    # free until somebody is faster, so `launch` tries again; Docker's own choice would move at each start
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def published_port(container: Container) -> int:
    """Return the port on the host that a container of ours was made with, running or not; 0 if there is none."""
    # not NetworkSettings: that is empty while the container is stopped
    bindings = container.attrs["HostConfig"].get("PortBindings") or {}
    ports = [int(binding["HostPort"] or 0) for several in bindings.values() for binding in several or ()]
    return ports[0] if ports else 0


def reached_port(container: Container) -> int:
    """Return the port on the host where a container that runs is reached; 0 while it does not.

    One behind a door has another one after each start, which the engine picks.
    """
    if port := published_port(container):
        return port
    with docker_answers(f'look at container "{container.name}"'):
        container.reload()
    bindings = container.attrs["NetworkSettings"].get("Ports") or {}
    return next((int(one["HostPort"]) for several in bindings.values() for one in several or ()), 0)


def require_free_port(client: docker.DockerClient, port: int, own: Container | None = None) -> None:
    """Make sure that ``port`` can be had; a port that our running container ``own`` has is ours.

    Raises:
        PortTaken: it cannot; the container that has it is named.
    """
    if own is not None and own.status == "running" and published_port(own) == port:
        return
    with docker_answers("list its containers"):
        running = client.api.containers()
    # Docker first: a socket tells that a port is taken, and not by whom
    for container in running:
        if any(entry.get("PublicPort") == port for entry in container.get("Ports") or ()):
            seen, name = Owner.read(container.get("Labels")), container["Names"][0].lstrip("/")
            raise PortTaken(port, name, whose(seen) if seen else "")
    if _somebody_listens(port):
        raise PortTaken(port)


def _somebody_listens(port: int) -> bool:
    """Try to connect and to listen: on macOS 127.0.0.1 can be bound beside a program that listens everywhere."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        pass
    else:
        return True
    for _ in range(_LOOKS):
        try:
            socket.create_server((HOST, port)).close()
        except OSError as error:
            # nothing else: below 1024 this process is refused (EACCES) what the engine may well do
            if error.errno != errno.EADDRINUSE:
                return False
        else:
            return False
        # nobody listens, and it cannot be had: the system lent it to somebody's connection to elsewhere, which is
        # mostly over soon (ip(7), ip_local_port_range)
        _PAUSE.wait(_LOOK_SECONDS)
    return True
