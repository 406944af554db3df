"""The component ``aciml:index:Registry``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .handles import ContainerRegistry, child_of, passed_on


@dataclass(frozen=True)
class RegistryArgs:
    """A registry.

    ``name`` is unique on the target. Locally: ``port`` on 127.0.0.1, 0 picks a free one and keeps it; ``image`` serves
    it. On both: ``delete_data``, destroy removes the images too. The rest is for the cloud: ``sku`` (Basic, Standard,
    Premium), ``adopt`` a registry that exists, ``retention_days`` (0 to 365), ``ip_rules`` (addresses, ranges),
    ``encryption`` (``keyIdentifier``, ``identity``).
    """

    name: pulumi.Input[str] | None = None
    port: pulumi.Input[int] | None = None
    image: pulumi.Input[str] | None = None
    delete_data: pulumi.Input[bool] | None = None
    resource_group: pulumi.Input[str] | None = None
    location: pulumi.Input[str] | None = None
    adopt: pulumi.Input[bool] | None = None
    sku: pulumi.Input[str] | None = None
    admin_user_enabled: pulumi.Input[bool] | None = None
    public_network_access: pulumi.Input[bool] | None = None
    ip_rules: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    network_default_action: pulumi.Input[str] | None = None
    trusted_services_bypass: pulumi.Input[bool] | None = None
    retention_days: pulumi.Input[int] | None = None
    anonymous_pull: pulumi.Input[bool] | None = None
    zone_redundancy: pulumi.Input[bool] | None = None
    data_endpoint_enabled: pulumi.Input[bool] | None = None
    export_policy: pulumi.Input[bool] | None = None
    system_assigned_identity: pulumi.Input[bool] | None = None
    identities: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    encryption: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None


class Registry(pulumi.ComponentResource):
    """Azure Container Registry or a local registry:2; which one the stack's target decides."""

    login_server: pulumi.Output[str]
    """Host (and port) to push to and pull from."""

    def __init__(self, name: str, args: RegistryArgs | None = None, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the registry; the plugin gives it a name of its own if the args have none."""
        super().__init__("aciml:index:Registry", name, {}, opts)
        wanted = args or RegistryArgs()
        inputs = passed_on(wanted)
        registry = ContainerRegistry(f"{name}-registry", inputs, child_of(self, opts))
        self.login_server = registry.loginServer
        self.register_outputs({"login_server": self.login_server})
