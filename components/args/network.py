"""The network of a container group, in ARM's and v1's words."""

from collections.abc import Sequence
from enum import StrEnum

import pulumi

from .declared import Names, shape, subject


class IpAddressType(StrEnum):
    """Where a group can be reached."""

    PUBLIC = "Public"
    """From the internet."""
    PRIVATE = "Private"
    """In its subnet."""
    NONE = "None"
    """Nowhere."""


class DnsNameLabelScope(StrEnum):
    """Who may take a DNS label that was given up."""

    UNSECURE = "Unsecure"
    """Anybody; the host name has no hash in it."""
    TENANT_REUSE = "TenantReuse"
    """The tenant."""
    SUBSCRIPTION_REUSE = "SubscriptionReuse"
    """The subscription."""
    RESOURCE_GROUP_REUSE = "ResourceGroupReuse"
    """The resource group."""
    NOREUSE = "Noreuse"
    """Nobody."""


class PortProtocol(StrEnum):
    """Protocol of a port."""

    TCP = "TCP"
    """TCP."""
    UDP = "UDP"
    """UDP."""


@shape
class PortArgs:
    """A port to open besides the service's."""

    port: pulumi.Input[int]
    """Number, 1 to 65535."""
    protocol: pulumi.Input[PortProtocol] | None = None
    """TCP or UDP; TCP if not said."""


@shape
class DnsConfigArgs:
    """DNS of the containers."""

    name_servers: Names
    """Addresses of DNS servers."""
    search_domains: pulumi.Input[str] | None = None
    """Domains to search, separated by blanks."""
    options: pulumi.Input[str] | None = None
    """Resolver options, separated by blanks."""


@subject
class NetworkArgs:
    """Where the group is reached, and what it reaches."""

    ip_address_type: pulumi.Input[IpAddressType] | None = None
    """Public, Private or None; Private in a subnet, else Public, if not said."""
    ports: pulumi.Input[Sequence[pulumi.Input[PortArgs]]] | None = None
    """Ports besides the service's."""
    dns_name_label_scope: pulumi.Input[DnsNameLabelScope] | None = None
    """Who may take the label when it is given up; TenantReuse if not said."""
    vnet_name: pulumi.Input[str] | None = None
    """Virtual network of the subnet."""
    vnet_resource_group: pulumi.Input[str] | None = None
    """Its resource group; the service's if not said."""
    subnet_name: pulumi.Input[str] | None = None
    """Delegated subnet to run in."""
    subnet_id: pulumi.Input[str] | None = None
    """ARM id of that subnet, instead of the names."""
    dns_config: pulumi.Input[DnsConfigArgs] | None = None
    """DNS of the containers; the network's if not said."""
