"""The Azure target: Container Registry with its builder, and Container Instances. Azure is named here alone."""

from __future__ import annotations

from ...settings import Settings as MachineSettings
from ..protocol import ServiceTarget, Targets
from ..runs_on import RunsOn
from .account import Account
from .config import AzureConfig
from .registry import AzureRegistryTarget
from .service import AzureServiceTarget


def is_app(id_: str) -> bool:
    """Tell the ARM id of a container app from all others; ids have no letter case of their own."""
    return "/providers/microsoft.app/containerapps/" in id_.lower()


class AzureTarget(Targets):
    """Registries and services of one subscription, by one login.

    Nothing is contacted, and no SDK imported, before the first call that needs it.
    """

    def __init__(self, config: AzureConfig, settings: MachineSettings, workspace: str = "") -> None:
        """Work in the subscription and resource group of ``config``; ``workspace`` is the folder's without one."""
        self.account = Account(config, settings, workspace)
        services = RunsOn(AzureServiceTarget(self.account), self._open_apps, is_app)
        super().__init__(AzureRegistryTarget(self.account), services)

    def _open_apps(self) -> ServiceTarget:
        from .app_service import AzureAppTarget

        return AzureAppTarget(self.account)
