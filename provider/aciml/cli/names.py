"""Names that a new project has: what Pulumi takes, and what the targets take for their resources."""

from __future__ import annotations

import re

from ..core.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # what Pulumi takes as the name of a project


def checked_name(name: str, *, given: bool) -> str:
    """Return the name of a project.

    Args:
        name: as it is given, or that of a folder.
        given: whether it was given.

    Raises:
        UserError: Pulumi does not take it.
    """
    if _NAME.fullmatch(name):
        return name
    advice = "give --name at most 100 letters, digits, hyphens, underscores and periods"
    what = f'"{name}"' if given else f'"{name}", the name of the folder,'
    raise UserError(f"{what} cannot be the name of a Pulumi project", advice)


def slug_of(name: str) -> str:
    """Return a name that every target takes for its resources."""
    # 40 characters and "registry" are 48: Azure takes 50 for the name of a registry
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].rstrip("-") or "scoring"


def registry_of(slug: str) -> str:
    """Return a name that Azure takes for a registry."""
    return f"{slug.replace('-', '')}registry"
