"""The containers of a group: names, variables, and those that run before the service.

Source: Microsoft's pages "Troubleshoot" (names) and "Resource availability and quota limits" (how many).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Protocol

from ..core.errors import Finding
from ..core.lean import lean
from ..core.reference import reference_fault
from .declared import Declared
from .shape import Field
from .volume import Mount

MOST = 60
LONGEST = 63
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
# Kubernetes' form of a name, which runs below ("must consist of alphabetic characters, digits, _, - or .")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
VARIABLES = ("environment_variables", "secure_environment_variables")


class Told(Protocol):
    """What is told variables: the service, or a container before it."""

    @property
    def environment_variables(self) -> Mapping[str, str] | None:
        """Plain ones."""

    @property
    def secure_environment_variables(self) -> Mapping[str, str] | None:
        """Those that are never shown again."""

    def at(self, name: str, key: int | str | None = None) -> str:
        """Return a property path."""


@lean(frozen=True, kw_only=True)
class InitContainer(Declared):
    """A container that has to end well before the service starts."""

    name: Annotated[str, Field("name of the container")]
    image: Annotated[str, Field("image to run")]
    command: Annotated[tuple[str, ...], Field("program and arguments")] = ()
    environment_variables: Annotated[Mapping[str, str] | None, Field("its environment variables")] = None
    secure_environment_variables: Annotated[
        Mapping[str, str] | None, Field("the same, never shown again", secret=True)
    ] = None
    volume_mounts: Annotated[tuple[Mount, ...], Field("volumes it sees")] = ()


def name_finding(where: str, name: str) -> Iterator[Finding]:
    """Judge the name of a group or container, as a cloud takes it."""
    # narrower than ARM says for a group: the container that serves is named after it
    if not (len(name) <= LONGEST and _NAME.fullmatch(name)) or "--" in name:
        form = f"use 1 to {LONGEST} lower-case letters, digits and single -, no - at the ends"
        yield Finding(where, f'"{name}" is no container name; {form}')


def init_findings(containers: tuple[InitContainer, ...], service: str | None) -> Iterator[Finding]:
    """Judge the containers that run before: their names, their variables, and how many there are.

    Args:
        containers: as they are declared.
        service: name of the container that serves; None if it is not known yet.
    """
    names = {service}  # the container that serves is named after the group
    for container in containers:
        if not isinstance(container, InitContainer):
            continue  # it is not known yet
        yield from variable_findings(container, longest=LONGEST)
        if container.image is not None and (why := reference_fault(container.image)):
            yield container.finding("image", why)
        if container.name is None:
            continue
        yield from name_finding(container.at("name"), container.name)
        if container.name in names:
            why = f'there is another container "{container.name}" in the group; rename this one'
            yield container.finding("name", why)
        names.add(container.name)
    if (count := 1 + len(containers)) > MOST:
        yield Finding("initContainers", f"{count} containers are more than {MOST}, the most of a group")


def variable_findings(told: Told, *, longest: int = 0) -> Iterator[Finding]:
    """Judge the names of environment variables; ``longest`` 0 is any length, which depends on the target."""
    plain, secure = told.environment_variables or {}, told.secure_environment_variables or {}
    for kind, values in zip(VARIABLES, (plain, secure), strict=True):
        for name in values:
            yield from _variable(told.at(kind, name), name, longest)
    for name in sorted(plain.keys() & secure.keys()):
        why = f"{name} is also in secureEnvironmentVariables; drop one"
        yield Finding(told.at("environment_variables", name), why)


def _variable(where: str, name: str, longest: int) -> Iterator[Finding]:
    if not _VARIABLE.fullmatch(name) or (longest and len(name) > longest):
        count = f"1 to {longest} " if longest else ""
        yield Finding(where, f'"{name}" is no variable name; use {count}letters, digits, _, - and ., no digit first')
