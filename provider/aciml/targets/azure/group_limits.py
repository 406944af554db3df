"""How much a container group may have: cores, memory, ports, containers, volumes.

Source: Microsoft's pages "Resource availability and quota limits" (text of 2025-11-17), "Container groups", "Spot
containers", and the service's questions and answers (ports). What is free in a region only the service knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...core.errors import Finding
from ..protocol import Settings
from .group_body import plain_location
from .group_network import has_subnet

CONTAINERS, VOLUMES, PORTS = 60, 20, 5
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
SPOT_REGIONS = ("eastus2", "westeurope", "westus")


@dataclass(frozen=True)
class Most:
    """The largest group of a kind, in cores and GiB."""

    what: str
    cpu: int
    memory: int


def most_of(new: Settings) -> Most:
    """Return the largest size for the group's sku and priority."""
    if new.get("priority") == "Spot":
        return Most("a Spot group", 4, 16)
    if new.get("sku") == "Confidential":
        return Most("a Confidential group", 32 if has_subnet(new) else 31, 180)
    return Most(f"a {new.get('sku', 'Standard')} group", 31, 240)


def size_findings(new: Settings) -> Iterator[Finding]:
    """Judge cores and memory, and their limits."""
    most = most_of(new)
    for name, limit, highest, unit in (
        ("cpuCores", "cpuLimit", most.cpu, "cores"),
        ("memoryGb", "memoryLimit", most.memory, "GiB"),
    ):
        if name not in new:
            continue
        asked = float(new[name])
        if not 1 <= asked <= highest:
            yield Finding(name, f"{name} is {asked:g}; {most.what} has 1 to {highest} {unit}")
        elif round(asked, 1) != asked:
            yield Finding(name, f"{name} is {asked:g}; the service takes one decimal place, write {asked:.1f}")
        if limit in new and float(new[limit]) != asked:
            yield Finding(limit, _limit(limit, float(new[limit]), name, asked))


def _limit(limit: str, most: float, name: str, asked: float) -> str:
    """Say why a limit cannot be; a larger one is answered with ContainerLimitGreaterThanContainerGroupTotalRequest."""
    if most < asked:
        return (
            f"{limit} {most:g} is less than {name} {asked:g}, which the container is given; write {asked:g} or drop it"
        )
    return (
        f"{limit} {most:g} is more than {name} {asked:g}, which is all that the group has: it has one container; "
        f"write {name} {most:g} instead"
    )


def port_findings(new: Settings) -> Iterator[Finding]:
    """Judge the ports: how many, which, and each once."""
    own = int(new.get("port") or 0) or (443 if new.get("sslEnabled") else 80)
    opened = {(own, "TCP")}
    yield from _port("port", own)
    for index, declared in enumerate(new.get("ports") or ()):
        where = f"ports[{index}].port"
        port = (int(declared["port"]), str(declared.get("protocol", "TCP")))
        if port in opened:
            yield Finding(where, f"port {port[0]}/{port[1]} is open already; the service's own is {own}/TCP")
        opened.add(port)
        yield from _port(where, port[0])
    if len(opened) > PORTS:
        yield Finding(
            "ports", f"{len(opened)} ports with the service's own are more than {PORTS}, the most of an address"
        )


def _port(where: str, port: int) -> Iterator[Finding]:
    if not 1 <= port <= 65535:
        yield Finding(where, f"port {port} does not exist; write 1 to 65535")
    for taken in RESERVED_PORTS:
        if port in taken:
            several = f"{taken[0]} to {taken[-1]} are" if len(taken) > 1 else f"{port} is"
            yield Finding(where, f"port {port} cannot be opened: {several} reserved by the service; choose another")


def count_findings(new: Settings) -> Iterator[Finding]:
    """Judge how many containers, volumes and zones there are."""
    containers = 1 + len(new.get("initContainers") or ())
    if containers > CONTAINERS:
        yield Finding("initContainers", f"{containers} containers are more than {CONTAINERS}, the most of a group")
    volumes = len(new.get("volumes") or ()) + bool(new.get("sslEnabled"))
    if volumes > VOLUMES:
        with_ours = ", the certificate's among them," if new.get("sslEnabled") else ""
        yield Finding("volumes", f"{volumes} volumes{with_ours} are more than {VOLUMES}, the most of a group")
    if len(zones := new.get("zones") or ()) > 1:
        yield Finding("zones", f"{len(zones)} zones are given; a group is in one: write one of {', '.join(zones)}")


def spot_findings(new: Settings) -> Iterator[Finding]:
    """Judge what a Spot group cannot have."""
    if new.get("priority") != "Spot":
        return
    location = plain_location(str(new.get("location") or ""))
    if location and location not in SPOT_REGIONS:
        yield Finding("location", f"Spot groups run in {', '.join(SPOT_REGIONS)}, not in {location}")
    if new.get("ipAddressType", "None") != "None":
        yield Finding("ipAddressType", "a Spot group has no address; write None, or priority Regular")
    if new.get("dnsNameLabel"):
        yield Finding(
            "dnsNameLabel", "a Spot group has no address that a label could name; drop it, or the priority Spot"
        )
    for name in ("subnetId", "subnetName", "zones"):
        if new.get(name):
            what = "cannot choose its zone" if name == "zones" else "cannot run in a virtual network"
            yield Finding(name, f"a Spot group {what}; drop {name}, or write priority Regular")
    if new.get("sku", "Standard") != "Standard":
        yield Finding("sku", f"a Spot group cannot be {new['sku']}; write sku Standard, or priority Regular")
