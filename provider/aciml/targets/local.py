"""The local target: Docker on this machine.

Names: a registry is the container and the volume ``aciml-registry-<name>``, a group the container ``aciml-<name>``;
the container's name is the id in the state, so it outlives the container. Labels ``aciml.kind`` and ``aciml.name``
say that it is ours; a container without them is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.progress import Progress
from ..settings import Settings as MachineSettings
from .local_engine import LocalEngine
from .local_group import LocalGroups
from .local_registry import LocalRegistries
from .near import NearTarget
from .protocol import GroupFacts, GroupSpec, RegistryFacts, RegistrySpec

if TYPE_CHECKING:
    import docker


class LocalTarget(NearTarget):
    """Satisfies ``Target``; nothing is contacted and ``docker`` is not imported before the first call."""

    def __init__(self, engine: Callable[[], docker.DockerClient], settings: MachineSettings) -> None:
        """Run containers in the engine that ``engine`` connects to; images come from the mirrors of ``settings``."""
        held = LocalEngine(engine)
        self._registries = LocalRegistries(held, settings.registries)
        self._groups = LocalGroups(held, settings.registries)

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "local"

    def create_registry(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create or adopt the registry, or bring it to another port or image; wait until ``/v2/`` answers."""
        return self._registries.create(spec, progress)

    def read_registry(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:  # noqa: ARG002
        """Look at the registry; None only if Docker says that its container is not there."""
        return self._registries.read(registry_id)

    def delete_registry(self, registry_id: str, *, delete_data: bool, progress: Progress) -> None:
        """Remove the container; the volume stays unless ``delete_data``."""
        self._registries.delete(registry_id, delete_data=delete_data, progress=progress)

    def create_group(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start or adopt the group and wait until it answers."""
        return self._groups.bring(spec, progress)

    def read_group(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:  # noqa: ARG002
        """Look at the group; None only if Docker says that its container is not there."""
        return self._groups.read(group_id)

    def delete_group(self, group_id: str, progress: Progress) -> None:
        """Remove the container."""
        self._groups.delete(group_id, progress)
