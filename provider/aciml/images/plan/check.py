"""The door of planning: read an environment's files, report all that is wrong at once, and pin what is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...core.builder import BUILDERS, REMOTE, Builder
from ...core.errors import AcimlError, Finding, UserError, errors_of
from ...core.interpreter import old_python
from ...core.progress import Progress, tell
from ...core.reference import Reference
from ...model.environment import Environment
from ..tools import Tools
from .base import judge_base_size, judge_python
from .builder_words import judge_words_of_builder
from .dockerfile import judge_base
from .folders import size_told
from .inherited import inherited_told
from .own_python import judge_own
from .pins import pin
from .sources import PYTHON_VERSION, Sources, read_sources
from .user import judge_user


def check(
    tools: Tools, before: Environment, now: Environment, progress: Progress, *, pins: bool = True
) -> tuple[Environment, list[Finding]]:
    """Return the environment with its pins, and what is wrong; with findings about the files nothing is pinned.

    Args:
        tools: of this machine, with the account of the base.
        before: as it was pinned last time; one that says nothing if there is no such.
        now: as it is declared; what is not known yet is neither guessed nor judged.
        progress: told what is looked up.
        pins: whether to pin; if not, the files alone are judged.

    Raises:
        OutageError: a registry, channel or index does not answer.
    """
    sources = read_sources(now)
    if line := size_told("the context of steps", Path(now.steps.steps_context or ""), sources.used):
        progress.warn(line)
    # what is wrong in a file is told at once; to solve half of it would take minutes for nothing
    findings = tell(judge_files(tools, now, sources), progress)
    if findings or not pins:
        return now, findings
    try:
        tools = tools.reaching(sources.conda.channels if sources.conda else ())
        pinned = pin(tools, before, now, sources, progress)
        findings = [*judge_python(pinned), *judge_base_size(tools, pinned)]
        if line := _python_told(pinned, sources):
            progress.note(line)
        tell(judge_user(tools, pinned, sources), progress)
        for line in inherited_told(tools, before, pinned):
            progress.warn(line)
        tools.settings.paces.tell(progress.note)
        # for a service in the same preview that stands on this image: its registry has it only after the update
        tools.pinned[progress.urn] = pinned
        findings += judge_words_of_builder(tools, before, pinned, sources)
        # link scripts are found by a request for each package, so only a change is looked at
        if before.pins.base and _judged_by(before) == _judged_by(pinned):
            return pinned, findings
        # here: solver and memory of packages are slow to load, and most previews have no other packages
        from .recipe import judge_pinned

        # what another machine has made of the same pins is told by the registry, if it answers at once
        looking = _with_facts(tools, before, pinned)
        return pinned, [*findings, *judge_pinned(looking, pinned, sources.steps, progress)]
    except UserError as error:
        return now, [Finding(getattr(error, "where", now.packages.file_property), str(error))]


def judge_files(tools: Tools, now: Environment, sources: Sources) -> list[Finding]:
    """Return all that is to be said of an environment's files, warnings and remarks as well; nobody is asked.

    Args:
        tools: know the target.
        now: as it is declared; what is not known yet is neither guessed nor judged.
        sources: its files.
    """
    judged = [*_judge_ca(now), *_judge_base(now), *_judge_builder(tools, now), *judge_own(now.packages)]
    judged += _judge_asked_python(now, sources)
    return [*judged, *sources.findings, *sources.warnings]


def _python_told(pinned: Environment, sources: Sources) -> str:
    """Say which Python was taken, if the file does not ask for one."""
    file, found = sources.conda, (pinned.pins.packages or {}).get("python", "")
    if file is None or file.has_python or not found:
        return ""
    version = str(found).split(" ")[0]
    minor, taken = ".".join(version.split(".")[:2]), f"{version} is taken, the newest that the rest allows"
    if pinned.packages.requirements_file:
        why = f"{file.path}: no {PYTHON_VERSION} beside it says which Python it is for; {taken}"
        return f'{why}: write "{minor}" into one to stay with it'
    return f'{file.at("dependencies")}: python is not in dependencies; {taken}: write "python={minor}" to stay with it'


def read_builder(word: str, tools: Tools) -> Builder:
    """Return the builder that a word names; empty is ``auto``, and so is one that does not exist, which check refused.

    Raises:
        UserError: the target has none of its own.
    """
    builder: Builder = next((known for known in BUILDERS if known == word), "auto")
    if builder == REMOTE and tools.target.builder() is None:
        raise UserError(f"the target {tools.target.name} cannot run steps by itself", "write builder: docker, or auto")
    return builder


def _with_facts(tools: Tools, before: Environment, pinned: Environment) -> Tools:
    """Return tools that have asked the registry what it knows of packages that this machine never saw."""
    pins, place = pinned.pins, pinned.place
    waits = pins.is_unsure("lock", "base_digest", "base_key") or pinned.layers.is_unsure("compression", "slim")
    # packages that were judged last time are not asked about again
    if place is None or waits or before.pins.lock == pins.lock:
        return tools
    # here: HTTP and what packs layers are slow to load, and an unchanged environment asks nobody
    from ..remote.catalog import is_reachable, with_remote_facts

    return with_remote_facts(tools, pinned, place) if is_reachable(tools, place) else tools


def _judged_by(environment: Environment) -> tuple[object, ...]:
    pins = environment.pins
    return pins.base_digest, pins.base_key, pins.steps_key, pins.lock, environment.packages.post_link


def _judge_asked_python(now: Environment, sources: Sources) -> Iterator[Finding]:
    """Report a Python in the file that is too old in any version; ``judge_python`` sees what was solved."""
    file = sources.conda
    # an image that serves nothing may have any
    if file is None or not now.packages.server_requirements:
        return
    for spec in file.specs:
        if why := old_python(spec):
            yield Finding(now.packages.file_property, f"{file.at(spec)}: {why}" if file.at(spec) else why)


def _judge_ca(now: Environment) -> list[Finding]:
    path = now.steps.ca_bundle
    if path and not Path(path).expanduser().is_file():
        return [now.steps.finding("ca_bundle", f"{path} is not a file; give the path of a PEM file")]
    return []


def _judge_base(now: Environment) -> list[Finding]:
    findings = judge_base(now.base, now.steps.builder, now.steps.lint_off)
    if errors_of(findings) or not now.base.base_image:
        return findings
    try:
        Reference.parse(now.base.base_image)
    except AcimlError as error:
        return [now.base.finding("base_image", str(error))]
    return []


def _judge_builder(tools: Tools, now: Environment) -> list[Finding]:
    try:
        read_builder(now.steps.builder, tools)
    except UserError as error:
        return [now.steps.finding("builder", str(error))]
    return []
