"""The targets under contract, each with the hands that a test needs to reach behind its back."""

from __future__ import annotations

import http.client
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aciml.core.progress import Silent
from aciml.settings import Settings
from aciml.targets.local.target import LocalTarget
from aciml.targets.memory import MemoryTarget
from aciml.targets.protocol import GroupFacts, RegistryFacts, Targets
from tests.heard import Heard
from tests.simulators import containers
from tests.targets.registries import wanted_registry

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

LATE = "did not answer 200 on / within 0.5 seconds"
Kind = Literal["registry", "group"]
BLOB = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
"""Digest of ``hello``."""


class World(Protocol):
    """A target and what surrounds it. ``registry_image`` runs a registry; ``prefix`` begins the names of one test."""

    prefix: str

    @property
    def target(self) -> Targets: ...
    @property
    def registry_image(self) -> str: ...
    @property
    def changes_what_runs(self) -> bool:
        """Tell whether a container can be changed; if not, one that has the new limits takes its place."""

    @property
    def has_ports(self) -> bool:
        """Tell whether registries and groups compete for the ports of a machine."""

    @property
    def serves_while_it_changes(self) -> bool:
        """Tell whether a group serves until another one has proven itself; if not, it restarts in place."""

    @property
    def stops_what_fails(self) -> bool:
        """Tell whether a group that does not answer is stopped, or left to whom wants to look into it."""

    @property
    def late(self) -> tuple[str, str]:
        """What is said of a group that does not answer within half a second, and the state that it is in then."""

    @property
    def images_outlive_their_server(self) -> bool:
        """Tell whether images are still there when somebody has removed their registry by hand."""

    @property
    def size(self) -> tuple[float, float]:
        """Cores and GiB of a small group."""

    @property
    def costs_of_cpu(self) -> str:
        """What another number of cores costs."""

    @property
    def port(self) -> int:
        """The port of a group that leaves it open: 0, or where the images listen if ports are not mapped."""

    @property
    def said(self) -> Mapping[str, Any]:
        """What a service here declares besides, by its name on the wire, such as what it runs on."""

    def registry_name(self) -> str: ...
    def unknown(self, kind: Kind) -> str:
        """Return the id of something that does not exist."""

    def image(self, behaviour: str) -> str:
        """Return an image that ``serves``, ``serves-too``, ``drifts``, ``exits`` (code 3) or ``hangs``."""

    def serves(self, facts: GroupFacts) -> str:
        """Return what ``/`` answers: ``one`` of ``serves``, ``two`` of ``serves-too``; empty if nothing answers."""

    def incarnation(self, facts: GroupFacts) -> str:
        """Name what runs now: it differs after a restart or a replacement."""

    def remove_by_hand(self, id_: str) -> None: ...
    def store(self, facts: RegistryFacts) -> None:
        """Put something in the registry."""

    def holds(self, facts: RegistryFacts) -> bool:
        """Tell whether what was stored is there."""

    def taken_port(self) -> AbstractContextManager[int]:
        """Let another program have a port."""

    def leftovers(self) -> list[str]:
        """Name what there is of this test's containers."""


@dataclass
class MemoryWorld:
    """The target in memory."""

    prefix: str
    target: MemoryTarget = field(default_factory=MemoryTarget)
    registry_image: str = "registry:2"
    changes_what_runs: bool = True
    has_ports: bool = True
    serves_while_it_changes: bool = True
    stops_what_fails: bool = True
    late: tuple[str, str] = (LATE, "Failed")
    images_outlive_their_server: bool = True
    size: tuple[float, float] = (0.1, 0.1)
    costs_of_cpu: str = "update"
    port: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)

    def registry_name(self) -> str:
        return f"{self.prefix}-r"

    def unknown(self, kind: Kind) -> str:
        return f"aciml-{'registry-' if kind == 'registry' else ''}{self.prefix}-unknown"

    def image(self, behaviour: str) -> str:
        return f"127.0.0.1:5000/probe:{behaviour}@{BLOB}"

    def serves(self, facts: GroupFacts) -> str:
        with self.target.world() as world:
            there = world.groups.get(facts.id)
        if there is None or there.state != "Running":
            return ""
        return "two" if "serves-too" in there.image else "one"

    def incarnation(self, facts: GroupFacts) -> str:
        with self.target.world() as world:
            return world.groups[facts.id].image

    def remove_by_hand(self, id_: str) -> None:
        with self.target.world() as world:
            if world.groups.pop(id_, None):
                world.labels.pop(id_, None)  # those of a registry stay with its volume
            world.registries.pop(id_, None)

    def store(self, facts: RegistryFacts) -> None:
        with self.target.world() as world:
            world.volumes[facts.id].append(BLOB)

    def holds(self, facts: RegistryFacts) -> bool:
        with self.target.world() as world:
            return BLOB in world.volumes[facts.id]

    @contextmanager
    def taken_port(self) -> Iterator[int]:
        self.target.taken_ports.add(4321)
        yield 4321
        self.target.taken_ports.clear()

    def leftovers(self) -> list[str]:
        with self.target.world() as world:
            return [*world.groups, *world.registries]


@dataclass
class LocalWorld:
    """The local target in the engine of this machine."""

    prefix: str
    client: docker.DockerClient
    registry_image: str
    images: dict[str, str]
    cache: Path
    target: LocalTarget = field(init=False)
    has_ports: bool = True
    serves_while_it_changes: bool = True
    stops_what_fails: bool = True
    late: tuple[str, str] = (LATE, "Failed")
    images_outlive_their_server: bool = True
    size: tuple[float, float] = (0.1, 0.1)
    costs_of_cpu: str = "update"
    port: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)
    door: bool = False

    def __post_init__(self) -> None:
        self.target = LocalTarget(lambda: self.client, self.settings)

    @property
    def settings(self) -> Settings:
        """With a door in front of services, or without; Envoy is that of this machine."""
        return replace(Settings.read(), door=True) if self.door else Settings(self.cache)

    @property
    def changes_what_runs(self) -> bool:
        return containers.changes_what_runs(self.client)

    def registry_name(self) -> str:
        return f"{self.prefix}-r"

    def unknown(self, kind: Kind) -> str:
        return f"aciml-{'registry-' if kind == 'registry' else ''}{self.prefix}-unknown"

    def image(self, behaviour: str) -> str:
        return self.images[behaviour]

    def serves(self, facts: GroupFacts) -> str:
        return ask(facts.address, "GET", "/")[1].strip()

    def incarnation(self, facts: GroupFacts) -> str:
        container = self.client.containers.get(facts.id)
        return f"{container.id} {container.attrs['State']['StartedAt']}"

    def remove_by_hand(self, id_: str) -> None:
        self.client.containers.get(id_).remove(force=True)

    def store(self, facts: RegistryFacts) -> None:
        upload = ask(facts.login_server, "POST", "/v2/probe/blobs/uploads/")
        assert upload[0] == 202
        where = upload[2].removeprefix(f"http://{facts.login_server}")
        path = f"{where}{'&' if '?' in where else '?'}digest={BLOB}"
        assert ask(facts.login_server, "PUT", path, b"hello")[0] == 201

    def holds(self, facts: RegistryFacts) -> bool:
        return ask(facts.login_server, "HEAD", f"/v2/probe/blobs/{BLOB}")[0] == 200

    @contextmanager
    def taken_port(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    def leftovers(self) -> list[str]:
        names = [str(container.name) for container in self._containers()]
        # a door belongs to its service, and with it goes
        doors = [*(name for name in names if name.endswith(".front")), *(str(one.name) for one in self._networks())]
        orphans = {door for door in doors if door.removesuffix(".front") not in names}
        return [*(name for name in names if name not in doors), *sorted(orphans)]

    def _networks(self) -> list[Any]:
        ours = self.client.networks.list(filters={"label": "aciml.kind=front"})
        return [network for network in ours if network.attrs["Labels"]["aciml.name"].startswith(self.prefix)]

    def _containers(self) -> list[Container]:
        ours = self.client.containers.list(all=True, filters={"label": "aciml.name"}, ignore_removed=True)
        return [container for container in ours if container.labels["aciml.name"].startswith(self.prefix)]

    def clean(self) -> None:
        """Remove every container and volume of this test."""
        for container in self._containers():
            container.remove(force=True)
        for network in self._networks():
            network.remove()
        for volume in self.client.volumes.list(filters={"label": "aciml.kind=registry"}):
            if volume.attrs["Labels"]["aciml.name"].startswith(self.prefix):
                volume.remove()


def ask(address: str, method: str, path: str, body: bytes | None = None) -> tuple[int, str, str]:
    """Return status, text and the Location of one answer; 0 if there is none."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Location") or ""
    except (OSError, http.client.HTTPException):
        return 0, "", ""
    finally:
        connection.close()


@contextmanager
def pushed_images(client: docker.DockerClient, cache: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Give an image of the registry, and the tiny images in a registry of their own; all is removed afterwards."""
    registry = containers.registry_image(client)
    made = containers.make_images(client) if registry else []
    if not made:
        yield registry, {}
        return
    home = LocalWorld("home", client, registry, {}, cache)
    facts = home.target.registry.create(wanted_registry(f"home-{uuid.uuid4().hex[:8]}", image=registry), Silent())
    try:
        images = {tag: containers.push(client, tag, facts.login_server) for tag in made}
        # it serves, and not what was served before
        yield registry, {**images, "drifts": images["serves-too"]}
    finally:
        home.target.registry.delete(facts.id, delete_data=True, progress=Silent())
        containers.remove_images(client, f"{facts.login_server}/probe")
        containers.remove_images(client, containers.REPOSITORY)


class Watcher(Heard):
    """Looks around at every checkpoint, and keeps what it has seen."""

    def __init__(self, look: Callable[[], object] = lambda: None) -> None:
        """Call ``look`` at each checkpoint."""
        super().__init__()
        self._look = look
        self.seen: list[object] = []

    def checkpoint(self) -> None:
        self.seen.append(self._look())
        super().checkpoint()
