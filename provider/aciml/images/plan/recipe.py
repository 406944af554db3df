"""The recipe of a pinned environment, with what the user chose of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from packaging.utils import parse_wheel_filename

from ...conda.scripts import LinkScript, find_scripts, lock_of_lines
from ...conda.solve import relock
from ...core.conda_lock import CondaLock
from ...core.errors import AcimlError, Cancelled, Finding, OutageError, UserError
from ...core.limits import limits_of
from ...core.partition import BINS, SOLO_LIMIT, LayerCount, partition
from ...core.pip_package import PIP, PipPackage
from ...core.progress import Progress, Silent
from ...core.recipe import Recipe
from ...core.reference import Reference
from ...core.steps import Step, parse_steps
from ...pip.known import recall
from ...pip.resolve import bare_package
from ..server_needs import in_layers
from ..tools import Tools
from .base import count_base_layers
from .lock import resolve_pip
from .sources import Sources, read_sources

Values = dict[str, Any]
_MAKES_LAYER = frozenset({"RUN", "COPY", "ADD"})
_WORDS = "write postLink: step to run them in a build on top, or postLink: ignore if nothing needs them"


def judge_pinned(
    tools: Tools, old: Mapping[str, Any], new: Mapping[str, Any], steps: Sequence[Step], progress: Progress
) -> list[Finding]:
    """Return what is wrong with a pinned environment: too many layers, or link scripts that nobody decided about.

    Packages that were judged last time are not asked for again. What does not answer is judged by the build.
    """
    names = ("baseDigest", "baseKey", "stepsKey", "lock", "postLink")
    if old and all(old.get(name) == new.get(name) for name in names):
        return []
    lines = [str(line) for line in new.get("lock") or () if not str(line).startswith("pip/")]
    lock = lock_of_lines(lines, tools.settings)
    scripts: list[LinkScript] = []
    with suppress(OutageError):
        scripts = find_scripts(lock, tools.catalog, tools.settings, progress) if _choice(new) != "ignore" else []
    findings = _judge_count(tools, lock, new, steps, len(scripts))
    if scripts and _choice(new) == "fail":
        findings.append(Finding("postLink", f"{_named(scripts)}; {_WORDS}"))
    return findings


def recipe_of(tools: Tools, inputs: Values, progress: Progress | None = None) -> Recipe:
    """Return the recipe of pinned inputs, with what the user chose.

    Raises:
        UserError: a file changed since it was checked, or a pinned package is no longer to be had.
    """
    return _with_choices(_pinned_recipe(tools, inputs, progress), inputs, tools, progress)


def _with_choices(recipe: Recipe, values: Mapping[str, Any], tools: Tools, progress: Progress | None) -> Recipe:
    """Return the recipe with what the user chose.

    Raises:
        UserError: a package has a link script, and the choice is to fail then.
        OutageError: a channel does not answer what is in a package that this machine has never seen.
    """
    chosen = replace(recipe, compression=str(values.get("compression", "")))
    if recipe.conda is None:
        return chosen
    listener = progress or Silent()
    try:
        scripts = find_scripts(recipe.conda, tools.catalog, tools.settings, listener)
    except OutageError:
        if _choice(values) == "ignore":
            return chosen
        raise
    if scripts and _choice(values) == "fail":
        raise UserError(_named(scripts), _WORDS)
    if scripts and _choice(values) == "ignore":
        listener.warn(f"{_named(scripts)}; they are ignored, as postLink says")
        return chosen
    return replace(chosen, link_steps=parse_steps([script.step for script in scripts], "postLink"))


def _choice(values: Mapping[str, Any]) -> str:
    return str(values.get("postLink", "fail"))


def _named(scripts: Sequence[LinkScript]) -> str:
    names = list(dict.fromkeys(script.package.name for script in scripts))
    paths = ", ".join(script.path for script in scripts)
    return f"conda would run scripts of {', '.join(names)} when it links them ({paths})"


def _judge_count(
    tools: Tools, lock: CondaLock, new: Mapping[str, Any], steps: Sequence[Step], scripts: int
) -> list[Finding]:
    sizes = {package.name: package.size for package in lock.packages}
    groups = len(partition(sizes)) if all(sizes.values()) else min(len(sizes), SOLO_LIMIT + BINS)
    try:
        base = count_base_layers(tools, new)
    except Cancelled:
        raise
    except (AcimlError, KeyError):
        return []  # said elsewhere, and better
    made = sum(step.instruction in _MAKES_LAYER for step in steps)
    wheels = [bare_package(str(line)) for line in new.get("lock") or () if str(line).startswith(PIP)]
    return LayerCount(base, made, groups + scripts, len(in_layers(wheels))).judge()


def _pinned_recipe(tools: Tools, inputs: Values, progress: Progress | None) -> Recipe:
    """Return the recipe that pinned inputs stand for.

    Raises:
        UserError: a file changed since it was checked, or a pinned package is no longer to be had.
    """
    sources = read_sources(inputs)
    from .dockerfile import dockerfile_of

    made = dockerfile_of(inputs)
    base = made.below if made else Reference.parse(str(inputs["baseImage"])).at(str(inputs["baseDigest"]))
    key = sources.steps_key(made.key if made else base.digest)
    if sources.findings or key != inputs.get("stepsKey", ""):
        raise UserError("the environment's files changed since they were checked", "run the same command again")
    if sources.conda is None:
        return Recipe(base, sources.steps, sources.context, key, inputs=_made_of(inputs), made=made)
    lines = [str(line) for line in inputs["lock"]]
    listener = progress or Silent()
    conda_lines = [line for line in lines if not line.startswith(PIP)]
    lock = relock(conda_lines, sources.conda, settings=tools.settings, progress=listener)
    wheels = [line for line in lines if line.startswith(PIP)]
    pip = _wheels(tools, sources, lock, wheels, inputs, listener) if wheels else ()
    return Recipe(
        base, sources.steps, sources.context, key, lock, pip, sources.conda.variables, _made_of(inputs), made=made
    )


def _made_of(inputs: Values) -> Values:
    """Return what an import needs to know: no path, no host, nothing of this machine."""
    names = (
        "baseImage",
        "baseDigest",
        "baseKey",
        "baseImages",
        "glibc",
        "stepsKey",
        "dependencies",
        "packages",
        "pipPackages",
        "lock",
    )
    return {name: inputs[name] for name in names if name in inputs}


def _wheels(
    tools: Tools, sources: Sources, lock: CondaLock, lines: list[str], inputs: Values, progress: Progress
) -> tuple[PipPackage, ...]:
    """Return the pinned wheels: from this machine's catalog, else asked of the index again and compared."""
    from ..remote.catalog import is_layer_at_hand

    hashes = [line.rpartition("#sha256:")[2] for line in lines]
    asked = sources.conda.pip if sources.conda else ()
    known = recall(tools.catalog, hashes, asked, sources.folder)
    if known is not None:
        return known
    bare = tuple(bare_package(line) for line in lines)
    if is_layer_at_hand(tools, lock, bare, str(inputs.get("compression", ""))):
        return bare
    again = resolve_pip(tools, sources, lock, limits_of(inputs), progress, _versions(lines))
    found = {package.sha256: package for package in again}
    lost = [line for line, digest in zip(lines, hashes, strict=True) if digest not in found]
    if lost:
        raise UserError(f"{lost[0]} is pinned, but the index now answers with other files", "change the pip section")
    return tuple(found[digest] for digest in hashes)


def _versions(lines: list[str]) -> dict[str, str]:
    """Return what the lock's wheels are: newer ones that the index may have by now do not count."""
    names = (line.removeprefix(PIP).rpartition("#sha256:")[0] for line in lines)
    parsed = (parse_wheel_filename(name) for name in names)
    return {str(wheel[0]): str(wheel[1]) for wheel in parsed}
