"""A JSON or YAML file as values that know their line; a key that is given twice is told, and nothing is built.

Source: CLI v1 read both with a YAML 1.1 parser, so a trailing comma, a comment and ``yes`` are in people's files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_TAG = "tag:yaml.org,2002:"
_DEEPEST = 40
"""Levels of nesting that are read; no file of v1 has ten, and a parser's stack has an end."""
# YAML 1.1 "bool": what v1's parser took for a truth, and 1.2 takes for a text
_TRUTHS = {
    **dict.fromkeys(("true", "yes", "on", "y"), True),
    **dict.fromkeys(("false", "no", "off", "n"), False),
}


class TreeError(ValueError):
    """The text is neither JSON nor YAML; ``line`` says where that shows."""

    def __init__(self, line: int, why: str) -> None:
        """Keep both."""
        super().__init__(why)
        self.line = line


@dataclass(frozen=True)
class Value:
    """What is written at one place: ``data`` is None, a scalar, a tuple of values, or pairs of key and value."""

    data: Any
    line: int
    is_map: bool = False
    plain: str = ""
    """A scalar without quotes, as it is written; empty if it has quotes."""

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.data, tuple) and not self.is_map

    @property
    def says_nothing(self) -> bool:
        """Whether it is null or an empty text, which templates are full of."""
        return self.data is None or (isinstance(self.data, str) and not self.data.strip())

    def truth(self) -> bool | None:
        """Return true or false as v1's parser read it; None if it is neither."""
        if isinstance(self.data, bool):
            return self.data
        return _TRUTHS.get(self.plain.lower())

    def pairs(self) -> Iterator[tuple[str, int, Value]]:
        """Yield key, its line and value of a map."""
        yield from self.data if self.is_map else ()

    def bare(self) -> Any:
        """Return maps, lists and scalars without their lines."""
        if self.is_map:
            return {key: value.bare() for key, _, value in self.data}
        return [one.bare() for one in self.data] if self.is_list else self.data


def read_tree(text: str) -> Value:
    """Read a text as JSON or YAML.

    Raises:
        TreeError: it is neither, or nested without end.
    """
    # YAML allows no tab where JSON has one; inside of a JSON string a tab would be written \t
    spaced = text.removeprefix("\ufeff")
    is_json = spaced.lstrip()[:1] in ("{", "[")
    try:
        node = YAML(typ="safe", pure=True).compose(spaced.replace("\t", " ") if is_json else spaced)
        return Value(None, 1) if node is None else _value(node, 0)
    except TreeError:
        raise
    except RecursionError:
        raise TreeError(1, "it is nested too deeply") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _worded(spaced, mark.line + 1 if mark else 1, str(error.problem or error.context), is_json) from None
    except (YAMLError, ValueError):
        raise _worded(spaced, 1, "it has characters that are no text; save it as UTF-8", is_json) from None


def _worded(text: str, line: int, why: str, is_json: bool) -> TreeError:  # noqa: FBT001
    """Say what is wrong with JSON in JSON's words: YAML's speak of things that JSON has not."""
    if is_json:
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            return TreeError(error.lineno, f"this is not JSON: {error.msg}")
        except RecursionError:
            return TreeError(1, "it is nested too deeply")
    return TreeError(line, f"this is not {'JSON' if is_json else 'YAML'}: {why}")


def _value(node: Node, depth: int) -> Value:
    line = int(node.start_mark.line) + 1
    # an alias may hold itself, so the depth is counted and not left to the stack
    if depth > _DEEPEST:
        raise TreeError(line, "it is nested too deeply")
    if isinstance(node, MappingNode):
        pairs = tuple((_key(key), int(key.start_mark.line) + 1, _value(inner, depth + 1)) for key, inner in node.value)
        return Value(pairs, line, is_map=True)
    if isinstance(node, SequenceNode):
        return Value(tuple(_value(one, depth + 1) for one in node.value), line)
    return _scalar(node, line)


def _key(node: Node) -> str:
    return _text(node.value) if isinstance(node, ScalarNode) else "?"


def _scalar(node: Node, line: int) -> Value:
    text, kind = _text(node.value), str(node.tag).removeprefix(_TAG)
    plain = "" if getattr(node, "style", None) else text
    if kind == "null":
        return Value(None, line, plain=plain)
    if kind == "bool":
        return Value(text.lower() == "true", line, plain=plain)
    if kind in ("int", "float"):
        return Value(_number(text), line, plain=plain)
    return Value(text, line, plain=plain)


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except (ValueError, OverflowError):
            continue
    return text  # 0x1F and 1_000 are numbers of YAML that nobody means here


def _text(value: Any) -> str:
    # JSON writes a character beyond 65535 as two halves, which YAML leaves apart and nothing can encode
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
