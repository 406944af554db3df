"""Pin packages to files. What did not change keeps its pin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...core.errors import UserError
from ...core.image import canonical_json, sha256_digest
from ...core.progress import Progress
from ...model.environment import Environment, Pins
from ...pip.lines import asked_for
from ..tools import Tools
from .base import recent
from .lock import LockError, locked_by_file, see_that_lock_is_there, solve_anew, unmet_hashes
from .sources import Sources


class PackagesError(UserError):
    """The packages cannot be had; ``where`` is the property that names the file that asks for them."""

    def __init__(self, error: UserError, where: str) -> None:
        """Say the same of a place."""
        super().__init__(error.message, error.advice)
        self.where = where


def pin_packages(tools: Tools, before: Environment, now: Environment, sources: Sources, progress: Progress) -> Pins:
    """Return ``dependencies``, ``packages``, ``pip_packages`` and ``lock``; as last time if nothing asks for others.

    Args:
        tools: of this machine.
        before: as it was pinned last time; one that says nothing if there is no such.
        now: with the C library of its base.
        sources: its files.
        progress: told what is solved, and how long it took.

    Raises:
        LockError: the lock file has to count, and is not what the files ask for.
        PackagesError: no set of packages satisfies the file.
    """
    try:
        return _pinned(tools, before, now, sources, progress)
    # it has a property of its own, and a file of packages is not at fault
    except LockError:
        raise
    except UserError as error:
        raise PackagesError(error, now.packages.file_property) from error


def _pinned(tools: Tools, before: Environment, now: Environment, sources: Sources, progress: Progress) -> Pins:
    wanted = dependencies(sources)
    if wanted is None:
        see_that_lock_is_there(now.packages)
        return Pins()
    limits, kept = now.limits, before.pins
    if locked := locked_by_file(tools, now.packages, sources, limits, progress):
        return locked.pins().but(dependencies=wanted)
    is_kept = limits == before.limits and now.packages.lock_mode != "refresh"
    # a hash that is not met is refused, also where an older version has passed over it
    # what a channel has by now is no difference: someone has to ask for it (decisions/lock-file.md)
    if kept.lock and kept.dependencies == wanted and is_kept and not unmet_hashes(sources, kept.lock):
        return Pins(dependencies=wanted, packages=kept.packages, pip_packages=kept.pip_packages, lock=kept.lock)
    facts = [limits.facts(), limits.exclude_newer, limits.index_strategy]
    # mirrors count: another one may have other packages, and a solution of a moment ago would hide that
    key = sha256_digest(canonical_json([wanted, facts, tools.settings.channels, _run(now)]))

    def solve() -> str:
        from .solved import keep_solve

        locked = solve_anew(tools, sources, limits, progress)
        if locked.took:
            progress.note(locked.took)
        keep_solve(tools, locked)
        return locked.pins().to_json()

    return Pins.of_json(recent(tools, "solve", key, solve)).but(dependencies=wanted)


def _run(now: Environment) -> str:
    """Name the run in which an answer holds: any within a quarter of an hour, but with ``refresh`` this one alone.

    Preview and update of one ``pulumi up`` have to agree; they have a plugin each, and one engine that started both.
    """
    return f"engine {os.getppid()}" if now.packages.lock_mode == "refresh" else ""


def dependencies(sources: Sources) -> Mapping[str, Any] | None:
    """Return what is asked for; as long as it is the same, nothing is solved again. None without packages."""
    if sources.conda is None:
        return None
    wanted = sources.conda.fingerprint()
    wanted["pip"] = asked_for(sources.conda.pip, sources.folder)
    return wanted | ({"server": list(sources.server)} if sources.server else {})
