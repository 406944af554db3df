"""A golden file's text: as YAML for people, whose values are written as JSON, or as lines of JSON."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .file import VERSION
from .request import APPLICATION_JSON, OCTETS, Expected, Golden, Request, is_json, is_text
from .tolerance import DEFAULT, Rule, Tolerance

_WIDE = 110
_LONGEST_NAME = 1000  # YAML 1.2, 7.4.2: a key without ? has at most 1024 letters
# YAML 1.2, 5.1: what is not printable must be escaped, and JSON leaves these as they are
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def as_yaml(golden: Golden) -> str:
    """Return the file as YAML."""
    return "".join(f"{line}\n" for line in _yaml(golden))


def as_lines(golden: Golden) -> str:
    """Return the file as lines of JSON."""
    rows: list[Mapping[str, Any]] = [_top(golden), *map(_row, golden.requests)]
    return "".join(f"{_printable(json.dumps(row, ensure_ascii=False))}\n" for row in rows)


def _yaml(golden: Golden) -> Iterator[str]:
    top = _top(golden)
    yield "# requests, and the answers that they have to get; `aciml golden record` writes them anew"
    for key, value in top.items():
        if key == "tolerances":
            yield f"{key}:"
            yield from (f"  - {_flow(one)}" for one in value)
        else:
            yield f"{key}: {_flow(value)}"
    yield "requests:"
    for request in golden.requests:
        lead = "  - "
        for key, value in _row(request).items():
            if key == "expect":
                yield f"{lead}expect:"
                yield from (f"      {name}: {_block(one, 8)}" for name, one in value.items())
            else:
                yield f"{lead}{key}: {_block(value, 6)}"
            lead = "    "


def _top(golden: Golden) -> dict[str, Any]:
    top: dict[str, Any] = {"golden": VERSION}
    if golden.recorded:
        top["recorded"] = dict(golden.recorded)
    if golden.tolerance != DEFAULT:
        top["tolerance"] = _tolerance(golden.tolerance)
    if golden.rules:
        top["tolerances"] = [_rule(one) for one in golden.rules]
    return top


def _row(request: Request) -> dict[str, Any]:
    row: dict[str, Any] = {"name": request.name, "path": request.path}
    if request.method != ("GET" if request.body is None else "POST"):
        row["method"] = request.method
    word, value, kind = _body(request)
    if request.content_type != kind and request.body is not None:
        row["content_type"] = request.content_type
    if request.headers:
        row["headers"] = dict(request.headers)
    # the body last but the answer: the short words of a request are read before it
    if word:
        row[word] = value
    if request.rules:
        row["tolerances"] = [_rule(one) for one in request.rules]
    if request.expected is not None:
        row["expect"] = _expect(request.expected)
    return row


def _body(request: Request) -> tuple[str, Any, str]:
    """Return the word of a body, what is written there, and the content type that the word implies."""
    body = request.body
    if body is None:
        return "", None, APPLICATION_JSON
    if request.file:
        # a file stays a file: its content may be binary, and belongs to somebody else's tool
        return "file", request.file, ""
    if is_json(request.content_type):
        try:
            return "json", json.loads(body), APPLICATION_JSON
        except (ValueError, RecursionError):
            pass  # a request that is wrong on purpose
    if is_json(request.content_type) or is_text(request.content_type):
        try:
            return "text", body.decode(), "text/plain"
        except UnicodeDecodeError:
            pass
    return "base64", base64.b64encode(body).decode(), OCTETS


def _expect(expected: Expected) -> dict[str, Any]:
    row: dict[str, Any] = {"status": expected.status}
    if expected.content_type:
        row["content_type"] = expected.content_type
    if expected.kind != "any":
        row[expected.kind] = expected.value
    if expected.size is not None:
        row["size"] = expected.size
    return row


def _rule(rule: Rule) -> dict[str, Any]:
    return {"path": rule.pattern.text, **_tolerance(rule.tolerance)}


def _tolerance(tolerance: Tolerance) -> dict[str, Any]:
    row: dict[str, Any] = {"absolute": tolerance.absolute, "relative": tolerance.relative}
    said = {word: value for word, value in row.items() if value}
    # nothing but zeros is a word as well: exactly equal
    return {**said, "ignore": True} if tolerance.ignore else said or row


def _block(value: Any, indent: int) -> str:
    """Return a value in one line, or with a line for each of its parts if that is too wide; parts are in one line."""
    line = _flow(value)
    if len(line) <= _WIDE or not isinstance(value, dict | list):
        return line
    left, right = "{}" if isinstance(value, dict) else "[]"
    pad = " " * (indent + 2)
    rows = [_member(*one) for one in value.items()] if isinstance(value, dict) else map(_flow, value)
    return f"{left}\n" + ",\n".join(pad + row for row in rows) + f"\n{' ' * indent}{right}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(_member(*one) for one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    # JSON has no such numbers, YAML 1.2 has (10.3.2)
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return _printable(json.dumps(value, ensure_ascii=False))


def _member(key: str, value: Any) -> str:
    name = _printable(json.dumps(key, ensure_ascii=False))
    return f"{'? ' if len(name) > _LONGEST_NAME else ''}{name}: {_flow(value)}"


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
