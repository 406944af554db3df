"""What every target promises; ``tests/contract`` holds each of them to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ..core.builder import RemoteBuilder
from ..core.credentials import Credentials
from ..core.errors import AcimlError, Finding
from ..core.lean import lean
from ..core.progress import Progress
from ..model.declared import with_leaves, written_leaves
from ..model.group import Group
from ..model.registry import Registry
from ..model.rollout import STARTUP_SECONDS, SmokeTest
from ..model.size import V1_CORES, V1_MEMORY
from .observed import LogLine, LogWish, Observed
from .revisions import Revisions

if TYPE_CHECKING:
    from ..core.golden.request import Golden

# two costs alone: what needs neither is no change, and a target never decides on deletion
Action = Literal["update", "replace"]
HEALTH_PATH = "/"
"""What every server of this project answers with 200 when it serves, as v1's did."""


@lean(frozen=True)
class RegistrySpec:
    """A registry to be, as it is declared; all of it is known.

    ``owner`` is the urn of the resource that it belongs to, ``known_as`` what state remembers of its owner (``owner``
    of the facts; empty if nothing).
    """

    # as one value and not as parameters: a new property reaches the target without a hand in between
    declared: Registry
    owner: str = ""
    known_as: str = ""

    @property
    def name(self) -> str:
        """The name, which ``check`` has filled if nobody gave one."""
        return self.declared.name or ""


@lean(frozen=True)
class RegistryFacts:
    """A registry that exists. ``login_server`` is ``host`` or ``host:port``; ``id`` suffices to find it.

    ``seen`` is how it is now, where a target can tell; ``drift`` names the properties of it (in Python's words) that
    differ from what was declared, or all that are worth to be known if nothing was. ``owner`` is what is written on it
    of its owner, for state to remember and to know it again by; empty if nothing is.
    """

    id: str
    name: str
    login_server: str
    port: int
    image: str
    state: str
    # a target that shows nothing, as the one in memory, leaves it out: then nothing drifts
    seen: Registry | None = None
    drift: tuple[str, ...] = ()
    owner: str = ""


@lean(frozen=True)
class Certificate:
    """A certificate chain and its private key, PEM; with ``authorities`` only clients that they certify may call."""

    chain: bytes
    # tracebacks and debug logs show reprs of dataclasses
    key: bytes = field(repr=False)
    # for clients that show a certificate (mTLS), and for no other purpose
    authorities: bytes = b""

    @property
    def fingerprint(self) -> str:
        """Return the hash of it all."""
        # labels and states have this, and must not have the key;
        # another key with the same chain is another certificate
        return hashlib.sha256(self.chain + self.key + self.authorities).hexdigest()


@lean(frozen=True)
class GroupSpec:
    """A container group to be.

    ``declared`` is what was asked for, without anything unknown, and with what is known by now: its keys, and the port
    that is kept. With a ``certificate`` the server speaks TLS. ``owner`` is the urn of the resource that it belongs to,
    ``known_as`` what state remembers of its owner (``owner`` of the facts; empty if nothing). ``golden`` has the
    answers that it must give before it takes over; None: nobody asks for any.
    """

    declared: Group
    certificate: Certificate | None = None
    owner: str = ""
    known_as: str = ""
    # no part of what a group is: the same group with another file of answers is the same group
    golden: Golden | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Name of the service."""
        return str(self.declared.name)

    @property
    def image(self) -> str:
        """Full reference with digest."""
        return self.declared.image

    @property
    def cpu(self) -> float:
        """Cores."""
        # v1's default, if nothing is said: a group without a size would be refused on Azure
        return float(self.declared.size.cpu_cores or V1_CORES)

    @property
    def memory_gb(self) -> float:
        """Memory in GiB."""
        return float(self.declared.size.memory_gb or V1_MEMORY)

    @property
    def port(self) -> int:
        """Port on the host; 0 picks a free one and keeps it."""
        return self.declared.port or 0

    @property
    def startup_timeout(self) -> float:
        """Seconds that bound the wait for 200 on ``/``; then the smoke test has to pass."""
        said = self.declared.updates.startup_timeout
        return float(STARTUP_SECONDS if said is None else said)

    @property
    def smoke_test(self) -> SmokeTest | None:
        """Sample request that has to be answered before an update is done."""
        return self.declared.updates.smoke_test

    @property
    def rollback(self) -> bool:
        """Tell whether an update that fails goes back to what served before."""
        # None is yes: only who has said no wants an update that fails to stay
        return self.declared.updates.rollback is not False

    def but(self, **properties: Any) -> GroupSpec:
        """Return another spec that declares something else, by the names of ``leaves``."""
        return replace(self, declared=with_leaves(self.declared, properties))

    def patience(self, allowed: float) -> float:
        """Return the seconds to wait for an answer if the whole may take ``allowed`` (0: nothing was said)."""
        # a customTimeouts that is shorter wins: the engine holds the whole operation to it
        return min(self.startup_timeout, allowed or self.startup_timeout)


@lean(frozen=True)
class Drift:
    """How a group is where it is not as it was declared; all that can be seen of it if nothing was.

    ``now`` has the properties of ``names`` (those of ``leaves``) as they are; one that it lacks was taken away.
    """

    now: Group
    names: tuple[str, ...]

    @property
    def if_any(self) -> Drift | None:
        """Return nothing where nothing differs."""
        return self if self.names else None

    def properties(self) -> dict[str, Any]:
        """Return them by their names on the wire; None for one that was taken away."""
        # a list that is empty on the wire says nothing; what was taken away has to be said
        return {name: None if value == [] else value for name, value in written_leaves(self.now, self.names).items()}


@lean(frozen=True)
class GroupFacts:
    """A container group that exists. ``state`` is Running, Stopped, Failed or Unknown; ``address`` is ``host:port``.

    ``address`` leaves out the port that the scheme implies. ``scheme`` is that of the way in, where it is not the
    server that speaks TLS; empty if the declaration tells. ``drift`` is what differs from what was declared, or all
    that is no secret if nothing was; None where nothing does, or no more is to be seen than these facts. ``owner`` is
    as that of a registry.
    """

    id: str
    name: str
    image: str
    cpu: float
    memory_gb: float
    port: int
    address: str
    # Azure's own words are folded into these four, so that no caller knows them
    state: str
    ip: str = ""
    fqdn: str = ""
    location: str = ""
    drift: Drift | None = None
    owner: str = ""
    scheme: str = ""


class GroupFailed(AcimlError):
    """A group was made (or kept) but does not serve.

    ``facts`` is what exists now, so that state can keep it; None when nothing exists. The message carries exit code,
    last log lines and a hint.
    """

    def __init__(self, message: str, facts: GroupFacts | None, advice: str = "") -> None:
        """Keep the facts beside the message."""
        super().__init__(message, advice)
        # an error with facts keeps the resource in state: without them an app that costs money would be forgotten
        self.facts = facts


class RegistryTarget(Protocol):
    """A place where registries are. Every call is safe to repeat; an outage raises ``OutageError``.

    What belongs to somebody else is never touched: creating and updating raise ``Stranger``, which names the owner, and
    deleting leaves it with a warning. What state knows is told by ``known_as``, or by ``owner`` if that is empty.
    """

    @property
    def name(self) -> str:
        """The word in the stack config, such as ``local``."""

    # asked before anything is known of a registry, so that a preview shows what `up` will do
    def defaults(self) -> Registry:
        """Return the registry that this place makes of nothing said."""

    def default_name(self, urn: str) -> str:
        """Return the name of a registry that is given none: equal for equal urns in one folder of one machine."""

    def placed(self, new: Registry) -> Registry:
        """Return the registry with the name that follows from what else is said of it; as it is where nothing does.

        Raises:
            UserError: what it follows from is not there.
            OutageError: who knows it does not answer.
        """

    # by both, since what is judged may be allowed at creation alone
    def judge(self, old: Registry | None, new: Registry, progress: Progress) -> list[Finding]:
        """Report what this place cannot do, and a name that somebody else has.

        Never raises for an outage: what cannot be asked is not judged.

        Args:
            old: as it was declared; None if it is to be made.
            new: as it shall be; what is not known yet is ``unsure``.
            progress: gets warnings.
        """

    def changes(self, old: Registry, new: Registry) -> dict[str, Action]:
        """Name the properties, on the wire, that differ, and what each costs."""

    # an image's name holds it, so that a preview knows digests of what is to be pushed there
    def foreseen_login_server(self, registry: Registry) -> str:
        """Return the login server that a registry will have; empty if only its creation tells."""

    def create(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Create the registry, or adopt it if it is already ours, and wait until it answers."""

    def update(self, registry_id: str, old: RegistrySpec, new: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Bring the registry from one spec to the other; its images stay. It is made again if it is gone."""

    def read(self, registry_id: str, known: RegistrySpec | None = None) -> RegistryFacts | None:
        """Look at the registry, by id or by name; None only if it is certainly gone."""

    # by a keyword: to lose images by a mistaken position is not to be possible
    def delete(self, registry_id: str, *, delete_data: bool, progress: Progress, known_as: str = "") -> None:
        """Remove the registry; its images stay unless ``delete_data``. Removing what is gone is fine.

        What stays is told, with the command that removes it.
        """

    # any other host: a Dockerfile's base may be anybody's, and would be handed our password
    def credentials(self, login_server: str) -> Credentials:
        """Return how to log in to a registry of this place; none for any other host, which must not see them."""

    def shut_out(self, login_server: str) -> str:
        """Say why a push from this machine would be refused before anybody asks who it is; empty if it would not."""

    def builder(self) -> RemoteBuilder | None:
        """Return what runs extra steps beside the registry, without Docker on this machine; None if nothing does."""


class ServiceTarget(Protocol):
    """A place where services run; what it promises of calls, and of what is somebody else's, is as for registries."""

    @property
    def name(self) -> str:
        """The word in the stack config, such as ``local``."""

    # what the service runs on decides: a container app has other sizes than a group
    def defaults(self, runs_on: str = "") -> Group:
        """Return the properties that hold in this place when nothing is said; all others are not given.

        Args:
            runs_on: what the service runs on; empty is a container group.
        """

    def default_name(self, urn: str) -> str:
        """Return the name of a group that is given none: equal for equal urns in one folder of one machine."""

    def judge(self, old: Group | None, new: Group, progress: Progress) -> list[Finding]:
        """Report what this place cannot do, and a name that somebody else has; see ``RegistryTarget.judge``.

        Args:
            old: as it was declared; None if it is to be made.
            new: as it shall be, as far as it is known; a list may have ``UNKNOWN`` inside.
            progress: gets warnings.
        """

    def changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name the properties that differ, by the names of ``leaves``, and what each costs."""

    # asked of the target, since the same change is a restart in one place and a gap in another
    def effect(self, changed: Mapping[str, Action], new: Group) -> str:
        """Say what these changes cost those who call, such as ``nothing restarts``; for a preview.

        Args:
            changed: as ``changes`` gives it, not empty.
            new: as it shall be; what is not known yet is ``unsure``.
        """

    def create(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Start the group (adopt it if it is ours) and wait until it answers.

        Raises:
            GroupFailed: it was started and does not answer; what was there before keeps serving.
        """

    def update(self, group_id: str, old: GroupSpec, new: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring the group from one spec to the other; it is made again if it is gone.

        What served before serves again if the new one does not answer, unless ``new.rollback`` is off.

        Raises:
            GroupFailed: the new one does not answer; ``facts`` describes what is there now.
        """

    def read(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the group, by id or by name; None only if it is certainly gone."""

    # by its declaration, where the state was lost or never was
    def find(self, declared: Group) -> GroupFacts | None:
        """Look at the group that a declaration names, where nobody has its id; None only if it is certainly gone."""

    def delete(self, group_id: str, progress: Progress, known_as: str = "", known: GroupSpec | None = None) -> None:
        """Remove the group, and tell what stays. Removing what is gone is fine.

        ``known`` is what was declared, as far as it is known: what else leads to the group, and has to forget it.
        """

    def observe(self, group_id: str, known: GroupSpec) -> Observed | None:
        """Look at the containers of a group and at what happened to them; None only if it is certainly gone."""

    # an iterator, since one that is followed has no end
    def log(self, group_id: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of a container's log, oldest first; one that is followed ends when the container is gone.

        Raises:
            NoSuchRun: there was no run before that of now, or its log is not kept; the message says which.
            UserError: the group has no such container.
        """

    def revisions(self, group_id: str, known: GroupSpec) -> Revisions | None:
        """Return the revisions of a service; None for one that is a single container and has none.

        Nothing is asked until one of their calls is made.
        """

    # by Azure: a label is a name in DNS, and two cannot have one
    @property
    def has_labels(self) -> bool:
        """Tell whether two services cannot exist side by side with one ``dns_name_label``."""

    @property
    def starts_as_root(self) -> bool:
        """Tell whether a service has to begin as root, because its port is below 1024 and nobody maps it."""

    # Container Instances take 15 GB at most; at home the disk is the limit
    def largest_image(self) -> int:
        """Return how many bytes the layers of an image may have, compressed, to run here; 0 if nobody counts."""


class Targets:
    """Where registries are and where services run: one place, or a registry in the cloud for services at home.

    The work on images needs little of both: how to log in and who builds there, and what is too large to run.
    """

    def __init__(self, registry: RegistryTarget, service: ServiceTarget) -> None:
        """Pair two places; ``choice.pair_findings`` tells which pairs make no sense."""
        # by what they do and not by their names: each half may be another place's
        self.registry, self.service = registry, service

    @property
    def name(self) -> str:
        """The word in the stack config for where images are pushed to."""
        return self.registry.name

    def credentials(self, login_server: str) -> Credentials:
        """Return how to log in to a registry; see ``RegistryTarget``."""
        return self.registry.credentials(login_server)

    def shut_out(self, login_server: str) -> str:
        """Say why nothing can be pushed from this machine; see ``RegistryTarget``."""
        return self.registry.shut_out(login_server)

    def builder(self) -> RemoteBuilder | None:
        """Return what runs extra steps beside the registry; see ``RegistryTarget``."""
        return self.registry.builder()

    @property
    def starts_as_root(self) -> bool:
        """Tell whether services of this place begin as root; see ``ServiceTarget``."""
        return self.service.starts_as_root

    def largest_image(self) -> int:
        """Return what services of this place take; see ``ServiceTarget``."""
        return self.service.largest_image()
