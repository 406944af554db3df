"""The local target's hold on the Docker Engine: one client, opened late, and whose container is whose.

``docker`` is imported when it is first needed, because the plugin has to start fast.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...core.errors import OutageError
from ...core.ownership import Claim, Owner, Stranger, stranger
from ...core.progress import Progress
from ...docker.engine import lost_engine
from ..workspace import claim_of

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

KIND = "aciml.kind"
NAME = "aciml.name"
IMAGE = "aciml.image"
"""Label with the reference of the image as it was asked for: Podman writes it another way in its own field."""

FRONT, DOOR = "front", "door"
"""What the label of the kind says of an Envoy in front of one container, and of one in front of replicas."""

TOKENS = {"registry": "aciml:registry:ContainerRegistry", "group": "aciml:compute:ContainerGroup"}
TOKENS |= {FRONT: TOKENS["group"]}
"""Types of resources by what the label says."""

NEXT = "-next"
"""Ends the container name of a candidate: what may take the place of the one that serves."""

# not `always`: what the user stops by `docker stop` stays stopped when the machine starts again
KEPT: Mapping[str, str] = {"Name": "unless-stopped"}
"""Restart policy of a container that has served."""

STOP_SECONDS = 10
"""Time between SIGTERM and SIGKILL, as ``docker stop`` has it."""


def container_of(name: str) -> str:
    """Return the name of a group's container; it is the id of the group."""
    return f"aciml-{name}"


@contextmanager
def docker_answers(doing: str) -> Iterator[None]:
    """Turn what goes wrong with Docker into ``OutageError``; ``doing`` completes "Docker could not ..."."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        # first: APIError is one of both kinds below, but it is an answer, and the engine runs
        raise OutageError(f"Docker could not {doing}: {error.explanation or error}") from error
    except (DockerException, RequestException) as error:
        # the package lets what `requests` raises through when an engine dies in the middle
        raise lost_engine(error, doing) from error


class LocalEngine:
    """A Docker client made on first use and kept; an engine that was not there is looked for again."""

    def __init__(self, connect: Callable[[], docker.DockerClient], workspace: str) -> None:
        """Remember how to connect, and for whom we work; nothing is contacted yet."""
        self._connect, self._workspace = connect, workspace
        self._lock = threading.Lock()
        self._client: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        """The client.

        Raises:
            OutageError: Docker is not running.
        """
        # Pulumi asks for resources side by side, and each would open a client of its own
        with self._lock, docker_answers("connect"):
            if self._client is None:
                # kept only when it answered: Docker that is started meanwhile is found by the next resource
                try:
                    self._client = self._connect()
                except OutageError as error:
                    raise OutageError(f"{error.message}, and the target local needs it", error.advice) from error
            return self._client

    def labels(self, kind: str, name: str, urn: str, mark: str) -> dict[str, str]:
        """Return the labels of what is made for a registry or group: what it is and whose; ``mark`` if it has one."""
        return {KIND: kind, NAME: name, **replace(claim_of(urn, self._workspace).owner, mark=mark).labels()}

    def find(self, container: str, kind: str, claim: Claim | None, name: str = "") -> Container | None:
        """Return our container of that name; None only if Docker says that there is none.

        Args:
            container: its name.
            kind: what its label says it is.
            claim: who asks; None for anybody, as long as we made it (an import).
            name: the name of the registry or group it has to belong to; any if empty.

        Raises:
            Stranger: there is one, but it is not ours; its owner is named.
            OutageError: Docker does not answer.
        """
        from docker.errors import NotFound

        with docker_answers(f'look for container "{container}"'):
            try:
                found = self.client.containers.get(container)
            except NotFound:
                # nothing but a 404 is "not there": state forgets a resource by it
                return None
        # names are anybody's; labels are what nobody but us writes
        ours = found.labels.get(KIND) == kind and (not name or found.labels.get(NAME) == name)
        if ours and (claim is None or claim.covers(Owner.read(found.labels))):
            return found
        since, seen = created_at(found.attrs.get("Created")), Owner.read(found.labels)
        named = found.labels.get(NAME, "")
        remedy = f"give this {kind} another name, or remove that container: docker rm -f {container}"
        if ours:
            command = f"pulumi import {TOKENS[kind]} {named} {container}"
            remedy = f"give this {kind} another name, or destroy it there, or take it over: {command}"
        raise stranger(
            f'a container "{container}"',
            seen,
            claim or Claim(Owner("")),
            since=since,
            ours=KIND in found.labels,
            remedy=remedy,
        )

    def find_to_remove(self, container: str, kind: str, claim: Claim | None, progress: Progress) -> Container | None:
        """Return our container of that name, to be removed; one of somebody else is left, with a warning."""
        try:
            return self.find(container, kind, claim)
        except Stranger as theirs:
            progress.warn(f"{theirs.message}: it stays")
            return None

    def find_candidate(self, container: str, kind: str, claim: Claim | None) -> Container | None:
        """Return what an interrupted run of ours left beside a container; None if that name is somebody else's."""
        name = container.removeprefix("aciml-").removeprefix("registry-" if kind == "registry" else "")
        try:
            return self.find(container + NEXT, kind, claim, name)
        except Stranger:
            # a service may be called like the candidate of another one: `iris-next` beside `iris`
            return None

    def remove(self, container: Container, *, gently: bool = False) -> None:
        """Remove a container, running or not; ``gently`` gives it time to end. One that is gone already is fine."""
        from docker.errors import NotFound

        with docker_answers(f'remove container "{container.name}"'):
            try:
                if gently and container.status == "running":
                    # removal with `force` begins with SIGKILL, and requests under way would be cut
                    container.stop(timeout=STOP_SECONDS)
                # a group's volumes without a name are its own: they hold its certificate
                container.remove(force=True, v=container.labels.get(KIND) == "group")
            except NotFound:
                return

    def tidy(self, container: str, kind: str, claim: Claim, name: str) -> None:
        """Undo what an interrupted run left: its candidate goes, and the one it had stopped runs again."""
        serving = self.find(container, kind, claim, name)
        # looked for by the name of what it belongs to: "iris-next" may be a service of its own
        leftover = self.find(container + NEXT, kind, claim, name)
        if leftover is None:
            return
        self.remove(leftover)
        # the run ended between the stop of the old one and the start of the new one; see `put_in_place`
        if serving is not None and is_proven(serving) and serving.status != "running":
            with docker_answers(f'start container "{container}" again'):
                serving.start()


def owner_of(container: Container) -> str:
    """Return the mark of a container's owner; empty if an older version made it."""
    seen = Owner.read(container.labels)
    return seen.mark if seen else ""


def created_at(when: object) -> str:
    """Return Docker's time without fractions of a second: ``2026-11-27 10:11:12``; empty if there is none."""
    day, _, time = str(when or "").partition("T")
    # nanoseconds and zone are cut off rather than parsed: a sentence needs no more
    return f"{day} {time[:8]}" if time else ""


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
            # Podman before 5.1 answers 404 to the path itself (containers/podman 22322), as if the container had gone
            container.reload()  # raises if it is the container that is not there
            return False
        container.reload()
    return True


def image_of(container: Container) -> str:
    """Return the reference that a container was made with."""
    return str(container.labels.get(IMAGE) or container.attrs["Config"]["Image"])


def is_proven(container: Container) -> bool:
    """Tell whether it has served since it was made."""
    # the policy is our mark, because it can be changed on a container that runs; a label cannot
    policy = container.attrs["HostConfig"].get("RestartPolicy") or {}
    return bool(policy.get("Name") == KEPT["Name"])


def state_of(container: Container) -> str:
    """Return Running, Stopped, Failed (it ended before it ever served) or Unknown (it may still come up)."""
    proven = is_proven(container)
    if container.status == "running":
        return "Running" if proven else "Unknown"
    # between two starts of one that ends again and again
    if container.status == "restarting":
        return "Failed"
    return "Stopped" if proven else "Failed"
