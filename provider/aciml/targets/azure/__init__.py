"""The Azure target: Container Registry, ACR Tasks and Container Instances. Azure is named in this folder alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...core.builder import RemoteBuilder
from ...core.credentials import Credentials
from ...core.errors import Finding
from ...core.names import NameRule, default_name
from ...core.progress import Progress
from ..protocol import Action, GroupFacts, GroupSpec, Kind, RegistryFacts, RegistrySpec, Settings
from ..workspace import this_workspace
from .config import AzureConfig
from .groups import judge as group_judge
from .groups import rules as group_rules
from .groups.container import PROBES
from .registries import judge as registry_judge
from .registries import rules as registry_rules

if TYPE_CHECKING:
    from ...settings import Settings as MachineSettings
    from .arm.session import AzureSession
    from .groups.life import AzureGroups
    from .registries.life import AzureRegistries

_RULES: Mapping[Kind, NameRule] = {"registry": NameRule(50, joint=""), "group": NameRule(56)}
"""What Azure takes for a name; a group's has room for the ending of a slot."""


class AzureTarget:
    """Satisfies ``Target``. Nothing is contacted, and no SDK imported, before the first call that needs it."""

    def __init__(self, config: AzureConfig, settings: MachineSettings, workspace: str = "") -> None:
        """Work in the subscription and resource group of ``config``; ``workspace`` is the folder's without one."""
        self._config, self._settings = config, settings
        self._workspace = workspace or this_workspace()
        self._lock = threading.RLock()
        self._opened: AzureSession | None = None
        self._made: tuple[AzureRegistries, AzureGroups] | None = None

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "azure"

    def defaults(self, kind: Kind) -> Settings:
        """Return what the service and the provider's configuration say when a property is not given."""
        where = {"resourceGroup": self._config.resource_group, "location": self._config.location}
        said = {**group_judge.DEFAULTS, **PROBES} if kind == "group" else registry_judge.DEFAULTS
        return {**said, **where}

    def default_name(self, kind: Kind, urn: str) -> str:
        """Return a name with resource, project and stack in it; a registry's is unique in all of Azure."""
        where = f"{self._config.subscription_id} {self._workspace}"
        return default_name(urn, where, _RULES[kind], f"-{kind}")

    def judge(
        self, kind: Kind, old: Settings | None, new: Settings, unknown: frozenset[str], progress: Progress
    ) -> list[Finding]:
        """Judge by the service's limits; a registry that is to be made is also asked for its name."""
        if kind == "group":
            return group_judge.judge_group(old, new, unknown)
        return registry_judge.judge_registry(old, new, unknown) or self._registries.judge(old, new, progress)

    def builder(self) -> RemoteBuilder:
        """Return ACR Tasks."""
        from .tasks.builder import AcrTasks

        return AcrTasks(self._session, self._registries)

    def largest_image(self) -> int:
        """Return 15 GB. Source: Azure Container Instances, "resource availability and quota limits"."""
        return 15_000_000_000

    def foreseen_login_server(self, spec: RegistrySpec) -> str:
        """Return ``<name>.azurecr.io``, or what the cloud calls it."""
        return self._registries.foreseen_login_server(spec)

    def create_registry(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create or adopt the registry."""
        return self._registries.create(spec, progress)

    def update_registry(
        self, registry_id: str, old: RegistrySpec, new: RegistrySpec, progress: Progress
    ) -> RegistryFacts:
        """Bring the registry from one spec to the other."""
        return self._registries.update(registry_id, old, new, progress)

    def read_registry(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at the registry; None only if ARM says 404."""
        return self._registries.read(registry_id, known)

    def delete_registry(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Remove the registry; one that holds images only with ``delete_data``."""
        self._registries.delete(registry_id, delete_data=delete_data, progress=progress, known_as=known_as)

    def registry_changes(self, old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
        """Name what differs, by the table of rules."""
        return registry_rules.registry_changes(old, new)

    def credentials(self, login_server: str) -> Credentials:
        """Return an identity token's login for our registries, nothing for others."""
        return self._registries.credentials(login_server)

    def create_group(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Create or adopt the container group and wait until it answers."""
        return self._groups.create(spec, progress)

    def update_group(self, group_id: str, old: GroupSpec, new: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring the group from one spec to the other; what fails goes back."""
        return self._groups.update(group_id, old, new, progress)

    def read_group(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group; None only if ARM says 404."""
        return self._groups.read(group_id, known)

    def delete_group(self, group_id: str, progress: Progress, known_as: str = "") -> None:
        """Remove the group, and what a rollout left beside it."""
        self._groups.delete(group_id, progress, known_as)

    def group_changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name what differs, by the table of rules."""
        return group_rules.group_changes(old, new, self._config)

    @property
    def _session(self) -> AzureSession:
        from .arm.session import AzureSession

        with self._lock:
            if self._opened is None:
                self._opened = AzureSession(self._config, self._settings)
            return self._opened

    @property
    def _registries(self) -> AzureRegistries:
        return self._open()[0]

    @property
    def _groups(self) -> AzureGroups:
        return self._open()[1]

    def _open(self) -> tuple[AzureRegistries, AzureGroups]:
        """Open both once, whatever thread comes first: they remember logins and registries."""
        from .groups.life import AzureGroups
        from .registries.life import AzureRegistries

        with self._lock:
            if self._made is None:
                registries = AzureRegistries(self._session)
                self._made = registries, AzureGroups(self._session, registries.pull_credentials)
            return self._made
