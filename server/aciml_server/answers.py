"""Answers as JSON: the forms that all errors and results have."""

from __future__ import annotations

import json
from typing import Any, Optional, Tuple

from .values import JSON, Answer


def to_json(value: Any) -> bytes:
    """Write a value as v1 does (``json.dumps`` with its spaces, NaN included), numpy and pandas by their own words.

    Raises:
        TypeError, ValueError, RecursionError: the value is no JSON.
    """
    return json.dumps(value, default=plain).encode()


def refusal(
    status: int, message: str, headers: Tuple[Tuple[str, str], ...] = (), failed: Optional[bool] = None
) -> Answer:
    """Answer with ``{"message": ...}``, the form of all errors."""
    return Answer(status, json.dumps({"message": message}).encode(), JSON, headers, failed)


def plain(value: Any) -> Any:
    """Turn numpy scalars and arrays (and all that has ``tolist``) into Python's own, without importing numpy."""
    tolist = getattr(value, "tolist", None)
    if callable(tolist):
        return tolist()
    raise TypeError("%s is not JSON serialisable" % type(value).__name__)
