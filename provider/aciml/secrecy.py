"""What arrived as a secret stays one: in what is kept of a resource, in what is said of it, in what others can read.

The engine tells which inputs are secret and keeps what comes back as it comes: an output that repeats a secret input
has to be marked by the plugin (Pulumi, "Implementers guide", Secrets). All resources share this one place, so that a
property of tomorrow is held to it too.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .core.errors import Finding
from .properties import Secret, Unknown, Values

SHORTEST = 4
"""Characters of a text that is looked for in what is said: a shorter one is a part of many a word."""
HIDDEN = "[secret]"


def has_secret(value: Any) -> bool:
    """Tell whether the value is secret, or anything inside it."""
    if isinstance(value, Mapping):
        return any(has_secret(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(has_secret(inner) for inner in value)
    return isinstance(value, Secret)


def as_secret_as(value: Any, known: Any) -> Any:
    """Return a value in which at least that is secret which is so in ``known``, another form of the same thing.

    An item of a list that has moved cannot be followed: of a list of another length all is secret if anything was.
    """
    if value is None or isinstance(value, Secret):
        return value
    if isinstance(known, Secret):
        return Secret(value)
    if isinstance(value, Mapping) and isinstance(known, Mapping):
        return {key: as_secret_as(inner, known.get(key)) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(known, list | tuple):
        if len(value) == len(known):
            return [as_secret_as(inner, was) for inner, was in zip(value, known, strict=True)]
        return Secret(value) if has_secret(known) else value
    return Secret(value) if has_secret(known) else value


def newly_secret(new: Values, *kept: Values) -> list[str]:
    """Return the paths of inputs that are secret now and are kept in clear: ``name``, or ``name["key"]``."""
    paths = []
    for name, value in new.items():
        was = [one[name] for one in kept if name in one]
        if isinstance(value, dict):
            inner = {key: [one[key] for one in was if isinstance(one, dict) and key in one] for key in value}
            paths += [f'{name}["{key}"]' for key, seen in inner.items() if _is_bared(value[key], seen)]
        elif _is_bared(value, was):
            paths.append(name)
    return paths


def _is_bared(value: Any, kept: list[Any]) -> bool:
    return has_secret(value) and any(not _covers(one, value) for one in kept)


def _covers(kept: Any, value: Any) -> bool:
    """Tell whether all that is secret in a value is so in what is kept of it."""
    if isinstance(kept, Secret):
        return True
    if isinstance(value, Secret):
        return False
    if isinstance(value, Mapping):
        return all(_covers(kept[key], inner) for key, inner in value.items() if isinstance(kept, dict) and key in kept)
    # what is beyond the end of the shorter list was kept nowhere, so nothing of it can be in clear
    if isinstance(value, list) and isinstance(kept, list):
        return all(_covers(was, inner) for was, inner in zip(kept, value, strict=False))
    return not has_secret(value)


def texts_of(value: Any, *, marked: bool = False) -> Iterator[str]:
    """Yield the texts that are secret in a value, as they are written; of a truth nothing, for it has no text."""
    if isinstance(value, Secret):
        yield from texts_of(value.value, marked=True)
    elif isinstance(value, Mapping):
        # names are left out: those of properties are words of every message
        for inner in value.values():
            yield from texts_of(inner, marked=marked)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_of(inner, marked=marked)
    elif marked and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


class Secrecy:
    """The secrets that this process has met, for all that it says to leave out."""

    def __init__(self) -> None:
        """Know of none."""
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, *values: Any) -> None:
        """Remember all that is secret in values."""
        found = {form for value in values for text in texts_of(value) for form in _forms(text)}
        with self._lock:
            if found <= self._known:
                return
            self._known |= found
            # an alternation takes the first that fits: a short secret before a long one which begins with it would
            # leave the long one's end in clear
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_pattern_of, longest_first)))

    def text(self, text: str) -> str:
        """Return a text without the secrets that are known."""
        # without the lock: the pattern is never changed, another one takes its place
        pattern = self._pattern
        return pattern.sub(HIDDEN, text) if pattern else text

    def finding(self, finding: Finding) -> Finding:
        """Return a finding without the secrets that are known."""
        return replace(finding, why=self.text(finding.why))

    def marked(self, value: Any) -> Any:
        """Return a value in which each text that repeats a secret is one."""
        if isinstance(value, Secret | Unknown) or self._pattern is None:
            return value
        if isinstance(value, Mapping):
            return {key: self.marked(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.marked(inner) for inner in value]
        plain = isinstance(value, str | int | float) and not isinstance(value, bool)
        return Secret(value) if plain and self._pattern.search(str(value)) else value


def kept(values: Values, *known: Values, read_by_others: Collection[str] = ()) -> Values:
    """Return what is kept of a resource: secret as ``known`` is, and where it repeats what is secret there.

    Args:
        values: by property.
        known: what they come from.
        read_by_others: properties that do not repeat a secret, whatever they say: the name of a registry may be an
            account's, too, and an image whose name were secret could be given to no service.
    """
    met = Secrecy()
    for one in known:
        values = {name: as_secret_as(value, one.get(name)) for name, value in values.items()}
        met.learn(one)
    return {name: value if name in read_by_others else met.marked(value) for name, value in values.items()}


_SURE = 12
"""Characters of a text that is found inside of other words too."""


def _pattern_of(text: str) -> str:
    # not inside of a longer word, which a short one may be a part of
    return re.escape(text) if len(text) >= _SURE else rf"(?<!\w){re.escape(text)}(?!\w)"


def _forms(text: str) -> Iterator[str]:
    """Yield the ways in which a text is written: whole, line by line, in JSON, in a URL; nothing that is too short."""
    lines = [line.strip() for line in text.splitlines()] if "\n" in text else []
    for one in (text.strip(), *lines):
        # without JSON's quotes: whoever prints the document puts it between others
        for form in (one, json.dumps(one)[1:-1], quote(one, safe="")):
            if len(form) >= SHORTEST:
                yield form
