"""Groups of the local target: one container ``aciml-<name>``, whose successor has to answer before it takes over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import OutageError
from ...core.ownership import Claim, Owner
from ...core.phases import Phases
from ...core.progress import Progress
from ..observed import LogLine, LogWish, Observed
from ..protocol import HEALTH_PATH, GroupFacts, GroupFailed, GroupSpec
from .engine import KEPT, NEXT, LocalEngine, container_of, docker_answers, image_of, is_proven, prove
from .gate import Failure, prove_by_answers, prove_by_request, start, wait_until_serving
from .handover import handing_over, holder_of
from .observed import observe, read_log
from .ports import PortTaken, published_port, require_free_port
from .pull import Login, ensure_image, no_login, pulled_name
from .shape import GROUP, Limits, create_container, facts_of, runs_as, service_port
from .swap import launch, put_in_place

if TYPE_CHECKING:
    from docker.models.containers import Container


class LocalGroups:
    """Brings groups to their specs, reads and deletes them; ``mirrors`` are those of the machine settings."""

    def __init__(self, engine: LocalEngine, mirrors: Mapping[str, str], login: Login = no_login) -> None:
        """Work with ``engine``; ``login`` tells how to log in to the registry of an image."""
        self._engine, self._mirrors, self._login = engine, mirrors, login

    def bring(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Bring the group to ``spec`` whatever is there: nothing, a failed one, one that serves.

        Raises:
            GroupFailed: it does not answer; what served before still does.
            PortTaken: before anything is changed.
            Stranger: a container of that name is not covered by ``claim``.
        """
        self._engine.tidy(container_of(spec.name), GROUP, claim, spec.name)

        def start(before: Container | None, old: Container | None, settled: GroupSpec) -> GroupFacts:
            return self._succeed(before, old, settled, progress) if before else self._bring(old, settled, progress)

        return self._settled(spec, claim, GROUP, None, start, progress)

    def _settled(
        self,
        spec: GroupSpec,
        claim: Claim,
        kind: str,
        door: Container | None,
        start: Callable[[Container | None, Container | None, GroupSpec], GroupFacts],
        progress: Progress,
    ) -> GroupFacts:
        """Settle owner and port, have the image here, then start; tell how long the two took.

        Args:
            spec: as it is declared.
            claim: what belongs to the resource.
            kind: what containers say they are that callers of this group come to.
            door: the one in front of the group, if there is one.
            start: given who has the port and is what this resource was before, what is there of the group, and the
                spec with its port; brings it.
            progress: told how long it took.
        """
        old = self._engine.find(container_of(spec.name), GROUP, claim, spec.name)
        heir = claim.heir(Owner.read(old.labels) if old else None)
        before = holder_of(self._engine.client, spec.port, spec.name, kind, claim)
        settled = spec if before else self._with_port(spec, old, door)
        settled, phases = replace(settled, known_as=heir.mark), Phases(time.monotonic)
        # before anything is stopped or made: an image that cannot be had changes nothing
        with phases.timed("pull"):
            ensure_image(self._engine.client, spec.image, self._mirrors, progress, self._login)
        with phases.timed("start"):
            facts = start(before, old, settled)
        if line := phases.line():
            progress.note(line)
        return facts

    def _bring(self, old: Container | None, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Do it, when the image is here and the port is settled."""
        # what never served has no callers, so nothing has to be proven beside it
        if old is None or not is_proven(old):
            return self._make(old, spec, progress)
        if runs_as(old, spec) and self._set_limits(old, spec, progress):
            return self._keep(old, spec, progress)
        lasts = self._try_out(old, spec, progress)
        return self._take_over(old, spec, progress, None if lasts else KEPT)

    def _succeed(self, holder: Container, old: Container | None, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Take the port of what this resource was before, when the new container has answered on another one."""
        name = container_of(spec.name)
        # one that is there was left by a run that was killed at this very place
        made = old or self._engine.find(self._make(None, spec.but(port=0), progress).id, GROUP, None)

        def undo() -> None:
            if old is None and (left := self._engine.find(name, GROUP, None)):
                self._engine.remove(left)

        with handing_over(holder, spec.port, progress, undo):
            return self._bring(old, spec, progress) if old or not made else self._take_over(made, spec, progress, KEPT)

    def require_own(self, name: str, claim: Claim) -> None:
        """Make sure that nobody else has the name.

        Raises:
            Stranger: somebody has.
        """
        self._engine.find(container_of(name), GROUP, claim, name)

    def read(self, group_id: str, claim: Claim | None) -> GroupFacts | None:
        """Look at a group, by its id or by its name; None only if its container is gone."""
        container = self._engine.find(group_id, GROUP, claim)
        if container is None and not group_id.startswith(container_of("")):
            container = self._engine.find(container_of(group_id), GROUP, claim, group_id)
        return facts_of(container) if container else None

    def observe(self, group_id: str, claim: Claim | None) -> Observed | None:
        """Look at the container of a group and at what the engine remembers; None only if it is gone."""
        container = self._engine.find(group_id, GROUP, claim)
        return observe(self._engine.client, container) if container else None

    def log(self, group_id: str, claim: Claim | None, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of the log of a group's container; nothing if it is gone."""
        return read_log(self._engine, lambda: self._engine.find(group_id, GROUP, claim), wish, progress)

    def delete(self, group_id: str, claim: Claim | None, progress: Progress) -> None:
        """Remove the container of a group and its candidate, and tell which image stays."""
        container = self._engine.find_to_remove(group_id, GROUP, claim, progress)
        if candidate := self._engine.find_candidate(group_id, GROUP, claim):
            self._engine.remove(candidate)
        if container is None:
            return
        progress.say(f"removing container {group_id}")
        self._engine.remove(container, gently=True)
        if kept := pulled_name(self._engine.client, image_of(container)):
            progress.note(f"image {kept} stays in Docker; `docker image rm {kept}` removes it")

    def _with_port(self, spec: GroupSpec, old: Container | None, holder: Container | None = None) -> GroupSpec:
        """Settle the port: the one asked for has to be free, the one of before is kept if it can be had.

        ``holder`` is the door that has the port of ``old``, if there is one.
        """
        kept = service_port(old) if old else published_port(holder) if holder else 0
        if not (port := spec.port or kept):
            return spec
        try:
            require_free_port(self._engine.client, port, holder or old)
        except PortTaken:
            # somebody knows that address: the user who wrote it, or callers of the container that served there
            if spec.port or (old and is_proven(old)):
                raise
            port = 0  # it never served there
        return spec.but(port=port)

    def _make(self, old: Container | None, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start a container where none serves; one that fails is kept, stopped, for ``docker logs``."""
        if old:
            self._engine.remove(old)
        name = container_of(spec.name)
        container, failure = launch(
            self._engine, lambda port: self._create(name, spec.but(port=port), progress), spec.port
        )
        try:
            failure = failure or self._wait(container, spec, progress)
        except BaseException:  # also ctrl-C
            self._engine.remove(container)
            raise
        if failure:
            with docker_answers(f'stop container "{name}"'):
                # it serves nobody, so there is nothing to wait for; stopped, or it would keep its memory
                container.stop(timeout=1)
                container.reload()
            raise GroupFailed(tell(failure, spec), facts_of(container))
        if is_proven(container):
            return facts_of(container)
        return self._take_over(container, spec.but(port=published_port(container)), progress, KEPT)

    def _set_limits(self, container: Container, spec: GroupSpec, progress: Progress) -> bool:
        """Set new limits while it runs; False if the engine cannot, and another container has to have them."""
        limits = Limits.of(spec)
        if Limits.read(container) == limits:
            return True
        progress.say(f"setting {spec.cpu:g} cores and {spec.memory_gb:g} GiB")
        return limits.set(container)

    def _keep(self, container: Container, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Adopt what serves already."""
        failure = start(container) if container.status != "running" else None
        failure = failure or self._wait(container, spec, progress)
        if failure:
            raise GroupFailed(tell(failure, spec), facts_of(container))
        return facts_of(container)

    def _try_out(self, old: Container, spec: GroupSpec, progress: Progress) -> bool:
        """Start a candidate beside the old one on a port of its own, and remove it in any case.

        Returns:
            Whether the engine can make a container last that is there already.
        """
        # the old one still has the port; and no engine moves a
        # published port, so the candidate itself cannot take over
        name, aside = container_of(spec.name) + NEXT, spec.but(port=0)
        candidate, failure = launch(self._engine, lambda port: self._create(name, aside.but(port=port), progress), 0)
        try:
            failure = failure or self._wait(candidate, spec, progress)
            if failure is None:
                return is_proven(candidate)
        finally:
            # also when it failed: its log is in the message by now, and what serves must not be short of memory
            self._engine.remove(candidate)
        raise self._still_serving(failure, old, spec)

    def _take_over(
        self, old: Container, spec: GroupSpec, progress: Progress, policy: Mapping[str, str] | None
    ) -> GroupFacts:
        """Let a container that is like the candidate take the port and the name of the old one."""
        # its golden predictions are those of the candidate, and clients wait now
        proven = replace(spec, golden=None)
        # made before the old one is stopped: what can fail here costs no gap
        new = self._create(container_of(spec.name) + NEXT, spec, progress, policy)
        progress.say(f"taking over port {spec.port}")
        if failure := put_in_place(self._engine, old, new, lambda: self._wait(new, proven, progress)):
            raise self._still_serving(failure, old, spec)
        return facts_of(new)

    def _create(
        self,
        name: str,
        spec: GroupSpec,
        progress: Progress,
        policy: Mapping[str, str] | None = None,
        network: str = "",
    ) -> Container:
        """Create a container; its image is pulled again if it went meanwhile."""
        from docker.errors import ImageNotFound

        try:
            return create_container(self._engine, name, spec, policy, network)
        except OutageError as error:
            if not isinstance(error.__cause__, ImageNotFound):
                raise
            # until a container has it, anybody's `docker image prune` may take it away
            ensure_image(self._engine.client, spec.image, self._mirrors, progress, self._login)
        return create_container(self._engine, name, spec, policy, network)

    def _wait(self, container: Container, spec: GroupSpec, progress: Progress) -> Failure | None:
        failure = (
            wait_until_serving(container, HEALTH_PATH, spec.patience(progress.timeout), progress, spec.certificate)
            or prove_by_request(container, spec)
            or prove_by_answers(container, spec, progress)
        )
        if failure is None:
            prove(container)
        return failure

    def _still_serving(self, failure: Failure, old: Container, spec: GroupSpec) -> GroupFailed:
        with docker_answers(f'look at container "{old.name}"'):
            old.reload()
        facts = facts_of(old)
        note = f"\nthe container that was there goes on, {facts.state} at {facts.address}"
        if old.status != "running":
            ended = str(old.attrs["State"].get("FinishedAt") or "")[:19].replace("T", " ")
            note = f"\nthe service is down since {ended} UTC: the container that was there could not be started again"
        return GroupFailed(tell(failure, spec) + note, facts)


def tell(failure: Failure, spec: GroupSpec) -> str:
    """Say why a service does not serve, without its secrets."""
    # logs are the program's own: it may print the variables that it was given
    return failure.describe(f'service "{spec.name}"', spec.declared.secure_environment().values())
