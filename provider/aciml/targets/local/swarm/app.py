"""One service in a swarm: what there is of it, and how that goes.

What Envoy's files say is who serves, so a run that was killed at any step is gone on with by looking.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ....core.ownership import Claim, Owner
from ....core.progress import Progress
from ....settings import Settings
from ...protocol import GroupFacts, GroupSpec
from ..engine import DOOR, KIND, NAME, NEXT, LocalEngine, docker_answers
from ..ports import HOST
from ..pull import Login
from ..swap import take_name
from .cluster import Swarm, alone
from .door import BEFORE, Entrance, Files, door_name, stop
from .envoy import Routing
from .services import Services, require_own
from .template import REVISION, Made

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

NETWORK = "network"
"""What the label of the kind says of the overlay of a service."""

PREFIX = "swarm:"
"""Begins the id of a service in a swarm."""

KEPT_RETIRED = 5
"""Revisions without replicas that stay known, the newest: to activate one again costs a start, and no build."""

DRAIN_SECONDS = 30.0
"""How long requests may be at work in a revision that gets no new ones, before its replicas go."""


def id_of(app: str) -> str:
    """Return the id of a service."""
    return f"{PREFIX}{app}"


def app_of(id_: str) -> str:
    """Return the name of the service that has this id."""
    return id_.removeprefix(PREFIX)


def network_of(app: str) -> str:
    """Return the name of a service's overlay: each has its own, so that no service reaches another's replicas."""
    return f"aciml-net--{app}"  # Docker wants a name of DNS


@dataclass
class There:
    """What there is of a service: its revisions, the newest first, and its Envoy."""

    app: str
    revisions: list[Made]
    entrance: Entrance | None
    labels: list[Mapping[str, str]]

    @cached_property
    def files(self) -> Files:
        """What Envoy is told; read when somebody asks, since the engine starts a process of its own for each read."""
        return self.entrance.files() if self.entrance else Files({})

    @property
    def exists(self) -> bool:
        """Tell whether there is anything of it."""
        return bool(self.labels)

    @property
    def routing(self) -> Routing:
        """Who gets which share; nobody where there is no Envoy."""
        return self.files.door().routing

    @property
    def serving(self) -> Made | None:
        """The revision with the largest share; None if nobody serves."""
        weights = self.routing.serving
        here = [one for one in self.revisions if one.name in weights]
        return max(here, key=lambda one: weights[one.name]) if here else None

    def named(self, name: str) -> Made | None:
        """Return the revision of that name."""
        return next((one for one in self.revisions if one.name == name), None)


class Apps:
    """The services that run in the swarm of one engine."""

    def __init__(self, engine: LocalEngine, settings: Settings, login: Login) -> None:
        """Work with ``engine``; ``login`` tells how to log in to the registry of an image."""
        self.engine, self.settings, self.login = engine, settings, login

    @property
    def client(self) -> docker.DockerClient:
        """The engine's client."""
        return self.engine.client

    @property
    def services(self) -> Services:
        """Docker's calls."""
        return Services(self.engine.client)

    @property
    def swarm(self) -> Swarm:
        """The swarm."""
        return Swarm(self.engine.client, self.settings.swarm_pool)

    def look(self, app: str, claim: Claim | None) -> There:
        """Look at what there is of a service.

        Raises:
            Stranger: some of it belongs to somebody else.
        """
        made, container, network = self.services.of(app), self.container(door_name(app)), None
        network = self.swarm.find(network_of(app))
        # all kinds of things that have its name, and not only what serves: a stranger's network would be used by us
        found = [(f'a service "{one.name}" of the swarm', one.labels, REVISION) for one in made]
        if container is not None:
            found.append((f'a container "{container.name}"', container.labels, DOOR))
        if network is not None:
            found.append((f'a network "{network_of(app)}"', network[1], NETWORK))
        for what, labels, kind in found:
            require_own(what, labels, kind, claim)
        entrance = Entrance(container) if container is not None else None
        return There(app, made, entrance, [labels for _, labels, _ in found])

    def container(self, name: str) -> Container | None:
        """Return a container, whosever it is; None if there is none."""
        from docker.errors import NotFound

        with docker_answers(f'look for container "{name}"'):
            try:
                return self.engine.client.containers.get(name)
            except NotFound:
                return None

    def facts(self, there: There) -> GroupFacts | None:
        """Return what is seen of a service; None if there is nothing of it."""
        if not there.exists:
            return None
        # of one that nobody is sent to yet, the newest is what people ask about
        shown = there.serving or next(iter(there.revisions), None)
        port = there.entrance.port if there.entrance else 0
        door = there.files.door()
        marks = [owner.mark for labels in there.labels if (owner := Owner.read(labels))]
        return GroupFacts(
            id=id_of(there.app),
            name=there.app,
            image=shown.image if shown else "",
            cpu=shown.cpu if shown else 0.0,
            memory_gb=shown.memory_gb if shown else 0.0,
            port=port,
            address=f"{HOST}:{port}",
            state=self._state(there),
            owner=marks[0] if marks else "",
            scheme="https" if door.certificate else "http",
        )

    def _state(self, there: There) -> str:
        serving = there.serving
        if serving is None or there.entrance is None:
            return "Failed"
        if not there.entrance.running or not serving.replicas:
            return "Stopped"
        return "Running" if any(task.runs for task in self.services.tasks(serving)) else "Unknown"

    def labels(self, spec: GroupSpec, kind: str) -> dict[str, str]:
        """Return the labels of what is made for a service."""
        return self.engine.labels(kind, spec.name, spec.owner, spec.known_as)

    def require_own(self, made: Made, claim: Claim | None) -> None:
        """Refuse a service of the swarm that is not covered by ``claim``."""
        require_own(f'a service "{made.name}" of the swarm', made.labels, REVISION, claim)

    def delete(self, app: str, claim: Claim | None, progress: Progress) -> None:
        """Remove all there is of a service; leave the swarm if it was made for such and nobody else uses it."""
        if not self.look(app, claim).exists:
            return
        # looked at again inside: who held the lock before may have changed it
        with self.lock(f'service "{app}"', progress):
            self.remove(self.look(app, claim), progress)

    def remove(self, there: There, progress: Progress) -> None:
        """Do it, by who holds the lock of the service."""
        app = there.app
        progress.say(f"removing service {app}")
        if there.entrance is not None:
            # stopped first, so that nobody meets replicas that are about to end; removed late, because what is left
            # of a run that is killed here has to be found again
            stop(there.entrance.container)
        for made in there.revisions:
            self.services.remove(made.name)
        self.services.wait_gone([made.name for made in there.revisions], progress, 2 * DRAIN_SECONDS)
        # behind the services: Docker refuses to remove a secret that one refers to
        self.services.prune_secrets(app, frozenset())
        for name in (door_name(app) + NEXT, door_name(app) + BEFORE, door_name(app)):
            self.drop(name, app)
        # last but the swarm itself: a network goes when nothing is in it
        self.swarm.remove_network(network_of(app), progress)
        self.swarm.leave(progress)

    def drop(self, name: str, app: str) -> None:
        """Remove a container of Envoy's, if it is one of this service."""
        container = self.container(name)
        if container is not None and container.labels.get(KIND) == DOOR and container.labels.get(NAME) == app:
            self.engine.remove(container)

    def settle(self, app: str, *, keep: bool = True) -> bool:
        """Undo what an interrupted replacement of Envoy has left.

        Args:
            app: the service.
            keep: whether the newer one may stay if it runs.

        Returns:
            Whether there was something to undo.
        """
        made = self.container(door_name(app))
        # one that runs has its files: without them Envoy ends at once
        rests = made is not None and made.labels.get(KIND) == DOOR and made.status != "running"
        if made is not None and rests and not Entrance(made).files().complete:
            self.drop(door_name(app), app)
            self.settle(app)
            return True
        # a replacement renames the old Envoy first: as long as it is there by that name, a run was killed in between
        before = self.container(door_name(app) + BEFORE)
        if before is None or before.labels.get(KIND) != DOOR or before.labels.get(NAME) != app:
            return False
        newer = self.container(door_name(app))
        if newer is not None and keep and newer.status == "running":
            self.engine.remove(before)
            return True
        self.drop(door_name(app), app)
        take_name(before, door_name(app))
        Entrance(before).start()
        return True

    def lock(self, what: str, progress: Progress) -> AbstractContextManager[None]:
        """Hold the only right to work on something of this engine."""
        return alone(self.swarm.require(progress), what, progress)
