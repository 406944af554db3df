"""What a type of an annotation is: how a JSON value becomes one, and how a JSON schema says it."""

from __future__ import annotations

from typing import Any, Callable, Dict, FrozenSet, List, Mapping, NamedTuple, Optional

from ..values import OWN

Take = Callable[[Any], Any]
Decode = Callable[[Any, Mapping[str, str]], Any]


class Mismatch(Exception):
    """A value is not what it has to be; ``path`` grows while the error goes outwards."""

    def __init__(self, wanted: str, value: Any, got: str = "") -> None:
        """Take what is wanted and what came, in words if ``value`` alone does not tell."""
        super().__init__("%s is needed, not %s" % (wanted, got or told(value)))
        self.path = ""

    def inside(self, step: str) -> Mismatch:
        """Return itself, one step further out."""
        self.path = step + self.path
        return self


class Kind(NamedTuple):
    """A type. ``take`` returns the value for a JSON one or raises ``Mismatch``; ``exact`` types are taken as they are.

    ``media`` has what else a body may be: a function of body and media type's parameters for each media type; the name
    ``*`` stands for all of them.
    """

    take: Take
    schema: Dict[str, Any]
    example: Any
    exact: FrozenSet[type] = frozenset()
    media: Mapping[str, Decode] = {}


def told(value: Any) -> str:
    """Tell what a JSON value is, with the value itself if it is short."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a number",
    }
    name = "null" if value is None else names.get(type(value), type(value).__name__)
    short = repr(value) if isinstance(value, (str, int, float)) else ""
    return "%s (%s)" % (name, short) if short and len(short) <= 40 else name


def choice(values: List[Any], make: Optional[Callable[[Any], Any]] = None) -> Kind:
    """Return the kind of one of some values; ``make`` gets the value that was chosen."""
    texts = ", ".join(map(repr, values))

    def take(value: Any) -> Any:
        for one in values:
            if one == value and isinstance(one, bool) == isinstance(value, bool):  # True == 1
                return make(one) if make else one
        raise Mismatch("one of %s" % texts, value)

    return Kind(take, {"enum": values}, values[0])


def own(body: Any) -> Any:
    """Return a body that stays as it is when the call is over; a large one does anyway."""
    return bytes(body) if len(body) <= OWN and not isinstance(body, bytes) else body
