"""The local target: Docker on this machine.

Names: a registry is the container and the volume ``aciml-registry-<name>``, a group the container ``aciml-<name>``;
the container's name is the id in the state, so it outlives the container. Labels ``aciml.kind`` and ``aciml.name``
say that it is ours; a container without them is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.errors import Finding
from ..core.progress import Progress
from ..settings import Settings as MachineSettings
from .changes import changed_fields
from .local_engine import LocalEngine
from .local_group import LocalGroups
from .local_judge import judge_local
from .local_registry import LocalRegistries
from .protocol import Action, Credentials, GroupFacts, GroupSpec, Kind, RegistryFacts, RegistrySpec, Settings

if TYPE_CHECKING:
    import docker


class LocalTarget:
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

    def defaults(self, kind: Kind) -> Settings:  # noqa: ARG002 - the resource's own defaults are right here
        """Return nothing: v1's defaults hold."""
        return {}

    def judge(
        self,
        kind: Kind,
        old: Settings | None,  # noqa: ARG002 - what was does not matter
        new: Settings,
        unknown: frozenset[str],  # noqa: ARG002 - nothing depends on another property
        progress: Progress,
    ) -> list[Finding]:
        """Judge the name; warn of what has no effect here."""
        return judge_local(kind, new, progress)

    def builder(self) -> None:
        """Return nothing: extra steps run in Docker on this machine."""

    def foreseen_login_server(self, spec: RegistrySpec) -> str:
        """Return the address if the port is given."""
        return f"127.0.0.1:{spec.port}" if spec.port else ""

    def create_registry(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create or adopt the registry, or bring it to another port or image; wait until ``/v2/`` answers."""
        return self._registries.create(spec, progress)

    def update_registry(
        self,
        registry_id: str,  # noqa: ARG002 - it follows from the name
        old: RegistrySpec,  # noqa: ARG002 - what is there is looked at
        new: RegistrySpec,
        progress: Progress,
    ) -> RegistryFacts:
        """Bring the registry to ``new``."""
        return self.create_registry(new, progress)

    def read_registry(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:  # noqa: ARG002
        """Look at the registry; None only if Docker says that its container is not there."""
        return self._registries.read(registry_id)

    def delete_registry(self, registry_id: str, *, delete_data: bool, progress: Progress) -> None:
        """Remove the container; the volume stays unless ``delete_data``."""
        self._registries.delete(registry_id, delete_data=delete_data, progress=progress)

    def registry_changes(self, old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
        """Name the fields that differ; only another name is another registry."""
        return changed_fields(old, new)

    def credentials(self, login_server: str) -> Credentials:  # noqa: ARG002 - they are the same for all
        """Return no credentials: registries listen on 127.0.0.1 and ask for none."""
        return Credentials()

    def create_group(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start or adopt the group and wait until it answers."""
        return self._groups.bring(spec, progress)

    def update_group(
        self,
        group_id: str,  # noqa: ARG002 - it follows from the name, and another name is another group
        old: GroupSpec,  # noqa: ARG002 - what is there is looked at
        new: GroupSpec,
        progress: Progress,
    ) -> GroupFacts:
        """Bring the group to ``new``."""
        return self._groups.bring(new, progress)

    def read_group(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:  # noqa: ARG002
        """Look at the group; None only if Docker says that its container is not there."""
        return self._groups.read(group_id)

    def delete_group(self, group_id: str, progress: Progress) -> None:
        """Remove the container."""
        self._groups.delete(group_id, progress)

    def group_changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name the fields that differ; only another name is another group, limits change while it runs."""
        return changed_fields(old, new)
