"""All there is in memory: registries, groups, what is stored, and whose each is; kept in a file if there is one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ...core.errors import UserError
from ...core.ownership import Claim, Owner, Stranger, stranger
from ..protocol import GroupFacts, RegistryFacts

# nobody listens there; it only has to look like a port
_FIRST_PORT = 20000


@dataclass
class World:
    """All there is.

    ``volumes`` maps the id of a registry to what is stored in it, ``labels`` an id to whose it is; those of a registry
    stay as long as its volume. ``revisions`` maps a service to its revisions as JSON, the newest first, ``mirrors`` to
    who is mirrored to whom and how many percent.
    """

    registries: dict[str, RegistryFacts] = field(default_factory=dict)
    groups: dict[str, GroupFacts] = field(default_factory=dict)
    volumes: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    revisions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    mirrors: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> World:
        """Read what ``dump`` wrote."""
        saved = json.loads(text)
        return cls(
            # JSON knows no tuples, and nothing drifts in memory
            {id_: RegistryFacts(**{**facts, "drift": ()}) for id_, facts in saved["registries"].items()},
            {id_: GroupFacts(**_known(facts)) for id_, facts in saved["groups"].items()},
            saved["volumes"],
            # files of 0.1 have none: what is in them belongs to nobody, as containers of that version do
            saved.get("labels", {}),
            # older files have none: a service was one container
            saved.get("revisions", {}),
            saved.get("mirrors", {}),
        )

    def dump(self) -> str:
        """Write it as JSON; there are no secrets in it."""
        return json.dumps(asdict(self), indent=1)

    def port(
        self, wanted: int, own: RegistryFacts | GroupFacts | None, taken: set[int], claim: Claim | None = None
    ) -> int:
        """Return a port that nobody else has: the wanted one, the one of before, or the first that is free.

        What the resource of ``claim`` was before, under another name or as the other kind, hands its port over.

        Raises:
            UserError: the wanted one is in use.
        """
        # what is known to belong to somebody else counts, as a port of another program does on a machine
        others: list[RegistryFacts | GroupFacts] = [*self.registries.values(), *self.groups.values()]
        # of a port that nobody asked for each has its own
        before = replace(claim, remembered=None) if claim and wanted else None
        mine = [facts for facts in others if before and before.covers(Owner.read(self.labels.get(facts.id)))]
        used = {facts.port for facts in others if facts != own and facts not in mine} | taken
        port = wanted or (own.port if own else next(port for port in range(_FIRST_PORT, 65536) if port not in used))
        if port in used:
            seen = f"port {port} on 127.0.0.1 is in use by another program"
            raise UserError(seen, "choose another port in the stack config or 0")
        return port

    def own(self, id_: str, claim: Claim) -> str:
        """Return the mark that a thing has or gets.

        Raises:
            Stranger: it is somebody else's.
        """
        if theirs := self.theirs(id_, claim):
            raise theirs
        return claim.heir(Owner.read(self.labels.get(id_))).mark

    def label(self, id_: str, claim: Claim) -> None:
        """Write down whose a thing is; its mark lives on."""
        self.labels[id_] = claim.heir(Owner.read(self.labels.get(id_))).labels()

    def theirs(self, id_: str, claim: Claim | None) -> Stranger | None:
        """Return the refusal of a thing that is somebody else's; None if there is none, or it is covered."""
        there = id_ in self.groups or id_ in self.registries or id_ in self.volumes
        seen = Owner.read(self.labels.get(id_))
        if not there or claim is None or claim.covers(seen):
            return None
        return stranger(f'"{id_}"', seen, claim, remedy="give it another name, or destroy it there")


class Memory:
    """What registries and services share: one world, and ports that are somebody else's.

    Add to ``taken_ports``, or to what ``world`` holds, to see what a caller does then.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Keep the world in the JSON file ``path`` if one is given, else in this object."""
        self._path = path
        self._lock = threading.RLock()
        self._world = World()
        self.taken_ports: set[int] = set()

    @contextmanager
    def world(self) -> Iterator[World]:
        """Give all there is, to look at and to change; changes are kept, also when the caller raises."""
        with self._lock:
            if self._path and self._path.exists():
                # read anew each time: a preview and its update are two processes of the plugin
                self._world = World.load(self._path.read_text(encoding="utf-8"))
            try:
                yield self._world
            finally:
                # also when the caller raised: a group that failed exists, like a container that is kept for a look
                self._save()

    def _save(self) -> None:
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # another process never reads half of it: a rename is at once (POSIX)
            aside = self._path.with_suffix(".new")
            aside.write_text(self._world.dump(), encoding="utf-8")
            aside.replace(self._path)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what today's facts have."""
    # a file of an older version has what was seen of a group in another form, which nobody reads any more
    return {one.name: facts[one.name] for one in fields(GroupFacts) if one.name in facts}
