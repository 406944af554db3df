"""``aciml lock``: solve the environment of a stack and write its lock file; ``--check`` says whether it is good."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.errors import OutageError, UserError
from ..core.limits import Limits
from ..core.progress import Progress, tell
from ..model.environment import Environment, read_environment
from .exit_code import ExitCode
from .sections import environment_of
from .stack import project_folder, settings_of, stack_options, target_of
from .terminal import Terminal, answer, json_option

if TYPE_CHECKING:
    from ..conda.lockfile import ReadLock
    from ..images.plan.sources import Sources
    from ..images.tools import Tools


@click.command("lock")
@stack_options
@click.option("--name", default="", help="Name of the environment, if there are several.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the lock file is out of date.")
@json_option
def command(stack: str, project: Path | None, *, name: str, check: bool, as_json: bool) -> int:
    """Solve the environment of a stack and write its lock file, whole or not at all."""
    # here and not above: the help of this command needs no solver
    from ..images.plan.base import movable_bases
    from ..images.plan.lock import NAME_IT, lock_path
    from ..images.plan.sources import read_sources
    from ..images.tools import Tools

    folder = project_folder(project or Path.cwd())
    values = environment_of(stack, folder, name)
    settings = settings_of(values)
    tools = Tools.of(target_of(stack, folder, settings), settings)
    declared = read_environment(values)
    path = lock_path(declared.packages)
    if path is None:
        raise UserError(f"the environment of stack {stack} has no packages, but a base to lock", NAME_IT)
    sources = read_sources(declared)
    if sources.findings:
        raise UserError("; ".join(finding.why for finding in sources.findings))
    progress = Terminal()
    tell(sources.warnings, progress)
    tools = tools.reaching(sources.conda.channels if sources.conda else ())
    if check:
        limits = _limits(tools, declared, progress)
        facts, lines = _check(tools, path, sources, limits, movable_bases(declared))
    else:
        # before the limits, which look into the very image that is locked
        bases = _bases(tools, declared, path, progress)
        limits = _limits(tools, declared.but(packages=declared.packages.but(lock_mode="refresh")), progress)
        facts, lines = _write(tools, path, sources, limits, bases, progress)
    progress.done()
    answer(facts, lines, as_json=as_json)
    return ExitCode.DONE if facts["good"] else ExitCode.FAILED


def _limits(tools: Tools, declared: Environment, progress: Progress) -> Limits:
    """Return the limits; the C library is that of the base image as it is now, unless the config says it."""
    from ..images.plan.base import find_base

    if declared.base.glibc is not None or "__glibc" in (declared.packages.virtual_packages or {}):
        return declared.limits
    found = find_base(tools, read_environment({}), declared, progress)
    return declared.but(base=declared.base.but(glibc=found.glibc)).limits


def _bases(tools: Tools, declared: Environment, path: Path, progress: Progress) -> dict[str, str]:
    """Return the digests of the bases as they are now; of a registry that is away what was locked before."""
    from ..core.lockfile import bases_in
    from ..images.plan.base import ask_bases

    try:
        return ask_bases(tools, declared, progress)
    except OutageError as error:
        known = bases_in(path.read_text(encoding="utf-8")) if path.is_file() else {}
        kept = "what was locked of it stays" if known else "the lock does not name it"
        progress.warn(f"the base image is not asked for, {kept}: {error}")
        return known


def _check(
    tools: Tools, path: Path, sources: Sources, limits: Limits, bases: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    from ..conda.lockfile import read_lock_file
    from ..core.lockfile import bases_in
    from ..images.plan.lock import base_faults, lock_faults

    if not path.is_file():
        why = f"{path} does not exist"
        return {"file": str(path), "good": False, "faults": [why]}, [f"{why}; write it: aciml lock"]
    faults = lock_faults(tools, read_lock_file(path), sources, limits)
    locked = bases_in(path.read_text(encoding="utf-8"))
    # older locks of packages name no base; one without packages is for nothing else
    faults += base_faults(locked, bases) or [f"{one} is not locked" for one in bases if not (sources.conda or locked)]
    end = f"{path} is out of date; write it again: aciml lock" if faults else f"{path} is good"
    return {"file": str(path), "good": not faults, "faults": faults}, [*faults, end]


def _write(
    tools: Tools, path: Path, sources: Sources, limits: Limits, bases: Mapping[str, str], progress: Progress
) -> tuple[dict[str, Any], list[str]]:
    from ..core.conda_lock import CondaLock
    from ..core.lockfile import bases_in
    from ..images.plan.lock import difference, lock_text, solve_anew
    from ..pip.cuda import cuda_warning

    locked = solve_anew(tools, sources, limits, progress)
    text = lock_text(tools, locked, sources, limits, path, bases)
    warning = cuda_warning(locked.pip, limits.virtual)
    before = _read(path)
    changes = difference(
        before.conda if before else CondaLock(()), locked.conda, before.wheels if before else (), locked.pip
    )
    known = bases_in(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else {}
    changes += _base_changes(known, bases)
    same = path.is_file() and path.read_text(encoding="utf-8") == text
    if not same:
        _replace(path, text)
    conda, pip = len(locked.conda.packages), len(locked.pip)
    facts = {"file": str(path), "good": True, "written": not same, "changes": changes, "conda": conda, "pip": pip}
    end = f"{path} is as it was" if same else f"wrote {path}: {conda} conda packages, {pip} pip packages"
    return {**facts, "warning": warning}, [*filter(None, [warning]), *changes, end]


def _base_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    def short(digest: str) -> str:
        return digest[:19]  # sha256: and as much as Docker shows

    lines = []
    for text in sorted(before.keys() | after.keys()):
        old, new = short(before.get(text, "")), short(after.get(text, ""))
        if old and new and before[text] != after[text]:
            lines.append(f"~ base {text} {old} => {new}")
        elif old != new:
            lines.append(f"+ base {text} {new}" if new else f"- base {text} {old}")
    return lines


def _read(path: Path) -> ReadLock | None:
    """Return what was locked before, for the difference; a damaged file is written anew."""
    from ..conda.lockfile import read_lock_file

    try:
        return read_lock_file(path) if path.is_file() else None
    except UserError as error:
        print(f"aciml: {error.message}", file=sys.stderr)  # noqa: T201  # a program speaks to its terminal
        return None


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    # beside it, since only within one disk a rename is whole or not at all
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        # a lock has equal bytes on every system (decisions/lock-file.md)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as sink:
            sink.write(text)
        # mkstemp makes files for their owner alone; a lock is committed and read by all who have the project
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
