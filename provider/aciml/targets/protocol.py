"""What every target promises; ``tests/contract`` holds each of them to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ..core.errors import AcimlError
from ..core.progress import Progress

Action = Literal["update", "replace"]


@dataclass(frozen=True)
class Credentials:
    """How to speak to a registry; empty strings mean anonymous. Never logged: ``repr`` hides the password."""

    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class RegistrySpec:
    """A registry to be. ``port`` 0 picks a free one; ``image`` is what the local target runs."""

    name: str
    port: int = 0
    image: str = "registry:2"
    delete_data: bool = False


@dataclass(frozen=True)
class RegistryFacts:
    """A registry that exists. ``login_server`` is ``host:port`` or ``name.azurecr.io``; ``id`` suffices to find it."""

    id: str
    name: str
    login_server: str
    port: int
    image: str
    state: str


@dataclass(frozen=True)
class GroupSpec:
    """A container group to be.

    ``image`` is a full reference with digest; ``cpu`` in cores; ``memory_gb`` in GiB; ``port`` on the host, 0 picks a
    free one and keeps it; ``container_port`` where the server listens; ``secure_environment`` never leaves the target;
    ``startup_timeout`` in seconds bounds the wait for 200 on ``health_path``.
    """

    name: str
    image: str
    cpu: float = 0.1
    memory_gb: float = 0.5
    port: int = 0
    container_port: int = 5001
    environment: Mapping[str, str] = field(default_factory=dict)
    secure_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    health_path: str = "/"
    startup_timeout: float = 300.0


@dataclass(frozen=True)
class GroupFacts:
    """A container group that exists. ``state`` is Running, Stopped, Failed or Unknown; ``address`` is ``host:port``."""

    id: str
    name: str
    image: str
    cpu: float
    memory_gb: float
    port: int
    address: str
    state: str


class GroupFailed(AcimlError):
    """A group was made (or kept) but does not serve.

    ``facts`` is what exists now, so that state can keep it; None when nothing exists. The message carries exit code,
    last log lines and a hint.
    """

    def __init__(self, message: str, facts: GroupFacts | None, advice: str = "") -> None:
        """Keep the facts beside the message."""
        super().__init__(message, advice)
        self.facts = facts


class Target(Protocol):
    """A place where registries and services run. Every call is safe to repeat; an outage raises ``OutageError``."""

    @property
    def name(self) -> str:
        """The word in the stack config, such as ``local``."""

    def create_registry(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create the registry, or adopt it if it is already ours, and wait until it answers."""

    def read_registry(self, registry_id: str) -> RegistryFacts | None:
        """Look at the registry; None only if it is certainly gone."""

    def delete_registry(self, registry_id: str, *, delete_data: bool, progress: Progress) -> None:
        """Remove the registry; its images stay unless ``delete_data``. Removing what is gone is fine."""

    def registry_changes(self, old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
        """Name the fields that differ and what each costs."""

    def credentials(self, login_server: str) -> Credentials:
        """Return how to log in to a registry of this target."""

    def create_group(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start the group (adopt it if it is ours) and wait until it answers.

        Raises:
            GroupFailed: it was started and does not answer; what was there before keeps serving.
        """

    def update_group(self, group_id: str, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring the group to ``spec``; it is made again if it is gone. The old one serves until the new one answers.

        Raises:
            GroupFailed: the new one does not answer; ``facts`` describes the old one, which still serves.
        """

    def read_group(self, group_id: str) -> GroupFacts | None:
        """Look at the group; None only if it is certainly gone."""

    def delete_group(self, group_id: str, progress: Progress) -> None:
        """Remove the group. Removing what is gone is fine."""

    def group_changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name the fields that differ and what each costs."""
