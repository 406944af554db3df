"""What runs a service as revisions promises: several of one service side by side, each with its share of the requests.

Container Apps do so in the cloud, Docker Swarm with Envoy in front at home, and the memory target for tests.
``canary.walk`` moves the shares; by hand ``aciml traffic``, ``promote`` and ``rollback`` do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ..core.errors import UserError
from ..core.lean import lean
from ..core.meant import meant
from ..core.progress import Progress
from .observed import ContainerSeen

if TYPE_CHECKING:
    from ..core.golden.live import Compared

RevisionState = Literal["Running", "Starting", "Failed", "Stopped", "Unknown"]
WHOLE = 100
"""What the weights of a service sum up to, percent."""
_SUFFIX_DIGITS = 10


@lean(frozen=True)
class Revision:
    """One revision of a service: an image with all that its containers are given.

    ``weight`` is its share of the requests in percent, ``replicas`` how many shall run now and ``ready`` how many of
    them answer. ``state`` is Running, Starting, Failed, Stopped (retired: it can be activated again) or Unknown;
    ``created`` RFC 3339 in UTC; ``label`` the word by which it is reached beside the shares; ``error`` why it failed,
    in the place's own words.
    """

    name: str
    image: str
    created: str
    weight: int
    replicas: int
    ready: int
    state: RevisionState
    label: str = ""
    error: str = ""

    @property
    def active(self) -> bool:
        """Tell whether it can be given requests: all but a retired one."""
        return self.state != "Stopped"

    @property
    def healthy(self) -> bool:
        """Tell whether it answers, or would: one that is scaled to zero starts with the first request."""
        return self.state == "Running" and (self.ready > 0 or self.replicas == 0)


@lean(frozen=True)
class Seen:
    """What clients met at one revision since a moment.

    ``errors`` are answers of 500 and above, and connections that broke; ``p99_ms`` is None where nobody measures or
    nobody asked.
    """

    requests: int = 0
    errors: int = 0
    p99_ms: float | None = None

    @property
    def error_rate(self) -> float:
        """Share of errors, 0 to 1; 0 if nobody asked."""
        return self.errors / self.requests if self.requests else 0.0


class Revisions(Protocol):
    """The revisions of one service. All calls are safe to repeat; an outage raises ``OutageError``.

    A name that no revision has raises ``NoSuchRevision``, weights that cannot be ``WrongWeights``; nothing is changed
    then (``require_weights`` and ``find`` below raise them).
    """

    def list(self) -> list[Revision]:
        """Return all that exist, the newest first, retired ones too."""

    def replicas(self, revision: str) -> Sequence[ContainerSeen]:
        """Return what runs of a revision, replica by replica: state, times, and how often each was started again."""

    def weigh(self, weights: Mapping[str, int], progress: Progress) -> None:
        """Share the requests, always by name; who is not named gets none. Returns when new requests go so.

        Args:
            weights: percent, they sum up to 100; only active revisions.
            progress: hears what is waited for.
        """

    def mirror(self, source: str, to: str, percent: int, progress: Progress) -> None:
        """Send copies of a part of what ``source`` gets to ``to``, whose answers nobody waits for; 0 ends it.

        Raises:
            NoCopies: ``source`` cannot have its requests copied; all is as it was.
        """

    def compare(self, source: str, to: str) -> Compared | None:
        """Return the answers of both to the requests that were copied since the last call; None if nobody keeps them.

        To be asked a little after each ``seen`` while a mirror is on, which is what brings them.
        """

    def address(self, revision: str) -> str:
        """Return the base URL that reaches just this revision, whatever its weight, without a slash at its end."""

    def label_address(self, revision: str) -> str:
        """Return the base URL of its label, which outlives it: the next one gets it. Empty if it has no label."""

    def seen(self, revision: str, since: float) -> Seen:
        """Return what clients met at it since then.

        Args:
            revision: its name.
            since: as ``time.time()``. Places that only count up may count from the last ``weigh`` that was later.
        """

    def retire(self, revision: str, progress: Progress) -> None:
        """Let it finish what it has, then run it no more; it stays known. One with a weight is refused."""

    def activate(self, revision: str, progress: Progress) -> None:
        """Run a retired one again, with no weight; returns when it is healthy.

        Raises:
            UserError: it does not become so.
        """

    def restart(self, revision: str, progress: Progress) -> None:
        """Start its replicas anew, with what secrets are now; returns when it is healthy."""

    def scale(self, revision: str, least: int, most: int, progress: Progress) -> str:
        """Run between ``least`` and ``most`` replicas of it, until the next update says otherwise.

        Returns:
            The name of the revision that runs so: another one with the requests of this one, where a revision's number
            of replicas cannot change.
        """


class NoCopies(UserError):
    """Requests of a revision cannot be copied; the message says why."""


class NoSuchRevision(UserError):
    """No revision has that name."""


class WrongWeights(UserError):
    """Weights that cannot be: not 100 in all, or of a revision that does not run."""


def find(revisions: Iterable[Revision], name: str) -> Revision:
    """Return the revision with that name or label; the part after ``--`` will do.

    Raises:
        NoSuchRevision: there is none; the message lists those that there are.
    """
    known = list(revisions)
    # names first: somebody may have labelled one revision with another one's suffix; at home a service may have -- in
    # its own name
    said = {one.name.rpartition("--")[2]: one for one in known} | {one.label: one for one in known}
    said |= {one.name: one for one in known}
    if name and name in said:
        return said[name]
    names = [one.name for one in known]
    near = meant(name, names)
    raise NoSuchRevision(
        f'there is no revision "{name}"',
        f'did you mean "{near}"?' if near else f"there are {', '.join(names)}" if names else "there are none yet",
    )


def require_weights(weights: Mapping[str, int], revisions: Iterable[Revision]) -> None:
    """Make sure that these shares can be.

    Raises:
        NoSuchRevision: one is not there.
        WrongWeights: they do not sum up, one is out of range, or its revision is retired.
    """
    known = list(revisions)
    for name, weight in weights.items():
        one = find(known, name)
        if not 0 <= weight <= WHOLE:
            raise WrongWeights(f"{name} cannot get {weight} % of the requests", f"give it 0 to {WHOLE}")
        if weight and not one.active:
            raise WrongWeights(f"{one.name} is retired, so it can get no requests", "activate it first")
    if (total := sum(weights.values())) != WHOLE:
        said = ", ".join(f"{name} {weight}" for name, weight in weights.items()) or "none"
        raise WrongWeights(f"the weights sum up to {total} and not to {WHOLE}: {said}", "give the rest to one of them")


def revision_name(app: str, template: Mapping[str, Any]) -> str:
    """Return ``<app>--<suffix>``; the suffix follows from what the containers are given, so the same is the same one.

    Args:
        app: name of the service.
        template: all that makes a revision, as JSON: the image by its digest, and secrets by their hash.
    """
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    # Container Apps want a letter first and a letter or digit last, at most 54 characters with the app's name
    return f"{app}--r{hashlib.sha256(text.encode()).hexdigest()[:_SUFFIX_DIGITS]}"
