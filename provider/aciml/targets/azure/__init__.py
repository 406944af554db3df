"""The Azure target: Container Registry with its builder, and Container Instances. Azure is named here alone."""

from __future__ import annotations

from ...settings import Settings as MachineSettings
from ..protocol import Targets
from .account import Account
from .config import AzureConfig
from .registry import AzureRegistryTarget
from .service import AzureServiceTarget


class AzureTarget(Targets):
    """Registries and services of one subscription, by one login.

    Nothing is contacted, and no SDK imported, before the first call that needs it.
    """

    def __init__(self, config: AzureConfig, settings: MachineSettings, workspace: str = "") -> None:
        """Work in the subscription and resource group of ``config``; ``workspace`` is the folder's without one."""
        self.account = Account(config, settings, workspace)
        super().__init__(AzureRegistryTarget(self.account), AzureServiceTarget(self.account))
