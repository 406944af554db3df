"""Steps that need root on a base that runs as another user: only the base's own config tells who that is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import Finding, OutageError
from ...model.environment import Environment
from ..remote.base import BaseImages
from ..tools import Tools
from .base import pinned_reference
from .sources import Sources, placed

if TYPE_CHECKING:
    from ...core.lint import Memory

_RULE = "not-root"


def judge_user(tools: Tools, now: Environment, sources: Sources) -> list[Finding]:
    """Return warnings about steps that need root, if the pinned base runs as another user; an outage is not judged.

    What is known by the base's name was said when the steps were read.
    """
    reference = pinned_reference(now)
    if not sources.steps:
        return []
    # here: the rules are slow to load, and most environments have no steps
    from ...core.lint import Memory
    from ...core.lint_bases import base_of

    known = base_of(now.base.base_image or "")
    if reference is None or known.user or not _needing_root(sources, Memory.on(replace(known, user="another")), now):
        return []
    try:
        user = str(BaseImages(tools).image(reference).settings.get("User") or "").partition(":")[0]
    except OutageError:
        return []
    if user in {"", "0", "root"}:
        return []
    return _needing_root(sources, Memory.on(replace(known, user=user)), now)


def _needing_root(sources: Sources, below: Memory, now: Environment) -> list[Finding]:
    if _RULE in now.steps.lint_off:
        return []
    from ...core.lint import lint_steps

    found = lint_steps(sources.steps, context_files=None, below=below)
    return [placed(finding, now.steps) for finding in found if finding.rule == _RULE]
