"""The containers of a group: names, variables, limits, and those that run before the service.

Source: Microsoft's pages "Troubleshoot" (names) and "Resource availability and quota limits" (how many).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..core.errors import Finding
from .said import Said

MOST = 60
LONGEST = 63
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_VARIABLES = ("environmentVariables", "secureEnvironmentVariables")


def name_finding(where: str, name: str) -> Iterator[Finding]:
    """Judge the name of a group or container, as a cloud takes it."""
    if not (len(name) <= LONGEST and _NAME.fullmatch(name)) or "--" in name:
        form = f"use 1 to {LONGEST} lower-case letters, digits and single -, no - at the ends"
        yield Finding(where, f'"{name}" is no container name; {form}')


def init_findings(said: Said) -> Iterator[Finding]:
    """Judge the containers that run before: their names, their variables, and how many there are."""
    names = {said.get("name")} - {None}
    for container in said.each("initContainers"):
        yield from _variables(container, longest=LONGEST)
        if (name := container.get("name")) is None:
            continue
        yield from name_finding(container.at("name"), name)
        if name in names:
            yield container.finding("name", f'there is another container "{name}" in the group; rename this one')
        names.add(name)
    count = 1 + len(said.items("initContainers"))
    if count > MOST:
        yield said.finding("initContainers", f"{count} containers are more than {MOST}, the most of a group")


def variable_findings(said: Said) -> Iterator[Finding]:
    """Judge the environment variables of the service; how long their names may be depends on the target."""
    yield from _variables(said, longest=0)


def _variables(owner: Said, *, longest: int) -> Iterator[Finding]:
    for kind in _VARIABLES:
        for name in owner.entries(kind):
            yield from variable_finding(f'{owner.at(kind)}["{name}"]', name, longest)
    plain, secure = (owner.entries(kind) for kind in _VARIABLES)
    for name in sorted(plain.keys() & secure.keys()):
        why = f"{name} is also in secureEnvironmentVariables; drop one"
        yield Finding(f'{owner.at("environmentVariables")}["{name}"]', why)


def variable_finding(where: str, name: str, longest: int) -> Iterator[Finding]:
    """Judge the name of a variable; ``longest`` 0 is any length."""
    if not _VARIABLE.fullmatch(name) or (longest and len(name) > longest):
        count = f"1 to {longest} " if longest else ""
        yield Finding(where, f'"{name}" is no variable name; use {count}letters, digits, _, - and ., no digit first')


def limit_findings(said: Said) -> Iterator[Finding]:
    """Judge the limits; a larger one is answered with ContainerLimitGreaterThanContainerGroupTotalRequest."""
    for name, limit in (("cpuCores", "cpuLimit"), ("memoryGb", "memoryLimit")):
        asked, most = said.get(name), said.get(limit)
        if asked is None or most is None or float(most) == float(asked):
            continue
        if most < asked:
            why = f"is less than {name} {asked:g}, which the container is given; write {asked:g} or drop it"
        else:
            why = f"is more than {name} {asked:g}, which is all that the group has: it has one container; "
            why += f"write {name} {most:g} instead"
        yield said.finding(limit, f"{limit} {most:g} {why}")
