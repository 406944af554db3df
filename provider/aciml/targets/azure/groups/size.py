"""Cores and memory of a container group in ARM's JSON, and how many of them a group may have.

Source: Microsoft's pages "Resource availability and quota limits" (text of 2025-11-17) and "Spot containers".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ....core.errors import Finding
from ....model.group import Group
from ....model.size import Size
from ...protocol import GroupSpec
from .members import Json, given


def to_arm(spec: GroupSpec) -> dict[str, Any]:
    """Return request and limits; a limit that is the request is left out, because that is what it is without it."""
    size = spec.declared.size
    requests = {"cpu": spec.cpu, "memoryInGB": spec.memory_gb}
    said = {"cpu": size.cpu_limit, "memoryInGB": size.memory_limit}
    limits = {name: float(most) for name, most in said.items() if most and float(most) != requests[name]}
    return given(requests=requests, limits=limits)


def same(resources: Json) -> dict[str, Any]:
    """Return what is requested and the limits, which are the request if they are not said."""
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    numbers = {name: float(requests.get(name) or 0) for name in ("cpu", "memoryInGB")}
    # a limit that nobody said is the request (see `to_arm`), whether an answer writes it out or not
    most = {name: float(limits.get(name) or number) for name, number in numbers.items()}
    return {"requests": numbers, "limits": most, **given(gpu=requests.get("gpu"))}


def from_arm(resources: Json) -> Size:
    """Return what ``same`` made of resources as they would be declared."""
    asked, most = resources["requests"], resources["limits"]
    limits = {name: most[name] if most[name] != asked[name] else None for name in most}
    return Size(
        cpu_cores=_number(asked["cpu"]),
        memory_gb=_number(asked["memoryInGB"]),
        cpu_limit=limits["cpu"],
        memory_limit=limits["memoryInGB"],
        gpu=resources.get("gpu"),
    )


def _number(value: float) -> float:
    return int(value) if value.is_integer() else value


@dataclass(frozen=True)
class Most:
    """The largest group of a kind, in cores and GiB."""

    what: str
    cpu: int
    memory: int


def most_of(declared: Group) -> Most:
    """Return the largest size for the group's sku and priority."""
    if declared.kind.is_spot:
        return Most("a Spot group", 4, 16)
    # the page gives 31 cores, and 32 within a virtual network
    if declared.kind.sku == "Confidential":
        return Most("a Confidential group", 32 if declared.network.has_subnet else 31, 180)
    return Most(f"a {declared.kind.sku or 'Standard'} group", 31, 240)


def judge(declared: Group) -> Iterator[Finding]:
    """Judge cores and memory."""
    size, most = declared.size, most_of(declared)
    numbers = (("cpu_cores", size.cpu_cores, most.cpu, "cores"), ("memory_gb", size.memory_gb, most.memory, "GiB"))
    for name, asked, highest, unit in numbers:
        if asked is None:
            continue
        # Microsoft, "Container groups": a group has one core and one GB at least
        if not 1 <= asked <= highest:
            yield size.finding(name, f"{size.at(name)} is {asked:g}; {most.what} has 1 to {highest} {unit}")
        elif round(asked, 1) != asked:
            why = f"{size.at(name)} is {asked:g}; the service takes one decimal place, write {asked:.1f}"
            yield size.finding(name, why)
