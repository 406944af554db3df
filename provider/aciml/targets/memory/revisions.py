"""Revisions in memory: a list with weights, kept in the world; what clients meet at each is said from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from ...core.golden.live import Compared
from ...core.progress import Progress
from ..observed import ContainerSeen
from ..revisions import Revision, Seen, WrongWeights, find, require_weights
from .world import Memory, World


class MemoryRevisions:
    """Satisfies ``Revisions`` for one service.

    ``clients`` maps a revision's name to what its clients meet, ``compared`` is what each look at copies gets; change
    them to see what a caller does then. They are not in the world's file: they belong to whoever plays the clients.
    """

    def __init__(self, memory: Memory, service: str) -> None:
        """Keep the revisions of ``service`` in ``memory``."""
        self._memory, self._service = memory, service
        self.clients: dict[str, Seen] = {}
        self.compared: list[Compared] = []

    def list(self) -> list[Revision]:
        """Return all, the newest first."""
        with self._memory.world() as world:
            return [*self._read(world)]

    def replicas(self, revision: str) -> Sequence[ContainerSeen]:
        """Return as many as there are, those that answer first."""
        one = find(self.list(), revision)
        return tuple(
            ContainerSeen(f"{one.name}.{number}", "Running" if number <= one.ready else "Waiting", image=one.image)
            for number in range(1, one.replicas + 1)
        )

    def add(self, revision: Revision) -> None:
        """Let a revision be there; the first of a service gets all requests, others begin with none."""
        with self._memory.world() as world:
            there = [one for one in self._read(world) if one.name != revision.name]
            self._write(world, [replace(revision, weight=0 if there else 100), *there])

    def change(self, name: str, **properties: object) -> None:
        """Let a revision be otherwise, as if something had happened to it."""
        with self._memory.world() as world:
            changed = replace(find(self._read(world), name), **properties)  # type: ignore[arg-type]
            self._write(world, [changed if one.name == changed.name else one for one in self._read(world)])

    def weigh(self, weights: Mapping[str, int], progress: Progress) -> None:
        """Share the requests."""
        progress.checkpoint()
        with self._memory.world() as world:
            there = self._read(world)
            require_weights(weights, there)
            self._write(world, [replace(one, weight=weights.get(one.name, 0)) for one in there])

    def mirror(self, source: str, to: str, percent: int, progress: Progress) -> None:
        """Write down what is mirrored; ``mirrored`` tells."""
        progress.checkpoint()
        with self._memory.world() as world:
            names = [find(self._read(world), name).name for name in (source, to)]
            world.mirrors.pop(self._service, None)
            if percent:
                world.mirrors[self._service] = [*names, percent]

    def compare(self, source: str, to: str) -> Compared | None:
        """Return what comes next in ``compared``, as long as copies are made."""
        for name in (source, to):
            find(self.list(), name)
        return self.compared.pop(0) if self.compared and self.mirrored else None

    @property
    def mirrored(self) -> tuple[str, str, int] | None:
        """Who is mirrored to whom, and how many percent; None if nobody is."""
        with self._memory.world() as world:
            said = world.mirrors.get(self._service)
        return (str(said[0]), str(said[1]), int(said[2])) if said else None

    def address(self, revision: str) -> str:
        """Return a URL that nobody listens on."""
        return f"http://{find(self.list(), revision).name}.invalid"  # RFC 2606: a name that nobody has

    def label_address(self, revision: str) -> str:
        """Return another one, if it has a label."""
        label = find(self.list(), revision).label
        return f"http://{label}.invalid" if label else ""

    def seen(self, revision: str, since: float) -> Seen:  # noqa: ARG002  # clients here have no clock
        """Return what ``clients`` says."""
        return self.clients.get(find(self.list(), revision).name, Seen())

    def retire(self, revision: str, progress: Progress) -> None:
        """Stop it."""
        progress.checkpoint()
        one = find(self.list(), revision)
        if one.weight:
            raise WrongWeights(f"{one.name} gets {one.weight} % of the requests", "give them to another one first")
        self.change(one.name, state="Stopped", replicas=0, ready=0)

    def activate(self, revision: str, progress: Progress) -> None:
        """Run it again, with one replica."""
        progress.checkpoint()
        one = find(self.list(), revision)
        if not one.active:
            self.change(one.name, state="Running", replicas=1, ready=1)

    def restart(self, revision: str, progress: Progress) -> None:
        """Make what failed run."""
        progress.checkpoint()
        one = find(self.list(), revision)
        self.change(one.name, state="Running", ready=one.replicas, error="")

    def scale(self, revision: str, least: int, most: int, progress: Progress) -> str:  # noqa: ARG002
        """Run the least that is allowed."""
        progress.checkpoint()
        name = find(self.list(), revision).name
        self.change(name, replicas=least, ready=least)
        return name

    def _read(self, world: World) -> Sequence[Revision]:
        return [Revision(**facts) for facts in world.revisions.get(self._service, [])]

    def _write(self, world: World, revisions: Sequence[Revision]) -> None:
        world.revisions[self._service] = [asdict(one) for one in revisions]
