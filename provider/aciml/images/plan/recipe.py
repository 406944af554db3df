"""The recipe of a pinned environment, with what the user chose of its layers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from packaging.utils import parse_wheel_filename

from ...conda.memory import Memory, refusal
from ...conda.scripts import LinkScript, find_scripts, lock_of_lines
from ...conda.solve import relock
from ...core.conda_lock import CondaLock
from ...core.errors import AcimlError, Cancelled, Finding, OutageError, UserError
from ...core.partition import BINS, SERVER_BINS, SOLO_LIMIT, WHEEL_BINS, LayerCount
from ...core.pip_package import PIP, PipPackage
from ...core.progress import Progress, Silent
from ...core.recipe import Recipe
from ...core.steps import Step, parse_steps
from ...model.declared import wires_of
from ...model.environment import Environment, Packages, made_of
from ...pip.cuda import cuda_warning
from ...pip.known import recall
from ...pip.pinned_line import bare_package
from ...pip.sizes import known_sizes, with_sizes
from ..server_needs import own_python_of, wheel_set
from ..tools import Tools
from .base import count_base_layers, pinned_reference
from .dockerfile import dockerfile_of
from .lock import resolve_pip
from .sources import Sources, read_sources

_MAKES_LAYER = frozenset({"RUN", "COPY", "ADD"})
(_POST_LINK,) = wires_of(Packages, "post_link")
_WORDS = "write postLink: step to run them in a build on top, or postLink: ignore if nothing needs them"


def judge_pinned(tools: Tools, now: Environment, steps: Sequence[Step], progress: Progress) -> list[Finding]:
    """Return what is wrong with a pinned environment that was not judged like this last time.

    That is too many layers, link scripts that nobody decided about, and packages that cannot be installed together, if
    their paths are known here without a build. What does not answer is judged by the build.
    """
    lock = lock_of_lines(_conda_lines(now), tools.settings)
    # with a choice that is not known yet no link script is refused
    choice = "ignore" if now.packages.is_unsure("post_link") else now.packages.post_link
    scripts: list[LinkScript] = []
    if choice != "ignore":
        # the build asks again before it links anything (decisions/link-scripts.md)
        with suppress(OutageError):
            scripts = find_scripts(lock, tools.catalog, tools.settings, progress)
    wheels = [bare_package(line) for line in _wheel_lines(now)]
    wheels = list(known_sizes(tools.catalog, wheels) or wheels)
    if warning := cuda_warning(wheels, now.packages.virtual_packages or {}):
        progress.warn(warning)
    findings = _judge_count(tools, lock, now, steps, len(scripts))
    if scripts and choice == "fail":
        findings.append(now.packages.finding("post_link", f"{_named(scripts)}; {_WORDS}"))
    if error := refusal(Memory(lock, tools.catalog).foreseen()):
        findings.append(Finding(now.packages.file_property, str(error)))
    return findings


def _conda_lines(now: Environment) -> list[str]:
    return [line for line in now.pins.lock or () if not line.startswith(PIP)]


def _wheel_lines(now: Environment) -> list[str]:
    return [line for line in now.pins.lock or () if line.startswith(PIP)]


def _judge_count(tools: Tools, lock: CondaLock, now: Environment, steps: Sequence[Step], scripts: int) -> list[Finding]:
    conda, pip = _count_layers(tools, lock, [bare_package(line) for line in _wheel_lines(now)])
    try:
        base = count_base_layers(tools, now)
    # ctrl-C is an AcimlError as well, and is nobody's finding
    except Cancelled:
        raise
    except AcimlError:
        return []  # said elsewhere, and better
    if base is None:
        return []
    made = sum(step.instruction in _MAKES_LAYER for step in steps)
    return LayerCount(base, made, conda + scripts, pip).judge()


def _count_layers(tools: Tools, lock: CondaLock, wheels: Sequence[PipPackage]) -> tuple[int, int]:
    """Return how many layers conda packages and wheels become; without the sizes of all, the most that it can be."""
    sized = known_sizes(tools.catalog, wheels)
    if sized is not None and all(lock.sizes().values()):
        divided = wheel_set(sized, lock).divided()
        return len(divided.conda), len(divided.server) + len(divided.wheels)
    conda = min(len(lock.packages), SOLO_LIMIT + BINS)
    # those that are alone are counted once, with conda's
    alone = SOLO_LIMIT + BINS - conda
    return conda, min(len(wheels), WHEEL_BINS + SERVER_BINS + alone)


def recipe_of(tools: Tools, now: Environment, progress: Progress | None = None) -> Recipe:
    """Return the recipe of a pinned environment, with what the user chose of its layers.

    Raises:
        UserError: a file changed since it was checked, a pinned package is no longer to be had, or a package has a link
            script, and the choice is to fail then.
        OutageError: a channel does not answer what is in a package that this machine has never seen.
    """
    listener = progress or Silent()
    recipe = replace(_pinned(tools, now, listener), compression=now.layers.compression, slim=now.layers.slim)
    return recipe if recipe.conda is None else _with_link_scripts(recipe, recipe.conda, tools, now, listener)


def _pinned(tools: Tools, now: Environment, progress: Progress) -> Recipe:
    sources, made = read_sources(now), dockerfile_of(now)
    base = made.below if made else pinned_reference(now)
    if base is None:
        raise UserError("the environment is not pinned", "run the same command again")
    key = sources.steps_key(made.key if made else base.digest)
    # what was checked is what is built: a file may have changed since
    if sources.findings or key != (now.pins.steps_key or ""):
        raise UserError("the environment's files changed since they were checked", "run the same command again")
    own = own_python_of(now)
    recipe = Recipe(base, sources.steps, sources.context, key, inputs=made_of(now), made=made, own=own)
    if sources.conda is None:
        return recipe
    # the pinned files, by their hashes: nothing is solved between a preview and its update
    lock = relock(_conda_lines(now), sources.conda, settings=tools.settings, progress=progress)
    wheels = _wheels(tools, sources, lock, now, progress) if _wheel_lines(now) else ()
    beside = wheel_set(wheels, lock).with_conda()
    return replace(recipe, conda=beside, pip=wheels, variables=sources.conda.variables)


def _wheels(
    tools: Tools, sources: Sources, lock: CondaLock, now: Environment, progress: Progress
) -> tuple[PipPackage, ...]:
    """Return the pinned wheels: from this machine's catalog, else asked of the index again and compared."""
    # here: what packs is slow to load, and judging asks for nothing that is made
    from ..remote.facts import has_pip_layers

    lines = _wheel_lines(now)
    hashes = [line.rpartition("#sha256:")[2] for line in lines]
    asked = sources.conda.pip if sources.conda else ()
    known = recall(tools.catalog, hashes, asked, sources.folder)
    if known is not None:
        return with_sizes(known, tools.catalog, tools.settings, progress)
    bare = known_sizes(tools.catalog, [bare_package(line) for line in lines])
    if bare is not None and has_pip_layers(tools, lock, bare, now.layers):
        return bare  # nobody needs to know where to get them
    again = resolve_pip(tools, sources, lock, now.limits, progress, _versions(lines))
    found = {package.sha256: package for package in again}
    lost = [line for line, digest in zip(lines, hashes, strict=True) if digest not in found]
    if lost:
        raise _not_found_again(lost[0], again, tools)
    return with_sizes([found[digest] for digest in hashes], tools.catalog, tools.settings, progress)


def _not_found_again(line: str, found: Sequence[PipPackage], tools: Tools) -> UserError:
    """Say why a pinned wheel is not among those that the index has now."""
    name, home = bare_package(line).file_name, tools.settings.cache.resolve().as_uri()
    if any(one.file_name == name and one.url.startswith(home) for one in found):
        # backends of other versions write other metadata; `aciml lock` keeps the wheel itself
        why = f"{line} is pinned, and is built to other bytes on this machine"
        return UserError(why, "write a lock where it was built (aciml lock keeps the wheel), or lock_mode: refresh")
    return UserError(f"{line} is pinned, but the index now answers with other files", "change the pip section")


def _with_link_scripts(recipe: Recipe, lock: CondaLock, tools: Tools, now: Environment, progress: Progress) -> Recipe:
    choice = now.packages.post_link
    try:
        scripts = find_scripts(lock, tools.catalog, tools.settings, progress)
    except OutageError:
        if choice == "ignore":
            return recipe
        raise
    if not scripts:
        return recipe
    if choice == "fail":
        raise UserError(_named(scripts), _WORDS)
    if choice == "ignore":
        progress.warn(f"{_named(scripts)}; they are ignored, as postLink says")
        return recipe
    return replace(recipe, link_steps=parse_steps([script.step for script in scripts], _POST_LINK))


def _named(scripts: Sequence[LinkScript]) -> str:
    names = list(dict.fromkeys(script.package.name for script in scripts))
    paths = ", ".join(script.path for script in scripts)
    return f"conda would run scripts of {', '.join(names)} when it links them ({paths})"


def _versions(lines: list[str]) -> dict[str, str]:
    """Return what the lock's wheels are: newer ones that the index may have by now do not count."""
    names = (line.removeprefix(PIP).rpartition("#sha256:")[0] for line in lines)
    parsed = (parse_wheel_filename(name) for name in names)
    return {str(wheel[0]): str(wheel[1]) for wheel in parsed}
