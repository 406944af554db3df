"""What kind of service a group gets of the cloud: sku, priority, system, restarts; and what Spot groups cannot have.

Source: Microsoft's pages "Spot containers" and "Container groups".
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared
from .network import Network
from .place import Place
from .shape import Field


@lean(frozen=True, kw_only=True)
class ServiceKind(Declared):
    """What is chosen once for the whole group."""

    # ARM requires the word, also where there is no choice
    os_type: Annotated[
        Literal["Linux"] | None,
        Field("Linux: images are made for linux/amd64", default="Linux", scope="cloud", cost=cost.DELETE),
    ] = None
    restart_policy: Annotated[
        Literal["Always", "OnFailure", "Never"] | None,
        Field("Always, OnFailure or Never", default="Always", scope="cloud", cost=cost.DELETE),
    ] = None
    sku: Annotated[
        Literal["Standard", "Dedicated", "Confidential"] | None,
        Field("Standard, Dedicated or Confidential", default="Standard", scope="cloud", cost=cost.OTHER),
    ] = None
    # Regular by itself: a Spot group is ended at any time, and has no address that clients could call
    priority: Annotated[
        Literal["Regular", "Spot"] | None,
        Field("Regular or Spot", default="Regular", scope="cloud", cost=cost.OTHER),
    ] = None
    cce_policy: Annotated[
        str | None,
        Field("confidential computing enforcement policy, base64", scope="cloud", cost=cost.CONFIDENTIAL),
    ] = None

    @property
    def is_spot(self) -> bool:
        """Tell whether the group runs on what is left over, and may be ended at any time."""
        return self.priority == "Spot"

    @property
    def may_be_spot(self) -> bool | None:
        """Tell whether it is a Spot group; None if that is not known yet."""
        return None if self.is_unsure("priority") else self.is_spot


def spot_findings(kind: ServiceKind, network: Network, place: Place) -> Iterator[Finding]:
    """Judge what a Spot group cannot have."""
    if not kind.is_spot:
        return
    if (network.ip_address_type or "None") != "None":
        yield network.finding("ip_address_type", "a Spot group has no address; write None, or priority Regular")
    if network.dns_name_label:
        why = "a Spot group has no address that a label could name; drop it, or the priority Spot"
        yield network.finding("dns_name_label", why)
    for name in ("subnet_id", "subnet_name"):
        if getattr(network, name):
            why = f"a Spot group cannot run in a virtual network; drop {network.at(name)}, or write priority Regular"
            yield network.finding(name, why)
    if place.zones:
        yield place.finding("zones", "a Spot group cannot choose its zone; drop zones, or write priority Regular")
    if (sku := kind.sku or "Standard") != "Standard":
        yield kind.finding("sku", f"a Spot group cannot be {sku}; write sku Standard, or priority Regular")
