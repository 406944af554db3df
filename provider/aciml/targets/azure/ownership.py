"""The tags that say which resource of which stack a thing in Azure belongs to, and what made it."""

from __future__ import annotations

from collections.abc import Mapping

from ... import __version__
from ...core.ownership import Urn
from ...model.tag import OWNER, VERSION

OWNER_TAG, VERSION_TAG = OWNER, VERSION
_LONGEST = 256  # characters of a tag's value, https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources


def owner_of(urn: str) -> str:
    """Return ``stack/project/name`` for a urn; what is no urn is returned as it is."""
    parts = Urn.parse(urn)
    # cut at the front: the name of the resource tells two owners apart, long before the name of a stack does
    return (f"{parts.stack}/{parts.project}/{parts.name}" if parts.stack else urn)[-_LONGEST:]


def whose(tag: str) -> str:
    """Name the owner that a tag has, in a sentence."""
    stack, _, rest = tag.partition("/")
    project, _, name = rest.partition("/")
    return f'"{name}" of stack {stack}, project {project}' if name else f'"{tag}"'


def may_touch(tags: Mapping[str, str] | None, urn: str, known_as: str = "") -> bool:
    """Tell whether a resource may change or delete what state knows as its own.

    A tag names the urn, or what state remembers of an earlier name of its stack; without a tag nobody else has it, and
    where nobody is spoken for anybody's will do.
    """
    tag = owner_in(tags)  # what was adopted has none
    return not tag or tag in {owner_of(urn), known_as} or not (urn or known_as)


def owner_tags(urn: str) -> dict[str, str]:
    """Return the tags of what is made for a resource; none if it is nobody's."""
    owner = owner_of(urn)
    # no workspace in it: runners live for an hour, and the next
    # one has to find what this one left (decisions/owners.md)
    return {OWNER_TAG: owner, VERSION_TAG: __version__} if owner else {}


def owner_in(tags: Mapping[str, str] | None) -> str:
    """Return the owner that tags name; empty if none. Azure does not mind the case of a tag's name."""
    return next((value for name, value in (tags or {}).items() if name.lower() == OWNER_TAG), "")


def without_owner(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Return the tags that the user knows of."""
    return {name: value for name, value in (tags or {}).items() if name.lower() not in (OWNER_TAG, VERSION_TAG)}


def version_in(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Return the tag of the version as it is, which tells what made the thing; nothing if there is none."""
    return {name: value for name, value in (tags or {}).items() if name.lower() == VERSION_TAG}
