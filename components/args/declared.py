"""How classes of arguments are declared, and the one look into them that everything else shares.

A *subject* (``server``, ``azure``, ``packages``) sorts properties that the plugin has side by side; a *shape* (a probe,
a volume) is the value of one property. Both are frozen and take keywords alone, so that a new field breaks nobody.
A wrong or a missing name raises nothing where the object is made: the component names all that is wrong at once.

No ``from __future__ import annotations`` in the modules that use them: Pulumi's component analyzer reads types.
"""

from __future__ import annotations

import functools
import sys
import typing
from collections import abc
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, dataclass_transform

import pulumi

from aciml.core.casing import camel_case
from aciml.core.lean import lean, once_a_class

Made = TypeVar("Made")
Names = pulumi.Input[abc.Sequence[pulumi.Input[str]]]
"""A list of texts."""
Texts = pulumi.Input[Mapping[str, pulumi.Input[str]]]
"""Texts by names that the user chooses."""

_KINDS: Mapping[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number", Any: "any"}


@lean(frozen=True)
class Misnamed:
    """A name that an object was wrongly given, or not given; ``line`` is that of the program, ``file.py:12``."""

    name: str
    line: str
    missing: bool = False


@lean(frozen=True)
class Argument:
    """One field of a class of arguments, as its annotation says.

    ``name`` is Python's and the stack config's word, ``key`` that of other languages, ``wire`` that
    of the plugin's property.
    ``kind`` is a JSON schema type or ``any``, ``of`` that of a list's or map's items; ``declared`` is the class of the
    value, or of each item; ``words`` are all that an enum may say; ``required`` has no default.
    """

    name: str
    wire: str
    kind: str
    of: str = "any"
    declared: type[Any] | None = None
    words: tuple[str, ...] = ()
    required: bool = False

    @property
    def key(self) -> str:
        """The spelling of YAML, TypeScript and the wire."""
        return camel_case(self.name)


# type checkers and editors do not see through the decorator: this tells them that it makes a frozen dataclass
@dataclass_transform(kw_only_default=True, frozen_default=True)
def subject(cls: type[Made]) -> type[Made]:
    """Declare arguments that are properties of the resource, one by one.

    ``_properties`` of the class names those that the plugin calls otherwise.
    """
    return _declared(cls, is_subject=True)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def shape(cls: type[Made]) -> type[Made]:
    """Declare what is the value of one property, or of each item of a list."""
    return _declared(cls, is_subject=False)


def is_subject(cls: type[Any]) -> bool:
    """Tell a subject from a shape."""
    return bool(getattr(cls, "_is_subject", False))


def _declared(cls: type[Made], *, is_subject: bool) -> type[Made]:
    # by keyword alone, so that a new field in the middle breaks no program
    made: Any = lean(frozen=True, kw_only=True)(cls)
    made._is_subject = is_subject  # noqa: SLF001  (of the class that is being made, and below)
    made._wrong = ()  # noqa: SLF001
    init = made.__init__

    @functools.wraps(init)
    def forgiving(self: Any, **given: Any) -> None:
        """Keep what is wrong for whoever takes the object: they know its path, and what else is wrong."""
        known = {argument.name: argument.required for argument in arguments_of(made)}
        # raising here, as a plain dataclass does, would tell one error a run (decisions/arguments.md)
        missing = [name for name, required in known.items() if required and name not in given]
        init(self, **{name: value for name, value in given.items() if name in known}, **dict.fromkeys(missing))
        if missing or given.keys() - known.keys():
            # one frame up is the call in the program: an editor finds the line, which a message of the engine lacks
            frame = sys._getframe(1)  # noqa: SLF001  (the line of the program)
            line = f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
            unknown = [Misnamed(name, line) for name in given if name not in known]
            # the class is frozen for all others; whoever made it with a wrong name is told by the component
            object.__setattr__(self, "_wrong", (*unknown, *(Misnamed(name, line, missing=True) for name in missing)))

    made.__init__ = forgiving
    return made  # type: ignore[no-any-return]


@once_a_class  # every resource of a program asks for them, and no program for those of all classes
def arguments_of(cls: type[Any]) -> tuple[Argument, ...]:
    """Return the fields of a class of arguments."""
    named: Mapping[str, str] = getattr(cls, "_properties", {})
    return tuple(_argument(one.name, named, one.type, required=one.default is MISSING) for one in fields(cls))


def _argument(name: str, named: Mapping[str, str], annotation: Any, *, required: bool) -> Argument:
    plain = _plain(annotation)
    kind, of, declared, words = _shape_of(plain)
    return Argument(name, named.get(name, camel_case(name)), kind, of, declared, words, required)


def _shape_of(plain: Any) -> tuple[str, str, type[Any] | None, tuple[str, ...]]:
    # Sequence and Mapping, not list and dict: Pulumi's Input of a list is invariant, and a list of texts would not do
    if plain in _KINDS:
        return _KINDS[plain], "any", None, ()
    origin, inner = typing.get_origin(plain), typing.get_args(plain)
    if origin in (abc.Sequence, list):
        of, _, declared, words = _shape_of(_plain(inner[0]))
        return "array", of, declared, words
    if origin in (abc.Mapping, dict):
        of, _, declared, words = _shape_of(_plain(inner[1]))
        return "object", of, declared, words
    if isinstance(plain, type) and issubclass(plain, Enum):
        return "string", "any", None, tuple(str(member.value) for member in plain)
    if is_dataclass(plain) and isinstance(plain, type):
        return "object", "any", plain, ()
    # a test asks for the arguments of each class, so that no user can meet it
    raise TypeError(f"{plain} is no type of an argument")


def _plain(annotation: Any) -> Any:
    """Take ``None``, ``Awaitable`` and ``Output`` off an annotation."""
    # pulumi.Input[T] is Union[T, Awaitable[T], Output[T]]: what stands in Awaitable is T, also if T is a union
    inner = typing.get_args(annotation)
    waited = [typing.get_args(one)[0] for one in inner if typing.get_origin(one) is Awaitable]
    if waited:
        return waited[0]
    if type(None) in inner:
        return next(one for one in inner if one is not type(None))
    return annotation


def unshortened(cls: type[Any], value: Any) -> Any:
    """Return the object that a plain number stands for, in a class that says which field it is; else the value.

    ``_short`` of the class names the field: ``canary: [10, 50]`` are two steps.
    """
    short: str = getattr(cls, "_short", "")
    # true is a whole number to Python, and none to a reader
    is_number = isinstance(value, int) and not isinstance(value, bool)
    # not in arguments that others read: a new object has no line of the program, and needs none
    return cls(**{short: value}) if short and is_number else value


def leaves_of(cls: type[Any]) -> Iterator[tuple[tuple[str, ...], Argument]]:
    """Yield each property of a class with the names that lead to it, through all subjects."""
    for argument in arguments_of(cls):
        if argument.declared and is_subject(argument.declared):
            for path, leaf in leaves_of(argument.declared):
                yield (argument.name, *path), leaf
        else:
            yield (argument.name,), argument
