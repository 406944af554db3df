"""Whose a container, a volume or a group is: what is written on it, and who may touch it.

What is made carries labels that say who made it. Its *mark* stays the same as long as it lives, also when a successor
takes its place; state remembers the mark, so a stack that was renamed or moved to another folder knows its own again,
and what somebody else made under the same name is not taken for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from .errors import UserError
from .lean import lean

PREFIX = "io.aciml."
"""Begins the keys of all labels of an owner."""

_DIGITS = 16


@lean(frozen=True)
class Urn:
    """The parts of a resource's urn; of a text that is no urn only ``name`` is there."""

    stack: str
    project: str
    token: str
    name: str

    @classmethod
    def parse(cls, urn: str) -> Urn:
        """Take a urn apart; ``token`` is the type of the resource itself, without its parents'."""
        head, *rest = urn.split("::")
        if not head.startswith("urn:pulumi:") or len(rest) < 3:
            return cls("", "", "", urn)
        # in a urn the types of the parents stand before the own one, apart by $; the name may hold :: itself
        return cls(head.removeprefix("urn:pulumi:"), rest[0], rest[1].rpartition("$")[2], "::".join(rest[2:]))

    def __str__(self) -> str:
        """Name the resource in a sentence."""
        kind = self.token.rpartition(":")[2]
        named = f'{kind} "{self.name}"' if kind else f'"{self.name}"'
        return f"{named} of stack {self.stack}, project {self.project}" if self.stack else named


@lean(frozen=True)
class Owner:
    """Who made something: ``workspace`` tells two clones of one stack apart, ``version`` is that of the tool."""

    urn: str
    workspace: str = ""
    version: str = ""
    mark: str = ""

    def labels(self) -> dict[str, str]:
        """Return what is written on what it makes; nothing of it is a secret."""
        urn = Urn.parse(self.urn)
        said = {
            "urn": self.urn,
            "stack": urn.stack,
            "project": urn.project,
            "workspace": self.workspace,
            "version": self.version,
            "mark": self.mark or self.first_mark(),
        }
        return {f"{PREFIX}{key}": value for key, value in said.items()}

    @classmethod
    def read(cls, labels: Mapping[str, str] | None) -> Owner | None:
        """Return who is named in labels; None if nobody is: it was made by an older version, or by something else."""
        said = {key.removeprefix(PREFIX): value for key, value in (labels or {}).items() if key.startswith(PREFIX)}
        if "mark" not in said:
            return None
        return cls(said.get("urn", ""), said.get("workspace", ""), said.get("version", ""), said["mark"])

    def first_mark(self) -> str:
        """Return the mark of what this owner makes where nothing was before."""
        return digest_of(self.urn, self.workspace)[:_DIGITS]


@lean(frozen=True)
class Claim:
    """Who asks for something, and what the state remembers of it.

    ``remembered`` is the mark that state keeps, empty if an older version wrote the state; None: state knows nothing.
    """

    owner: Owner
    remembered: str | None = None

    def covers(self, seen: Owner | None) -> bool:
        """Tell whether what has these labels (None: no owner's) may be touched.

        - State knows nothing: only a leftover of an interrupted creation is, by the same urn in the same workspace.
        - State knows it: its mark decides; what has no owner's labels was made by an older version; and what an
          update made that could not write its state any more has our urn and workspace.
        """
        same = seen is not None and seen.urn == self.owner.urn
        here = seen is not None and seen.workspace == self.owner.workspace
        if self.remembered is None:
            return same and here
        if seen is None or seen.mark == self.remembered:
            return True
        return same and (here or not self.remembered)

    def heir(self, seen: Owner | None) -> Owner:
        """Return the owner of the successor of ``seen``: its mark lives on."""
        mark = seen.mark if seen else ""
        return Owner(self.owner.urn, self.owner.workspace, self.owner.version, mark or self.owner.first_mark())


class Stranger(UserError):
    """Something is there that belongs to somebody else."""


def stranger(
    what: str, seen: Owner | None, claim: Claim, *, since: str = "", ours: bool = True, remedy: str
) -> Stranger:
    """Return the refusal to touch something, which names its owner.

    Args:
        what: names it, such as ``container "aciml-iris"``.
        seen: who its labels say it belongs to.
        claim: who wanted it.
        since: when it was made, empty if that is not known.
        ours: whether this tool made it at all.
        remedy: how the user gets on.
    """
    made = f", made {since}" if since else ""
    if not ours:
        return Stranger(f"{what} is there already and was not made by aciml{made}", remedy)
    if seen is None:
        why = "was made by an aciml before 0.2.0, which did not write down for whom"
        return Stranger(f"{what} is there already and {why}{made}", remedy)
    return Stranger(f"{what} is there already and belongs to {whose(seen, claim)}{made}", remedy)


def whose(seen: Owner, claim: Claim | None = None) -> str:
    """Name an owner: resource, stack, project, whether it is a clone of this very stack, and the tool's version."""
    who = str(Urn.parse(seen.urn)) if seen.urn else "nobody in particular"
    if claim is not None and seen.urn == claim.owner.urn:
        who += " in another folder or on another machine"
    version = f"aciml {seen.version}" if seen.version else ""
    told = ", ".join(part for part in (seen.urn, version) if part)
    return f"{who} ({told})" if told else who


def digest_of(*parts: str) -> str:
    """Return 64 hexadecimal digits that change with any of the texts."""
    # a NUL between them: ("ab", "c") and ("a", "bc") are two
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
