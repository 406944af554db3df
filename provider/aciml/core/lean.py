"""Frozen dataclasses of keyword arguments that are made quickly: a program and the plugin each make a hundred of them.

``dataclass`` writes the text of six methods for each class and compiles it, 0.75 ms a class and a third of what our
imports took. Here all classes share ``__init__``, ``__eq__``, ``__hash__`` and ``__repr__``; those that make it frozen
are dataclass's own, so that it is one in all that can be asked of it (``fields``, ``replace``, inheritance): 0.27 ms.
Measured in ``decisions/plugin.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["lean"]

Made = TypeVar("Made")

if TYPE_CHECKING:
    # type checkers know what a dataclass is; they need not know how it is made
    from dataclasses import dataclass as lean
else:

    def lean(*, frozen: bool, kw_only: bool) -> Callable[[type[Made]], type[Made]]:
        """Return a decorator that does what ``dataclass`` with these words does; there are no others than true."""
        if not (frozen and kw_only):
            raise TypeError("a lean class is frozen and takes keywords alone")
        return _made


def _made(cls: type[Made]) -> type[Made]:
    made: Any = dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)(cls)
    own = vars(cls)
    made._lean = _Plan(made)  # noqa: SLF001  (of the class that is being made)
    for name, method in (("__init__", _init), ("__repr__", _repr)):
        if name not in own:
            setattr(made, name, method)
    if "__eq__" not in own:
        made.__eq__, made.__hash__ = _equal, _hash
    return made  # type: ignore[no-any-return]


class _Plan:
    """What the shared methods need to know of a class: read once, when it is made."""

    __slots__ = ("compared", "defaults", "factories", "names", "required", "shown")

    def __init__(self, cls: Any) -> None:
        """Sort the fields."""
        every = fields(cls)
        self.names = tuple(one.name for one in every)
        self.defaults = {one.name: one.default for one in every if one.default is not MISSING}
        self.factories = [(one.name, one.default_factory) for one in every if one.default_factory is not MISSING]
        self.required = frozenset(self.names) - {*self.defaults, *(name for name, _ in self.factories)}
        self.compared = tuple(one.name for one in every if one.compare)
        self.shown = tuple(one.name for one in every if one.repr)


def _init(self: Any, **given: Any) -> None:
    plan: _Plan = self._lean
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


def _refuse(cls: type[Any], plan: _Plan, given: dict[str, Any]) -> None:
    """Raise what Python itself says of wrong arguments."""
    for name in given:
        if name not in plan.names:
            raise TypeError(f"{cls.__name__}.__init__() got an unexpected keyword argument '{name}'")
    missing = ", ".join(f"'{name}'" for name in plan.names if name in plan.required and name not in given)
    raise TypeError(f"{cls.__name__}.__init__() missing required keyword-only arguments: {missing}")


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
