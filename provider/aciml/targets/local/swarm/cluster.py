"""The swarm itself: what this engine can do, making one where there is none, its networks, and leaving it again.

One swarm per engine. One that somebody else has made is used as it is, whatever nodes it has, and never left.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import ipaddress
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core.errors import OutageError, UserError
from ....core.progress import Progress
from ....docker.podman import is_podman
from ..engine import docker_answers

if TYPE_CHECKING:
    import docker

MADE = "io.aciml.swarm"
"""Label of a swarm that we have made, and may leave."""

GATEWAY = "docker_gwbridge"
"""Bridge that the engine makes for a swarm and keeps when it leaves."""

_LOOPBACK = "127.0.0.1"
_MANAGEMENT_PORT = 2377
_POOLS = ("10.128.0.0/9", "172.24.0.0/13", "192.168.128.0/17", "100.64.0.0/10")
"""Where a network of ours is looked for: what a swarm hands out by itself begins at 10.0.0.0, Docker's bridges at
172.17.0.0 and 192.168.0.0; the last one is for providers and never routed at home (RFC 6598)."""

_PREFIX = 24  # 253 tasks of one service
_BRIDGE_PREFIX = 28  # a door, a container and its successor
_LOOK_SECONDS = 0.1
_SETTLES_SECONDS = 30.0
_ROUTES = Path("/proc/net/route")
Network = ipaddress.IPv4Network


@dataclass(frozen=True)
class EngineSeen:
    """What an engine says of itself, as far as a swarm minds. ``state`` is Docker's word for its swarm."""

    podman: bool = False
    windows: bool = False
    rootless: bool = False
    live_restore: bool = False
    state: str = "inactive"
    manager: bool = False
    nodes: int = 0
    error: str = ""
    id: str = ""
    log_driver: str = ""

    @classmethod
    def read(cls, info: Mapping[str, Any], *, podman: bool = False) -> EngineSeen:
        """Read the engine's answer to ``/info``."""
        swarm = info.get("Swarm") or {}
        return cls(
            podman,
            info.get("OSType") == "windows",
            any("rootless" in str(option) for option in info.get("SecurityOptions") or ()),
            bool(info.get("LiveRestoreEnabled")),
            str(swarm.get("LocalNodeState") or "inactive"),
            bool(swarm.get("ControlAvailable")),
            int(swarm.get("Nodes") or 0),
            str(swarm.get("Error") or ""),
            str(info.get("ID") or ""),
            str(info.get("LoggingDriver") or ""),
        )

    @property
    def obstacle(self) -> tuple[str, str] | None:
        """Return why no service can run in a swarm here, and what to do; None if one can."""
        return self._of_engine() or self._of_swarm()

    def _of_engine(self) -> tuple[str, str] | None:
        if self.podman:
            return "Podman has no swarm", "run Docker, or write runs_on: container_group"
        if self.windows:
            return "this Docker runs Windows containers", "switch Docker Desktop to Linux containers"
        if self.rootless:
            # docs.docker.com, "Rootless mode", known limitations: overlay network is not supported
            why = "Docker runs rootless here, in a user namespace without overlay networks"
            return why, "use a Docker that runs as root (docker context use), or write runs_on: container_group"
        if self.live_restore and self.state == "inactive":
            why = "this Docker keeps containers over its own restart (live-restore), which no swarm allows"
            return why, 'take "live-restore" out of daemon.json, or write runs_on: container_group'
        return None

    def _of_swarm(self) -> tuple[str, str] | None:
        if self.state == "locked":
            return "the swarm of this Docker is locked", "docker swarm unlock"
        # not "pending": so it is called while another run makes it
        if self.state == "error":
            told = f": {self.error}" if self.error else ""
            return f"the swarm of this Docker is in the state {self.state}{told}", "mend it, or docker swarm leave"
        if self.state == "active" and not self.manager:
            return "this Docker is a worker of a swarm, which takes no orders", "use one of its managers (DOCKER_HOST)"
        return None

    @property
    def active(self) -> bool:
        """Tell whether there is a swarm that can be worked with."""
        return self.state == "active" and self.manager


def look(client: docker.DockerClient) -> EngineSeen:
    """Ask an engine what it is.

    Raises:
        OutageError: it does not answer.
    """
    with docker_answers("say what it is"):
        return EngineSeen.read(client.info(), podman=is_podman(client))


@contextlib.contextmanager
def alone(engine: EngineSeen, what: str, progress: Progress) -> Iterator[None]:
    """Hold the only right to work on ``what`` on this engine: two runs on one machine wait for one another.

    The lock is the kernel's and goes with the process, so that one that is killed leaves none.
    """
    digits = hashlib.sha256(f"{engine.id}\0{what}".encode()).hexdigest()[:16]
    # by the engine's id: two contexts may lead to one engine, and one context to another one tomorrow
    path, said = Path(tempfile.gettempdir()) / f"aciml-swarm-{digits}.lock", False
    descriptor = _opened(path)
    try:
        while not _locked(descriptor):
            progress.checkpoint()
            if not said:
                progress.say(f"waiting for another run that works on {what}")
                said = True
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    # the folder is everybody's: no link is followed, and a file of another user is opened as it is (some kernels
    # refuse O_CREAT for those: proc(5), protected_regular)
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    # open, else make, else open what somebody else has made between the two
    for more in (0, os.O_CREAT | os.O_EXCL, 0):
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            descriptor = os.open(path, flags | more, 0o666)
            if more:
                # the umask has taken some of it, and another user's run has to be able to wait, too
                os.fchmod(descriptor, 0o666)
            return descriptor
    raise OutageError(f"{path} cannot be opened", "remove it, then run the same command again")


def _locked(descriptor: int) -> bool:
    try:
        # not blocking: ctrl-C has to be heard meanwhile
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Swarm:
    """The swarm of one engine; ``pool`` is where networks of ours are to be (a setting of the machine)."""

    def __init__(self, client: docker.DockerClient, pool: str = "") -> None:
        """Work with the swarm that ``client``'s engine is in, or will be."""
        self._client, self._pool = client, pool

    def require(self, progress: Progress) -> EngineSeen:
        """Return the engine, refused where no swarm can be.

        Raises:
            UserError: it can have none; the message says why and what to do.
        """
        progress.checkpoint()
        seen = look(self._client)
        if seen.obstacle:
            raise UserError(*seen.obstacle)
        return seen

    def network(self, name: str, labels: Mapping[str, str], progress: Progress) -> str:
        """Return the id of the overlay network of that name, made if it is not there; and a swarm before it.

        Both in one go and alone: between them another run could take the swarm for one that nobody needs.
        """
        engine = self.require(progress)
        with alone(engine, "the swarm", progress):
            self.ensure(progress)
            if found := self._find(name):
                return found
            return self._make(name, labels)

    def ensure(self, progress: Progress) -> None:
        """Make a swarm where there is none; by who holds the lock of the swarm."""
        if not self._settled(progress).active:
            progress.say("making a swarm of this machine")
            self._init()
            progress.note("this Docker is a swarm of one node now (127.0.0.1); it is left with the last service")

    def _settled(self, progress: Progress) -> EngineSeen:
        """Return the engine when its swarm is neither being made nor being left."""
        end = time.monotonic() + _SETTLES_SECONDS
        while (seen := look(self._client)).state == "pending":
            if time.monotonic() > end:
                raise OutageError("the swarm of this Docker is in the state pending", "docker swarm leave --force")
            progress.checkpoint()
            time.sleep(_LOOK_SECONDS)
        return seen

    def bridge(self, name: str, labels: Mapping[str, str]) -> str:
        """Return the id of a new network of this engine alone, which needs no swarm."""
        # Docker's own choice would be one of some thirty (172.17.0.0 and up), and then there is none for the next
        return self._make(name, labels, "bridge", _BRIDGE_PREFIX)

    def find(self, name: str, driver: str = "overlay") -> tuple[str, Mapping[str, str]] | None:
        """Return id and labels of a network; None if there is none."""
        with docker_answers(f'look for network "{name}"'):
            for one in self._client.api.networks(names=[name], filters={"driver": driver}):
                if one["Name"] == name:
                    return str(one["Id"]), one.get("Labels") or {}
        return None

    def remove_network(self, name: str, progress: Progress) -> None:
        """Remove a network when its last task has gone; one that is gone is fine."""
        from docker.errors import APIError, NotFound

        end = time.monotonic() + 30
        while True:
            with docker_answers(f'remove network "{name}"'):
                try:
                    self._client.api.remove_network(name)
                except NotFound:
                    return
                except APIError as error:
                    # tasks end after their service is gone, and hold its network until then
                    if "active endpoints" not in str(error) and "in use" not in str(error):
                        raise
                    if time.monotonic() > end:
                        raise
                else:
                    # the manager has forgotten it; the engine itself does so a moment later
                    if self._find(name) is None:
                        return
            progress.checkpoint()
            time.sleep(_LOOK_SECONDS * 2)

    def leave(self, progress: Progress) -> None:
        """Leave a swarm that we have made and that nobody uses any more; any other stays."""
        engine = look(self._client)
        if not engine.active:
            return
        with alone(engine, "the swarm", progress):
            # asked once more within the lock: another run may have begun with a service, or have left already
            if not look(self._client).active or not self._is_ours() or self._is_used():
                return
            progress.say("leaving the swarm that was made for this")
            with docker_answers("leave its swarm"):
                self._client.swarm.leave(force=True)
        progress.note(f'network "{GATEWAY}" stays: Docker makes it for a swarm, and keeps it')

    def _is_ours(self) -> bool:
        with docker_answers("look at its swarm"):
            spec = self._client.api.inspect_swarm().get("Spec") or {}
        return MADE in (spec.get("Labels") or {})

    def _is_used(self) -> bool:
        """Tell whether anything is in the swarm that would vanish with it, ours or anybody's."""
        api = self._client.api
        with docker_answers("list what is in its swarm"):
            overlays = [one for one in api.networks(filters={"driver": "overlay"}) if not one.get("Ingress")]
            services: Any = api.services()  # type: ignore[no-untyped-call]
            configs: Any = api.configs()  # type: ignore[no-untyped-call]
            return bool(services or overlays or api.secrets() or configs or len(api.nodes()) > 1)

    def _init(self) -> None:
        from docker.errors import APIError

        used = self._used()
        # the engine would take 10.0.0.0/8, and lay its first network over whatever is there
        pool = free_network(used, self._pools(), "ingress", 16) or free_network(used, self._pools(), "ingress", _PREFIX)
        try:
            self._client.swarm.init(
                advertise_addr=_LOOPBACK,
                # not on all addresses, which is what Docker does: nobody else shall join what is made for one machine
                listen_addr=f"{_LOOPBACK}:{_MANAGEMENT_PORT}",
                default_addr_pool=[str(pool)] if pool else None,
                subnet_size=_PREFIX,
                labels={MADE: "made"},
            )
        except APIError as error:
            said = str(error.explanation or error)
            if "already part of a swarm" in said:  # somebody was faster
                return
            advice = "docker swarm init --advertise-addr ADDRESS, then run the same command again"
            raise OutageError(f"Docker could not make a swarm: {said}", advice) from error

    def _find(self, name: str) -> str:
        found = self.find(name)
        return found[0] if found else ""

    def _make(self, name: str, labels: Mapping[str, str], driver: str = "overlay", prefix: int = _PREFIX) -> str:
        from docker.errors import APIError
        from docker.types import IPAMConfig, IPAMPool

        used = self._used()
        while True:
            subnet = free_network(used, self._pools(), name, prefix)
            if subnet is None:
                raise UserError(*no_room(self._pools()))
            try:
                with docker_answers(f'create network "{name}"'):
                    made = self._client.api.create_network(
                        name,
                        driver=driver,
                        # Envoy is a plain container: it is published on 127.0.0.1, which no task of a swarm can be
                        attachable=driver == "overlay",
                        labels=dict(labels),
                        ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))]),
                        check_duplicate=True,
                    )
                    return str(made["Id"])
            except OutageError as error:
                if not isinstance(error.__cause__, APIError) or "overlap" not in str(error).lower():
                    raise
                # without it the same one would be found again
                used = [*used, subnet]  # somebody has it whom nobody could see

    def _pools(self) -> tuple[Network, ...]:
        return tuple(map(ipaddress.IPv4Network, [self._pool] if self._pool else _POOLS))

    def _used(self) -> list[Network]:
        """Return the networks of the engine and of this machine."""
        with docker_answers("list its networks"):
            configs = [
                config for one in self._client.api.networks() for config in (one.get("IPAM") or {}).get("Config") or ()
            ]
        return [*_networks(str(config.get("Subnet") or "") for config in configs), *machine_routes()]

    def findings(self) -> tuple[str, str] | None:
        """Return why no network of ours could be made, and what to do; None if one can."""
        pools = self._pools()
        return None if free_network(self._used(), pools, "any", _PREFIX) else no_room(pools)


def no_room(pools: Iterable[Network]) -> tuple[str, str]:
    """Return what is said where each pool is taken by networks of the machine, and what to do."""
    told = ", ".join(map(str, pools))
    taken = f"{told} are taken by networks of Docker or routes of this machine (a VPN?)"
    advice = "name a free one by the variable ACIML_SWARM_POOL, such as 10.77.0.0/16"
    return f"no address range is free for the network of a service: {taken}", advice


def free_network(used: Iterable[Network], pools: Iterable[Network], name: str, prefix: int) -> Network | None:
    """Return a network that overlaps none of those in use; where the search begins follows from ``name``.

    So two that look at the same moment find two, as a rule.
    """
    taken = list(used)
    # not by hash(), which each process salts anew: the same service finds the same network again
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    for pool in pools:
        if pool.prefixlen > prefix:
            continue
        count = 2 ** (prefix - pool.prefixlen)
        near = [one for one in taken if one.overlaps(pool)]
        for step in range(count):
            offset = (start + step) % count * 2 ** (32 - prefix)
            found = ipaddress.IPv4Network((int(pool.network_address) + offset, prefix))
            if not any(one.overlaps(found) for one in near):
                return found
            # a route over the whole pool: no need to try its parts one by one
            if any(one.supernet_of(pool) for one in near):
                break
    return None


def machine_routes(text: str | None = None) -> list[Network]:
    """Return the networks that this machine has routes to, without its default; nothing where that cannot be read."""
    if text is None:
        try:
            text = _ROUTES.read_text(encoding="ascii")
        except OSError:
            return []
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        # proc_net_route: hexadecimal, least byte first
        address, mask = (int.from_bytes(bytes.fromhex(fields[at]), "little") for at in (1, 7))
        if mask:
            found.append(ipaddress.IPv4Network((address & mask, mask.bit_count())))
    return found


def _networks(texts: Iterable[str]) -> Iterator[Network]:
    for text in texts:
        with contextlib.suppress(ValueError):  # none, or IPv6
            yield ipaddress.IPv4Network(text, strict=False)
