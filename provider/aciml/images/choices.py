"""What a user may choose of an environment's layers: judged in ``check``, handed to the recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..conda.lock import CondaLock
from ..conda.scripts import LinkScript, find_scripts, lock_of_lines
from ..core.errors import AcimlError, Cancelled, Finding, OutageError, UserError
from ..core.partition import BINS, SOLO_LIMIT, LayerCount, partition
from ..core.progress import Progress, Silent
from ..core.steps import Step, parse_steps
from ..pip.resolve import PIP, bare_package
from .base_pin import count_base_layers
from .server_needs import in_layers
from .workshop import Workshop

if TYPE_CHECKING:
    from .environment import Recipe

_MAKES_LAYER = frozenset({"RUN", "COPY", "ADD"})
_WORDS = "write postLink: step to run them in a build on top, or postLink: ignore if nothing needs them"


def judge_pinned(
    shop: Workshop, old: Mapping[str, Any], new: Mapping[str, Any], steps: Sequence[Step], progress: Progress
) -> list[Finding]:
    """Return what is wrong with a pinned environment: too many layers, or link scripts that nobody decided about.

    Packages that were judged last time are not asked for again. What does not answer is judged by the build.
    """
    names = ("baseDigest", "baseKey", "stepsKey", "lock", "postLink")
    if old and all(old.get(name) == new.get(name) for name in names):
        return []
    lines = [str(line) for line in new.get("lock") or () if not str(line).startswith("pip/")]
    lock = lock_of_lines(lines, shop.settings)
    scripts: list[LinkScript] = []
    with suppress(OutageError):
        scripts = find_scripts(lock, shop.catalog, shop.settings, progress) if _choice(new) != "ignore" else []
    findings = _judge_count(shop, lock, new, steps, len(scripts))
    if scripts and _choice(new) == "fail":
        findings.append(Finding("postLink", f"{_named(scripts)}; {_WORDS}"))
    return findings


def with_choices(recipe: Recipe, values: Mapping[str, Any], shop: Workshop, progress: Progress | None) -> Recipe:
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
        scripts = find_scripts(recipe.conda, shop.catalog, shop.settings, listener)
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
    shop: Workshop, lock: CondaLock, new: Mapping[str, Any], steps: Sequence[Step], scripts: int
) -> list[Finding]:
    sizes = {package.name: package.size for package in lock.packages}
    groups = len(partition(sizes)) if all(sizes.values()) else min(len(sizes), SOLO_LIMIT + BINS)
    try:
        base = count_base_layers(shop, new)
    except Cancelled:
        raise
    except (AcimlError, KeyError):
        return []  # said elsewhere, and better
    made = sum(step.instruction in _MAKES_LAYER for step in steps)
    wheels = [bare_package(str(line)) for line in new.get("lock") or () if str(line).startswith(PIP)]
    return LayerCount(base, made, groups + scripts, len(in_layers(wheels))).judge()
