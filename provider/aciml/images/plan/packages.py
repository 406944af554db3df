"""Pin packages to files. What did not change keeps its pin."""

from __future__ import annotations

import json
from typing import Any

from ...core.errors import UserError
from ...core.image import canonical_json, sha256_digest
from ...core.limits import limits_of
from ...core.progress import Progress
from ...pip.lines import asked_for
from ..tools import Tools
from .base import recent
from .lock import LockError, locked_by_file, solve_anew
from .sources import PACKAGE_FILES, Sources

Values = dict[str, Any]


class PackagesError(UserError):
    """The packages cannot be had; ``where`` is the property that names the file that asks for them."""

    def __init__(self, error: UserError, where: str) -> None:
        """Say the same of a place."""
        super().__init__(error.message, error.advice)
        self.where = where


def pin_packages(tools: Tools, old: Values, inputs: Values, sources: Sources, progress: Progress) -> Values:
    """Return ``dependencies``, ``packages``, ``pipPackages`` and ``lock``; as last time if nothing asks for others.

    Raises:
        LockError: the lock file has to count, and is not what the files ask for.
        PackagesError: no set of packages satisfies the file.
    """
    try:
        return _pinned(tools, old, inputs, sources, progress)
    except LockError:
        raise
    except UserError as error:
        where = next((name for name in PACKAGE_FILES if inputs.get(name)), PACKAGE_FILES[0])
        raise PackagesError(error, where) from error


def _pinned(tools: Tools, old: Values, inputs: Values, sources: Sources, progress: Progress) -> Values:
    if sources.conda is None:
        return {}
    wanted = dependencies(sources)
    limits = limits_of(inputs)
    if locked := locked_by_file(tools, inputs, sources, limits, progress):
        return {"dependencies": wanted, **locked.answer()}
    if old.get("dependencies") == wanted and _within(old, inputs) and old.get("lock"):
        kept = ("packages", "pipPackages", "lock")
        return {"dependencies": wanted, **{name: old[name] for name in kept if name in old}}
    facts = [limits.facts(), limits.exclude_newer]
    key = sha256_digest(canonical_json([wanted, facts, tools.settings.channels]))

    def solve() -> str:
        locked = solve_anew(tools, sources, limits, progress)
        if locked.took:
            progress.note(locked.took)
        return json.dumps(locked.answer())

    return {"dependencies": wanted, **json.loads(recent(tools, "solve", key, solve))}


def dependencies(sources: Sources) -> Values:
    """Return what is asked for; as long as it is the same, nothing is solved again."""
    if sources.conda is None:
        return {}
    wanted = sources.conda.fingerprint()
    wanted["pip"] = asked_for(sources.conda.pip, sources.folder)
    return wanted | ({"server": list(sources.server)} if sources.server else {})


def _within(old: Values, inputs: Values) -> bool:
    """Tell whether nothing asks to leave what was solved last time: neither the limits nor the mode."""
    return limits_of(old) == limits_of(inputs) and inputs.get("lockMode") != "refresh"
