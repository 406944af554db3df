"""The tags of a resource in the cloud. Source: Microsoft's page on tags and their limits."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from ..properties import Unknown
from . import cost
from .declared import Declared
from .shape import Field

OURS, DESCRIPTION = "aciml-", "description"
"""How the names of all tags of a group begin that nobody else sets or sees; its description."""
OWNER, VERSION = "aciml-owner", "aciml-version"
"""Whose a resource is, and the version of the tool that made it."""
_TAGS = "the tags of the container group"
MOST, LONGEST_NAME, LONGEST_VALUE = 50, 512, 256
_FORBIDDEN = frozenset("<>%&\\?/")
_RESERVED = ("microsoft", "azure", "windows")
"""How no name of a user's begins, in whatever letter case. Source: resources.json 2022-09-01, Tags_CreateOrUpdate."""


@lean(frozen=True, kw_only=True)
class Tags(Declared):
    """All that becomes a tag of a group."""

    tags: Annotated[
        Mapping[str, str] | None, Field("tags of the container group", shown=_TAGS, scope="cloud", cost=cost.TAGS)
    ] = None
    properties: Annotated[
        Mapping[str, str] | None, Field("more tags, which v1 kept apart", shown=_TAGS, scope="cloud", cost=cost.TAGS)
    ] = None
    description: Annotated[str | None, Field("text for people; a tag", shown=_TAGS, scope="cloud", cost=cost.TAGS)] = (
        None
    )

    def merged(self) -> dict[str, str]:
        """Return all tags that the user gives."""
        described = {DESCRIPTION: self.description} if self.description else {}
        return {**(self.properties or {}), **(self.tags or {}), **described}


def group_tag_findings(said: Tags) -> Iterator[Finding]:
    """Judge the tags: v1's ``tags`` and ``properties``, the description and our own share the resource's fifty."""
    tags, properties, described = said.tags or {}, said.properties or {}, bool(said.description)
    # no letter case in names: Microsoft's page on tags
    total = len({name.lower() for name in (*said.merged(), OWNER, VERSION)})
    if total > MOST:
        why = f"{total} tags with properties, description and ours are more than {MOST}, the most of a resource"
        yield said.finding("tags", why)
    for kind, values in (("tags", tags), ("properties", properties)):
        for name, value in values.items():
            where = said.at(kind, name)
            yield from form_findings(where, name, value)
            # ours say whose a group is, and a later run believes them (decisions/owners.md)
            if name.lower().startswith(OURS) or (name.lower() == DESCRIPTION and described):
                yield Finding(where, f"the tag {name} is set by us; rename it")
        yield from twin_findings(said, kind, values)
    known = {name.lower(): name for name in tags}
    for name in sorted(properties):
        if (other := known.get(name.lower())) is not None:
            twin = "" if other == name else f" as {other}"
            yield said.finding("properties", f"{name} is also in tags{twin}, and both become tags; drop one", name)
    if len(said.description or "") > LONGEST_VALUE:
        why = f"a description is a tag, which holds {LONGEST_VALUE} characters; shorten it"
        yield said.finding("description", why)


def twin_findings(said: Declared, kind: str, names: Iterable[str]) -> Iterator[Finding]:
    """Judge names that differ in letter case alone: for the cloud they are one tag, and it refuses two."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.lower(), name)
        if other != name:
            yield said.finding(kind, f"{name} and {other} are one tag, whose name minds no letter case; drop one", name)


def form_findings(where: str, name: str, value: object) -> Iterator[Finding]:
    """Judge name and value of one tag, of whatever resource."""
    if not 1 <= len(name) <= LONGEST_NAME or _FORBIDDEN & set(name):
        why = f"a tag's name has 1 to {LONGEST_NAME} characters and none of < > % & \\ ? /; rename it"
        yield Finding(where, why)
    if name.lower().startswith(_RESERVED):
        yield Finding(where, f"{name} begins as Azure's own tags do ({', '.join(_RESERVED)}); rename it")
    if not isinstance(value, Unknown) and len(str(value)) > LONGEST_VALUE:
        why = f"the value has {len(str(value))} characters, a tag holds {LONGEST_VALUE}; shorten it"
        yield Finding(where, why)
