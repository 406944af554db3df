"""Values of a script that was read: words, tokens, commands in commands, and why a shell refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

DASH, BASH = "dash", "bash"
"""The two grammars: ``/bin/sh`` of Debian and Ubuntu, which has what POSIX has, and Bash's."""


@dataclass(frozen=True)
class Broken:
    """What is wrong at an offset of the script."""

    at: int
    why: str
    advice: str


class Refusal(Exception):
    """The shell refuses the script."""

    def __init__(self, broken: Broken) -> None:
        """Keep what is wrong."""
        super().__init__(broken.why)
        self.broken = broken


@dataclass(frozen=True)
class Word:
    """One word of a command: ``value`` is what the program gets, or None if that is not certain; ``at`` its offset."""

    value: str | None
    at: int
    raw: str = ""


@dataclass(frozen=True)
class Redirection:
    """``sign`` such as ``>>``, at an offset, and the word that follows; ``body`` is the text of a heredoc."""

    sign: str
    at: int
    target: Word
    body: Word | None = None


@dataclass
class Node:
    """A part of a script.

    ``kind``: ``list`` (``signs`` end its statements: ``;``, ``&`` or nothing), ``chain`` (``signs`` between its parts:
    ``&&``, ``||``), ``pipe``, ``not``, ``simple``, ``group``, ``if`` (conditions and bodies in turn), ``loop``
    (condition, body), ``for``, ``case``, ``function`` (``name``), ``test`` (Bash's ``[[`` and ``((``).
    ``inner``: command substitutions in its words. ``places``: offsets of ``signs``.
    """

    kind: str
    at: int
    parts: list[Node] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    assigned: list[tuple[str, Word]] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)
    inner: list[Node] = field(default_factory=list)
    name: str = ""


@dataclass(frozen=True)
class Token:
    """A piece of a script; ``text`` of a word with quotes is empty, since it can be no reserved word."""

    kind: str  # "word", "operator", "redirection", "\n", "end"
    text: str
    at: int
    word: Word | None = None
    inner: tuple[Node, ...] = ()

    @property
    def plain(self) -> str:
        """The text of a word without quotes, in which a reserved word can be known; else nothing."""
        return self.text if self.kind == "word" else ""


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, without recursion."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(reversed([*one.inner, *one.parts]))
