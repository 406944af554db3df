"""Types made of others: lists, dicts, tuples, unions, literals, TypedDicts, dataclasses and named tuples."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Tuple

from . import hints
from .kind import Kind, Mismatch, choice

Find = Callable[[Any], Optional[Kind]]
_LISTS = (list, typing.List, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_SETS = (set, frozenset, collections.abc.Set)


def kind_of(annotation: Any, find: Find) -> Optional[Kind]:  # noqa: PLR0911  # a table of kinds
    """Return the kind of an annotation that is made of others; None if it is not, or if one of these has none."""
    origin = getattr(annotation, "__origin__", None) or annotation
    arguments: Tuple[Any, ...] = tuple(
        one for one in getattr(annotation, "__args__", None) or () if type(one).__name__ != "TypeVar"
    )
    if hasattr(annotation, "__metadata__"):  # Annotated
        return find(origin)
    # `X | Y` has a class of its own in some Pythons (PEP 604), which is not there to be named in others
    if origin is typing.Union or type(annotation).__name__ == "UnionType":
        return _union([find(one) for one in arguments])
    # by name, as all below that `typing_extensions` has, too, for older Pythons: there they are other objects
    if getattr(origin, "__qualname__", getattr(origin, "_name", "")) == "Literal":
        return choice(list(arguments))
    if _wrapped(annotation):
        return find(arguments[0])
    if origin in _LISTS or origin in _SETS:
        return _list(find(arguments[0] if arguments else Any), origin if origin in (set, frozenset) else None)
    if origin is tuple:
        return _tuple(arguments, find)
    if origin in _DICTS:
        return _dict(find(arguments[1] if len(arguments) > 1 else Any))
    return _record(annotation, find) if isinstance(annotation, type) else None


def _wrapped(annotation: Any) -> str:
    """Return ``Required``, ``NotRequired`` or ``ReadOnly`` if a field of a TypedDict is wrapped in one of them."""
    name = str(getattr(getattr(annotation, "__origin__", None), "_name", ""))
    return name if name in ("Required", "NotRequired", "ReadOnly") else ""


def _list(item: Optional[Kind], make: Any) -> Optional[Kind]:
    if item is None:
        return None
    exact, one_of = item.exact, item.take

    def take(value: Any) -> Any:
        if type(value) is not list:
            raise Mismatch("a list", value)
        # a list of plain numbers is looked through in C; a megabyte of them would take long one by one
        if exact and exact.issuperset(map(type, value)):
            return make(value) if make else value
        taken = []
        for index, one in enumerate(value):
            try:
                taken.append(one_of(one))
            except Mismatch as error:
                raise error.inside("[%d]" % index)  # noqa: B904  # the same error
        return make(taken) if make else taken

    return Kind(take, {"type": "array", "items": item.schema}, [item.example])


def _tuple(arguments: Tuple[Any, ...], find: Find) -> Optional[Kind]:
    if (len(arguments) == 2 and arguments[1] is Ellipsis) or not arguments:
        return _list(find(arguments[0] if arguments else Any), tuple)
    found = [find(one) for one in arguments]
    kinds = [one for one in found if one is not None]
    if len(kinds) < len(found):
        return None

    def take(value: Any) -> Any:
        if type(value) is not list or len(value) != len(kinds):
            raise Mismatch("a list of %d values" % len(kinds), value)
        return tuple(_inside(kind, one, "[%d]" % index) for index, (kind, one) in enumerate(zip(kinds, value)))

    count = len(kinds)
    schema = {"type": "array", "prefixItems": [kind.schema for kind in kinds], "minItems": count, "maxItems": count}
    return Kind(take, schema, [kind.example for kind in kinds])


def _dict(item: Optional[Kind]) -> Optional[Kind]:
    if item is None:
        return None
    exact = item.exact

    def take(value: Any) -> Any:
        if type(value) is not dict:
            raise Mismatch("an object", value)
        if exact and exact.issuperset(map(type, value.values())):
            return value
        return {name: _inside(item, one, "[%r]" % name) for name, one in value.items()}

    schema: Dict[str, Any] = {"type": "object"}
    if item.schema:
        schema["additionalProperties"] = item.schema
    return Kind(take, schema, {"name": item.example} if item.schema else {})


def _union(found: List[Optional[Kind]]) -> Optional[Kind]:
    kinds = [one for one in found if one is not None]
    if len(kinds) < len(found):
        return None

    def take(value: Any) -> Any:
        for kind in kinds:
            # whoever takes it unchanged goes first: a text stays one in Union[date, str], whatever it looks like
            if type(value) in kind.exact:
                return value
        deepest: Optional[Mismatch] = None
        for kind in kinds:
            try:
                return kind.take(value)
            except Mismatch as error:
                # the member that got furthest is most likely the one that was meant
                if deepest is None or len(error.path) > len(deepest.path):
                    deepest = error
        raise deepest or Mismatch("something", value)

    media = {name: decode for kind in kinds for name, decode in kind.media.items()}
    exact = frozenset(one for kind in kinds for one in kind.exact)
    return Kind(take, {"anyOf": [kind.schema for kind in kinds]}, kinds[0].example, exact, media)


def _record(annotation: Any, find: Find) -> Optional[Kind]:
    """Take an object whose keys have types of their own; keys that are not named are ignored, as v1 does."""
    typed_dict = issubclass(annotation, dict) and hasattr(annotation, "__total__")
    named = issubclass(annotation, tuple) and hasattr(annotation, "_fields")
    if not (typed_dict or named or dataclasses.is_dataclass(annotation)):
        return None
    types = hints.of_class(annotation)
    if typed_dict:
        wanted = _needed(annotation, types)
    elif named:
        wanted = frozenset(name for name in annotation._fields if name not in annotation._field_defaults)
    else:
        # fields with `init=False` are the class's own affair: nobody can hand them over
        types = {one.name: types.get(one.name, Any) for one in dataclasses.fields(annotation) if one.init}
        none = dataclasses.MISSING
        bare = [one for one in dataclasses.fields(annotation) if one.default is none and one.default_factory is none]
        wanted = frozenset(one.name for one in bare if one.init)
    found = {name: find(one) for name, one in types.items()}
    kinds = {name: one for name, one in found.items() if one is not None}
    return (
        _object(annotation.__name__, kinds, wanted, None if typed_dict else annotation)
        if len(kinds) == len(found)
        else None
    )


def _needed(typed_dict: Any, types: Dict[str, Any]) -> FrozenSet[str]:
    """Return the keys that must be there; Python does not see wrappers in annotations that are texts."""
    every = frozenset(types) if typed_dict.__total__ else frozenset()  # Python 3.8
    told = {name: _wrapped(one) for name, one in types.items()}
    keys = getattr(typed_dict, "__required_keys__", every) - {
        name for name, one in told.items() if one == "NotRequired"
    }
    return frozenset(keys | {name for name, one in told.items() if one == "Required"})


def _object(title: str, kinds: Dict[str, Kind], wanted: Any, make: Any) -> Kind:
    def take(value: Any) -> Any:
        if type(value) is not dict:
            raise Mismatch("an object", value)
        for name in kinds:
            if name in wanted and name not in value:
                raise Mismatch("an object with %r" % name, value)
        taken = {name: _inside(kind, value[name], "." + name) for name, kind in kinds.items() if name in value}
        return _built(make, taken, value) if make else taken

    schema = {
        "type": "object",
        "title": title,
        "properties": {name: kind.schema for name, kind in kinds.items()},
        "required": [name for name in kinds if name in wanted],
    }
    return Kind(take, schema, {name: kind.example for name, kind in kinds.items() if name in wanted})


def _built(make: Any, taken: Dict[str, Any], value: Any) -> Any:
    try:
        return make(**taken)
    except (TypeError, ValueError) as error:  # what __post_init__ refuses
        raise Mismatch("a good %s (%s)" % (make.__name__, error), value) from None


def _inside(kind: Kind, value: Any, step: str) -> Any:
    try:
        return kind.take(value)
    except Mismatch as error:
        raise error.inside(step)  # noqa: B904  # the same error
