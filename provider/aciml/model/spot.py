"""What is not for every group: the zone, what a Spot group cannot have, and what the cloud has retired.

Source: Microsoft's pages "Spot containers" and "Container groups".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.errors import Finding
from .said import Said


def zone_findings(said: Said) -> Iterator[Finding]:
    """Judge how many zones there are."""
    if (count := len(said.items("zones"))) > 1:
        zones = ", ".join(zone for _, zone in said.texts("zones"))
        yield said.finding("zones", f"{count} zones are given; a group is in one: write one of {zones}")


def gpu_findings(said: Said) -> Iterator[Finding]:
    """Refuse what the service has no more."""
    if said.get("gpu"):
        why = "the service retired its GPUs on July 14, 2025, so no region has any"
        where = "serve the model where there are some, such as on Kubernetes"
        yield said.finding("gpu", f"{why}; drop gpu, or {where}")


def spot_findings(said: Said) -> Iterator[Finding]:
    """Judge what a Spot group cannot have."""
    if said.get("priority") != "Spot":
        return
    if said.get("ipAddressType", "None") != "None":
        yield said.finding("ipAddressType", "a Spot group has no address; write None, or priority Regular")
    if said.get("dnsNameLabel"):
        why = "a Spot group has no address that a label could name; drop it, or the priority Spot"
        yield said.finding("dnsNameLabel", why)
    for name in ("subnetId", "subnetName", "zones"):
        if said.get(name):
            what = "cannot choose its zone" if name == "zones" else "cannot run in a virtual network"
            yield said.finding(name, f"a Spot group {what}; drop {name}, or write priority Regular")
    if (sku := said.get("sku", "Standard")) != "Standard":
        yield said.finding("sku", f"a Spot group cannot be {sku}; write sku Standard, or priority Regular")
