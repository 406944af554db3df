"""What registries and services of a subscription share: its session, which is opened when somebody needs it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.names import NameRule, default_name
from ...settings import Settings as MachineSettings
from ..workspace import this_workspace
from .config import AzureConfig

if TYPE_CHECKING:
    from .apps.life import AzureApps
    from .arm.session import AzureSession
    from .groups.life import AzureGroups
    from .groups.room import Rooms
    from .registries.life import AzureRegistries


class Account:
    """Opens session, registries and groups once, whatever thread comes first: they remember logins and registries.

    The SDK is imported here and not above, because it takes a second that a stack without Azure need not wait.
    """

    def __init__(self, config: AzureConfig, settings: MachineSettings, workspace: str = "") -> None:
        """Contact nobody; ``workspace`` is that of this folder if none is named."""
        self.config, self._settings = config, settings
        self._workspace = workspace or this_workspace()
        self._lock = threading.RLock()
        self._session: AzureSession | None = None
        self._registries: AzureRegistries | None = None
        self._groups: AzureGroups | None = None
        self._apps: AzureApps | None = None
        self._rooms: Rooms | None = None

    def default_name(self, urn: str, rule: NameRule, ending: str) -> str:
        """Return a name with resource, project and stack in it, which no other subscription or clone makes."""
        return default_name(urn, f"{self.config.subscription_id} {self._workspace}", rule, ending)

    @property
    def session(self) -> AzureSession:
        """The connection to the subscription."""
        from .arm.session import AzureSession

        with self._lock:
            self._session = self._session or AzureSession(self.config, self._settings)
            return self._session

    @property
    def ca_bundle(self) -> Path | None:
        """Whom to trust; None for the machine's authorities."""
        return self.config.ca_bundle or self._settings.ca_bundle

    @property
    def registries(self) -> AzureRegistries:
        """Its registries."""
        from .registries.life import AzureRegistries

        with self._lock:
            self._registries = self._registries or AzureRegistries(self.session)
            return self._registries

    @property
    def rooms(self) -> Rooms:
        """What the regions have left for container groups."""
        from .groups.room import Rooms

        with self._lock:
            self._rooms = self._rooms or Rooms(lambda: self.session)
            return self._rooms

    @property
    def groups(self) -> AzureGroups:
        """Its container groups, which pull from its registries."""
        from .groups.life import AzureGroups

        with self._lock:  # held while registries and session take it again: it is re-entrant
            self._groups = self._groups or AzureGroups(
                self.session, self.registries.pull_credentials, self.registries.is_granted
            )
            return self._groups

    @property
    def apps(self) -> AzureApps:
        """Its container apps, which pull from its registries."""
        from .apps.life import AzureApps

        with self._lock:
            self._apps = self._apps or AzureApps(
                self.session, self.registries.pull_credentials, self.registries.is_granted
            )
            return self._apps
