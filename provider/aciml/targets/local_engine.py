"""The local target's hold on the Docker Engine: one client, opened late, and whose container is whose.

``docker`` is imported when it is first needed, because the plugin has to start fast.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..core.errors import OutageError, UserError

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

KIND = "aciml.kind"
NAME = "aciml.name"
IMAGE = "aciml.image"
"""Label with the reference of the image as it was asked for: Podman writes it another way in its own field."""

NEXT = "-next"
"""Ends the container name of a candidate: what may take the place of the one that serves."""

KEPT: Mapping[str, str] = {"Name": "unless-stopped"}
"""Restart policy of a container that has served."""

STOP_SECONDS = 10
"""Time between SIGTERM and SIGKILL, as ``docker stop`` has it."""


@contextmanager
def docker_answers(doing: str) -> Iterator[None]:
    """Turn what goes wrong with Docker into ``OutageError``; ``doing`` completes "Docker could not ..."."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise OutageError(f"Docker could not {doing}: {error.explanation or error}") from error
    except (DockerException, RequestException) as error:
        seen = f"the Docker Engine stopped answering (it had to {doing}): {error}"
        raise OutageError(seen, "start Docker, then run the same command again") from error


class LocalEngine:
    """A Docker client made on first use and kept; an engine that was not there is looked for again."""

    def __init__(self, connect: Callable[[], docker.DockerClient]) -> None:
        """Remember how to connect; nothing is contacted yet."""
        self._connect = connect
        self._lock = threading.Lock()
        self._client: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        """The client.

        Raises:
            OutageError: Docker is not running.
        """
        with self._lock, docker_answers("connect"):
            if self._client is None:
                self._client = self._connect()
            return self._client

    def find(self, container: str, kind: str, owner: str = "") -> Container | None:
        """Return our container of that name; None only if Docker says that there is none.

        Args:
            container: its name.
            kind: what its label says it is.
            owner: the name of the registry or group it has to belong to; any if empty.

        Raises:
            UserError: there is one, but it is not ours.
            OutageError: Docker does not answer.
        """
        from docker.errors import NotFound

        with docker_answers(f'look for container "{container}"'):
            try:
                found = self.client.containers.get(container)
            except NotFound:
                return None
        if found.labels.get(KIND) != kind or (owner and found.labels.get(NAME) != owner):
            advice = "rename or remove that container, or choose another name in the stack config"
            raise UserError(f'a container "{container}" is there already and is not this {kind} of aciml', advice)
        return found

    def remove(self, container: Container, *, gently: bool = False) -> None:
        """Remove a container, running or not; ``gently`` gives it time to end. One that is gone already is fine."""
        from docker.errors import NotFound

        with docker_answers(f'remove container "{container.name}"'):
            try:
                if gently and container.status == "running":
                    container.stop(timeout=STOP_SECONDS)
                container.remove(force=True)
            except NotFound:
                return

    def tidy(self, container: str, kind: str, owner: str) -> None:
        """Undo what an interrupted run left: its candidate goes, and the one it had stopped runs again."""
        leftover = self.find(container + NEXT, kind, owner)
        if leftover is None:
            return
        self.remove(leftover)
        serving = self.find(container, kind, owner)
        if serving is not None and is_proven(serving) and serving.status != "running":
            with docker_answers(f'start container "{container}" again'):
                serving.start()


def prove(container: Container) -> bool:
    """Mark a container that has served: from now on Docker keeps it running, also over a restart of the machine.

    Before that a restart policy would hide the exit code of a container that cannot start.

    Returns:
        Whether it is marked; if not, this engine has to be given another container, made with ``KEPT``.
    """
    if not is_proven(container):
        return amend(container, restart_policy=KEPT) and is_proven(container)
    with docker_answers(f'look at container "{container.name}"'):
        container.reload()
    return True


def amend(container: Container, **changes: Any) -> bool:
    """Change a container, which may be running; False if this engine cannot: Podman before 5.1 has no such call."""
    from docker.errors import NotFound

    with docker_answers(f'change container "{container.name}"'):
        try:
            container.update(**changes)
        except NotFound:
            container.reload()  # raises if it is the container that is not there
            return False
        container.reload()
    return True


def image_of(container: Container) -> str:
    """Return the reference that a container was made with."""
    return str(container.labels.get(IMAGE) or container.attrs["Config"]["Image"])


def is_proven(container: Container) -> bool:
    """Tell whether it has served since it was made."""
    policy = container.attrs["HostConfig"].get("RestartPolicy") or {}
    return bool(policy.get("Name") == KEPT["Name"])


def state_of(container: Container) -> str:
    """Return Running, Stopped, Failed (it ended before it ever served) or Unknown (it may still come up)."""
    proven = is_proven(container)
    if container.status == "running":
        return "Running" if proven else "Unknown"
    if container.status == "restarting":
        return "Failed"
    return "Stopped" if proven else "Failed"
