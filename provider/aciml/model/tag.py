"""The tags of a resource in the cloud. Source: Microsoft's page on tags and their limits."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.errors import Finding
from ..properties import Unknown
from .said import Said

OURS, DESCRIPTION = "aciml-", "description"
"""How the names of all tags of a group begin that nobody else sets or sees; its description."""
OWNER, VERSION = "aciml-owner", "aciml-version"
"""Whose a resource is, and the version of the tool that made it."""
MOST, LONGEST_NAME, LONGEST_VALUE = 50, 512, 256
_FORBIDDEN = frozenset("<>%&\\?/")


def group_tag_findings(said: Said) -> Iterator[Finding]:
    """Judge the tags: v1's ``tags`` and ``properties``, the description and our own share the resource's fifty."""
    tags, properties = said.entries("tags"), said.entries("properties")
    described = bool(said.get("description"))
    total = len({*tags, *properties, *([DESCRIPTION] if described else []), OWNER, VERSION})
    if total > MOST:
        why = f"{total} tags with properties, description and ours are more than {MOST}, the most of a resource"
        yield said.finding("tags", why)
    for kind, values in (("tags", tags), ("properties", properties)):
        for name, value in values.items():
            where = f'{kind}["{name}"]'
            yield from form_findings(where, name, value)
            if name.startswith(OURS) or (name == DESCRIPTION and described):
                yield Finding(where, f"the tag {name} is set by us; rename it")
    for name in sorted(tags.keys() & properties.keys()):
        yield Finding(f'properties["{name}"]', f"{name} is also in tags, and both become tags; drop one")
    if len(str(said.get("description") or "")) > LONGEST_VALUE:
        why = f"a description is a tag, which holds {LONGEST_VALUE} characters; shorten it"
        yield said.finding("description", why)


def form_findings(where: str, name: str, value: object) -> Iterator[Finding]:
    """Judge name and value of one tag, of whatever resource."""
    if not 1 <= len(name) <= LONGEST_NAME or _FORBIDDEN & set(name):
        why = f"a tag's name has 1 to {LONGEST_NAME} characters and none of < > % & \\ ? /; rename it"
        yield Finding(where, why)
    if not isinstance(value, Unknown) and len(str(value)) > LONGEST_VALUE:
        why = f"the value has {len(str(value))} characters, a tag holds {LONGEST_VALUE}; shorten it"
        yield Finding(where, why)
