"""The shape of each resource's inputs: one table, from which come the type checks and the schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from ..core.errors import Finding
from ..properties import Secret, Unknown, Values

TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a text"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "array": ((list,), "a list"),
    "object": ((dict,), "a map"),
}


@dataclass(frozen=True)
class Field:
    """One property. ``kind`` is a JSON schema type; ``of`` the type of a list's or map's items; ``filled`` by check.

    ``fields`` is the shape of an object, or of the objects in a list.
    """

    kind: str
    doc: str
    required: bool = False
    of: str = "string"
    filled: bool = False
    secret: bool = False
    fields: Mapping[str, Field] | None = None


Fields = Mapping[str, Field]


def is_imported(values: Values, fields: Fields) -> bool:
    """Tell whether these are the inputs that an import read: only they have what otherwise ``check`` fills."""
    return any(field.filled and name in values for name, field in fields.items())


def shape_findings(values: Values, fields: Fields) -> list[Finding]:
    """Report every unknown, missing and wrongly typed property; unknown values are taken as right."""
    imported = is_imported(values, fields)
    findings = [Finding(name, _unknown(name, fields)) for name in values if name not in fields]
    for name, field in fields.items():
        if name not in values:
            if field.required and not imported:
                findings.append(Finding(name, f"{name} is missing; {field.doc}"))
            continue
        findings += _judged(name, values[name], field)
    return findings


def _judged(path: str, value: Any, field: Field) -> Iterable[Finding]:
    """Report on one value and, where the field says what shape it has, on all that is inside."""
    plain = value.value if isinstance(value, Secret) else value
    if isinstance(plain, Unknown) or field.fields is None:
        yield from _typed(path, plain, field.kind, field.of)
    elif field.kind == "array" and isinstance(plain, list):
        for index, item in enumerate(plain):
            yield from _judged(f"{path}[{index}]", item, replace(field, kind="object"))
    elif field.kind == "object" and isinstance(plain, dict):
        for inner in shape_findings(plain, field.fields):
            yield Finding(f"{path}.{inner.where}", f"in {path}: {inner.why}")
    else:
        yield from _typed(path, plain, field.kind, "any")


def with_secrets(values: Values, fields: Fields) -> Values:
    """Mark what the table calls secret as secret, also where the program forgot to, at any depth."""
    return {name: _marked(value, fields[name]) if name in fields else value for name, value in values.items()}


def _marked(value: Any, field: Field) -> Any:
    if isinstance(value, Secret):
        return value
    if field.secret:
        return Secret(value)
    if field.fields is None:
        return value
    if isinstance(value, list):
        return [with_secrets(item, field.fields) if isinstance(item, dict) else item for item in value]
    return with_secrets(value, field.fields) if isinstance(value, dict) else value


def port_findings(values: Values) -> list[Finding]:
    """Report a port that no machine has; an unknown one is taken as right."""
    port = values.get("port", 0)
    if isinstance(port, Unknown) or 0 <= port <= 65535:
        return []
    return [Finding("port", f"port {port} does not exist; write 0 (any free one) to 65535")]


def _typed(path: str, value: Any, kind: str, of: str) -> Iterable[Finding]:
    if isinstance(value, Secret):
        value = value.value
    if isinstance(value, Unknown):
        return
    types, words = TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean"):
        yield Finding(path, f"{path} must be {words}, not {_shown(value)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _typed(f"{path}[{index}]", item, of, "string")
    elif isinstance(value, dict) and of != "any":
        for key, item in value.items():
            yield from _typed(f'{path}["{key}"]', item, of, "string")


def _shown(value: Any) -> str:
    """Name the type only: the value itself may be a secret that was put in the wrong place."""
    for types, words in TYPES.values():
        if isinstance(value, types) and not (isinstance(value, bool) and bool not in types):
            return words
    return type(value).__name__


def _unknown(name: str, fields: Fields) -> str:
    close = get_close_matches(name, [known for known, field in fields.items() if not field.filled], 1)
    known = ", ".join(sorted(known for known, field in fields.items() if not field.filled))
    return f"unknown property {name}; " + (f"did you mean {close[0]}?" if close else f"known are {known}")


def differing(old: Values, new: Values, ignored: Iterable[str]) -> list[str]:
    """Return the paths that differ: ``name``, or ``name["key"]`` for each entry of a map that differs."""
    paths: list[str] = []
    for name in sorted((old.keys() | new.keys()) - set(ignored)):
        before, after = _bare(old.get(name)), _bare(new.get(name))
        if isinstance(before, dict) and isinstance(after, dict):
            keys = sorted(before.keys() | after.keys())
            paths += [f'{name}["{key}"]' for key in keys if _bare(before.get(key)) != _bare(after.get(key))]
        elif before != after:
            paths.append(name)
    return paths


def _bare(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value
