"""What a registry has on Azure Container Registry alone, in ARM's words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

import pulumi

from .declared import Names, shape, subject


class RegistrySku(StrEnum):
    """What the registry can do, and costs."""

    BASIC = "Basic"
    """For one team."""
    STANDARD = "Standard"
    """More room and throughput."""
    PREMIUM = "Premium"
    """Network rules, replicas, keys of one's own."""


class DefaultAction(StrEnum):
    """What happens to addresses that no rule names."""

    ALLOW = "Allow"
    """They may."""
    DENY = "Deny"
    """They may not."""


@shape
class RegistryEncryptionArgs:
    """A customer-managed key; needs Premium."""

    key_identifier: pulumi.Input[str]
    """Key Vault URI of the key."""
    identity: pulumi.Input[str]
    """Client id of the identity that may use it."""


@subject
class RegistryNetworkArgs:
    """Who may reach the registry."""

    # `network` says the rest of the word; the plugin's name is in states, and stays
    _properties: ClassVar[Mapping[str, str]] = {"default_action": "networkDefaultAction"}

    public_network_access: pulumi.Input[bool] | None = None
    """Reachable from the internet, false needs Premium; true if not said."""
    ip_rules: Names | None = None
    """IPv4 addresses or ranges that may reach it; needs Premium."""
    default_action: pulumi.Input[DefaultAction] | None = None
    """What all others may, Deny needs Premium; Allow if not said."""
    trusted_services_bypass: pulumi.Input[bool] | None = None
    """The cloud's trusted services pass the rules; true if not said."""
    data_endpoint_enabled: pulumi.Input[bool] | None = None
    """A host of its own for layers, needs Premium; false if not said."""
    anonymous_pull: pulumi.Input[bool] | None = None
    """Everybody may pull, needs Standard; false if not said."""
    export_policy: pulumi.Input[bool] | None = None
    """Images may leave the registry, false needs Premium; true if not said."""


@subject
class RegistryAzureArgs:
    """What only Azure Container Registry has."""

    resource_group: pulumi.Input[str] | None = None
    """Resource group; the provider's if not said."""
    adopt: pulumi.Input[bool] | None = None
    """Take over a registry of this name that exists already; false if not said."""
    sku: pulumi.Input[RegistrySku] | None = None
    """What it can do; Basic if not said."""
    admin_user_enabled: pulumi.Input[bool] | None = None
    """An account with a password for everything; false if not said."""
    retention_days: pulumi.Input[int] | None = None
    """Days that untagged manifests stay, 0 to 365, needs Premium; forever if not said."""
    zone_redundancy: pulumi.Input[bool] | None = None
    """Copies in several zones; false if not said."""
    system_assigned_identity: pulumi.Input[bool] | None = None
    """Give the registry an identity of its own; false if not said."""
    identities: Names | None = None
    """ARM ids of user-assigned identities; none if not said."""
    encryption: pulumi.Input[RegistryEncryptionArgs] | None = None
    """A customer-managed key."""
    network: pulumi.Input[RegistryNetworkArgs] | None = None
    """Who may reach it."""
