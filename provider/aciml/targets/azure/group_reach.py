"""Judging how a container group is reached: label, virtual network, and what a rollout moves.

Source: Microsoft's pages on virtual networks, on reusing DNS names and on spot containers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...core.errors import Finding
from ..protocol import Settings
from .group_network import address_type, has_subnet

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    re.IGNORECASE,
)


def label_findings(new: Settings) -> Iterator[Finding]:
    """Judge the DNS label."""
    label = new.get("dnsNameLabel")
    if not label:
        return
    if not (5 <= len(label) <= 63 and _LABEL.fullmatch(label)):
        yield Finding(
            "dnsNameLabel", f'"{label}" is no label; use 5 to 63 lower-case letters, digits and -, a letter first'
        )
    kind = address_type(new)
    if kind != "Public" and new.get("priority") != "Spot":
        why = "in a virtual network there is none" if has_subnet(new) else f"ipAddressType is {kind}"
        yield Finding("dnsNameLabel", f"a label names a public address, and {why}; drop dnsNameLabel")


def network_findings(new: Settings, unknown: frozenset[str]) -> Iterator[Finding]:
    """Judge the virtual network; v1 wanted both names or none."""
    named = [name for name in ("vnetName", "subnetName") if new.get(name)]
    for name in ("vnetName", "subnetName"):
        if len(named) == 1 and name not in named and name not in unknown:
            yield Finding(name, f"{named[0]} is set and {name} is not; give both or none")
    subnet = new.get("subnetId")
    if subnet and not _SUBNET.fullmatch(subnet):
        form = "/subscriptions/.../resourceGroups/.../providers/Microsoft.Network/virtualNetworks/.../subnets/..."
        yield Finding("subnetId", f'"{subnet}" is no id of a subnet; write {form}')
    if subnet and named:
        yield Finding(named[0], f"subnetId and {named[0]} both say where to run; drop one of them")
    if new.get("vnetResourceGroup") and not named and not unknown & {"vnetName", "subnetName"}:
        yield Finding("vnetResourceGroup", "vnetResourceGroup goes with vnetName and subnetName; give them or drop it")
    kind = new.get("ipAddressType")
    if has_subnet(new) and kind == "Public":
        yield Finding("ipAddressType", "a group in a virtual network has no public address; write Private or None")
    if kind == "Private" and not named and not subnet and not unknown & {"vnetName", "subnetName", "subnetId"}:
        yield Finding(
            "ipAddressType", "a private address needs a virtual network; give subnetId, or vnetName and subnetName"
        )


def rollout_findings(new: Settings, unknown: frozenset[str]) -> Iterator[Finding]:
    """Judge what a rollout without downtime moves from the old group to the new one."""
    stable = new.get("stableName")
    if new.get("rollout", "in_place") != "blue_green":
        if stable and "rollout" not in unknown:
            yield Finding(
                "stableName", "stableName is what rollout blue_green moves; write rollout: blue_green or drop it"
            )
        return
    yield from _stable_findings(stable or {})
    kind = address_type(new)
    if kind == "None":
        why = "rollout blue_green proves the new group by its address, and this one has none"
        yield Finding("rollout", f"{why}; write rollout: in_place")
    elif kind == "Private" and "stableName" not in unknown and not (stable or {}).get("applicationGateway"):
        why = "a group with a private address has no label that could move to the new group"
        yield Finding("stableName", f"{why}; give stableName.applicationGateway and backendPool, or rollout: in_place")
    elif kind == "Public" and not stable and "stableName" not in unknown and new.get("dnsNameLabel") == "":
        why = "nothing stays the same for callers when the new group takes over"
        yield Finding("stableName", f"{why}; give stableName or dnsNameLabel, or rollout: in_place")


def _stable_findings(stable: Settings) -> Iterator[Finding]:
    ways = [name for name in ("trafficManagerEndpoint", "applicationGateway") if stable.get(name)]
    if stable and len(ways) != 1 and not (not ways and stable.get("backendPool")):
        yield Finding("stableName", "stableName needs one of trafficManagerEndpoint and applicationGateway")
    if bool(stable.get("applicationGateway")) != bool(stable.get("backendPool")):
        missing = "applicationGateway" if stable.get("backendPool") else "backendPool"
        yield Finding(
            f"stableName.{missing}", "an application gateway and one of its backend pools go together; give both"
        )
