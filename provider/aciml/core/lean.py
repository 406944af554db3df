"""Frozen dataclasses that cost nothing until they are used: a program and the plugin each load two hundred of them.

``dataclass`` writes the text of six methods for each class and compiles it, half a millisecond a class and a third of
what our imports took. Here all classes share ``__init__``, ``__eq__``, ``__hash__``, ``__repr__`` and what keeps them
frozen; dataclass reads the fields when a class is first called or asked for them, which a preview without a change does
with a third of them. So it is one in all that can be asked of it (``fields``, ``replace``, ``match``, inheritance).
Measured in ``decisions/plugin.md``.

A class of which thousands are made is better off with dataclass: its own ``__init__`` takes half as long as the shared.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["lean", "once_a_class"]

Made = TypeVar("Made")
Answer = TypeVar("Answer")
_MAKING = threading.RLock()

if TYPE_CHECKING:
    # type checkers know what a dataclass is; they need not know how it is made
    from dataclasses import dataclass as lean
else:

    def lean(*, frozen: bool, kw_only: bool = False) -> Callable[[type[Made]], type[Made]]:
        """Return a decorator that does what ``dataclass`` with these words does; there are no others."""
        if not frozen:
            raise TypeError("a lean class is frozen")
        return lambda cls: _prepared(cls, kw_only=kw_only)


def once_a_class(ask: Callable[[type[Any]], Answer]) -> Callable[[type[Any]], Answer]:
    """Ask once a class: its fields do not change, and many ask for them."""
    return functools.cache(ask)  # type: ignore[return-value]  # mypy takes a class for one of its values, and asks for a hash


def _prepared(cls: Any, *, kw_only: bool) -> Any:
    """Give a class the shared methods, and have the rest made when somebody looks."""
    own = {*vars(cls)}
    for name, method in (("__init__", _init), ("__repr__", _repr)):
        if name not in own:
            setattr(cls, name, method)
    if own & {"__setattr__", "__delattr__"}:
        raise TypeError(f"{cls.__name__} is frozen and cannot set attributes in its own way")  # as dataclass has it
    cls.__setattr__, cls.__delattr__ = _set, _delete
    if "__eq__" not in own:
        cls.__eq__ = _equal
        if "__hash__" not in own:
            cls.__hash__ = _hash
    # `is_dataclass`, `fields` and classes that inherit look at the first two, `match` at the
    # third. None of them is taken away to be made: another thread may be looking
    for name in ("__dataclass_fields__", "__dataclass_params__", "__match_args__", "_lean"):
        if name not in own:
            setattr(cls, name, _Later(cls, name, kw_only=kw_only))
    return cls


class _Later:
    """Stands where a class has something once it is made, and makes it when it is read."""

    def __init__(self, cls: Any, name: str, *, kw_only: bool) -> None:
        """Stand for ``name`` of ``cls``."""
        self.cls, self.name, self.kw_only = cls, name, kw_only

    def __get__(self, thing: object, owner: Any) -> Any:
        """Make the class, and return what it has now."""
        with _MAKING:
            if isinstance(vars(self.cls)["_lean"], _Later):
                self._make()
        return getattr(self.cls, self.name)

    def _make(self) -> None:
        cls: Any = self.cls
        cls.__dataclass_fields__ = {**_inherited(cls), **_own_fields(cls, kw_only=self.kw_only)}
        cls.__dataclass_params__ = _PARAMS[self.kw_only]
        plan = _Plan(cls)
        if isinstance(vars(cls)["__match_args__"], _Later):
            cls.__match_args__ = plan.places  # type: ignore[misc]  # of Any, but a name that mypy guards
        cls._lean = plan  # last: it says that all else is there


def _inherited(cls: Any) -> dict[str, Any]:
    """Return the fields of the classes above, the nearest last, so that its word counts."""
    found: dict[str, Any] = {}
    for base in cls.__mro__[-1:0:-1]:
        found |= getattr(base, "__dataclass_fields__", {})
    return found


def _own_fields(cls: Any, *, kw_only: bool) -> dict[str, Any]:
    """Have dataclass read the fields that a class itself declares, and put their defaults where it would."""
    # read off a twin without bases that is not frozen: for a frozen class dataclass compiles two methods, 0.13 of the
    # 0.15 ms that it takes, and one that inherits from a frozen class has to be frozen
    annotations = vars(cls).get("__annotations__", {})
    defaults = {name: getattr(cls, name) for name in annotations if hasattr(cls, name)}
    named = {"__annotations__": annotations, "__module__": cls.__module__, "__doc__": cls.__doc__ or cls.__name__}
    twin: Any = type(cls.__name__, (), {**defaults, **named})
    made = dataclass(kw_only=kw_only, init=False, eq=False, repr=False, match_args=False)(twin)
    for name in defaults:
        if name in vars(made):
            setattr(cls, name, vars(made)[name])
        elif name in vars(cls):  # ``field`` without a default: dataclass takes it away
            delattr(cls, name)
    return dict(made.__dataclass_fields__)


def _params(*, kw_only: bool) -> Any:
    words: Any = {"frozen": True, "kw_only": kw_only, "init": False, "eq": False, "repr": False, "match_args": False}
    empty: Any = dataclass(**words)(type("Frozen", (), {"__doc__": "Has what dataclass notes of such a class."}))
    return empty.__dataclass_params__


_PARAMS = {kw_only: _params(kw_only=kw_only) for kw_only in (False, True)}


class _Plan:
    """What the shared methods need to know of a class: read once, when it is made."""

    __slots__ = ("compared", "defaults", "factories", "names", "places", "required", "shown")

    def __init__(self, cls: Any) -> None:
        """Sort the fields."""
        every = fields(cls)
        if not all(one.init for one in every):
            raise TypeError(f"{cls.__name__} has a field that is not given; make it with dataclass")
        self.names = tuple(one.name for one in every)
        self.places = tuple(one.name for one in every if not one.kw_only)
        self.defaults = {one.name: one.default for one in every if one.default is not MISSING}
        self.factories = [(one.name, one.default_factory) for one in every if one.default_factory is not MISSING]
        self.required = frozenset(self.names) - {*self.defaults, *(name for name, _ in self.factories)}
        self.compared = tuple(one.name for one in every if one.compare)
        self.shown = tuple(one.name for one in every if one.repr)


def _init(self: Any, *placed: Any, **named: Any) -> None:
    plan: _Plan = self._lean
    given = _named(type(self), plan, placed, named) if placed else named
    values = plan.defaults | given
    for name, make in plan.factories:
        if name not in given:
            values[name] = make()
    # with as many as there are fields, none is missing and none is strange
    if len(values) != len(plan.names) or not values.keys() >= plan.required:
        _refuse(type(self), plan, given)
    vars(self).update((name, values[name]) for name in plan.names)
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _named(cls: type[Any], plan: _Plan, placed: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments by name."""
    if len(placed) > len(plan.places):
        most = f"{len(plan.places)} positional argument" + ("" if len(plan.places) == 1 else "s")
        raise TypeError(f"{cls.__name__}.__init__() takes {most} but {len(placed)} were given")
    given = dict(zip(plan.places, placed, strict=False))
    if twice := given.keys() & named.keys():
        raise TypeError(f"{cls.__name__}.__init__() got multiple values for argument '{min(twice)}'")
    return {**given, **named}


def _refuse(cls: type[Any], plan: _Plan, given: Mapping[str, Any]) -> None:
    """Raise what Python itself says of wrong arguments."""
    for name in given:
        if name not in plan.names:
            raise TypeError(f"{cls.__name__}.__init__() got an unexpected keyword argument '{name}'")
    missing = ", ".join(f"'{name}'" for name in plan.names if name in plan.required and name not in given)
    raise TypeError(f"{cls.__name__}.__init__() missing required arguments: {missing}")


def _set(self: Any, name: str, value: object) -> None:
    _refuse_change(self, "assign to", name)
    object.__setattr__(self, name, value)


def _delete(self: Any, name: str) -> None:
    _refuse_change(self, "delete", name)
    object.__delattr__(self, name)


def _refuse_change(self: Any, what: str, name: str) -> None:
    """Raise as dataclass does; a class that inherits and is none itself may have attributes of its own."""
    if "_lean" in vars(type(self)) or name in self._lean.names:
        raise FrozenInstanceError(f"cannot {what} field {name!r}")


def _equal(self: Any, other: object) -> Any:
    plan: _Plan = self._lean
    if other.__class__ is not self.__class__:
        return NotImplemented
    mine, theirs = vars(self), vars(other)
    return all(mine[name] == theirs[name] for name in plan.compared)


def _hash(self: Any) -> int:
    mine = vars(self)
    return hash(tuple(mine[name] for name in self._lean.compared))


def _repr(self: Any) -> str:
    mine = vars(self)
    return f"{type(self).__qualname__}({', '.join(f'{name}={mine[name]!r}' for name in self._lean.shown)})"
