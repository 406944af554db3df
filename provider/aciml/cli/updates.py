"""Who brought what up, and when: the engine's own history of a stack."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import UserError
from .deployed import StateSource

PAGE = "50"
"""Updates that are asked for; what runs for longer than that is not looked up."""


@dataclass(frozen=True)
class Update:
    """One update of a stack. Times are RFC 3339; ``who``, ``commit`` and ``message`` are empty where nobody said."""

    version: int
    kind: str
    started: str
    ended: str
    result: str
    who: str = ""
    commit: str = ""
    message: str = ""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Update:
        """Read a row of ``pulumi stack history --json``."""
        known = row.get("environment") or {}
        # who ran it in a pipeline, else who wrote the commit: the engine knows no more of a person
        names = ("github.login", "ci.build.user", "git.committer", "git.author")
        who = next((str(known[name]) for name in names if known.get(name)), "")
        head, dirty = str(known.get("git.head") or ""), known.get("git.dirty") == "true"
        return cls(
            version=int(row.get("version") or 0),
            kind=str(row.get("kind") or ""),
            started=str(row.get("startTime") or ""),
            ended=str(row.get("endTime") or ""),
            result=str(row.get("result") or ""),
            who=who,
            commit=f"{head[:12]}{'-dirty' if dirty else ''}" if head else "",
            message=str(row.get("message") or ""),
        )


def updates_of(source: StateSource) -> tuple[Update, ...]:
    """Return the last updates of a stack, newest first; none where a place of states keeps no history."""
    try:
        rows = json.loads(source.pulumi("stack", "history", "--json", "--page-size", PAGE))
        return tuple(Update.of_row(row) for row in rows)
    except (UserError, ValueError, TypeError, AttributeError):
        # it is told beside what was asked for, and is no reason to tell nothing
        return ()


def update_at(updates: Iterable[Update], when: str) -> Update | None:
    """Return the update in which something was changed at ``when`` (RFC 3339, UTC); None if it was no update."""
    # by seconds: the history has no fractions; a refresh writes a time, too, and brings nothing up
    second = when[:19]
    brought = (one for one in updates if one.kind == "update" and second)
    return next((one for one in brought if one.started[:19] <= second <= (one.ended[:19] or second)), None)
