"""Which items of a list differ, so that a new one in the middle does not show all that stand behind it as changed.

The engine shows what a path of the detailed diff names, with the old value at that place of the old list and the new
one at that place of the new. So each item that comes or goes gets a path of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Literal

from .core.image import canonical_json

Change = Literal["added", "removed", "changed"]
_MOST = 500
"""Items of a list that are compared: the time grows with the square."""


def changed_items(before: Sequence[Any], after: Sequence[Any]) -> dict[int, Change]:
    """Return what happens at each index; empty if the lists are too long to be told apart.

    Args:
        before: items of the old list, without secret wrappers and known.
        after: items of the new one, the same.
    """
    if len(before) > _MOST or len(after) > _MOST:
        return {}
    # texts compare and hash alike, and items may be maps
    old, new = ([canonical_json([item]) for item in items] for items in (before, after))
    gone: set[int] = set()
    come: set[int] = set()
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            gone.update(range(old_from, old_to))
            come.update(range(new_from, new_to))
    found: dict[int, Change] = dict.fromkeys(gone - come, "removed")
    found |= dict.fromkeys(come - gone, "added")
    return found | dict.fromkeys(gone & come, "changed")
