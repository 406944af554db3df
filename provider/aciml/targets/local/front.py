"""The door of a service in one container: an Envoy that has the service's port, on a network with that container.

It stays while containers come and go. Who it leads to is written in its own files and nowhere else, so that a run that
was killed is gone on with by looking (decisions/local-service.md).
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ...core.errors import OutageError, UserError
from ...core.ownership import Claim, Owner, Stranger
from ...core.progress import Progress, Silent
from ...docker.podman import is_podman
from ...settings import Settings
from ..protocol import HEALTH_PATH, GroupSpec
from ..smoke import knock
from .engine import FRONT, KIND, STOP_SECONDS, LocalEngine, docker_answers
from .shape import CONTAINER_PORT
from .swarm.cluster import Swarm
from .swarm.door import SETTINGS, Entrance, Files, bound_port, fill, make_entrance, tls_files
from .swarm.envoy import Door, Routing
from .swarm.envoy_image import ensure_envoy
from .swarm.takeover import is_current, take_over

if TYPE_CHECKING:
    from docker.models.containers import Container

_KEEP_ALIVE = 75.0  # seconds: the server's own default
_REACH_SECONDS = 60.0  # Envoy asks for the address of a container every second; ten of them wait for one another
_DRAIN_SECONDS = 60.0  # the server's own bound of one request, unless it was told another
_LOOK_SECONDS = 0.05


def front_name(service: str) -> str:
    """Return the name of a service's door and network; no service of one container has it: names have no dot."""
    # with a dot, as the door of a swarm's service
    return f"aciml-{service}.front"


@dataclass(frozen=True)
class OneDoor(Door):
    """What Envoy is told where one container serves: it judges nobody, since there is nobody to choose."""

    def _cluster(self, name: str) -> dict[str, Any]:
        cluster = super()._cluster(name)
        # a server that is not ready says so itself, with its reason; Envoy would put words of its own in the place
        # judging one container would mean answering 503 in its place
        for judge in ("health_checks", "outlier_detection"):
            del cluster[judge]
        return cluster


class Front:
    """The door of one service, which is there."""

    def __init__(self, engine: LocalEngine, container: Container, filled: Files | None = None) -> None:
        """Speak to ``container``, whose files are ``filled`` if it was made just now."""
        self._engine, self.container = engine, container
        self._entrance = Entrance(container)
        self._files = filled

    @property
    def port(self) -> int:
        """The service's port."""
        return bound_port(self.container)

    @property
    def running(self) -> bool:
        """Tell whether it runs."""
        return self._entrance.running

    def leads_to(self, container: Container) -> bool:
        """Tell whether requests go to that container."""
        # all or nothing: shares are for services with revisions
        return self._told.door().routing.weights.get(short(container)) == 100

    def start(self, progress: Progress) -> None:
        """Start it if it does not run, and wait until it has taken its files.

        Raises:
            PortTaken: somebody else has its port.
        """
        if not self.running:
            self._entrance.start()
        self._entrance.wait(progress, self._told)

    def begin(self) -> None:
        """Start it, and do not wait.

        Raises:
            PortTaken: somebody else has its port.
        """
        self._entrance.start()

    @property
    def image(self) -> str:
        """The image that it was made of."""
        return self._entrance.image

    def renew(self, image: str, progress: Progress) -> None:
        """Let the Envoy of today take over, if another one runs; where that cannot be, the one that serves goes on."""
        # a door that does not run is started with the files of before, whichever Envoy it is
        if not self.running or is_current(self._entrance, self._told, image):
            return
        try:
            take_over(self._entrance, self._told, image, self._engine.client, progress)
        except OutageError as error:
            # no reason to fail an update: what serves goes on serving
            progress.warn(f"the door of before goes on: {error.message}")
        self._files = None

    def refill(self, to: Container, spec: GroupSpec) -> None:
        """Write all files of one that does not run, so that it leads to a container."""
        # all at once, since nobody is led by it yet
        self._files = fill(self.container, door_of(spec, (short(to),), Routing({short(to): 100})), spec.certificate)

    def know(self, container: Container, spec: GroupSpec, progress: Progress) -> None:
        """Let it know a container, besides the one it leads to."""
        routing = self._told.door().routing
        # without those that nothing leads to any more: they were left by runs that were killed
        names = tuple(dict.fromkeys((*routing.weights, short(container))))
        # in order, though nobody is led there yet: the side port has a route to it, and Envoy refuses a route whose
        # cluster it has not read
        self._change(door_of(spec, names, routing), spec, progress)

    def lead(self, container: Container, spec: GroupSpec, progress: Progress) -> None:
        """Send all requests from now on to a container; those that are at work elsewhere are finished there."""
        name = short(container)
        # the old one stays known until it has answered what it has at work
        names = tuple(dict.fromkeys((*self._told.door().revisions, name)))
        self._change(door_of(spec, names, Routing({name: 100})), spec, progress)

    def forget_others(self, container: Container, spec: GroupSpec, progress: Progress) -> None:
        """Let it know one container alone, the one it leads to."""
        # weights of one hundred leave no route to any other
        door = door_of(spec, (short(container),), Routing({short(container): 100}))
        if self._told.door().routing == door.routing:
            # nothing leads to the others any more, so no order matters: one go instead of three
            self._put(door, spec, progress)
        else:
            self._change(door, spec, progress)

    def wait_for(self, container: Container, progress: Progress) -> None:
        """Wait until a container, which serves, is reached through the door.

        Raises:
            OutageError: it is not.
        """
        end, pause = time.monotonic() + _REACH_SECONDS, threading.Event()
        while True:
            progress.checkpoint()
            answer = knock(self._entrance.address(short(container)) + HEALTH_PATH, None)
            if answer.serves:
                return
            # by ACIML_DOOR=off the service has its port itself, as before there were doors
            if time.monotonic() > end:
                why = f'container "{self.container.name}" does not reach container "{container.name}" ({answer})'
                raise OutageError(why, "set the variable ACIML_DOOR to off, then run the same command again")
            pause.wait(_LOOK_SECONDS)

    def drain(self, container: Container) -> None:
        """Wait until what a container had at work is answered; not for ever."""
        end, pause = time.monotonic() + _DRAIN_SECONDS, threading.Event()
        try:
            while self._entrance.active(short(container)) and time.monotonic() < end:
                pause.wait(_LOOK_SECONDS)
        # an Envoy that is gone has no request of anybody's
        except OutageError:
            return  # a door that does not answer has nothing at work

    def stop(self) -> None:
        """Stop it, so that its port is free."""
        with docker_answers(f'stop container "{self.container.name}"'):
            self.container.stop(timeout=STOP_SECONDS)

    def remove(self) -> None:
        """Remove its container; its network stays."""
        self._engine.remove(self.container)

    @property
    def _told(self) -> Files:
        # read once: nobody else writes them while this run works on the service, and a read is a tar of a folder
        if self._files is None:
            self._files = self._entrance.files()
        return self._files

    def _change(self, door: Door, spec: GroupSpec, progress: Progress) -> None:
        self._entrance.change(self._told, door, progress, spec.certificate)
        self._remember(door, spec)

    def _put(self, door: Door, spec: GroupSpec, progress: Progress) -> None:
        self._entrance.put(self._told, door, progress, spec.certificate)
        self._remember(door, spec)

    def _remember(self, door: Door, spec: GroupSpec) -> None:
        # as they were written: reading them back would be another tar of the folder
        more = tls_files(spec.certificate) if spec.certificate else {}
        self._files = Files({**self._told.content, **more, SETTINGS: door.settings(), **door.files()})


class Fronts:
    """Finds, makes and removes doors."""

    def __init__(self, engine: LocalEngine, settings: Settings) -> None:
        """Work with ``engine``; the settings tell whether doors are wanted, and where Envoy comes from."""
        self._engine, self._settings = engine, settings

    def wanted(self) -> bool:
        """Tell whether a service gets a door that has none."""
        if not self._settings.door:
            return False
        with docker_answers("say what it is"):
            # before 5.1 it cannot change a container that runs, and names on its networks depend on a plugin
            return not is_podman(self._engine.client)

    def find(self, service: str, claim: Claim | None) -> Front | None:
        """Return the door of a service; None if it has none.

        Raises:
            Stranger: there is one of somebody else.
        """
        found = self._engine.find(front_name(service), FRONT, claim, service)
        return Front(self._engine, found) if found else None

    def image(self, progress: Progress) -> str:
        """Return an image with Envoy; empty, with a line that says why, if none can be had."""
        try:
            # an image of Envoy may be made of a wheel, which needs an index
            return ensure_envoy(self._engine.client, self._settings, progress)
        except (OutageError, UserError) as error:
            progress.note(f"without a door in front, so that an update has a gap: {error.message}")
            return ""

    def latest(self, image: str, progress: Progress) -> str:
        """Return the image that a door would be made of today, or ``image`` if that cannot be had."""
        # a new door is no reason to fail: the one of before serves
        with suppress(OutageError, UserError):
            return ensure_envoy(self._engine.client, self._settings, progress)
        return image

    def network(self, spec: GroupSpec) -> str:
        """Return the id of the network of a service, made if it is not there."""
        swarm, name = Swarm(self._engine.client, self._settings.swarm_pool), front_name(spec.name)
        # by id from here on: Docker allows two networks of one name
        if found := swarm.find(name, "bridge"):
            return found[0]
        return swarm.bridge(name, self._labels(spec))

    def make(self, spec: GroupSpec, image: str, to: Container) -> Front:
        """Make a door on the service's port, not started, that leads to a container."""
        name = front_name(spec.name)
        # the port that is called is Envoy's from now on; the server's own is known on the network alone
        made = make_entrance(
            self._engine, name, image=image, network=name, port=spec.port, labels=self._labels(spec), kind=FRONT
        )
        filled = fill(made, door_of(spec, (short(to),), Routing({short(to): 100})), spec.certificate)
        return Front(self._engine, made, filled)

    def remove(self, service: str, claim: Claim | None, progress: Progress) -> None:
        """Remove door and network of a service, as far as they are ours."""
        try:
            found = self.find(service, claim)
        except Stranger:
            return  # whose container stays, with the reason told
        # the network last: a container that is in it keeps it
        if found:
            found.remove()
        self.remove_network(service, claim, progress)

    def remove_network(self, service: str, claim: Claim | None, progress: Progress) -> None:
        """Remove the network of a service, if it is ours."""
        name = front_name(service)
        there = Swarm(self._engine.client).find(name, "bridge")
        # a network that anybody made is left to him
        if there and there[1].get(KIND) == FRONT and (claim is None or claim.covers(Owner.read(there[1]))):
            self._remove_network(there[0], name, progress)

    def _remove_network(self, network: str, name: str, progress: Progress) -> None:
        from docker.errors import APIError, NotFound

        with docker_answers(f'remove network "{name}"'):
            try:
                self._engine.client.api.remove_network(network)
            except NotFound:
                return
            except APIError as error:
                # 403: "network has active endpoints" (Engine API, NetworkDelete)
                if error.status_code != HTTPStatus.FORBIDDEN:
                    raise
                # somebody has put a container of their own there
                progress.warn(f'network "{name}" stays: a container that is not ours is in it')

    def _labels(self, spec: GroupSpec) -> dict[str, str]:
        return self._engine.labels(FRONT, spec.name, spec.owner, spec.known_as)


class Opening:
    """What one run does with the door of one service, from whatever is there."""

    def __init__(self, fronts: Fronts, image: str, front: Front | None) -> None:
        """Go on with ``front``, or make one of ``image``."""
        self._fronts, self._image, self.front = fronts, image, front
        self._network = ""
        self._known = False

    def network(self, spec: GroupSpec) -> str:
        """Return the name of the service's network, which is there then."""
        if not self._network:
            self._network = self._fronts.network(spec)
        return front_name(spec.name)

    def holds(self, container: Container, spec: GroupSpec) -> bool:
        """Tell whether a container is on the service's network, and not on one of that name that was pruned."""
        self.network(spec)
        return attached(container, self._network)

    def begin(self, to: Container, spec: GroupSpec) -> None:
        """Start a door that leads to a container which begins to serve.

        Raises:
            PortTaken: somebody else has the service's port.
        """
        # another port or another network is fixed when a container is made
        if self.front is not None and not self._fits(self.front, spec):
            self.close()
        if self.front is None:
            self.front = self._fronts.make(spec, self._image, to)
            self.front.begin()

    def open(self, to: Container, spec: GroupSpec, progress: Progress) -> None:
        """Let the door be there and lead to a container that serves."""
        if self.front is not None and not self._fits(self.front, spec):
            self.close()
        if self.front is None:
            self.front = self._fronts.make(spec, self._image, to)
        # of one that does not run nothing has to be changed in order
        elif not self.front.running:
            self.front.refill(to, spec)
        self.front.start(progress)
        self.front.lead(to, spec, progress)  # nothing is written where it does so already
        self.front.wait_for(to, progress)

    def introduce(self, new: Container, spec: GroupSpec, progress: Progress) -> None:
        """Let a door that serves know a container that will take over."""
        if self.front is not None and self.front.running and self._fits(self.front, spec):
            # told beforehand, so that the door has its address when it takes over
            self.front.know(new, spec, progress)
            self._known = True

    def hand_over(self, old: Container, new: Container, spec: GroupSpec, progress: Progress) -> None:
        """Send requests to another container, which serves. A door that has to be made for it costs a gap, once."""
        # the door has found the new one while its server came up, so that nobody waits now
        if self._known and self.front is not None:
            self.front.wait_for(new, progress)
            self.front.lead(new, spec, progress)
            return
        if self.front is not None:
            self._exchange(self.front, old, new, spec, progress)
        else:
            self._put_in_front(old, new, spec, progress)

    def finish(self, old: Container) -> None:
        """Wait until a container has answered what it has at work."""
        # only what was told of a new one leads away from the old
        if self._known and self.front is not None:
            self.front.drain(old)

    def forget_others(self, container: Container, spec: GroupSpec, progress: Progress) -> None:
        """Let the door know the container alone that it leads to."""
        if self.front is not None:
            self.front.forget_others(container, spec, progress)

    def take_back(self, old: Container, spec: GroupSpec, progress: Progress) -> None:
        """Let a door that was told of a new container lead to the old one alone."""
        if self._known and self.front is not None:
            self.front.forget_others(old, spec, progress)

    def renew(self, image: str, progress: Progress) -> None:
        """Let the door run the Envoy of an image, without a gap."""
        if self.front is not None:
            self.front.renew(image, progress)

    def close(self) -> None:
        """Remove the door."""
        if self.front is not None:
            self.front.remove()
            self.front = None

    def clear(self, spec: GroupSpec) -> None:
        """Remove door and network of a service that is not there."""
        self.close()
        self._fronts.remove_network(spec.name, None, Silent())

    def _put_in_front(self, old: Container, new: Container, spec: GroupSpec, progress: Progress) -> None:
        """Take the port from a container that has it itself; it gets it back if that goes wrong."""
        # before it is stopped: who was down before shall not run for our fault
        was_running = old.status == "running"
        try:
            # from here on nobody is served until the door leads to the new one
            with docker_answers(f'stop container "{old.name}"'):
                old.stop(timeout=STOP_SECONDS)
            self.open(new, spec, progress)
        except BaseException:
            self.close()
            # a container that was down before is left as it was
            if was_running:
                with docker_answers(f'start container "{old.name}" again'):
                    old.start()
            raise

    def _exchange(self, front: Front, old: Container, new: Container, spec: GroupSpec, progress: Progress) -> None:
        """Put a door on another port, or one that runs, in the place of one that does not fit."""
        before = spec.but(port=front.port)
        try:
            # the new door first: its port is free, and the old one serves till then
            self.open(new, spec, progress)
        except BaseException:
            self.close()
            # one of before doors is on no network of ours: it serves on its own port, and no door can lead to it
            if attached(old, self._network):
                self.open(old, before, progress)
            raise

    def _fits(self, front: Front, spec: GroupSpec) -> bool:
        self.network(spec)
        return front.port == spec.port and attached(front.container, self._network)


def attached(container: Container, network: str) -> bool:
    """Tell whether a container was made for the network of that id, running or not."""
    networks = container.attrs["NetworkSettings"].get("Networks") or {}
    name = container.attrs["HostConfig"].get("NetworkMode")
    # by the network's id, since two may have one name
    ids = {str(one.get("NetworkID") or "") for one in networks.values()} - {""}
    # one that was never started has no id yet, but the name that it will look for
    return network in ids or (not ids and name in networks)


def short(container: Container) -> str:
    """Return the name of a container that its network knows it by, whatever it is called: the start of its id."""
    return str(container.id)[:12]


def door_of(spec: GroupSpec, names: tuple[str, ...], routing: Routing) -> OneDoor:
    """Return what Envoy is told of containers of a service."""
    certificate, said = spec.certificate, spec.declared.environment().get("ACIML_KEEP_ALIVE")
    return OneDoor(
        names,
        routing,
        keep_alive=float(said or _KEEP_ALIVE),
        port=CONTAINER_PORT,
        health_path=HEALTH_PATH,
        certificate=certificate.fingerprint if certificate else "",
        authorities=bool(certificate and certificate.authorities),
        # the one server writes a line of each request itself
        log=False,
    )
