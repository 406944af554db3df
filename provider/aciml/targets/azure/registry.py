"""Registries of a subscription, as the registry target has them."""

from __future__ import annotations

from ...core.builder import RemoteBuilder
from ...core.credentials import Credentials
from ...core.errors import Finding
from ...core.progress import Progress
from ...model.registry import Registry
from ..protocol import Action, RegistryFacts, RegistrySpec
from .account import Account
from .registries import body, encryption
from .registries import name as registry_name


class AzureRegistryTarget:
    """Satisfies ``RegistryTarget``."""

    def __init__(self, account: Account) -> None:
        """Contact nobody."""
        self._account = account

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "azure"

    def defaults(self) -> Registry:
        """Return the provider's place; what else is not said of an adopted registry stays as it is."""
        config = self._account.config
        return Registry(resource_group=config.resource_group, location=config.location)

    def default_name(self, urn: str) -> str:
        """Return a name with resource, project and stack in it, unique in all of Azure."""
        return self._account.default_name(urn, registry_name.RULE, "-registry")

    def placed(self, new: Registry) -> Registry:
        """Return the registry of its workspace, if it names one."""
        return self._account.registries.placed(new) if new.workspace else new

    def judge(self, old: Registry | None, new: Registry, progress: Progress) -> list[Finding]:
        """Judge by the service's limits; whether the name of a registry that is to be made is free, Azure is asked."""
        # what is wrong by itself need not be asked about
        found = [*registry_name.judge(new), *(encryption.judge(old, new) if old else ())]
        return found or self._account.registries.judge(old, new, progress)

    def changes(self, old: Registry, new: Registry) -> dict[str, Action]:
        """Name what differs, by the costs in the table."""
        return body.registry_changes(old, new)

    def foreseen_login_server(self, registry: Registry) -> str:
        """Return the name with the cloud's suffix, in lower case."""
        return self._account.registries.foreseen_login_server(registry.name or "")

    def create(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create or adopt the registry."""
        return self._account.registries.create(spec, progress)

    def update(self, registry_id: str, old: RegistrySpec, new: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Bring the registry from one spec to the other."""
        return self._account.registries.update(registry_id, old, new, progress)

    def read(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at the registry; None only if ARM says 404."""
        return self._account.registries.read(registry_id, known)

    def delete(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Remove the registry; one that holds images only with ``delete_data``."""
        self._account.registries.delete(registry_id, delete_data=delete_data, progress=progress, known_as=known_as)

    def credentials(self, login_server: str) -> Credentials:
        """Return an identity token's login for our registries, nothing for others."""
        return self._account.registries.credentials(login_server)

    def shut_out(self, login_server: str) -> str:
        """Ask the registry; see ``AzureRegistries.shut_out``."""
        return self._account.registries.shut_out(login_server)

    def builder(self) -> RemoteBuilder:
        """Return the registry's own builder."""
        # here, because most stacks never build in the cloud, and its SDK is one more to load
        from .tasks.builder import TaskBuilder

        return TaskBuilder(self._account.session, self._account.registries)
