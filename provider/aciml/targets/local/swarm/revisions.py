"""The revisions of one service in a swarm: their shares, their proof, and what becomes of them.

A revision never changes: it is a service of the swarm, ``<app>--<suffix>``, and another image is another one beside it.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ....core.errors import OutageError, UserError
from ....core.golden.live import Compared
from ....core.ownership import Claim
from ....core.progress import Progress
from ....model.keys import Keys
from ...observed import ContainerSeen
from ...protocol import HEALTH_PATH, Certificate
from ...revisions import Revision, RevisionState, Seen, WrongWeights, find, require_weights
from ...smoke import Answer, knock
from ...witness import Witness, token_of
from ..gate import Failure
from .app import DRAIN_SECONDS, Apps, There
from .door import Entrance, Files, door_name
from .envoy import Door, Mirror, copies_of, label_host
from .replicas import replicas_of
from .services import COPY_SHARES, SHARES, Services
from .stats import Counts
from .template import ENDED, WORDS, Made, Task

_LEAST_WAIT, _MOST_WAIT = 0.005, 2.0
"""Seconds that a copy waits at least, and at most: room for 64 of them is soon gone where each waits long."""
_LOOK_SECONDS = 0.1
_UPDATE_SECONDS = 120.0  # for each replica: those of a revision start one after the other


class SwarmRevisions:
    """Satisfies ``Revisions`` for one service."""

    def __init__(self, apps: Apps, app: str, claim: Claim | None, keys: Keys | None = None) -> None:
        """Speak of ``app``, which has to be covered by ``claim``; with ``keys`` its servers tell what they answer."""
        self._apps, self._app, self._claim = apps, app, claim
        # over the side port, where no certificate is shown: Envoy alone speaks TLS
        self._witness = Witness(tuple(filter(None, [token_of(keys)] if keys else [])))
        self._counted: dict[str, list[tuple[float, Counts]]] = {}
        self._read: Files | None = None
        self._overflow = 0

    def there(self) -> There:
        """Look at the service.

        Raises:
            UserError: there is none.
        """
        there = self._apps.look(self._app, self._claim)
        if not there.exists:
            raise UserError(f'there is no service "{self._app}" in the swarm', "bring it up first")
        return there

    def entrance(self) -> Entrance:
        """Return its Envoy.

        Raises:
            OutageError: it is gone.
        """
        container = self._apps.container(door_name(self._app))
        if container is None:
            raise OutageError(f'Envoy of service "{self._app}" is gone', "pulumi up makes it again")
        return Entrance(container)

    def list(self) -> list[Revision]:
        """Return all, the newest first."""
        there = self._apps.look(self._app, self._claim)
        # a canary asks again and again, and who gets what changes seldom: Envoy tells by itself whether it has
        if self._read is not None and there.entrance is not None and there.entrance.works_by(self._read):
            there.files = self._read
        self._read = there.files
        return [self._seen(there, made) for made in there.revisions]

    def _known(self, there: There) -> Sequence[Revision]:
        """Return all without their shares and without what became of their replicas, which takes no look at those."""
        door = there.files.door()
        return [
            Revision(
                made.name,
                made.image,
                made.created,
                0,
                made.replicas,
                0,
                "Stopped" if made.retired else "Unknown",
                door.label_of(made.name),
            )
            for made in there.revisions
        ]

    def replicas(self, revision: str) -> Sequence[ContainerSeen]:
        """Return the slots of a revision and what is in them, on whichever node."""
        name = find(self.list(), revision).name
        made = next(one for one in self.there().revisions if one.name == name)
        return tuple(replicas_of(made, self._apps.services.tasks(made)))

    def _seen(self, there: There, made: Made) -> Revision:
        tasks = self._apps.services.tasks(made)
        running = sum(task.runs for task in tasks)
        entrance = there.entrance
        # Envoy alone would count replicas that have just ended, Docker alone those that do not answer yet
        ready = min(running, entrance.ready(made.name)) if running and entrance and entrance.running else 0
        fell = next((task for task in tasks if task.fell), None)
        error = made.failed or (fell.said if fell and not running else "")
        state: RevisionState = "Running" if ready else "Starting"
        if not made.replicas:
            state = "Stopped" if made.retired else "Failed"
        elif fell and not running:
            state = "Failed"
        weight = there.routing.weights.get(made.name, 0)
        label = there.files.door().label_of(made.name)
        return Revision(made.name, made.image, made.created, weight, made.replicas, ready, state, label, error)

    def weigh(self, weights: Mapping[str, int], progress: Progress) -> None:
        """Share the requests; returns when Envoy works by it."""
        known = self._known(self.there())
        require_weights(weights, known)
        shares = {find(known, name).name: weight for name, weight in weights.items() if weight}
        for name in shares:
            # a run that was killed while it was copied to has left it behind the others
            self._weigh_cores(name, SHARES)
        self.change(lambda door: door.but(routing=door.routing.weigh(shares)), progress)
        for name in shares:
            self._count(name)

    def mirror(self, source: str, to: str, percent: int, progress: Progress) -> None:
        """Let Envoy send copies of requests; it drops what comes back."""
        known = self.list()
        pair = find(known, source), find(known, to)
        mirror = Mirror(pair[0].name, pair[1].name, percent) if percent else None
        if mirror:
            # before the first copy: an answer that nobody has kept is compared with nothing
            self._keep(pair, progress)
            # nobody waits for it: on cores that both want, the one that serves goes first
            self._weigh_cores(pair[1].name, COPY_SHARES)
        after = self._usual(pair[0].name)
        self.change(
            lambda door: door.but(
                routing=replace(door.routing, mirror=mirror), copies_after=after or door.copies_after
            ),
            progress,
        )
        if not mirror:
            self._weigh_cores(pair[1].name, SHARES)
            for one in pair:
                if one.ready:
                    self._witness.let_go(self.address(one.name), one.ready)

    def _usual(self, name: str) -> float:
        """Return how long nearly all requests to a revision take, seconds; 0 if nobody has asked it."""
        seen = self.entrance().counts(name).since(Counts())
        return min(max(seen.p99_ms / 1000, _LEAST_WAIT), _MOST_WAIT) if seen.p99_ms else 0.0

    def _dropped(self, to: str) -> int:
        """Return how many copies Envoy has dropped since the last time, because too many were waiting."""
        name = f"cluster.{copies_of(to)}.upstream_rq_pending_overflow"
        count = int(self.entrance().counters(f"^{re.escape(name)}$").get(name) or 0)
        before, self._overflow = self._overflow, count
        # an Envoy that was started anew counts anew
        return count - before if count >= before else count

    def _weigh_cores(self, name: str, shares: int) -> None:
        if made := self._apps.services.find(name):
            self._apps.services.weigh_cores(made, shares)

    def _keep(self, pair: tuple[Revision, Revision], progress: Progress) -> None:
        """Have the servers of both keep what they answer."""
        for one in pair:
            address = self.address(one.name)
            self._witness.keep(address)
            if not self._witness.ask(address, one.ready):
                progress.note(f"live answers are not compared, for {one.name} tells none: {self._witness.why}")
                return

    def compare(self, source: str, to: str) -> Compared | None:
        """Return the answers that servers of both have told of the same requests, by the ids that Envoy gives them."""
        known = self.list()
        addresses = []
        for one in (find(known, source), find(known, to)):
            addresses.append(self.address(one.name))
            self._witness.ask(addresses[-1], one.ready)
        found, dropped = self._witness.compare(*addresses), self._dropped(find(known, to).name)
        return found and replace(found, lost=found.lost + dropped)

    def address(self, revision: str) -> str:
        """Return the URL by which just this revision is reached, on the side port of Envoy."""
        return self.entrance().address(self._name_of(revision))

    def label_address(self, revision: str) -> str:
        """Return the URL of a label, a host name of the service's own port."""
        there, name = self.there(), self._name_of(revision)
        door = there.files.door()
        if there.entrance is None or not (label := door.label_of(name)):
            return ""
        return f"{'https' if door.certificate else 'http'}://{label_host(name, label)}:{there.entrance.port}"

    def seen(self, revision: str, since: float) -> Seen:
        """Return what Envoy has counted since the last count before that moment."""
        name = self._name_of(revision)
        earlier = [counts for when, counts in self._counted.get(name, ()) if when <= since]
        # no count is that old: all there is, from the first one on, or since Envoy started
        first = self._counted.get(name) or [(0.0, Counts())]
        base = earlier[-1] if earlier else (first[0][1] if since else Counts())
        return self._count(name).since(base)

    def _name_of(self, revision: str) -> str:
        """Return the name of a revision that is given by its name or its label, without asking for its tasks."""
        there = self.there()
        if any(one.name == revision for one in there.revisions):
            return revision
        # labels stand in Envoy's files, which only a tar of its folder tells
        return find(self._known(there), revision).name

    def _count(self, name: str) -> Counts:
        counts = self.entrance().counts(name)
        # Envoy counts from its start on: what came since a moment is the difference of two counts
        self._counted.setdefault(name, []).append((time.time(), counts))
        return counts

    def retire(self, revision: str, progress: Progress) -> None:
        """Wait until it has nothing at work, then run it no more."""
        one = find(self.list(), revision)
        if one.weight:
            raise WrongWeights(f"{one.name} gets {one.weight} % of the requests", "give them to another one first")
        self.drain(one.name, progress)
        # Envoy forgets it before its replicas go, or a request of the last moment would meet a closed port
        self.change(lambda door: door.without(one.name), progress)
        self._apps.services.scale(one.name, 0)

    def drain(self, name: str, progress: Progress) -> None:
        """Wait until Envoy has no request at work there, for as long as a server may take to stop."""
        end, pause = time.monotonic() + DRAIN_SECONDS, threading.Event()
        entrance = self.entrance()
        while entrance.running and time.monotonic() < end:
            left = entrance.active(name)
            if not left:
                return
            progress.say(f"waiting for {left} requests that {name} has at work")
            progress.checkpoint()
            pause.wait(_LOOK_SECONDS)

    def activate(self, revision: str, progress: Progress) -> None:
        """Run a retired one again, as many replicas as the one that serves."""
        one = find(self.list(), revision)
        there = self.there()
        serving = there.serving
        if not one.replicas:
            self.wake(one.name, serving.replicas if serving else 1)
        self.change(lambda door: door.with_all((one.name,)), progress)
        self._require_healthy(one.name, progress)

    def wake(self, name: str, replicas: int) -> None:
        """Let replicas of a retired or failed one run; does not wait."""

        def change(document: dict[str, Any]) -> None:
            document["Mode"] = {"Replicated": {"Replicas": max(1, replicas)}}
            # what it failed of before says nothing of this start
            document["Labels"] = {key: text for key, text in document["Labels"].items() if key not in (ENDED, WORDS)}

        self._apps.services.change(name, change)

    def restart(self, revision: str, progress: Progress) -> None:
        """Start its replicas anew, one after the other, the new one first."""
        one = find(self.list(), revision)

        def change(document: dict[str, Any]) -> None:
            # as `docker service update --force`: nothing differs, and all tasks are made anew
            document["TaskTemplate"]["ForceUpdate"] = int(document["TaskTemplate"].get("ForceUpdate") or 0) + 1

        update(self._apps.services, one.name, change, progress)
        self._require_healthy(one.name, progress)

    def scale(self, revision: str, least: int, most: int, progress: Progress) -> str:  # noqa: ARG002
        """Run the least: a swarm has nothing that would run more."""
        one = find(self.list(), revision)
        self._apps.services.scale(one.name, max(1, least))
        self._require_healthy(one.name, progress)
        return one.name

    def change(self, how: Callable[[Door], Door], progress: Progress, certificate: Certificate | None = None) -> None:
        """Let Envoy work by another door than that of now; two who do so at once wait for one another."""
        with self._apps.lock(f'Envoy of service "{self._app}"', progress):
            there = self.there()
            if there.entrance is None:
                raise OutageError(f'Envoy of service "{self._app}" is gone', "pulumi up makes it again")
            if not there.entrance.running:
                there.entrance.start()
                there.entrance.wait(progress, there.files)
            there.entrance.change(there.files, how(there.files.door()), progress, certificate)

    def _require_healthy(self, name: str, progress: Progress) -> None:
        made = self._apps.services.find(name)
        if made is None:
            raise OutageError(f'service "{name}" is gone', "pulumi up makes it again")
        if failure := self.prove(made, _UPDATE_SECONDS, progress):
            raise UserError(failure.describe(f"revision {name}"), "aciml logs shows what it wrote")

    def prove(self, made: Made, timeout: float, progress: Progress, *, fails: bool = False) -> Failure | None:
        """Wait until all replicas of a revision answer 200; ``timeout`` in seconds.

        Args:
            made: the revision.
            timeout: seconds.
            progress: hears how far it is.
            fails: whether one replica that ends is the end of it; else Docker starts another one, and it is waited for.
        """
        entrance, began, pause = self.entrance(), time.monotonic(), threading.Event()
        services, answer = self._apps.services, Answer(0, why="not ready")
        while True:
            progress.checkpoint()
            tasks, waited = services.tasks(made), time.monotonic() - began
            # Envoy goes on to find replicas healthy that are about to end: those of a service scaled down just before
            ready = min(entrance.ready(made.name), sum(task.runs for task in tasks))
            late = waited >= timeout
            # not before Envoy finds it healthy: what it answers itself would count as an error of the revision
            if ready >= made.replicas or late:
                answer = knock(f"{entrance.address(made.name)}{HEALTH_PATH}", None)
                if answer.serves and ready >= made.replicas:
                    return None
            fell = next(
                (task for task in tasks if task.fell and not task.stumbled and task.created >= made.updated), None
            )
            if fell is not None and fails:
                return services.failure_of(made, fell)
            if late:
                return self._overdue(made, tasks, f"last seen: {answer}", ready, timeout)
            told = f"{ready} of {made.replicas} replicas are ready"
            progress.say(f"waiting for 200 of {made.name}, {waited:.0f} of {timeout:g} s ({told})")
            pause.wait(_LOOK_SECONDS)

    def _overdue(self, made: Made, tasks: Collection[Task], seen: str, ready: int, timeout: float) -> Failure:
        # a task that nobody starts says why: no node has room, or the image is on none
        told = next((f"; {task.said}" for task in tasks if not task.runs and task.said and not task.ended), "")
        if ready:
            told = f"; {ready} of {made.replicas} replicas do{told}"
        what = f"did not answer 200 on {HEALTH_PATH} within {timeout:g} seconds ({seen}){told}"
        return Failure(made.name, what, None, False, self.lines(made))

    def lines(self, made: Made) -> tuple[str, ...]:
        """Return the last lines of the replica that was started last."""
        services = self._apps.services
        current = next((task for task in services.tasks(made) if task.container), None)
        return services.failure_of(made, current).lines if current else ()


def update(services: Services, name: str, change: Callable[[dict[str, Any]], None], progress: Progress) -> None:
    """Change the replicas of a service, one after the other, the new one first; returns when all are.

    Raises:
        UserError: it went back, because the new ones did not become healthy.
    """
    before = services.find(name)
    services.change(name, change)
    if before is None or not before.replicas:
        return  # it has none
    made = services.wait_updated(before, progress, _UPDATE_SECONDS * before.replicas)
    if made.update_state in {"rollback_completed", "rollback_paused", "paused"}:
        why = made.update_message or made.update_state
        raise UserError(f"the replicas of {name} could not be started anew: {why}", "those of before go on")
