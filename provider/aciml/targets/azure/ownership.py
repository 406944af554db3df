"""The tag that says which resource of which stack a thing in Azure belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from ...model.tag import OWNER

OWNER_TAG = OWNER
_LONGEST = 256  # characters of a tag's value, https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources


def owner_of(urn: str) -> str:
    """Return ``stack/project/name`` for a urn; what is no urn is returned as it is."""
    parts = urn.split("::")
    if not urn.startswith("urn:pulumi:") or len(parts) < 4:
        return urn[-_LONGEST:]
    stack, project, name = parts[0].removeprefix("urn:pulumi:"), parts[1], "::".join(parts[3:])
    return f"{stack}/{project}/{name}"[-_LONGEST:]


def owner_in(tags: Mapping[str, str] | None) -> str:
    """Return the owner that tags name; empty if none. Azure does not mind the case of a tag's name."""
    return next((value for name, value in (tags or {}).items() if name.lower() == OWNER_TAG), "")


def without_owner(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Return the tags that the user knows of."""
    return {name: value for name, value in (tags or {}).items() if name.lower() != OWNER_TAG}
