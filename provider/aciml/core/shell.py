"""Scripts of RUN, read by tree-sitter's Bash grammar into simple commands.

Nothing is expanded: a word with a variable in it has no value, and nobody judges it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

# nodes of the grammar whose text is what the program gets, but for their quotes
_LITERAL = {"word", "number", "string_content", "raw_string", "string", "concatenation", "command_name"}


@dataclass(frozen=True)
class Word:
    """One word of a command: ``value`` is what the program gets, or None if that is not certain; ``at`` its offset."""

    value: str | None
    at: int
    raw: str = ""


@dataclass(frozen=True)
class Command:
    """A simple command without assignments and redirections. ``fed`` if its input comes from a pipe or a file."""

    words: tuple[Word, ...]
    fed: bool = False


@dataclass(frozen=True)
class Script:
    """What a script does, in the order of its text.

    ``broken`` if the grammar does not take it; ``missing`` are signs the parser had to add, with their offsets.
    ``plain`` if there is nothing but commands in a row, without functions and conditions.
    """

    commands: tuple[Command, ...] = ()
    assigned: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    broken: bool = False
    missing: tuple[tuple[str, int], ...] = ()
    plain: bool = False


@cache
def _parser() -> Parser:
    # here and not above: each start of the plugin would load the grammar, and most programs have no steps
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def read_script(text: str, start: int = 0) -> Script:
    """Read a script; offsets count from ``start``. Never raises: what cannot be read is ``broken``."""
    data = text.encode("utf-8", "replace")
    root = _parser().parse(data).root_node
    nodes = list(_walk(root))
    # all ASCII: the parser's offsets of bytes are those of characters
    narrow = len(data) == len(text)

    def offset(at: int) -> int:
        return start + (at if narrow else len(data[:at].decode("utf-8", "replace")))

    return Script(
        commands=tuple(_command(node, offset) for node in nodes if node.type == "command"),
        assigned=frozenset(_text(node) for node in nodes if node.type == "variable_name"),
        functions=frozenset(
            _text(name) for node in nodes if node.type == "function_definition" and (name := _field(node, "name"))
        ),
        broken=root.has_error,
        missing=tuple((node.type, offset(node.start_byte)) for node in nodes if node.is_missing),
        plain=all(node.type in {"program", "list", "command", "&&", ";", "\n"} for node in _upper(root)),
    )


def _walk(root: Node) -> Iterator[Node]:
    """Yield all nodes in the order of the text, without recursion: deep nesting must not end the program."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def _upper(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if node.type in {"program", "list"}:
            stack.extend(reversed(node.children))


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _field(node: Node, name: str) -> Node | None:
    return node.child_by_field_name(name)


def _command(node: Node, offset: Callable[[int], int]) -> Command:
    name = _field(node, "name")
    parts = ([name] if name else []) + node.children_by_field_name("argument")
    return Command(tuple(Word(_value(part), offset(part.start_byte), _text(part)) for part in parts), _is_fed(node))


def _value(node: Node) -> str | None:
    """Return what the shell makes of a word, if nothing in it has to be expanded."""
    text = _text(node)
    if node.child_count and any(inner.type not in _LITERAL and inner.is_named for inner in _walk(node)):
        return None
    if node.type in {"concatenation", "command_name"}:
        values = [_value(child) for child in node.children]
        return None if None in values else "".join(value or "" for value in values)
    if node.type == "raw_string":
        return text[1:-1]
    if node.type == "string":
        # POSIX Shell 2.2.3: between double quotes a backslash quotes these four alone
        return re.sub(r'\\([$`"\\])', r"\1", text[1:-1])
    # unquoted: the shell expands patterns, braces, ~ and $; a backslash quotes one character (POSIX Shell 2.2.1)
    return None if re.search(r"[*?{}\[\]~$`]", text) else re.sub(r"\\(.)", r"\1", text)


def _is_fed(node: Node) -> bool:
    below, above = node, node.parent
    while above is not None:
        # all commands of a pipeline but the first read from the pipe
        if above.type == "pipeline" and above.children and above.children[0].id != below.id:
            return True
        if above.type == "redirected_statement" and any(
            child.type in {"heredoc_redirect", "herestring_redirect"}
            or (child.type == "file_redirect" and "<" in _text(child)[:3])
            for child in above.children
        ):
            return True
        below, above = above, above.parent
    return False
