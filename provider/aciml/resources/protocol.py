"""What the plugin asks of a resource, in plain Python values (see ``properties``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from ..core.errors import AcimlError, Cancelled, Finding
from ..core.lean import lean
from ..core.progress import Progress
from ..properties import Values
from ..targets.protocol import Action


@lean(frozen=True)
class Checked:
    """Inputs with what ``check`` filled in, and all that the user can mend."""

    inputs: Values
    findings: list[Finding] = field(default_factory=list)


@lean(frozen=True)
class Changes:
    """What differs: property path to what it costs. ``delete_first`` when the name can exist only once.

    ``effect`` says what all of it costs those who use the thing, such as ``nothing restarts``; empty if nothing is to
    be said beside the differences.
    """

    detail: Mapping[str, Action] = field(default_factory=dict)
    delete_first: bool = False
    effect: str = ""

    @property
    def replaces(self) -> list[str]:
        """The paths that force a replacement."""
        return [path for path, action in self.detail.items() if action == "replace"]


@lean(frozen=True)
class Existing:
    """A resource as it is: its id, its outputs, and the inputs it would take to declare it."""

    id: str
    state: Values
    inputs: Values = field(default_factory=dict)


class InitFailed(AcimlError):
    """Something exists but is not ready: the engine keeps ``existing`` in state, and the next update goes on."""

    def __init__(self, error: AcimlError, existing: Existing) -> None:
        """Carry the message of ``error``."""
        super().__init__(error.message, error.advice)
        self.existing = existing


class Resource(Protocol):
    """Life of one kind of resource. ``check`` and ``diff`` look only at what they are given and at local files."""

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge new inputs; fill what follows from them. Unknown values are skipped, not guessed."""

    def diff(self, old: Values, state: Values, new: Values) -> Changes:
        """Compare inputs."""

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Make it; in a preview touch nothing and leave unknown what cannot be foreseen."""

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Bring it to the inputs; return its outputs."""

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Look at it; ``known`` has empty state and inputs on import. None only if it is certainly gone."""

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove it; fine if it is gone."""


def keep_state(known: Existing, error: AcimlError, progress: Progress) -> Existing:
    """Return the state as it was, with a warning, for a resource that cannot be seen now: only 404 means gone.

    Raises:
        AcimlError: ``error``, on import, where there is no state to keep, and when the user asked to stop.
    """
    # an expired token must not drop a resource from the state (pulumi-docker-build 424)
    if isinstance(error, Cancelled) or not known.state:
        raise error
    progress.warn(f"{error}; the state is kept as it was")
    return known
