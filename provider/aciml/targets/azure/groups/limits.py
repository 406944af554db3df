"""What a container group may have here alone: cores, memory, its service's port, names of variables, Spot's regions.

All else of a group is judged on every target (``model/rules.py``). What is free in a region only the service knows.
Source: Microsoft's pages "Resource availability and quota limits" (text of 2025-11-17), "Spot containers", and
"Troubleshoot" (names).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ....core.errors import Finding
from ....model.container import LONGEST
from ....model.network import has_subnet, reserved_finding
from ....model.said import Said
from .body import plain_location
from .container import RESERVED

SPOT_REGIONS = ("eastus2", "westeurope", "westus")


@dataclass(frozen=True)
class Most:
    """The largest group of a kind, in cores and GiB."""

    what: str
    cpu: int
    memory: int


def most_of(said: Said) -> Most:
    """Return the largest size for the group's sku and priority."""
    if said.get("priority") == "Spot":
        return Most("a Spot group", 4, 16)
    if said.get("sku") == "Confidential":
        return Most("a Confidential group", 32 if has_subnet(said) else 31, 180)
    return Most(f"a {said.get('sku', 'Standard')} group", 31, 240)


def size_findings(said: Said) -> Iterator[Finding]:
    """Judge cores and memory."""
    most = most_of(said)
    for name, highest, unit in (("cpuCores", most.cpu, "cores"), ("memoryGb", most.memory, "GiB")):
        if (asked := said.get(name)) is None:
            continue
        if not 1 <= asked <= highest:
            yield said.finding(name, f"{name} is {asked:g}; {most.what} has 1 to {highest} {unit}")
        elif round(asked, 1) != asked:
            yield said.finding(name, f"{name} is {asked:g}; the service takes one decimal place, write {asked:.1f}")


def port_findings(said: Said) -> Iterator[Finding]:
    """Judge the port of the service."""
    yield from reserved_finding("port", int(said.get("port") or 0))


def variable_findings(said: Said) -> Iterator[Finding]:
    """Judge variables: how long their names are, and that a property does not set them."""
    for kind in ("environmentVariables", "secureEnvironmentVariables"):
        for name in said.entries(kind):
            where = f'{kind}["{name}"]'
            if len(name) > LONGEST:
                yield Finding(where, f'"{name}" is no variable name here; use 1 to {LONGEST} characters')
            if name in RESERVED:
                yield Finding(where, f"{name} is set by the property {RESERVED[name]}; use that")


def region_findings(said: Said) -> Iterator[Finding]:
    """Judge whether Spot groups run in the region."""
    location = plain_location(str(said.get("location") or ""))
    if said.get("priority") == "Spot" and location and location not in SPOT_REGIONS:
        yield said.finding("location", f"Spot groups run in {', '.join(SPOT_REGIONS)}, not in {location}")
