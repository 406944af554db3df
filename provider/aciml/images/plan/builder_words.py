"""What those who would run the steps know: told in check, where the steps or a Dockerfile need more than that.

Most steps need nothing that some builder lacks; then nobody is asked.
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.builder import REMOTE
from ...core.errors import AcimlError, Finding, OutageError
from ...core.stages import steps_beyond_classic
from ...model.environment import Environment
from ..tools import Tools
from .dockerfile import dockerfile_of, judge_words
from .sources import Sources, placed

if TYPE_CHECKING:
    from ...core.lint_forms import BuilderWords

_NOWHERE = "which the target's builder does not have, and no Docker answers here"
_WITHOUT = "which this engine does not have"
_PATIENCE = 5.0  # seconds; a preview must not hang because of an engine that does


def judge_words_of_builder(tools: Tools, before: Environment, now: Environment, sources: Sources) -> list[Finding]:
    """Report steps, and instructions of the base's Dockerfile, that whoever would build them does not know.

    What the registry has already is not built, and so not judged. An engine that does not answer is told by the build.

    Args:
        tools: know the target.
        before: as it was pinned last time.
        now: as it is pinned.
        sources: its files.
    """
    made = dockerfile_of(now) if now.pins.base_key else None
    of_base = made.needs_buildkit if made else ""
    if not (of_base or steps_beyond_classic(sources.steps)) or now.steps.builder == REMOTE:
        return []
    if (before.pins.steps_key, before.pins.base_key) == (now.pins.steps_key, now.pins.base_key):
        return []
    # here, and below: the rules are slow to load, and most environments have no steps
    from ...core.lint import lint_steps
    from ...core.lint_forms import ANY_BUILDER

    words = _words(tools, now.steps.builder)
    if words == ANY_BUILDER:
        return []
    findings: list[Finding] = []
    if made and of_base and not _is_built(tools, now, "base"):
        # the frontend that a "# syntax" line names knows what the engine's own does not
        known = replace(words, version="") if made.dockerfile.syntax else words
        findings += judge_words(now.base, known, now.steps.lint_off)
    if not _is_built(tools, now, "steps"):
        found = lint_steps(sources.steps, context_files=None, builder=words, off=now.steps.lint_off)
        findings += [placed(one, now.steps) for one in found if one.rule == "buildkit-only"]
    return findings


def _words(tools: Tools, builder: str) -> BuilderWords:
    from docker.errors import DockerException

    from ...core.lint_forms import ANY_BUILDER, BuilderWords
    from ...docker.buildkit import has_buildkit
    from ...docker.engine import connect
    from ...docker.podman import is_podman

    try:
        engine = connect(patience=_PATIENCE)
    except OutageError:
        return BuilderWords(_NOWHERE) if builder != "docker" and tools.target.builder() is not None else ANY_BUILDER
    with closing(engine), suppress(DockerException):
        # Buildah knows BuildKit's instructions, each version more of them, and says itself what it does not
        if is_podman(engine):
            return ANY_BUILDER
        if not has_buildkit(engine):
            return BuilderWords(_WITHOUT)
        return BuilderWords(version=str(engine.version().get("Version", "")))
    return ANY_BUILDER


def _is_built(tools: Tools, now: Environment, what: str) -> bool:
    """Tell whether the registry has the result under its key; False if nobody can say."""
    from ...docker.finish import find_built
    from ..remote.catalog import is_reachable

    key = now.pins.steps_key if what == "steps" else now.pins.base_key
    if not key or now.place is None:
        return False
    with suppress(AcimlError):
        if is_reachable(tools, now.place):
            return find_built(tools.client(now.place.login_server), now.place.repository, key) is not None
    return False
