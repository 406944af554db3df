"""Tags of a container group: those of the user, and ours, which say whose it is."""

from __future__ import annotations

from collections.abc import Mapping

from ....model.group import Group
from ....model.tag import DESCRIPTION, OURS, Tags
from ...protocol import GroupSpec
from ..ownership import owner_tags


def tags_of(spec: GroupSpec) -> dict[str, str]:
    """Return all tags: those of v1's ``tags`` and ``properties``, the description, and the owner."""
    # ours come last: nobody's tag makes a group somebody else's
    named = {**spec.declared.tagged.merged(), **owner_tags(spec.owner)}
    return {name: str(named[name]) for name in sorted(named)}


def from_arm(tags: Mapping[str, str], known: Group | None) -> Tags:
    """Return tags, v1's properties and the description; tags of our own are nobody else's."""
    said = known.tagged if known else Tags()
    apart = {name: tags[name] for name in said.properties or {} if name in tags}
    # ARM has one map for what v1 had two of, so only the declaration tells which is which
    rest = {name: value for name, value in tags.items() if not name.startswith(OURS) and name not in apart}
    text = None if DESCRIPTION in (said.tags or {}) else rest.pop(DESCRIPTION, None)
    return Tags(tags=rest or None, properties=apart or None, description=text or None)
