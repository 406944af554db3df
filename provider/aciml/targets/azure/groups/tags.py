"""Tags of a container group: those of the user, and ours, which say whose it is."""

from __future__ import annotations

from collections.abc import Mapping

from ....model.group import Group
from ....model.tag import DESCRIPTION, OURS, Tags
from ...protocol import GroupSpec
from ..ownership import owner_tags
from ..tagged import folded, of_ours


def tags_of(spec: GroupSpec) -> dict[str, str]:
    """Return all tags: those of v1's ``tags`` and ``properties``, the description, and the owner."""
    # ours come last: nobody's tag makes a group somebody else's
    named = {**spec.declared.tagged.merged(), **owner_tags(spec.owner)}
    return {name: str(named[name]) for name in sorted(named)}


def from_arm(tags: Mapping[str, str], known: Group | None) -> Tags:
    """Return tags, v1's properties and the description, with names as they are declared.

    What is not declared somebody else has set, such as a policy, and is his affair. Without ``known`` all are told but
    ours, which are nobody else's.
    """
    if known is None:
        rest = {name: value for name, value in tags.items() if not name.lower().startswith(OURS)}
        text = rest.pop(DESCRIPTION, None)
        return Tags(tags=rest or None, description=text or None)
    said = known.tagged
    # ARM has one map for what v1 had two of, so only the declaration tells which is which
    own, apart = of_ours(tags, said.tags), of_ours(tags, said.properties)
    text = folded(tags).get(DESCRIPTION) if said.description else None
    return Tags(tags=own or None, properties=apart or None, description=text or None)
