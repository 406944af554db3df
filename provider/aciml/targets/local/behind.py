"""Groups behind a door: a new container takes over as soon as it has proven itself, and no request is lost.

Containers come up once: the one that is proven is the one that stays. What serves is finished with what it has at work,
then it goes. Without Envoy, or where nobody wants a door, groups are brought as their base class says.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import AcimlError
from ...core.ownership import Claim
from ...core.progress import Progress
from ...settings import Settings
from ..observed import ContainerSeen, Observed
from ..protocol import GroupFacts, GroupFailed, GroupSpec
from .engine import FRONT, NEXT, LocalEngine, container_of, docker_answers, is_proven
from .gate import Failure, start
from .group import LocalGroups, tell
from .handover import handing_over
from .observed import observe, seen_of
from .ports import PortTaken, free_port
from .pull import Login, no_login
from .shape import GROUP, facts_of, is_behind, runs_as
from .swap import TRIES, take_name

if TYPE_CHECKING:
    from docker.models.containers import Container

    from .front import Front, Fronts, Opening


class GroupsBehind(LocalGroups):
    """Brings groups to their specs behind a door, reads and deletes them."""

    def __init__(self, engine: LocalEngine, settings: Settings, login: Login = no_login) -> None:
        """Work with ``engine``; ``settings`` have the mirrors, and tell whether doors are wanted."""
        super().__init__(engine, settings.registries, login)
        self._settings = settings

    @property
    def _fronts(self) -> Fronts:
        # here, because few calls need it, and the plugin starts for all
        from .front import Fronts

        return Fronts(self._engine, self._settings)

    def bring(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Bring the group to ``spec`` whatever is there; see the base class."""
        from .front import Opening
        from .swarm.cluster import alone, look

        # what belongs to somebody else is told before anything is made for it
        self.require_own(spec.name, claim)
        fronts = self._fronts
        if fronts.find(spec.name, claim) is None and not fronts.wanted():
            return super().bring(spec, claim, progress)
        # what an interrupted run has left is told from what another run is at by nothing but this
        with alone(look(self._engine.client), f"service {spec.name}", progress):
            front = fronts.find(spec.name, claim)
            image = front.image if front else fronts.image(progress)
            if not image:
                return super().bring(spec, claim, progress)
            opening = Opening(fronts, image, front)
            facts = self._bring_behind(opening, image, spec, claim, progress)
            if front is not None:
                opening.renew(fronts.latest(image, progress), progress)
            return facts

    def read(self, group_id: str, claim: Claim | None) -> GroupFacts | None:
        """Look at a group; one whose door does not run is as good as stopped."""
        facts = super().read(group_id, claim)
        if facts is None or facts.state != "Running":
            return facts
        container = self._engine.find(facts.id, GROUP, claim, facts.name)
        if container is None or not is_behind(container):
            return facts
        front = self._fronts.find(facts.name, claim)
        return facts if front and front.running and front.leads_to(container) else replace(facts, state="Stopped")

    def observe(self, group_id: str, claim: Claim | None) -> Observed | None:
        """Look at the container of a group and at its door; None only if the container is gone."""
        container = self._engine.find(group_id, GROUP, claim)
        if container is None:
            return None
        return observe(self._engine.client, container, self._door(_service_of(group_id), claim, container))

    def _door(self, service: str, claim: Claim | None, container: Container) -> ContainerSeen | None:
        """Return the door that a container is made for, also one that is gone; None if it has its port itself."""
        from .front import front_name

        if not is_behind(container):
            return None
        front = self._fronts.find(service, claim)
        return seen_of(front.container) if front else ContainerSeen(front_name(service), "Terminated", "gone")

    def delete(self, group_id: str, claim: Claim | None, progress: Progress) -> None:
        """Remove the container of a group, its candidate and its door."""
        super().delete(group_id, claim, progress)
        self._fronts.remove(_service_of(group_id), claim, progress)

    def _bring_behind(
        self, opening: Opening, image: str, spec: GroupSpec, claim: Claim, progress: Progress
    ) -> GroupFacts:
        self._go_on(opening.front, spec.name, claim)

        def start(before: Container | None, old: Container | None, settled: GroupSpec) -> GroupFacts:
            if before is None:
                return self._put_behind(opening, old, settled, progress)
            # proven on another port first: until then its callers are answered by what has this one
            self._put_behind(opening, old, settled.but(port=0), progress)
            return self._take_port(before, image, settled, claim, progress, keep=old is not None)

        door = opening.front.container if opening.front else None
        return self._settled(spec, claim, FRONT, door, start, progress)

    def _take_port(
        self, before: Container, image: str, spec: GroupSpec, claim: Claim, progress: Progress, *, keep: bool
    ) -> GroupFacts:
        """Take the port of what this resource was before, when the new one has answered on another one."""
        from .front import Opening

        fronts, name = self._fronts, container_of(spec.name)

        def undo() -> None:
            if not keep:
                with suppress(AcimlError):
                    self.delete(name, claim, progress)

        with handing_over(before, spec.port, progress, undo):
            made = self._engine.find(name, GROUP, claim, spec.name)
            return self._put_behind(Opening(fronts, image, fronts.find(spec.name, claim)), made, spec, progress)

    def _go_on(self, front: Front | None, service: str, claim: Claim) -> None:
        """Go on with what an interrupted run has begun: a candidate that the door leads to has taken over."""
        name = container_of(service)
        next_ = self._engine.find(name + NEXT, GROUP, claim, service)
        if next_ is None or front is None or not front.leads_to(next_):
            self._engine.tidy(name, GROUP, claim, service)
            return
        if old := self._engine.find(name, GROUP, claim, service):
            self._engine.remove(old, gently=True)
        take_name(next_, name)

    def _put_behind(self, opening: Opening, old: Container | None, spec: GroupSpec, progress: Progress) -> GroupFacts:
        if old is None or not is_proven(old):
            return self._first(opening, old, spec, progress)
        inner = _inner(spec)
        if not is_behind(old):
            # of a version without doors: it goes on as it is until something else changes
            if runs_as(old, spec) and self._set_limits(old, spec, progress):
                return self._keep(old, spec, progress)
        elif runs_as(old, inner) and opening.holds(old, spec) and self._set_limits(old, spec, progress):
            self._keep(old, inner, progress)
            opening.open(old, spec, progress)
            return facts_of(old)
        return self._pass_on(opening, old, spec, progress)

    def _first(self, opening: Opening, old: Container | None, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start container and door where nothing serves; one that fails is kept, stopped, for ``docker logs``."""
        if old:
            self._engine.remove(old)
        made: list[Container] = []
        try:
            container, failure, spec = self._launch(opening, spec, made, progress)
            # Envoy comes up while the server does
            failure = failure or self._wait(container, _inner(spec), progress)
            if failure is None:
                opening.open(container, spec, progress)
                return facts_of(container)
        except BaseException:  # also ctrl-C
            for one in made:
                self._engine.remove(one)
            opening.clear(spec)
            raise
        with docker_answers(f'stop container "{container.name}"'):
            container.stop(timeout=1)
            container.reload()
        opening.close()
        raise GroupFailed(tell(failure, spec), facts_of(container))

    def _launch(
        self, opening: Opening, spec: GroupSpec, made: list[Container], progress: Progress
    ) -> tuple[Container, Failure | None, GroupSpec]:
        """Start a container, and a door on its port; 0 picks a free one. ``made`` hears what there is to remove."""
        name = container_of(spec.name)
        for left in reversed(range(1 if spec.port else TRIES)):
            chosen = spec.but(port=spec.port or free_port())
            container = self._create(name, _inner(chosen), progress, network=opening.network(chosen))
            made.append(container)
            failure = start(container)
            try:
                opening.begin(container, chosen)
            except PortTaken:
                if not left:
                    raise
                # ports are fixed when a container is made
                opening.close()
                self._engine.remove(made.pop())
            else:
                return container, failure, chosen
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _pass_on(self, opening: Opening, old: Container, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Prove a new container beside the old one, then let the door lead to it; the old one ends when it is idle."""
        name, inner = container_of(spec.name), _inner(spec)
        new = self._create(name + NEXT, inner, progress, network=opening.network(spec))
        try:
            failure = start(new)
            if failure is None:
                # Envoy finds it while the server comes up
                opening.introduce(new, spec, progress)
                failure = self._wait(new, inner, progress)
            if failure is None:
                progress.say(f"taking over port {spec.port}")
                opening.hand_over(old, new, spec, progress)
        except BaseException:  # also ctrl-C
            self._withdraw(opening, old, new, spec, progress)
            raise
        if failure:
            self._withdraw(opening, old, new, spec, progress)
            raise self._still_serving(failure, old, spec)
        # from here on the new one is what serves, whatever happens to this run
        opening.finish(old)
        self._engine.remove(old, gently=True)
        take_name(new, name)
        opening.forget_others(new, spec, progress)
        return facts_of(new)

    def _withdraw(self, opening: Opening, old: Container, new: Container, spec: GroupSpec, progress: Progress) -> None:
        """Take back a new container, as far as Docker lets us: the error that led here is what the user has to see."""
        with suppress(AcimlError):
            opening.take_back(old, spec, progress)
        self._engine.remove(new)


def _inner(spec: GroupSpec) -> GroupSpec:
    """Return what a container behind a door is: TLS ends at the door, as with replicas."""
    return replace(spec, certificate=None)


def _service_of(group_id: str) -> str:
    return group_id.removeprefix(container_of(""))
