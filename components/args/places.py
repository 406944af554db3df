"""Where each property of the plugin is written by the user, and messages in the user's words.

The plugin has the properties of a resource side by side (``scoringTimeoutMs``); a user writes a path
(``server.limits.scoring_timeout_ms``, or ``server.limits.scoringTimeoutMs`` in YAML and TypeScript).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aciml.core.casing import camel_case, snake_case
from aciml.core.meant import meant

from .declared import Argument, Misnamed, arguments_of, leaves_of

Spelling = Callable[[str], str]
"""From Python's word to the user's: ``str`` leaves it, ``camel_case`` is that of other languages."""
SNAKE: Spelling = str
CAMEL: Spelling = camel_case

_CAMEL_WORD = re.compile(r"(?<!aciml:)\b[a-z]+\d*(?:[A-Z][a-z0-9]*)+")  # aciml:resourceGroup is the provider's
_LIST = re.compile(r"(?<=: )[A-Za-z0-9]+(?:, [A-Za-z0-9]+)*$")
_QUOTED = re.compile(r'("[^"]*")')
_FIRST = re.compile(r"[A-Za-z0-9]+")
_GONE: Mapping[str, str] = {
    "ssl_enabled": "drop it: a service that is given tls speaks TLS",
}


def places_of(cls: type[Any]) -> Mapping[str, tuple[tuple[str, ...], Argument]]:
    """Return the path of each property that a class of arguments can give, through all subjects."""
    return {leaf.wire: (path, leaf) for path, leaf in leaves_of(cls)}


def place(cls: type[Any], where: str, spelling: Spelling = SNAKE) -> str:
    """Return the path that the user wrote for a property path, such as ``volumes[0].azureFile.shareName``.

    A path that begins with no property of the class is returned as it is.
    """
    first = _FIRST.match(where)
    if first is None or first[0] not in places_of(cls):
        return where
    path, leaf = places_of(cls)[first[0]]
    rest = where[first.end() :]
    # behind a map of texts there are the user's own keys and no names
    if leaf.declared is not None:
        # what stands in brackets is a key of the user's: in another spelling it would be another key
        rest = "".join(
            part if part.startswith("[") else _inner(part, spelling) for part in re.split(r"(\[[^\]]*\])", rest)
        )
    return ".".join(map(spelling, path)) + rest


def _inner(part: str, spelling: Spelling) -> str:
    return ".".join(spelling(snake_case(word)) for word in part.split("."))


def wire_paths(cls: type[Any], path: str) -> list[str]:
    """Return the property paths of the plugin that a user's path means; the reverse of ``place``.

    Both spellings are read. A subject means all of its properties; what is no path of the class is returned as it is.
    """
    first, _, rest = path.partition("[")
    names = [snake_case(word) for word in first.split(".")]
    found = [
        leaf.wire + "".join(f".{camel_case(name)}" for name in names[len(way) :]) + _in_brackets(leaf, rest)
        for way, leaf in leaves_of(cls)
        if [*way[: len(names)]] == names[: len(way)]
    ]
    return found or [path]


def _in_brackets(leaf: Argument, rest: str) -> str:
    """Return what follows a name: names inside of shapes are the plugin's, keys of maps the user's own."""
    if not rest:
        return ""
    if leaf.declared is None:
        return f"[{rest}"
    parts = re.split(r"(\[[^\]]*\])", f"[{rest}")
    return "".join(part if part.startswith("[") else _inner(part, camel_case) for part in parts)


def in_words(cls: type[Any], text: str, spelling: Spelling = SNAKE) -> str:
    """Return a message with each property that it names as the user writes it; what is in double quotes stays.

    Only words with a capital inside are taken for names: ``port`` and ``tags`` are also plain English. A list at the
    end, after a colon, in which all are names is one of names.
    """
    places = places_of(cls)
    # the local target's warning ends in such a list, where `port` and `tags` are names for once
    if (listed := _LIST.search(text)) and all(name in places for name in listed[0].split(", ")):
        names = (".".join(map(spelling, places[name][0])) for name in listed[0].split(", "))
        return text[: listed.start()] + ", ".join(names)
    parts = _QUOTED.split(text)
    return "".join(
        part if part.startswith('"') else _CAMEL_WORD.sub(lambda word: _word(cls, word[0], spelling), part)
        for part in parts
    )


def _word(cls: type[Any], word: str, spelling: Spelling) -> str:
    if word in places_of(cls):
        return ".".join(map(spelling, places_of(cls)[word][0]))
    return spelling(snake_case(word)) if word in _inner_names(cls) else word


def _inner_names(cls: type[Any]) -> frozenset[str]:
    """Return the names inside of shapes, at any depth."""
    found: set[str] = set()
    for _, leaf in leaves_of(cls):
        found |= _names_in(leaf)
    return frozenset(found)


def _names_in(argument: Argument) -> set[str]:
    if argument.declared is None:
        return set()
    inner = arguments_of(argument.declared)
    return {one.key for one in inner}.union(*(_names_in(one) for one in inner))


def wrong_names_of(args: Any) -> Iterator[tuple[str, str]]:
    """Yield the names that an object was wrongly given or not given, each with where it belongs and the line."""
    wrong: tuple[Misnamed, ...] = args._wrong  # noqa: SLF001  (a part of how arguments are declared)
    for one in wrong:
        if one.missing:
            yield one.name, f"is missing ({one.line})"
        else:
            cls = type(args)
            yield one.name, f"is no argument of {cls.__name__}; {advice_for(cls, one.name)} ({one.line})"


def advice_for(cls: type[Any], name: str, spelling: Spelling = SNAKE) -> str:
    """Say where a name that the class does not have belongs, or which it may mean.

    Names of the flat shape that 0.1 had are told their new place.
    """
    # 0.1 had all arguments side by side; its words are still in programs and stack configs
    if name in _GONE:
        return _GONE[name]
    if (known := places_of(cls).get(camel_case(name))) and len(known[0]) > 1:
        return f"it is now {'.'.join(map(spelling, known[0]))}"
    names = {spelling(argument.name): spelling(argument.name) for argument in arguments_of(cls)}
    deeper = {spelling(path[-1]): ".".join(map(spelling, path)) for path, _ in leaves_of(cls) if len(path) > 1}
    # who left out nothing but the unit (`scoring_timeout`) meant no other name, however near that is by letters
    if len(rest := [full for word, full in {**deeper, **names}.items() if word.startswith(f"{name.lower()}_")]) == 1:
        return f"did you mean {rest[0]}?"
    # names of this level first: what is meant here must not be looked for further down
    for table in (names, {**deeper, **names}):
        # `conda` is far from conda_file by letters, and still the beginning of one name alone
        if len(begun := [full for word, full in table.items() if _first_word(word) == name.lower()]) == 1:
            return f"did you mean {begun[0]}?"
        if word := meant(name, table):
            return f"did you mean {table[word]}?"
    return f"known are {', '.join(sorted(names))}"


def _first_word(name: str) -> str:
    return snake_case(name).partition("_")[0]
