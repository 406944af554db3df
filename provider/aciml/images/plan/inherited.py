"""What is said of settings that an environment's base brings along."""

from __future__ import annotations

from ...core.errors import OutageError
from ...model.environment import Environment
from ..remote.base import BaseImages
from ..tools import Tools
from .base import pinned_reference


def inherited_told(tools: Tools, before: Environment, now: Environment) -> list[str]:
    """Return what is reset or kept of a base that is new here; an outage is not judged."""
    reference = pinned_reference(now)
    # said once: a base that did not change was spoken of when it came
    if reference is None or before.pins.base_digest == now.pins.base_digest:
        return []
    from ...core.inherited import inherited_lines

    try:
        base = BaseImages(tools).image(reference)
    except OutageError:
        return []
    return inherited_lines(base, python="python" in (now.pins.packages or {}))
