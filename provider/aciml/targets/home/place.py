"""A workspace on this machine: who asks there, by which names, and what of a declaration has no effect."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ...core.errors import Finding, OutageError
from ...core.names import NameRule, default_name
from ...core.ownership import Claim, Stranger
from ...core.progress import Progress
from ...model.declared import Declared, given
from ...model.shape import Fields
from ..workspace import claim_of, this_workspace


@dataclass(frozen=True)
class NameForm:
    """How one kind of thing may be called: ``form`` as a pattern, and ``why`` in words; defaults end by ``ending``."""

    rule: NameRule
    form: re.Pattern[str]
    why: str
    ending: str

    def findings(self, name: str | None) -> list[Finding]:
        """Judge a name; None is one that is not known yet."""
        if name is None or self.form.fullmatch(name):
            return []
        return [Finding("name", f'"{name}" is no {self.why}')]


REGISTRY = NameForm(
    NameRule(50),
    re.compile(r"[a-z0-9][a-z0-9-]{0,48}[a-z0-9]"),
    "registry name; use 2 to 50 lower-case letters, digits and -",
    "-registry",
)
GROUP = NameForm(
    # v1's rule for services; the cloud takes longer ones, and a name that is right here is right there
    NameRule(32),
    re.compile(r"(?=.{3,32}$)[a-z]([-a-z0-9]*[a-z0-9])?"),
    "service name; use 3 to 32 lower-case letters, digits and -, a letter first",
    "-group",
)


class Workspace:
    """For whom we work: the folder of this process, or another one that is named."""

    def __init__(self, name: str = "") -> None:
        """Work for ``name``; without one for the folder of this process."""
        self.name = name or this_workspace()
        self._told: set[tuple[str, tuple[str, ...]]] = set()

    def default_name(self, urn: str, form: NameForm) -> str:
        """Return a name with resource, project and stack in it, and digits that other clones do not have."""
        return default_name(urn, self.name, form.rule, form.ending)

    def claim(self, urn: str, known_as: str | None = None) -> Claim:
        """Return the claim of a resource; see ``Claim`` for what state remembers."""
        return claim_of(urn, self.name, known_as)

    def claim_known(self, urn: str, known_as: str) -> Claim | None:
        """Return the claim to something that state knows; None where nobody is spoken for: then anybody's will do."""
        return self.claim(urn, known_as) if urn or known_as else None

    def taken(self, name: str, urn: str, find_stranger: Callable[[str, Claim], Stranger | None]) -> list[Finding]:
        """Report a name that somebody else has; nothing if the place does not answer: a preview needs no engine."""
        try:
            theirs = find_stranger(name, self.claim(urn))
        except OutageError:
            # creation asks again, and then has to know
            return []
        return [Finding("name", str(theirs))] if theirs else []

    def warn_of_idle(self, old: Declared | None, new: Declared, idle: Fields, progress: Progress) -> None:
        """Name in one warning what is newly said of properties that have no effect on this machine.

        What says no more than what holds anyway is not named: the SDKs of other languages send the defaults of the
        schema, and an empty list says what silence says. What was said at the last update was told then.
        """
        said, before = given(new), given(old) if old else {}
        names = tuple(
            name
            for name in sorted(said.keys() & idle.keys())
            if said[name] not in (idle[name].default, ()) and said[name] != before.get(name)
        )
        # the engine checks what it replaces twice, and nobody wants to read it twice
        if names and (progress.urn, names) not in self._told:
            progress.warn(f"without effect on the local target: {', '.join(names)}")
            if progress.urn:
                self._told.add((progress.urn, names))
