"""From the maps of a stack config, or of another language, to the classes of arguments.

What cannot be read is collected, all of it, with its path and what to do; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from typing import Any

from aciml.core.lean import lean
from aciml.properties import Secret

from .declared import Argument, arguments_of, unshortened
from .places import SNAKE, Spelling, advice_for

_BOOLEANS = {"true": True, "false": False}
_INSIDE = re.compile(r"^in [\w.\[\]]+: ")
"""How the plugin begins what it says of something inside of a property; the path says it already."""


# not None, which says that nothing is given
class Later:
    """Stands for a value that is given later, or could not be read: nothing is said of it."""

    def __await__(self) -> Generator[Any, None, None]:
        """Be taken for a value that is known later."""
        raise NotImplementedError


LATER = Later()


@lean(frozen=True)
class Problem:
    """Something that is wrong in what a user wrote: the path, and what to do."""

    where: str
    why: str

    def __str__(self) -> str:
        """Write it as one line; a message that begins with the end of the path does not say it twice."""
        why = _INSIDE.sub("", self.why)
        first, _, rest = why.partition(" ")
        if first and (self.where == first or self.where.endswith((f".{first}", f":{first}"))):
            return f"{self.where} {rest}"
        return f"{self.where}: {why}"


@lean(frozen=True)
class Reading:
    """How maps are read: whose words they have, and where problems go.

    ``either`` also takes the words of the wire: a map in a program may have come from another language.
    """

    problems: list[Problem]
    spelling: Spelling = SNAKE
    either: bool = False

    def fields(self, cls: type[Any], given: Mapping[str, Any], at: str = "") -> dict[str, Any]:
        """Return what is given as keyword arguments of the class.

        Args:
            cls: a class of arguments.
            given: values by the user's words; an Output stays one, and is read when it is known.
            at: path of ``given``, with a dot at its end.
        """
        known = {self.spelling(argument.name): argument for argument in arguments_of(cls)}
        if self.either:
            # a map in a program may be the output of another stack, which has the words of the wire
            known = {argument.key: argument for argument in arguments_of(cls)} | known
        read: dict[str, Any] = {}
        for word, value in given.items():
            if word not in known:
                self.problems.append(Problem(f"{at}{word}", f"unknown key; {advice_for(cls, word, self.spelling)}"))
            elif value is not None:
                read[known[word].name] = self._value(known[word], value, f"{at}{word}")
        return read

    def made(self, cls: type[Any], given: Mapping[str, Any], at: str = "") -> Any:
        """Return an object of the class; ``LATER``, and problems, if something that it needs is missing."""
        read = self.fields(cls, given, at)
        missing = [a for a in arguments_of(cls) if a.required and a.name not in read]
        # one that was given and could not be read is not missing; it has a problem of its own
        absent = [a for a in missing if not given.keys() & {self.spelling(a.name), a.key if self.either else ""}]
        self.problems.extend(Problem(f"{at}{self.spelling(argument.name)}", "is missing") for argument in absent)
        # an object without what it needs would be judged by what it lacks, a second time
        return LATER if missing else cls(**read)

    def _value(self, argument: Argument, value: Any, at: str) -> Any:
        if isinstance(value, Secret):
            read = self._value(argument, _unfolded(argument, value.value), at)
            return read if read is LATER else Secret(read)
        if argument.declared is None:
            return _items_as_written(argument, as_written(argument.kind, value))
        if argument.kind == "array" and isinstance(value, list | tuple):
            return [self._declared(argument, item, f"{at}[{index}]") for index, item in enumerate(value)]
        return self._declared(argument, value, at)

    def _declared(self, argument: Argument, value: Any, at: str) -> Any:
        if isinstance(value, Secret):
            read = self._declared(argument, _unfolded(argument, value.value), at)
            return read if read is LATER else Secret(read)
        if isinstance(value, Mapping) and argument.declared is not None:
            return self.made(argument.declared, value, f"{at}.")
        # a list of plain numbers that the CLI was given one by one is one of texts
        if argument.declared is not None and hasattr(argument.declared, "_short"):
            return unshortened(argument.declared, as_written("integer", value))
        return value


def _unfolded(argument: Argument, value: Any) -> Any:
    """Return the map or list that a secret text says: the CLI encrypts texts alone, so it is given as JSON."""
    if isinstance(value, str) and (argument.declared is not None or argument.kind in ("object", "array")):
        try:
            return json.loads(value)
        except ValueError:
            return value  # its kind is judged with the others
    return value


def _items_as_written(argument: Argument, value: Any) -> Any:
    """Read secret items of a list or map as what they are: each is encrypted as a text."""
    if isinstance(value, Mapping):
        return {key: _item(argument.of, item) for key, item in value.items()}
    return [_item(argument.of, item) for item in value] if isinstance(value, list | tuple) else value


def _item(kind: str, item: Any) -> Any:
    return Secret(as_written(kind, item.value)) if isinstance(item, Secret) else item


def as_written(kind: str, value: Any) -> Any:
    """Return a value as its kind: the CLI stores ``1.5`` and ``true`` as texts. What has another form stays."""
    # `pulumi config set --path` without a type stores a text, and so does the environment of a pipeline
    if not isinstance(value, str):
        return value
    if kind == "boolean":
        return _BOOLEANS.get(value.strip().lower(), value)
    try:
        if kind == "integer":
            return int(value)
        return float(value) if kind == "number" else value
    except ValueError:
        return value
