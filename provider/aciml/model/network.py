"""Where a container group is reached: its kind of address, its label, its subnet, its ports.

Source: Microsoft's pages on virtual networks, on reusing DNS names and on spot containers, and the service's questions
and answers (ports).
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared
from .shape import Field

PORTS = 5
"""Most ports of an address. Source: Microsoft, "Resource availability and quota limits"."""
RESERVED_PORTS = (
    range(22, 23),
    range(1025, 1028),
    range(3389, 3400),
    range(9999, 10000),
    range(19000, 19001),
    range(19080, 19081),
    range(19100, 19101),
    range(19390, 19391),
    range(20000, 30001),
    range(49152, 65535),
)
"""Ports that the service keeps for itself. Source: Microsoft, container-instances-faq."""
# a letter first, no hyphen last: RFC 1035, 2.3.1; the service adds that it has 5 to 63 characters ("Troubleshoot")
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
# Azure Resource Manager takes ids in any letter case
_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    re.IGNORECASE,
)
_FORM = "/subscriptions/.../resourceGroups/.../providers/Microsoft.Network/virtualNetworks/.../subnets/..."
AddressType = Literal["Public", "Private", "None"]
Scope = Literal["Unsecure", "TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "Noreuse"]
LABEL_SCOPE: Scope = "TenantReuse"
"""What is sent when nobody says how far a label may be used again.

Microsoft's page and its specification name two different defaults (TenantReuse, Unsecure), so the word is always sent.
This one keeps a label that is free for a moment, as it is while a group is replaced, from being taken by a stranger.
"""


@lean(frozen=True, kw_only=True)
class Port(Declared):
    """A port that is open besides the service's own."""

    port: Annotated[int, Field("port to open", least=1, most=65535)]
    protocol: Annotated[Literal["TCP", "UDP"] | None, Field("TCP or UDP", default="TCP")] = None

    @property
    def pair(self) -> tuple[int, str]:
        """Return number and protocol."""
        return self.port, self.protocol or "TCP"


@lean(frozen=True, kw_only=True)
class DnsConfig(Declared):
    """How the containers look up names; the order of the servers counts."""

    # DnsConfiguration.nameServers, the one part that it requires
    name_servers: Annotated[tuple[str, ...], Field("addresses of DNS servers", required=True)] = ()
    # one text for all of them in the specification, too
    search_domains: Annotated[str | None, Field("domains to search, separated by blanks")] = None
    options: Annotated[str | None, Field("resolver options")] = None


@lean(frozen=True, kw_only=True)
class Network(Declared):
    """Where a group is reached, and by what name."""

    dns_name_label: Annotated[
        str | None,
        Field(
            "first part of the public host name; made from the name without it",
            shown="the URL of the service",
            scope="cloud",
            cost=cost.LABEL,
        ),
    ] = None
    dns_name_label_scope: Annotated[
        Scope | None,
        Field(
            "Unsecure, TenantReuse, SubscriptionReuse, ResourceGroupReuse or Noreuse",
            default=LABEL_SCOPE,
            scope="cloud",
            cost=cost.SCOPE,
        ),
    ] = None
    vnet_name: Annotated[str | None, Field("virtual network of the subnet", scope="cloud", cost=cost.NETWORK)] = None
    vnet_resource_group: Annotated[
        str | None, Field("its resource group, if it is another one", scope="cloud", cost=cost.NETWORK)
    ] = None
    subnet_name: Annotated[str | None, Field("delegated subnet to run in", scope="cloud", cost=cost.NETWORK)] = None
    subnet_id: Annotated[
        str | None, Field("ARM id of that subnet, instead of the names", scope="cloud", cost=cost.NETWORK)
    ] = None
    ip_address_type: Annotated[AddressType | None, Field("Public, Private or None", scope="cloud", cost=cost.OTHER)] = (
        None
    )
    # without the service's own port, which is always open and follows from TLS
    ports: Annotated[tuple[Port, ...], Field("ports besides the service's", scope="cloud", cost=cost.PORTS)] = ()
    dns_config: Annotated[DnsConfig | None, Field("DNS of the containers", scope="cloud", cost=cost.OTHER)] = None

    @property
    def has_subnet(self) -> bool:
        """Tell whether the group is to run in a virtual network, as far as it is known."""
        return bool(self.subnet_id or (self.vnet_name and self.subnet_name))

    def shares_label(self, other: Self) -> bool:
        """Tell whether both want one DNS label, so that a group of the one can only be made when the other's is gone.

        A label that is made from the group's name goes with the name, and ``Noreuse`` makes another host name each
        time (Microsoft, "Deploy a container group with a reusable DNS name").
        """
        label = str(self.dns_name_label or "").lower()
        scopes = {self.dns_name_label_scope or LABEL_SCOPE, other.dns_name_label_scope or LABEL_SCOPE}
        return bool(label) and label == str(other.dns_name_label or "").lower() and scopes != {"Noreuse"}


def address_type(network: Network, *, spot: bool | None) -> AddressType | Literal[""]:
    """Return what kind of address a group has: what is said, else what the rest allows; empty if nobody knows yet.

    Args:
        network: of the group.
        spot: whether its priority is Spot; None if that is not known yet.

    Source: Microsoft's pages on virtual networks (no public address in one) and on spot containers (no public address,
    no virtual network; terraform-provider-azurerm asks for None).
    """
    if network.ip_address_type:
        return network.ip_address_type
    if spot is None or network.is_unsure("ip_address_type", "subnet_id", "vnet_name", "subnet_name"):
        return ""
    if network.has_subnet:
        return "Private"
    return "None" if spot else "Public"


def label_findings(network: Network, *, spot: bool | None) -> Iterator[Finding]:
    """Judge the DNS label."""
    label = network.dns_name_label
    if not label:
        return
    if not (5 <= len(label) <= 63 and _LABEL.fullmatch(label)):
        form = "use 5 to 63 lower-case letters, digits and -, a letter first"
        yield network.finding("dns_name_label", f'"{label}" is no label; {form}')
    kind = address_type(network, spot=spot)
    # of a Spot group spot_findings says it: one cause, one finding
    if kind not in ("Public", "") and spot is False:
        why = "in a virtual network there is none" if network.has_subnet else f"ipAddressType is {kind}"
        yield network.finding("dns_name_label", f"a label names a public address, and {why}; drop dnsNameLabel")


def network_findings(network: Network) -> Iterator[Finding]:
    """Judge the virtual network."""
    yield from _name_findings(network)
    named = network.vnet_name or network.subnet_name
    # Microsoft, virtual-network-concepts: a group in a subnet has neither a public address nor a label
    if network.has_subnet and network.ip_address_type == "Public":
        why = "a group in a virtual network has no public address; write Private or None"
        yield network.finding("ip_address_type", why)
    alone = not named and not network.subnet_id and not network.is_unsure("vnet_name", "subnet_name", "subnet_id")
    if network.ip_address_type == "Private" and alone:
        why = "a private address needs a virtual network; give subnetId, or vnetName and subnetName"
        yield network.finding("ip_address_type", why)


def _name_findings(network: Network) -> Iterator[Finding]:
    """A subnet is named in full, or by network and subnet: v1 wanted both names or none."""
    unsure = network.is_unsure("vnet_name", "subnet_name")
    if network.vnet_name and not network.subnet_name and not unsure:
        yield network.finding("subnet_name", "vnetName is set and subnetName is not; give both or none")
    if network.subnet_name and not network.vnet_name and not unsure:
        yield network.finding("vnet_name", "subnetName is set and vnetName is not; give both or none")
    subnet, named = network.subnet_id, [name for name in ("vnet_name", "subnet_name") if getattr(network, name)]
    if subnet and not _SUBNET.fullmatch(subnet):
        yield network.finding("subnet_id", f'"{subnet}" is no id of a subnet; write {_FORM}')
    # neither wins by itself: who changes one of them would wonder why nothing moves
    if subnet and named:
        also = network.at(named[0])
        yield network.finding(named[0], f"subnetId and {also} both say where to run; drop one of them")
    if network.vnet_resource_group and not named and not unsure:
        why = "vnetResourceGroup goes with vnetName and subnetName; give them or drop it"
        yield network.finding("vnet_resource_group", why)


def port_findings(network: Network, own: int, *, sure: bool) -> Iterator[Finding]:
    """Judge the ports besides the service's: how many, which, and each once.

    Args:
        network: of the group.
        own: port of the service.
        sure: whether that one is known.
    """
    # one number may be open for TCP and for UDP: a port is the pair
    opened = {(own, "TCP")} if sure else set()
    for declared in network.ports:
        if not isinstance(declared, Port) or declared.port is None or declared.is_unsure("protocol"):
            continue
        number, protocol = declared.pair
        if declared.pair in opened:
            why = f"port {number}/{protocol} is open already; the service's own is {own}/TCP"
            yield declared.finding("port", why)
        opened.add(declared.pair)
        yield from reserved_finding(declared.at("port"), number)
    if len(opened) > PORTS:
        why = f"{len(opened)} ports with the service's own are more than {PORTS}, the most of an address"
        yield network.finding("ports", why)


def reserved_finding(where: str, port: int) -> Iterator[Finding]:
    """Judge whether a cloud's service opens a port."""
    for taken in RESERVED_PORTS:
        if port in taken:
            several = f"{taken[0]} to {taken[-1]} are" if len(taken) > 1 else f"{port} is"
            yield Finding(where, f"port {port} cannot be opened: {several} reserved by the service; choose another")
