"""Registries in memory: an address that nobody listens on, and a list of what is stored."""

from __future__ import annotations

from ...core.ownership import Claim, Stranger
from ...core.progress import Progress
from ..home.place import Workspace
from ..home.registry import HomeRegistries
from ..protocol import RegistryFacts, RegistrySpec
from .world import Memory


class MemoryRegistries(HomeRegistries):
    """Satisfies ``RegistryTarget`` without running anything."""

    def __init__(self, memory: Memory, workspace: Workspace) -> None:
        """Keep all in ``memory``."""
        super().__init__(workspace)
        self._memory = memory

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "memory"

    def bring(self, spec: RegistrySpec, claim: Claim, progress: Progress) -> RegistryFacts:
        """Create or adopt the registry."""
        progress.checkpoint()  # before anything is changed: what is cancelled here leaves nothing
        id_ = _id(spec.name)
        with self._memory.world() as world:
            mark = world.own(id_, claim)
            port = world.port(spec.declared.port, world.registries.get(id_), self._memory.taken_ports)
            facts = RegistryFacts(id_, spec.name, f"127.0.0.1:{port}", port, spec.declared.image, "Running", owner=mark)
            world.registries[id_] = facts
            world.volumes.setdefault(id_, [])
            world.label(id_, claim)
        return facts

    def find_stranger(self, name: str, claim: Claim) -> Stranger | None:
        """Look at what has that name."""
        with self._memory.world() as world:
            return world.theirs(_id(name), claim)

    def read(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at the registry."""
        claim = self.workspace.claim_known(known.owner, known.known_as) if known else None
        with self._memory.world() as world:
            # raised and not None: what is somebody else's is not gone, and state must not forget its own by it
            if theirs := world.theirs(registry_id, claim):
                raise theirs
            return world.registries.get(registry_id)

    def delete(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Forget the registry, and what is stored in it if ``delete_data``."""
        progress.checkpoint()
        with self._memory.world() as world:
            if theirs := world.theirs(registry_id, self.workspace.claim_known(progress.urn, known_as)):
                progress.warn(f"{theirs.message}: it stays")
                return
            world.registries.pop(registry_id, None)
            if delete_data:
                world.volumes.pop(registry_id, None)
                world.labels.pop(registry_id, None)
            elif registry_id in world.volumes:  # its labels stay too: whose the images are outlives the server
                progress.note(f'volume "{registry_id}" stays, with the images')


def _id(name: str) -> str:
    return f"aciml-registry-{name}"
