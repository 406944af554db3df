"""The local target: Docker on this machine.

Names: a registry is the container and the volume ``aciml-registry-<name>``, a group the container ``aciml-<name>``;
the container's name is the id in the state, so it outlives the container. Labels ``aciml.kind`` and ``aciml.name``
say what it is, those that begin with ``io.aciml.`` whose it is; what is not ours by them is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...core.ownership import Claim, Stranger
from ...core.progress import Progress
from ...settings import Settings as MachineSettings
from ..near import NearTarget
from ..protocol import GroupFacts, GroupSpec, Kind, RegistryFacts, RegistrySpec
from .engine import LocalEngine
from .group import LocalGroups
from .registry import LocalRegistries

if TYPE_CHECKING:
    import docker


class LocalTarget(NearTarget):
    """Satisfies ``Target``; nothing is contacted and ``docker`` is not imported before the first call."""

    def __init__(
        self, engine: Callable[[], docker.DockerClient], settings: MachineSettings, workspace: str = ""
    ) -> None:
        """Run containers in the engine that ``engine`` connects to; images come from the mirrors of ``settings``."""
        super().__init__(workspace)
        held = LocalEngine(engine, self._workspace)
        self._registries = LocalRegistries(held, settings.registries)
        self._groups = LocalGroups(held, settings.registries)

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "local"

    def bring_registry(self, spec: RegistrySpec, claim: Claim, progress: Progress) -> RegistryFacts:
        """Create or adopt the registry, or bring it to another port or image; wait until ``/v2/`` answers."""
        return self._registries.bring(spec, claim, progress)

    def bring_group(self, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
        """Start, adopt or change the group and wait until it answers."""
        return self._groups.bring(spec, claim, progress)

    def find_stranger(self, kind: Kind, name: str, claim: Claim) -> Stranger | None:
        """Look at the container of that name, and at the volume of a registry."""
        try:
            (self._registries if kind == "registry" else self._groups).require_own(name, claim)
        except Stranger as refusal:
            return refusal
        return None

    def read_registry(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at the registry; None only if Docker says that its container is not there."""
        return self._registries.read(registry_id, self._claim_known(known.owner, known.known_as) if known else None)

    def delete_registry(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Remove the container; the volume stays unless ``delete_data``."""
        claim = self._claim_known(progress.urn, known_as)
        self._registries.delete(registry_id, claim, delete_data=delete_data, progress=progress)

    def read_group(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group; None only if Docker says that its container is not there."""
        return self._groups.read(group_id, self._claim_known(known.owner, known.known_as) if known else None)

    def delete_group(self, group_id: str, progress: Progress, known_as: str = "") -> None:
        """Remove the container."""
        self._groups.delete(group_id, self._claim_known(progress.urn, known_as), progress)
