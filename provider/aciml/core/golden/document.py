"""The text of a golden file as plain values, each with its line: by the rules of JSON, whether it is that or YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .path import Key

_DEEPEST = 200
_MOST_VALUES = 100_000  # an alias of YAML costs a letter, and may mean a million values
# the parser of YAML takes a time that grows with the square of it
_DEEP = re.compile(rf"(?:[\[{{]\s*){{{_DEEPEST},}}")
# a word of letters that nobody writes; of a value in several lines the last one has the closing bracket alone
_HELD = "json-taken-out-7c1f"
_IN_TEXT = re.compile(rf"{_HELD}\d+")
_IN_JSON = re.compile(
    r"(?m)^(?P<lead>(?P<pad> *)(?:- )?json: )(?P<json>[\[{](?:.*|\n(?:(?P=pad) .*\n)*?(?P=pad) *)[\]}])$"
)


class Notes(Protocol):
    """Gets what is wrong, and where the upper parts of the document are."""

    lines: dict[tuple[Key, ...], int]

    def report(self, place: tuple[Key, ...], why: str) -> None:
        """Note what is wrong at a place."""


def too_deep(text: str) -> int:
    """Return the line in which a YAML text nests more brackets than is read; 0 if it does not."""
    deep = _DEEP.search(text)
    return text.count("\n", 0, deep.start()) + 1 if deep else 0


def of_lines(text: str, notes: Notes) -> Any:
    """Read lines of JSON: the first may have what a YAML file has above its requests, each other is a request."""
    rows: list[Any] = []
    top: dict[str, Any] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        # counted before it is read: a line that is no JSON has a number as well
        notes.lines["requests", len(rows)] = number
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            notes.report(("requests", len(rows)), f"the line is no JSON: {error}")
            # an empty row in its place keeps the numbers of those behind it
            rows.append({})
            continue
        # the first line alone: later a request may have a key of that name
        if not rows and not top and isinstance(row, dict) and "golden" in row:
            top = {key: value for key, value in row.items() if key != "requests"}
            continue
        rows.append(row)
    return {**top, "requests": rows}


def of_yaml(text: str, notes: Notes) -> Any:
    """Read YAML; None, with a note, for what is none, and of an empty text."""
    held: dict[str, Any] = {}
    try:
        root = YAML(typ="safe", pure=True).compose(_held(text, held))
    except MarkedYAMLError as error:
        # the mark of the problem is nearer than that of its context
        mark = error.problem_mark or error.context_mark
        notes.lines[()] = mark.line + 1 if mark else 1
        notes.report((), f"this is no YAML: {error.problem or error.context}")
        return None
    except (YAMLError, ValueError, RecursionError) as error:
        notes.report((), f"this is no YAML: {str(error).splitlines()[0] if str(error) else 'it is nested too deeply'}")
        return None
    return _Values(notes, held).value(root, ()) if root is not None else None


def _held(text: str, held: dict[str, Any]) -> str:
    """Return the text with what is JSON after ``json:`` taken out: YAML's parser needs a second for some KB of it.

    Args:
        text: YAML.
        held: gets what was taken out, by the word that stands in its place.
    """

    def take(found: re.Match[str]) -> str:
        try:
            value = json.loads(found["json"], object_pairs_hook=_once, parse_constant=_none)
        # what is no JSON may still be YAML, {a: 1} for one: then the parser reads it
        except (ValueError, RecursionError):
            return found[0]
        word = f"{_HELD}{len(held)}"
        held[word] = (value, found["json"])
        # the lines below keep their numbers
        return found["lead"] + word + "\n" * found["json"].count("\n")

    # a file that has our own word in it is left to the parser
    return text if _HELD in text else _IN_JSON.sub(take, text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError  # YAML's parser tells where
    return made


def _none(word: str) -> Any:
    raise ValueError(word)  # in YAML, NaN is a text


@dataclass
class _Values:
    """Makes plain values of YAML's nodes, by the rules of JSON: what is a date there is a text here."""

    notes: Notes
    held: Mapping[str, Any]
    count: int = 0

    def value(self, node: Node, place: tuple[Key, ...]) -> Any:
        self.count += 1
        if len(place) > _DEEPEST or self.count > _MOST_VALUES:
            # once, and not for each value behind the limit
            if self.count <= _MOST_VALUES or self.count == _MOST_VALUES + 1:
                self.notes.report(place, "the file is nested too deeply, or has too many values")
            return None
        # of what is inside of bodies nobody asks for the line
        if len(place) <= 6:
            self.notes.lines[place] = node.start_mark.line + 1
        if isinstance(node, MappingNode):
            return dict(self.members(node, place))
        # by place: a list knows nothing of what its values mean
        if isinstance(node, SequenceNode):
            return [self.value(one, (*place, i)) for i, one in enumerate(node.value)]
        return self.scalar(node, place) if isinstance(node, ScalarNode) else None

    def members(self, node: MappingNode, place: tuple[Key, ...]) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key, value in node.value:
            # in JSON a name is a text, whatever YAML makes of it (1: or yes:)
            name = str(key.value) if isinstance(key, ScalarNode) else ""
            # set before its value is read, since that may report something
            self.notes.lines[*place, name] = key.start_mark.line + 1
            if name in seen:
                self.notes.report((*place, name), f'"{name}" is written twice')
            seen.add(name)
            found = self.value(value, (*place, name))
            # the line of a member is that of its name
            if len(place) < 6:
                self.notes.lines[*place, name] = key.start_mark.line + 1
            yield name, found

    def scalar(self, node: ScalarNode, place: tuple[Key, ...]) -> Any:
        text, tag = str(node.value), str(node.tag).rpartition(":")[2]
        # what was taken out comes back as it is
        if text in self.held:
            return self.held[text][0]
        if _HELD in text:
            # it was no value, but stands in a longer text
            return _IN_TEXT.sub(lambda found: str(self.held[found[0]][1]), text)
        try:
            # the tags of YAML's own resolver: it has decided already what looks like a number
            if tag == "int":
                return _int(text)
            if tag == "float":
                return _float(text)
        except ValueError:
            self.notes.report(place, f"{text[:40]} is no number")
            return None
        # YAML 1.1's words for true, which its parser takes for it
        return text.lower() in ("true", "yes", "on") if tag == "bool" else None if tag == "null" else text


def _int(text: str) -> int:
    # YAML 1.1 allows 1_000
    plain = text.replace("_", "")
    try:
        return int(plain, 0)
    except ValueError:
        return int(plain, 10)  # 007


def _float(text: str) -> float:
    plain = text.replace("_", "").lower()
    if plain.endswith((".inf", ".nan")):
        return float(plain.replace(".", ""))
    return float(plain)
