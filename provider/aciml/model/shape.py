"""The shape of each resource's inputs: one table, from which come the type checks and the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..core.errors import Finding
from ..core.lean import lean
from ..core.meant import either, meant
from ..properties import UNKNOWN, Foreign, Secret, Unknown, Values, reveal

TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a text"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "array": ((list,), "a list"),
    "object": ((dict,), "a map"),
}
_LONGEST = 60
"""Characters of a wrong word that are repeated."""
REFERENCE = "the name of the image"
"""Where a registry and a repository are read."""
_AS_TEXT = "write it as plain text, without --secret in the stack config or by Output.unsecret in a program"
# a message that names forty rules of lint is not read
_MANY = 10
"""Words that are all named; of more the one that was meant is enough."""


@lean(frozen=True)
class Cost:
    """What a change of a property costs where it runs, and who says so.

    ``in_place``: the same thing is changed; ``tags``: its tags alone; ``replace``: it is made anew; ``none``: nothing
    is sent.
    """

    action: Literal["in_place", "tags", "replace", "none"]
    source: str


@dataclass(frozen=True)
class Field:
    """One property: what kind of value it has, and what may be said.

    - ``kind`` is a JSON schema type; ``of`` the type of a list's or map's items, or ``any``. In a declared class
      (``declared.py``) both come from the type beside the field, and ``required``, ``default`` and ``fields`` too.
    - ``filled``: by check, not by the user. ``secret``: never shown again. ``shown``: where others read the value
      whatever we do, so that it cannot be a secret; the end of a sentence, such as ``the URL of the service``.
    - ``fields`` is the shape of an object, or of the objects in a list.
    - ``words`` are all that a text, or a text in a list, may be; in any letter case if ``any_case``; ``blank``: an
      empty text is one that says nothing.
    - ``fault`` says what is wrong with a text, as the rest of a sentence that begins with its name; empty: nothing.
    - ``least`` and ``most`` bound a number, both included; ``unit`` is what it counts.
    - ``default`` is what holds if nothing is said, on every target; None if that depends, or is nothing.
    - ``scope``: ``cloud`` for what has no effect on this machine, where it is judged and then passed over.
    - ``cost`` of a change in the cloud; None for a part of a property, whose cost is that of the whole.
    """

    doc: str
    kind: str = ""
    required: bool = False
    of: str = "string"
    filled: bool = False
    secret: bool = False
    shown: str = ""
    fields: Mapping[str, Field] | None = None
    words: tuple[str, ...] = ()
    any_case: bool = False
    blank: bool = False
    fault: Callable[[str], str] | None = None
    default: Any = None
    least: float | None = None
    most: float | None = None
    unit: str = ""
    scope: Literal["any", "cloud"] = "any"
    cost: Cost | None = None


Fields = Mapping[str, Field]


def is_imported(values: Values, fields: Fields) -> bool:
    """Tell whether these are the inputs that an import read: only they have what otherwise ``check`` fills."""
    return any(field.filled and name in values for name, field in fields.items())


def shape_findings(values: Values, fields: Fields) -> list[Finding]:
    """Report all that is wrong with each property by itself: kinds and names, words, ranges, secrets; at any depth."""
    return [*kind_findings(values, fields), *word_findings(values, fields), *shown_findings(values, fields)]


def kind_findings(values: Values, fields: Fields) -> list[Finding]:
    """Report every unknown, missing and wrongly typed property; unknown values are taken as right."""
    imported = is_imported(values, fields)
    findings = [Finding(name, _unknown(name, fields)) for name in values if name not in fields]
    for name, field in fields.items():
        if name not in values:
            # an import knows what was made, not from which folders
            if field.required and not imported:
                findings.append(Finding(name, f"{name} is missing; {field.doc}"))
            continue
        findings += _judged(name, values[name], field)
    return findings


def _judged(path: str, value: Any, field: Field) -> Iterable[Finding]:
    """Report on one value and, where the field says what shape it has, on all that is inside."""
    plain = _bare(value)
    if isinstance(plain, Unknown) or field.fields is None:
        yield from _typed(path, plain, field.kind, field.of)
    elif field.kind == "array" and isinstance(plain, list):
        for index, item in enumerate(plain):
            # the row describes the list; each of its items is an object of the same fields
            yield from _judged(f"{path}[{index}]", item, replace(field, kind="object"))
    elif field.kind == "object" and isinstance(plain, dict):
        yield from _inside(path, kind_findings(plain, field.fields))
    else:
        yield from _typed(path, plain, field.kind, "any")


def _inside(path: str, findings: Iterable[Finding]) -> Iterable[Finding]:
    for inner in findings:
        # the engine shows the sentence without the path where it has no property of that depth
        yield Finding(f"{path}.{inner.where}", f"in {path}: {inner.why}")


def word_findings(values: Values, fields: Fields) -> list[Finding]:
    """Report every word that does not exist and every number out of its range; wrong kinds are passed over."""
    named = ((name, field) for name, field in fields.items() if name in values)
    return [finding for name, field in named for finding in _worded(name, values[name], field, secret=field.secret)]


def shown_findings(values: Values, fields: Fields) -> list[Finding]:
    """Report every secret at a place that others can read; they would have it, and nobody would know."""
    return [one for name, value in values.items() if name in fields for one in _shown_in(name, value, fields[name])]


def _shown_in(path: str, value: Any, field: Field) -> Iterable[Finding]:
    if isinstance(value, Secret):
        # what is secret as a whole is judged at its top: inside of it all is
        inner = {one.shown for one in (field.fields or {}).values() if one.shown and not field.shown}
        for place in [field.shown] if field.shown else sorted(inner):
            # what is not known yet may be null
            if not isinstance(_bare(value), Unknown):
                yield Finding(path, f"{path} is a secret and would stand in {place}, where others read it; {_AS_TEXT}")
    elif isinstance(value, dict):
        for name, inner_value in value.items():
            if field.fields is None:
                yield from _shown_in(f'{path}["{name}"]', inner_value, field)
            elif name in field.fields:
                yield from _shown_in(f"{path}.{name}", inner_value, field.fields[name])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _shown_in(f"{path}[{index}]", item, field)


def _worded(path: str, value: Any, field: Field, *, secret: bool) -> Iterable[Finding]:
    value, secret = _bare(value), secret or isinstance(value, Secret)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _worded(f"{path}[{index}]", item, field, secret=secret)
    elif isinstance(value, dict):
        yield from _inside(path, word_findings(value, field.fields) if field.fields else ())
    elif why := _fault(path, value, field, secret=secret):
        yield Finding(path, why)


def _fault(name: str, value: Any, field: Field, *, secret: bool) -> str:
    """Say what is wrong with one text or number; a secret is not repeated."""
    if isinstance(value, str) and field.words and not _is_word(value, field):
        close = "" if secret else meant(value, field.words)
        known = "" if close and len(field.words) > _MANY else f"; write {either(field.words)}"
        said = f"the secret text of {name} is none of its words" if secret else f'{name} is "{_short(value)}"'
        return f"{said}{known}" + (f"; did you mean {close}?" if close else "")
    if isinstance(value, str) and field.fault and (wrong := field.fault(value)):
        # `fault` says what is wrong with the text, and mostly repeats it
        return f"the secret text of {name} is not right" if secret else f"{name} {wrong}"
    # a bool is an int for Python, and 15 digits show a number as it was typed, without .0 or an exponent
    if isinstance(value, int | float) and not isinstance(value, bool) and not _is_in_range(value, field):
        said = f"the secret number of {name} is out of range" if secret else f"{name} is {value:.15g}"
        return f"{said}; write {range_of(field)}"
    return ""


def _is_word(text: str, field: Field) -> bool:
    if field.any_case:
        return text.lower() in map(str.lower, field.words)
    return text in field.words or (field.blank and not text)


def _is_in_range(value: float, field: Field) -> bool:
    return (field.least is None or field.least <= value) and (field.most is None or value <= field.most)


def range_of(field: Field) -> str:
    """Return ``1 to 5``, ``1 or more`` or ``5 or less``; empty if nothing bounds it."""
    if field.least is None:
        return "" if field.most is None else f"{field.most:.15g} or less"
    return f"{field.least:.15g} or more" if field.most is None else f"{field.least:.15g} to {field.most:.15g}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def sound(values: Values, fields: Fields, *, ranges: bool = True) -> Values:
    """Return what is right, without secret wrappers: the wrong is unknown, and what no field names is left out.

    So whoever judges further meets only values of the right kind, absent ones (as None is), and ``UNKNOWN``.

    Args:
        values: as they are given.
        fields: the table.
        ranges: whether a number out of its range is wrong.
    """
    given = {name: field for name, field in fields.items() if values.get(name) is not None}
    return {name: _sound(values[name], field, ranges=ranges) for name, field in given.items()}


def _sound(value: Any, field: Field, *, ranges: bool) -> Any:
    plain = _bare(value)
    plain = list(plain) if isinstance(plain, tuple) else dict(plain) if isinstance(plain, Mapping) else plain
    if field.of == "any" and isinstance(plain, list | dict):
        # no row says what is inside; all that can be wrong is the kind of the whole
        return reveal(plain) if isinstance(plain, TYPES[field.kind][0]) else UNKNOWN
    if isinstance(plain, list) and field.kind == "array":
        item = replace(field, kind="object" if field.fields is not None else field.of)
        return [_sound(one, item, ranges=ranges) for one in plain]
    if isinstance(plain, dict) and field.kind == "object":
        if field.fields is not None:
            return sound(plain, field.fields, ranges=ranges)
        # the values of a map are judged like the property itself, by its own words and ranges
        item = replace(field, kind=field.of, of="string")
        return {key: _sound(one, item, ranges=ranges) for key, one in plain.items()}
    wrong = any(_typed("", plain, field.kind, field.of)) or isinstance(plain, Unknown)
    # never shown: this decides only, the finding is told elsewhere
    wrong = wrong or (bool(_fault("", plain, field, secret=True)) and (ranges or isinstance(plain, str)))
    return UNKNOWN if wrong else plain


def with_secrets(values: Values, fields: Fields, mark: Callable[[Any], Any] = Secret) -> Values:
    """Mark what the table calls secret as secret, also where the program forgot to, at any depth.

    ``mark`` is called on each of these, if something else is to be made of it; one that is marked already stays.
    """
    return {name: _marked(value, fields[name], mark) if name in fields else value for name, value in values.items()}


def _marked(value: Any, field: Field, mark: Callable[[Any], Any]) -> Any:
    if isinstance(value, Secret):
        return value
    if field.secret:
        return mark(value)
    if field.fields is None:
        return value
    if isinstance(value, list):
        return [with_secrets(item, field.fields, mark) if isinstance(item, dict) else item for item in value]
    return with_secrets(value, field.fields, mark) if isinstance(value, dict) else value


def _typed(path: str, value: Any, kind: str, of: str) -> Iterable[Finding]:
    value = _bare(value)
    if isinstance(value, Unknown):
        return
    types, words = TYPES[kind]
    # a bool is an int for Python: true would pass for 1
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
    return value.words if isinstance(value, Foreign) else type(value).__name__


def _unknown(name: str, fields: Fields) -> str:
    known = sorted(known for known, field in fields.items() if not field.filled)
    # what check fills is no help for a misspelt name: nobody may write it
    close = meant(name, known)
    return f"unknown property {name}; " + (f"did you mean {close}?" if close else f"known are {', '.join(known)}")


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
    while isinstance(value, Secret):
        value = value.value
    return value
