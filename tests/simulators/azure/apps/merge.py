"""JSON merge patch (RFC 7396): null takes away, objects are merged, and all else, arrays too, is replaced whole."""

from __future__ import annotations

import copy
from typing import Any


def merged(there: Any, patch: Any) -> Any:
    """Return what is there with a patch on it."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(there) if isinstance(there, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def without_nulls(node: Any) -> Any:
    """Return a body without what is null in it: a PUT takes that for left out."""
    if isinstance(node, dict):
        return {name: without_nulls(value) for name, value in node.items() if value is not None}
    return [without_nulls(one) for one in node] if isinstance(node, list) else node
