"""Values of what is declared: a frozen class a subject, whose fields are the one table that all else derives from.

A field is written once, with its type, and beside it the words, ranges, unit, secrecy, scope and cost of its change::

    @lean(frozen=True, kw_only=True)
    class HttpGet(Declared):
        port: Annotated[int, Field("port to ask", least=1, most=65535)]
        path: Annotated[str, Field("path to ask; / without it")] = "/"

``table_of`` makes the property table of it (``port`` and ``path``, by their names on the wire), ``read`` a value of
what came over the wire, ``written`` the way back. A class inside is an object there, a tuple of them a list of
objects; a field that is ``SPREAD`` sorts properties that the wire has side by side, such as the server's settings.

No ``from __future__ import annotations`` in the modules of such classes: the table is read at each start of the plugin
and of a program, and would compile the text of each annotation (8 ms of CPU, twice a preview).
"""

import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Self, TypeVar

from ..core.casing import camel_case
from ..core.errors import Finding
from ..core.lean import lean, once_a_class
from ..properties import Unknown, Values
from .shape import Field, Fields

Made = TypeVar("Made", bound="Declared")
_KINDS: Mapping[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


@lean(frozen=True)
# the wire has them side by side, so that a diff, an import and the state name each by
# itself, and a subject can be cut otherwise without a new state (decisions/arguments.md)
class Spread:
    """Marks a field whose class has properties of the level above."""


@lean(frozen=True)
class Named:
    """Gives a field a name on the wire that does not follow from Python's."""

    wire: str


SPREAD = Spread()


@lean(frozen=True, kw_only=True)
class Declared:
    """Base of what is declared. Values are compared by what they say, not by where they stand.

    ``where`` is the property path of the value, empty at the top. ``unsure`` names the fields that are given and not
    known yet: they read as if they were not given, so a rule that minds asks ``knows`` or ``is_unsure`` first.
    Names are those of Python, here and in ``at``; one that the class does not have raises ``KeyError``, at once.
    """

    # no part of what a value is: two equal volumes at different places of a list are one volume
    where: str = field(default="", repr=False, compare=False)
    unsure: frozenset[str] = field(default=frozenset(), repr=False)

    def __init_subclass__(cls) -> None:
        """Keep ``__repr__``: the decorator writes none where a class has its own."""
        setattr(cls, "__repr__", Declared._shown)  # noqa: B010 - mypy takes no other method for it

    def _shown(self) -> str:
        """Show what is given, without what is secret: values end up in messages and logs."""
        rows = {name: part.row for name, part in parts_of(type(self)).items() if getattr(self, name) not in (None, ())}
        shown = (f"{name}={'[secret]' if row.secret else repr(getattr(self, name))}" for name, row in rows.items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def at(self, name: str, key: int | str | None = None) -> str:
        """Return the property path of a field, of an item of its list, or of an entry of its map."""
        wire = parts_of(type(self))[name].wire
        # Pulumi's property paths: a key is quoted, since it may hold dots
        inside = "" if key is None else f"[{key}]" if isinstance(key, int) else f'["{key}"]'
        return (f"{self.where}.{wire}" if self.where else wire) + inside

    def finding(self, name: str, why: str, key: int | str | None = None) -> Finding:
        """Return a finding about a field, an item, or an entry."""
        return Finding(self.at(name, key), why)

    def is_unsure(self, *names: str) -> bool:
        """Tell whether any of these is given and not known yet, so that nobody can say that it is missing."""
        # looked up first, so that a misspelt name is an error and not just False
        return any(parts_of(type(self))[name] and name in self.unsure for name in names)

    def knows(self, *names: str) -> list[str]:
        """Return which of these are given and known."""
        # the look-up again: a name that does not exist must not count as not given
        return [name for name in names if parts_of(type(self))[name] and getattr(self, name) not in (None, ())]

    @property
    def is_silent(self) -> bool:
        """Tell whether nothing at all is given."""
        return not self.unsure and not self.knows(*parts_of(type(self)))

    def texts(self, name: str) -> Iterator[tuple[str, str]]:
        """Give path and text of what is known in a list of texts; in ``getattr`` the unknown ones keep their places."""
        for index, item in enumerate(getattr(self, name) or ()):
            if not isinstance(item, Unknown):
                yield self.at(name, index), str(item)

    def but(self, **changes: Any) -> Self:
        """Return another value that says something else."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Part:
    """One field of a declared class: Python's name, that of the wire, the row of the table, and the class inside.

    ``needed``: no value can be made without it. ``marks`` are all that stands beside the type, for those who put it
    there.
    """

    name: str
    wire: str
    row: Field
    inside: type[Declared] | None = None
    spread: bool = False
    needed: bool = False
    marks: tuple[Any, ...] = ()


@once_a_class
def parts_of(cls: type[Any]) -> Mapping[str, Part]:
    """Return the fields of a class, by Python's names; those of ``Declared`` itself are none."""
    # what every value has tells where it stands, and is no property
    own = (one for one in fields(cls) if one.name not in ("where", "unsure"))
    return {one.name: _part(one.name, one.type, _default(one)) for one in own}


def _default(one: Any) -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def _part(name: str, hint: Any, default: Any) -> Part:
    if isinstance(hint, str):
        raise TypeError(f"{name} is declared by a text: its module must not import annotations from __future__")
    plain, *marks = typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint,)
    wire = next((mark.wire for mark in marks if isinstance(mark, Named)), camel_case(name))
    if SPREAD in marks:
        return Part(name, wire, Field(""), plain, spread=True, marks=tuple(marks))
    # a field without a row is a mistake of ours: the first table that is asked for ends with StopIteration, in every
    # test
    row = next(mark for mark in marks if isinstance(mark, Field))
    kind, of, inside = _kind(_bare(plain))
    # a default of Python that stands for "not given" is none of the table, which may have one of its own
    held = row.default if default in (MISSING, None, ()) or isinstance(default, Declared | Mapping) else default
    shape = table_of(inside) if inside else None
    said = {"kind": kind, "of": of, "required": row.required or default is MISSING, "default": held, "fields": shape}
    # not by `replace`, which asks for each of the twenty fields by name: 8 ms of a start, for all tables
    row = Field(**{**vars(row), "words": row.words or _words(_bare(plain)), **said})
    return Part(name, wire, row, inside, needed=default is MISSING, marks=tuple(marks))


def _bare(annotation: Any) -> Any:
    """Take ``None`` off an annotation."""
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return next(one for one in typing.get_args(annotation) if one is not type(None))
    return annotation


def _kind(plain: Any) -> tuple[str, str, type[Declared] | None]:
    """Return kind, kind of the items, and the class of the value or of each item."""
    origin, inner = typing.get_origin(plain), typing.get_args(plain)
    if origin is typing.Literal:
        return _KINDS[type(inner[0])], "string", None
    if origin is tuple:
        of, _, inside = _kind(inner[0])
        return "array", of, inside
    if origin in (Mapping, dict):
        return "object", "any" if inner[1] is Any else _kind(inner[1])[0], None
    if isinstance(plain, type) and issubclass(plain, Declared):
        return "object", "string", plain
    return _KINDS[plain], "string", None


def _words(plain: Any) -> tuple[str, ...]:
    return typing.get_args(plain) if typing.get_origin(plain) is typing.Literal else ()


def wires_of(cls: type[Any], *names: str) -> tuple[str, ...]:
    """Return the names on the wire of some fields of a class, for whoever holds properties and no value of it."""
    parts = parts_of(cls)
    return tuple(parts[name].wire for name in names)


@once_a_class
def table_of(cls: type[Any]) -> Fields:
    """Return the table of a class, by names of the wire; what is spread stands beside the rest."""
    table: dict[str, Field] = {}
    for part in parts_of(cls).values():
        table |= table_of(part.inside) if part.spread and part.inside else {part.wire: part.row}
    return table


@once_a_class
def wire_paths(cls: type[Any]) -> Mapping[str, tuple[str, ...]]:
    """Return where each property of the wire is found in a value: the names that lead to it."""
    paths: dict[str, tuple[str, ...]] = {}
    for part in parts_of(cls).values():
        inner = wire_paths(part.inside) if part.spread and part.inside else {part.wire: ()}
        paths |= {wire: (part.name, *path) for wire, path in inner.items()}
    return paths


def read(cls: type[Made], values: Mapping[str, Any], where: str = "") -> Made:
    """Return the value that properties say.

    Args:
        cls: what they are.
        values: by names of the wire, as ``shape.sound`` leaves them: right kinds, no secret wrappers, ``UNKNOWN`` where
            something is not known; more names than the class has are passed over.
        where: path of the value.
    """
    said: dict[str, Any] = {}
    unsure: set[str] = set()
    for part in parts_of(cls).values():
        # what is spread lies among its neighbours: the inner class takes its own names out of all of them
        value = values if part.spread else values.get(part.wire)
        if isinstance(value, Unknown):
            unsure.add(part.name)
        elif value is not None:  # null on the wire is the same as nothing
            said[part.name] = _value(part, value, where)
        if part.needed and part.name not in said:
            said[part.name] = None  # not given, or not known yet: who judges asks ``knows``, who acts has it
    return cls(**said, where=where, unsure=frozenset(unsure))


def _value(part: Part, value: Any, where: str) -> Any:
    if part.spread and part.inside:
        return read(part.inside, value, where)
    path = f"{where}.{part.wire}" if where else part.wire
    if part.row.kind == "array":
        items = enumerate(value)
        return tuple(_item(part, item, f"{path}[{index}]") for index, item in items)
    return read(part.inside, value, path) if part.inside else value


def _item(part: Part, item: Any, path: str) -> Any:
    return item if part.inside is None or isinstance(item, Unknown) else read(part.inside, item, path)


def written(value: Declared) -> Values:
    """Return the properties, by names of the wire, that a value says; what is not given is left out.

    An empty list says nothing, and neither does an empty map where there is always one (``default_factory=dict``).
    """
    found: Values = {}
    for part in parts_of(type(value)).values():
        one = getattr(value, part.name)
        if part.spread:
            found |= written(one)
        # a map that was given empty is a word (no variables at all), one that is always there is none
        elif one is not None and one != () and not (one == {} and part.name in _mapped(type(value))):
            found[part.wire] = _plain(one)
    return found


@once_a_class
def _mapped(cls: type[Any]) -> frozenset[str]:
    return frozenset(one.name for one in fields(cls) if one.default_factory is dict)


def _plain(value: Any) -> Any:
    if isinstance(value, Declared):
        return written(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def leaves(value: Declared) -> dict[str, Any]:
    """Return what each property is, by Python's names, what is spread beside the rest; None where nothing is said."""
    found: dict[str, Any] = {}
    for part in parts_of(type(value)).values():
        one = getattr(value, part.name)
        found |= leaves(one) if part.spread else {part.name: one}
    return found


def given(value: Declared) -> dict[str, Any]:
    """Return the properties that are given and known, by names of the wire, each in its own type."""
    found = leaves(value)
    return {wire: found[path[-1]] for wire, path in wire_paths(type(value)).items() if found[path[-1]] is not None}


def with_leaves(value: Made, changes: Mapping[str, Any]) -> Made:
    """Return another value in which the named properties are otherwise; names are those of ``leaves``."""
    inner: dict[str, Any] = {}
    for part in parts_of(type(value)).values():
        if part.spread:
            inner[part.name] = with_leaves(getattr(value, part.name), changes)
        elif part.name in changes:
            inner[part.name] = changes[part.name]
    return value.but(**inner)


def written_leaves(value: Declared, names: Iterable[str]) -> Values:
    """Return some properties by names of the wire; None for one that is not given, so that nobody keeps it."""
    wires = {path[-1]: wire for wire, path in wire_paths(type(value)).items()}
    found = leaves(value)
    return {wires[name]: _plain(found[name]) for name in names}


def differing(one: Declared, other: Declared) -> list[str]:
    """Return the properties, by the names of ``leaves``, in which two values of a class differ."""
    theirs = leaves(other)
    return [name for name, mine in leaves(one).items() if mine != theirs[name]]


def known_leaves(value: Declared) -> list[str]:
    """Return the properties, by the names of ``leaves``, that are given and known."""
    return [name for name, one in leaves(value).items() if one is not None and one != ()]


@once_a_class
def rows_of(cls: type[Any]) -> Mapping[str, Field]:
    """Return the rows of the table by the names of ``leaves``."""
    return {path[-1]: table_of(cls)[wire] for wire, path in wire_paths(cls).items()}


def secrets_in(value: Any, *, hidden: bool = False) -> Iterator[str]:
    """Give all texts that the table calls secret, at any depth, for messages and logs to leave out."""
    if isinstance(value, Declared):
        for part in parts_of(type(value)).values():
            # below a secret property everything is: a map of variables has no row for each of its texts
            yield from secrets_in(getattr(value, part.name), hidden=hidden or part.row.secret)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_in(inner, hidden=hidden)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from secrets_in(inner, hidden=hidden)
    elif hidden and isinstance(value, str):
        yield value
