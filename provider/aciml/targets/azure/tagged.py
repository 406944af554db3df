"""Tags of a resource in Azure, of which others have some too: policies set theirs, and a name minds no letter case.

Source: Microsoft, "Use tags to organize your Azure resources" (names are case-insensitive, values are not) and the
built-in policies "Inherit a tag from the resource group" and "Add a tag to resources".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...model.tag import OURS

Tagging = Mapping[str, str]


def merged(wanted: Tagging, seen: Tagging | None, dropped: Iterable[str] = ()) -> dict[str, str]:
    """Return all tags that a resource is to have: those that are wanted, and those that others have set.

    Args:
        wanted: all of ours.
        seen: what is there; of names that differ in letter case alone ours win.
        dropped: names that were ours and are no longer.
    """
    # a request with our tags alone would take a policy's away, which sets them again: a quarrel without an end
    gone = {name.lower() for name in (*wanted, *dropped)}
    others = {name: value for name, value in (seen or {}).items() if name.lower() not in gone}
    return {**{name: value for name, value in others.items() if not name.lower().startswith(OURS)}, **wanted}


def folded(tags: Tagging | None) -> dict[str, str]:
    """Return tags in which the letter case of names does not count."""
    return {name.lower(): value for name, value in (tags or {}).items()}


def dropped(old: Tagging, new: Tagging) -> tuple[str, ...]:
    """Name the tags that are no longer wanted."""
    kept = folded(new)
    return tuple(name for name in old if name.lower() not in kept)


def of_ours(seen: Tagging | None, declared: Tagging | None) -> dict[str, str]:
    """Return the tags that are declared as they are there, with their names as they are declared."""
    found = folded(seen)
    return {name: found[name.lower()] for name in declared or {} if name.lower() in found}
