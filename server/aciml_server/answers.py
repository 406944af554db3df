"""Answers as JSON: the forms that all errors and results have."""

from __future__ import annotations

import json
import sys
from typing import Any, Callable, Optional, Tuple, Union

from .values import FAILED, JSON, Answer, Stream

_INFINITY = float("inf")
_TRUE, _FALSE = FAILED + ": True\r\n", FAILED + ": False\r\n"


def to_json(value: Any) -> bytes:
    """Write a value as v1 does (``json.dumps`` with its spaces, NaN included), and what v1 refuses as ``plain`` has it.

    Raises:
        TypeError, ValueError, RecursionError: the value is no JSON.
    """
    return json.dumps(value, default=plain).encode()


def refusal(
    status: int,
    message: str,
    headers: Tuple[Tuple[str, str], ...] = (),
    failed: Optional[bool] = None,  # noqa: FBT001
) -> Answer:
    """Answer with ``{"message": ...}``, the form of all errors."""
    return Answer(status, json.dumps({"message": message}).encode(), JSON, headers, failed)


def timed_out(limit_ms: float, headers: Tuple[Tuple[str, str], ...] = ()) -> Answer:
    """Answer that ``run`` took longer than it may."""
    # 500, in v1's words: its server says so, and only its front end made 504 of it (ACIML_V1_GATEWAY_CODES)
    return refusal(500, "Scoring timeout after %d ms" % limit_ms, headers, failed=True)._replace(late=True)


def head_of(answer: Union[Answer, Stream]) -> bytes:
    """Return the header lines of an answer, as HTTP/1.1 writes them."""
    # a script may take it away: then its client is told none (RFC 9110, section 8.3)
    lines = "content-type: " + answer.content_type + "\r\n" if answer.content_type else ""
    if answer.failed is not None:
        lines += _TRUE if answer.failed else _FALSE
    for name, value in answer.headers:
        lines += name + ": " + value + "\r\n"
    # what else a field value has is opaque bytes to HTTP (RFC 9110,
    # section 5.5); a script's letter must not cost the answer
    return lines.encode("latin-1", "replace")


def plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does, without importing numpy or pandas.

    Arrays, series and their scalars become lists and numbers, data frames lists of records, dates ISO 8601 texts, a
    Decimal a number, dataclasses and pydantic models objects, enumerations their values, UUIDs texts, sets lists; what
    is missing (NaT, NA), and NaN and infinity in arrays and frames, null.

    Raises:
        TypeError: there is no such form.
    """
    if getattr(getattr(value, "dtype", None), "kind", "") == "M" and hasattr(value, "astype"):
        value = value.astype("datetime64[us]")  # finer ones give integers
    for name, form in _FORMS:
        # by what it can do, not by its class: to name a class is to import its library
        method = getattr(value, name, None)
        if method is not None:
            return form(value)
    kind = type(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    # by its name: to import `uuid` for the question alone would cost every worker
    if kind.__name__ == "UUID":
        return str(value)
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(value, enum.Enum):
        return value.value
    # pandas.NA has none of the methods above, and is null in pandas' own JSON
    if kind.__name__ == "NAType":
        return None
    raise TypeError("%s is not JSON serialisable" % kind.__name__)


def _records(value: Any) -> Any:
    # what is missing is NaN in a frame, which is no JSON; pandas' own writes null for it, too
    return [{name: _finite(one) for name, one in row.items()} for row in value.to_dict(orient="records")]


def _numbers(value: Any) -> Any:
    found = value.tolist()
    # a comparison of the whole is cheap where all is well, which is nearly always
    kind = getattr(getattr(value, "dtype", None), "kind", "O")
    if kind not in "fO" or (kind == "f" and bool(((value == value) & (abs(value) != _INFINITY)).all())):  # noqa: PLR0124  # NaN
        return found
    return _finite(found)


def _finite(value: Any) -> Any:
    """Return null for a number that JSON does not have (RFC 8259, section 6), in lists at any depth."""
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not -_INFINITY < value < _INFINITY else value


def _fields(value: Any) -> Any:
    return {name: getattr(value, name) for name in type(value).__dataclass_fields__}


_FORMS: Tuple[Tuple[str, Callable[[Any], Any]], ...] = (
    ("tolist", _numbers),
    ("isoformat", lambda value: value.isoformat() if value == value else None),  # noqa: PLR0124  # NaT is not itself
    ("__dataclass_fields__", _fields),
    ("as_integer_ratio", float),  # decimal.Decimal
    # before `columns`: frames of polars have those, too, but their `to_dict` knows no `orient`
    ("to_dicts", lambda value: value.to_dicts()),  # polars
    ("columns", _records),  # pandas
    ("model_dump", lambda value: value.model_dump(mode="json")),
)
"""What an object has, and the form it gets then; the first counts."""
