"""What is sent back, as a value: the same for every front."""

from __future__ import annotations

import json
from typing import Any, Mapping, NamedTuple, Optional

JSON = "application/json"


class Answer(NamedTuple):
    """A status, headers beside the usual ones, and a body. ``challenge`` of a 401 is among the headers."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    content_type: str = JSON


def as_json(status: int, value: Any, headers: Optional[Mapping[str, str]] = None) -> Answer:
    """Answer with a JSON document.

    Raises:
        TypeError, ValueError, RecursionError: the value is no JSON.
    """
    return Answer(status, headers or {}, json.dumps(value, default=_plain).encode())


def refusal(status: int, message: str, headers: Optional[Mapping[str, str]] = None) -> Answer:
    """Answer with ``{"message": ...}``, the form of all errors."""
    return as_json(status, {"message": message}, headers)


def _plain(value: Any) -> Any:
    """Turn numpy scalars and arrays (and all that has ``tolist``) into Python's own, without importing numpy."""
    tolist = getattr(value, "tolist", None)
    if callable(tolist):
        return tolist()
    raise TypeError("%s is not JSON serialisable" % type(value).__name__)
