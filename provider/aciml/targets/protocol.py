"""What every target promises; ``tests/contract`` holds each of them to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..core.builder import RemoteBuilder
from ..core.credentials import Credentials
from ..core.errors import AcimlError, Finding
from ..core.progress import Progress

Action = Literal["update", "replace"]
Kind = Literal["registry", "group"]
Settings = Mapping[str, Any]
"""Properties in their Pulumi names and shapes (see ``resources``), without secret wrappers; known but for ``judge``."""


@dataclass(frozen=True)
class RegistrySpec:
    """A registry to be. ``port`` 0 picks a free one; ``image`` is what the local target runs.

    ``owner`` is the urn of the resource that it belongs to, ``known_as`` what state remembers of its owner (``owner``
    of the facts; empty if nothing); ``settings`` are all other properties.
    """

    name: str
    port: int = 0
    image: str = "registry:2"
    delete_data: bool = False
    owner: str = ""
    known_as: str = ""
    settings: Settings = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RegistryFacts:
    """A registry that exists. ``login_server`` is ``host`` or ``host:port``; ``id`` suffices to find it.

    ``seen`` has properties as they are: those that differ from what was declared, or all if nothing was. ``owner`` is
    what is written on it of its owner, for state to remember and to know it again by; empty if nothing is.
    """

    id: str
    name: str
    login_server: str
    port: int
    image: str
    state: str
    seen: Settings = field(default_factory=dict)
    owner: str = ""


@dataclass(frozen=True)
class SmokeTest:
    """A sample request, and what its answer has to be. ``json`` is compared as JSON; None compares the status alone."""

    path: str = "/score"
    method: str = "POST"
    body: str = ""
    content_type: str = "application/json"
    status: int = 200
    json: Any = None


@dataclass(frozen=True)
class Certificate:
    """A certificate chain and its private key, PEM; with ``authorities`` only clients that they certify may call."""

    chain: bytes
    key: bytes = field(repr=False)
    authorities: bytes = b""

    @property
    def fingerprint(self) -> str:
        """Return the hash of it all."""
        return hashlib.sha256(self.chain + self.key + self.authorities).hexdigest()


@dataclass(frozen=True)
class GroupSpec:
    """A container group to be.

    ``image`` is a full reference with digest; ``cpu`` in cores; ``memory_gb`` in GiB; ``port`` on the host, 0 picks a
    free one and keeps it; ``container_port`` where the server listens; ``secure_environment`` never leaves the target;
    ``startup_timeout`` in seconds bounds the wait for 200 on ``health_path``; then ``smoke_test`` has to pass.
    With a ``certificate`` the server speaks TLS. ``rollback``: an update that fails goes back to what served before.
    ``owner`` is the urn of the resource that it belongs to, ``known_as`` what state remembers of its owner (``owner``
    of the facts; empty if nothing); ``settings`` are all other properties.
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
    smoke_test: SmokeTest | None = None
    certificate: Certificate | None = None
    rollback: bool = True
    owner: str = ""
    known_as: str = ""
    settings: Settings = field(default_factory=dict, repr=False)

    def patience(self, allowed: float) -> float:
        """Return the seconds to wait for an answer if the whole may take ``allowed`` (0: nothing was said)."""
        return min(self.startup_timeout, allowed or self.startup_timeout)


@dataclass(frozen=True)
class GroupFacts:
    """A container group that exists. ``state`` is Running, Stopped, Failed or Unknown; ``address`` is ``host:port``.

    ``address`` leaves out the port that the scheme implies. ``seen`` has properties as they are: those that differ from
    what was declared, or all that are no secrets if nothing was. ``owner`` is as that of a registry.
    """

    id: str
    name: str
    image: str
    cpu: float
    memory_gb: float
    port: int
    address: str
    state: str
    ip: str = ""
    fqdn: str = ""
    location: str = ""
    seen: Settings = field(default_factory=dict)
    owner: str = ""


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
    """A place where registries and services run. Every call is safe to repeat; an outage raises ``OutageError``.

    What belongs to somebody else is never touched: creating and updating raise ``Stranger``, which names the owner, and
    deleting leaves it with a warning. What state knows is told by ``known_as``, or by ``owner`` if that is empty.
    """

    @property
    def name(self) -> str:
        """The word in the stack config, such as ``local``."""

    def defaults(self, kind: Kind) -> Settings:
        """Return the properties that hold on this target when nothing is said."""

    def default_name(self, kind: Kind, urn: str) -> str:
        """Return the name of a resource that is given none: equal for equal urns in one folder of one machine."""

    def judge(
        self, kind: Kind, old: Settings | None, new: Settings, unknown: frozenset[str], progress: Progress
    ) -> list[Finding]:
        """Report what this target cannot do, and a name that somebody else has.

        Never raises for an outage: what cannot be asked is not judged.

        Args:
            kind: of what.
            old: as it was declared; None if it is to be made.
            new: as it shall be, as far as it is known; lists and maps may have ``UNKNOWN`` inside (read with ``Said``).
            unknown: names of the properties that are given and of which nothing is known yet.
            progress: gets warnings.
        """

    def builder(self) -> RemoteBuilder | None:
        """Return what runs extra steps without Docker on this machine; None if the target has no such thing."""

    def largest_image(self) -> int:
        """Return how many bytes the layers of an image may have, compressed, to run here; 0 if nobody counts."""

    def foreseen_login_server(self, spec: RegistrySpec) -> str:
        """Return the login server that a registry will have; empty if only its creation tells."""

    def create_registry(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create the registry, or adopt it if it is already ours, and wait until it answers."""

    def update_registry(
        self, registry_id: str, old: RegistrySpec, new: RegistrySpec, progress: Progress
    ) -> RegistryFacts:
        """Bring the registry from one spec to the other; its images stay. It is made again if it is gone."""

    def read_registry(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at the registry, by id or by name; None only if it is certainly gone."""

    def delete_registry(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Remove the registry; its images stay unless ``delete_data``. Removing what is gone is fine.

        What stays is told, with the command that removes it.
        """

    def registry_changes(self, old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
        """Name the fields, and the keys of ``settings``, that differ, and what each costs."""

    def credentials(self, login_server: str) -> Credentials:
        """Return how to log in to a registry of this target."""

    def create_group(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start the group (adopt it if it is ours) and wait until it answers.

        Raises:
            GroupFailed: it was started and does not answer; what was there before keeps serving.
        """

    def update_group(self, group_id: str, old: GroupSpec, new: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring the group from one spec to the other; it is made again if it is gone.

        What served before serves again if the new one does not answer, unless ``new.rollback`` is off.

        Raises:
            GroupFailed: the new one does not answer; ``facts`` describes what is there now.
        """

    def read_group(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group, by id or by name; None only if it is certainly gone."""

    def delete_group(self, group_id: str, progress: Progress, known_as: str = "") -> None:
        """Remove the group, and tell what stays. Removing what is gone is fine."""

    def group_changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name the fields, and the keys of ``settings``, that differ, and what each costs."""
