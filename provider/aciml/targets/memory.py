"""A target in memory: a small working thing for tests, which also lives on over plugin processes if it has a file."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from ..core.errors import UserError
from ..core.ownership import Claim, Owner, Stranger, stranger
from ..core.progress import Progress
from .hints import hint
from .near import NearTarget
from .protocol import (
    GroupFacts,
    GroupFailed,
    GroupSpec,
    Kind,
    RegistryFacts,
    RegistrySpec,
)

Behaviour = Literal["serves", "exits", "hangs"]
LOG = (
    "Traceback (most recent call last):",
    '  File "/var/azureml-app/score.py", line 3, in init',
    "ModuleNotFoundError: No module named 'joblib'",
)
"""The last words of every image that exits, with code 3."""

_FIRST_PORT = 20000


def behaviour_by_name(image: str) -> Behaviour:
    """Read the behaviour of an image off its reference: one with ``exits`` or ``hangs`` in it does so."""
    return "exits" if "exits" in image else "hangs" if "hangs" in image else "serves"


@dataclass
class World:
    """All there is.

    ``volumes`` maps the id of a registry to what is stored in it, ``labels`` an id to whose it is; those of a registry
    stay as long as its volume.
    """

    registries: dict[str, RegistryFacts] = field(default_factory=dict)
    groups: dict[str, GroupFacts] = field(default_factory=dict)
    volumes: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> World:
        """Read what ``dump`` wrote."""
        saved = json.loads(text)
        return cls(
            {id_: RegistryFacts(**facts) for id_, facts in saved["registries"].items()},
            {id_: GroupFacts(**facts) for id_, facts in saved["groups"].items()},
            saved["volumes"],
            saved.get("labels", {}),
        )

    def dump(self) -> str:
        """Write it as JSON; there are no secrets in it."""
        return json.dumps(asdict(self), indent=1)


class MemoryTarget(NearTarget):
    """Satisfies ``Target`` without running anything.

    ``taken_ports`` are somebody else's: add to it, or to what ``world`` holds, to see what a caller does then.
    """

    def __init__(
        self,
        path: Path | None = None,
        behaviour: Callable[[str], Behaviour] = behaviour_by_name,
        workspace: str = "",
    ) -> None:
        """Keep the world in the JSON file ``path`` if one is given, else in this object."""
        super().__init__(workspace)
        self._path, self._behaviour = path, behaviour
        self._lock = threading.RLock()
        self._world = World()
        self.taken_ports: set[int] = set()

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "memory"

    @contextmanager
    def world(self) -> Iterator[World]:
        """Give all there is, to look at and to change; changes are kept, also when the caller raises."""
        with self._lock:
            if self._path and self._path.exists():
                self._world = World.load(self._path.read_text(encoding="utf-8"))
            try:
                yield self._world
            finally:
                self._save()

    def bring_registry(self, spec: RegistrySpec, claim: Claim, progress: Progress) -> RegistryFacts:
        """Create or adopt the registry."""
        progress.checkpoint()
        id_ = _id("registry", spec.name)
        with self.world() as world:
            mark = _own(world, id_, claim)
            port = self._port(world, spec.port, world.registries.get(id_))
            facts = RegistryFacts(id_, spec.name, f"127.0.0.1:{port}", port, spec.image, "Running", owner=mark)
            world.registries[id_] = facts
            world.volumes.setdefault(id_, [])
            world.labels[id_] = claim.heir(Owner.read(world.labels.get(id_))).labels()
        return facts

    def read_registry(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at the registry."""
        with self.world() as world:
            if known and (theirs := _theirs(world, registry_id, self._claim_known(known.owner, known.known_as))):
                raise theirs
            return world.registries.get(registry_id)

    def delete_registry(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Forget the registry, and what is stored in it if ``delete_data``."""
        progress.checkpoint()
        with self.world() as world:
            if theirs := _theirs(world, registry_id, self._claim_known(progress.urn, known_as)):
                progress.warn(f"{theirs.message}: it stays")
                return
            world.registries.pop(registry_id, None)
            if delete_data:
                world.volumes.pop(registry_id, None)
                world.labels.pop(registry_id, None)
            elif registry_id in world.volumes:
                progress.note(f'volume "{registry_id}" stays, with the images')

    def bring_group(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Start or adopt the group; whether it answers is said by the behaviour of its image."""
        id_ = _id("group", spec.name)
        with self.world() as world:
            old, mark = world.groups.get(id_), _own(world, id_, claim)
            port = self._port(world, spec.port, old)
            progress.checkpoint()
            address = f"127.0.0.1:{port}"
            facts = GroupFacts(
                id_, spec.name, spec.image, spec.cpu, spec.memory_gb, port, address, "Running", owner=mark
            )
            failure = self._failure(spec, progress.timeout)
            if failure and old and old.state == "Running":
                raise GroupFailed(f"{failure}\nthe container that was there goes on at {old.address}", old)
            world.groups[id_] = replace(facts, state="Failed") if failure else facts
            world.labels[id_] = claim.heir(Owner.read(world.labels.get(id_))).labels()
            if failure:
                raise GroupFailed(failure, world.groups[id_])
        return facts

    def read_group(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group."""
        with self.world() as world:
            if known and (theirs := _theirs(world, group_id, self._claim_known(known.owner, known.known_as))):
                raise theirs
            return world.groups.get(group_id)

    def delete_group(self, group_id: str, progress: Progress, known_as: str = "") -> None:
        """Forget the group."""
        progress.checkpoint()
        with self.world() as world:
            if theirs := _theirs(world, group_id, self._claim_known(progress.urn, known_as)):
                progress.warn(f"{theirs.message}: it stays")
                return
            world.groups.pop(group_id, None)
            world.labels.pop(group_id, None)

    def find_stranger(self, kind: Kind, name: str, claim: Claim) -> Stranger | None:
        """Look at what has that name."""
        with self.world() as world:
            return _theirs(world, _id(kind, name), claim)

    def _failure(self, spec: GroupSpec, allowed: float) -> str:
        does = self._behaviour(spec.image)
        if does == "exits":
            log = "\n  ".join(("last log lines:", *LOG))
            return f'service "{spec.name}" exited with code 3: {hint(LOG, 3)}\n{log}'
        smoke = spec.smoke_test
        if does == "serves" and smoke and (smoke.path != "/" or smoke.status != 200):
            came = 200 if smoke.path == "/" else 404
            wrong = f"{smoke.method} {smoke.path} answered {came} instead of {smoke.status}"
            return f'service "{spec.name}" failed its smoke test: {wrong}'
        within = f"within {spec.patience(allowed):g} seconds"
        path = spec.health_path
        return f'service "{spec.name}" did not answer 200 on {path} {within}' if does == "hangs" else ""

    def _port(self, world: World, wanted: int, own: RegistryFacts | GroupFacts | None) -> int:
        others: list[RegistryFacts | GroupFacts] = [*world.registries.values(), *world.groups.values()]
        used = {facts.port for facts in others if facts != own} | self.taken_ports
        port = wanted or (own.port if own else next(port for port in range(_FIRST_PORT, 65536) if port not in used))
        if port in used:
            seen = f"port {port} on 127.0.0.1 is in use by another program"
            raise UserError(seen, "choose another port in the stack config or 0")
        return port

    def _save(self) -> None:
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside = self._path.with_suffix(".new")
            aside.write_text(self._world.dump(), encoding="utf-8")
            aside.replace(self._path)


def _id(kind: Kind, name: str) -> str:
    return f"aciml-{'registry-' if kind == 'registry' else ''}{name}"


def _own(world: World, id_: str, claim: Claim) -> str:
    """Return the mark that a thing has or gets.

    Raises:
        Stranger: it is somebody else's.
    """
    if theirs := _theirs(world, id_, claim):
        raise theirs
    return claim.heir(Owner.read(world.labels.get(id_))).mark


def _theirs(world: World, id_: str, claim: Claim | None) -> Stranger | None:
    there = id_ in world.groups or id_ in world.registries or id_ in world.volumes
    seen = Owner.read(world.labels.get(id_))
    if not there or claim is None or claim.covers(seen):
        return None
    return stranger(f'"{id_}"', seen, claim, remedy="give it another name, or destroy it there")
