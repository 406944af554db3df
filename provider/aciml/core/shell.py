"""Scripts of RUN as simple commands, each with what is known of when it runs and what its failure does.

Nothing is expanded: a word with a variable in it has no value, and nobody judges it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .shell_nodes import BASH, DASH, Broken, Node, Redirection, Refusal, Word, walk
from .shell_syntax import Parser

__all__ = ["BASH", "DASH", "Broken", "Command", "Redirection", "Script", "Word", "read_script"]

# what asks before something is done: the rest of an && chain runs only where the answer is yes
_QUESTIONS = frozenset(
    {"[", "test", "command", "which", "type", "hash", "grep", "egrep", "id", "getent", "dpkg-query", "ls", "stat"}
)


@dataclass(frozen=True)
class Command:
    """A simple command.

    ``fed``: its input comes from a pipe or a file. ``certain``: it runs if all before succeeds, and its failure fails
    the script. ``guarded``: whether it runs depends on a question, such as ``command -v apk``.
    """

    words: tuple[Word, ...]
    fed: bool = False
    certain: bool = False
    guarded: bool = False
    assigned: tuple[tuple[str, Word], ...] = ()
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True)
class Script:
    """What a script does, in the order of its text.

    ``broken``: why no shell reads it. ``dash``: why dash does not, and Bash does. ``bashisms``: what dash reads and
    cannot do. ``plain`` if there is nothing but commands in a row, without functions and conditions. ``backgrounds``:
    offsets of each ``&`` that something follows. ``comments``: where comments begin.
    """

    commands: tuple[Command, ...] = ()
    functions: frozenset[str] = frozenset()
    broken: Broken | None = None
    dash: Broken | None = None
    bashisms: tuple[tuple[int, str], ...] = ()
    plain: bool = False
    backgrounds: tuple[int, ...] = ()
    readable: bool = True
    comments: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Course:
    certain: bool = True
    guarded: bool = False
    fed: bool = False

    def unsure(self, *, guarded: bool = False) -> _Course:
        return replace(self, certain=False, guarded=self.guarded or guarded)


def read_script(text: str, start: int = 0, dialect: str = "") -> Script:
    """Read a script; offsets count from ``start``. Never raises: what nobody refuses and we cannot read says nothing.

    Args:
        text: of the script.
        start: offset of its first character.
        dialect: the shell that reads it, ``DASH`` or ``BASH``; empty if it may be either.
    """
    read: dict[str, Node] = {}
    refused: dict[str, Broken] = {}
    bashisms, comments = list[tuple[int, str]](), list[int]()
    for each in (DASH, BASH):
        # both grammars are read, since a finding may be true in one of them alone
        parser = Parser(text, each)
        bashisms, comments = parser.bashisms, parser.comments
        try:
            read[each] = parser.script()
        except Refusal as refusal:
            at = refusal.broken.at + start
            refused[each] = Broken(at, refusal.broken.why, refusal.broken.advice)
        except RecursionError:  # hundreds of brackets in brackets: nothing is certain
            return Script(readable=False)
    # who the shell is may not be known: then only what both refuse is certainly broken
    broken = refused.get(dialect) if dialect == BASH else (refused.get(DASH) if len(refused) == 2 else None)
    found = tuple(dict.fromkeys(at + start for at in comments))
    if broken:
        return Script(broken=broken, comments=found)
    root = read.get(BASH) or read[DASH]
    try:
        cannot = tuple((at + start, name) for at, name in bashisms)
        return replace(_script(root, start), dash=refused.get(DASH), bashisms=cannot, comments=found)
    except RecursionError:
        return Script(readable=False)


def _script(root: Node, start: int) -> Script:
    nodes = list(walk(root))
    reader = _Reader(start)
    found = list(reader.commands(root, _Course()))
    # by place: the walk goes into substitutions before the command that they are in
    found.sort(key=lambda command: command.words[0].at if command.words else command.assigned[0][1].at)
    return Script(
        commands=tuple(found),
        functions=frozenset(node.name for node in nodes if node.kind == "function"),
        plain=all(_is_plain(node) for node in nodes),
        backgrounds=tuple(
            place + start
            for node in nodes
            if node.kind == "list"
            for number, (sign, place) in enumerate(zip(node.signs, node.places, strict=True), start=1)
            # a job that the shell waits for nowhere is told by its place
            if sign == "&" and number < len(node.parts)
        ),
    )


def _is_plain(node: Node) -> bool:
    # `a & b` runs b without waiting, and so nothing is in a row
    if node.kind == "list":
        return "&" not in node.signs
    return node.kind == "simple" or (node.kind == "chain" and "||" not in node.signs)


class _Reader:
    """Walks a script in the order in which it runs; ``set -e`` and ``exit`` change what follows."""

    def __init__(self, start: int) -> None:
        self._start = start
        # what a `set -e` of an earlier line has decided holds for all lines below it
        self._errexit = self._pipefail = self._over = False

    def commands(self, node: Node, course: _Course) -> Iterator[Command]:
        for inner in node.inner:  # command substitutions: how they end is seldom asked
            yield from self.commands(inner, course.unsure())
        # a program whose input is a file asks nobody
        if any(redirection.sign.startswith("<") for redirection in node.redirections):
            course = replace(course, fed=True)
        yield from getattr(self, f"_{node.kind}")(node, course)

    def _simple(self, node: Node, course: _Course) -> Iterator[Command]:
        start = self._start
        # a place is of the whole text, and not of the part that was read
        words = tuple(replace(word, at=word.at + start) for word in node.words)
        if not words and not node.assigned:
            return
        yield Command(
            words,
            fed=course.fed,
            certain=course.certain and not self._over,
            guarded=course.guarded,
            assigned=tuple((name, replace(word, at=word.at + start)) for name, word in node.assigned),
            redirections=tuple(
                replace(
                    each,
                    at=each.at + start,
                    target=replace(each.target, at=each.target.at + start),
                    body=each.body and replace(each.body, at=each.body.at + start),
                )
                for each in node.redirections
            ),
        )
        self._note(words, course)

    def _note(self, words: tuple[Word, ...], course: _Course) -> None:
        name = words[0].value if words else ""
        # exec with nothing but redirections changes these for the shell itself, and the script goes on (POSIX, "exec")
        if name in {"exit", "exec", "return"} and len(words) > (name == "exec") and course.certain:
            self._over = True
        if name == "set":
            # a set may have several options in one word: -euo pipefail
            options = [word.value or "" for word in words[1:]]
            for option, following in zip(options, [*options[1:], ""], strict=True):
                is_set = option.startswith("-")
                if option[:1] in {"-", "+"} and "e" in option[1:]:
                    self._errexit = is_set
                if option[1:].endswith("o") and following == "pipefail":
                    self._pipefail = is_set
                if option[1:].endswith("o") and following == "errexit":
                    self._errexit = is_set

    def _list(self, node: Node, course: _Course) -> Iterator[Command]:
        # an operator belongs to what is in front of it
        for number, (part, sign) in enumerate(zip(node.parts, node.signs, strict=True), start=1):
            last = number == len(node.parts)
            if sign == "&":
                yield from self.commands(part, course.unsure())
            elif part.kind == "chain" and not last:
                # set -e passes over all of a chain but its last (POSIX, "set", -e)
                yield from self._chain(part, course, only_last=True)
            else:
                yield from self.commands(part, course if last or self._errexit else course.unsure())

    def _chain(self, node: Node, course: _Course, *, only_last: bool = False) -> Iterator[Command]:
        either, guarded = "||" in node.signs, False
        for number, part in enumerate(node.parts):
            last = number == len(node.parts) - 1
            follower = node.signs[number] if not last else ""
            # a chain that asks first says so to each part behind the question
            below = replace(course, guarded=course.guarded or guarded)
            if only_last and not (last and self._errexit):
                below = below.unsure()
            # of `a || b` neither has to succeed, but for `a || exit 1`, where a failure of `a` ends the script
            if either and not (follower == "||" and number == len(node.parts) - 2 and _gives_up(node.parts[-1])):
                below = below.unsure(guarded="||" in node.signs[:number])
            yield from self.commands(part, below.unsure() if guarded else below)
            guarded = guarded or _asks(part)

    def _pipe(self, node: Node, course: _Course) -> Iterator[Command]:
        for number, part in enumerate(node.parts):
            last = number == len(node.parts) - 1
            # `echo y | apt-get install x` answers by what it prints
            if number and (handed := _text_of(node.parts[number - 1])):
                part.redirections = [*part.redirections, handed]
            # a pipeline ends as its last command does (POSIX 2.9.2); Bash's pipefail lets each one count
            below = course if last or self._pipefail else course.unsure()
            yield from self.commands(part, replace(below, fed=course.fed or number > 0))

    def _not(self, node: Node, course: _Course) -> Iterator[Command]:
        # turned round: its failure is the script's success, and set -e passes over it (POSIX, "set", -e)
        yield from self.commands(node.parts[0], course.unsure())

    def _group(self, node: Node, course: _Course) -> Iterator[Command]:
        # a brace or a subshell: what runs in it runs
        yield from self._below(node, course)

    def _below(self, node: Node, course: _Course) -> Iterator[Command]:
        for part in node.parts:
            yield from self.commands(part, course)

    def _if(self, node: Node, course: _Course) -> Iterator[Command]:
        yield from self._below(node, course.unsure(guarded=True))

    _case = _if

    def _loop(self, node: Node, course: _Course) -> Iterator[Command]:
        yield from self._below(node, course.unsure())

    def _for(self, node: Node, course: _Course) -> Iterator[Command]:
        # over words that are written there the body runs once at least
        runs = bool(node.words) and all(word.value for word in node.words)
        yield from self._below(node, course if runs else course.unsure())

    # what is defined is perhaps never called
    _function = _loop

    def _test(self, node: Node, course: _Course) -> Iterator[Command]:
        yield Command((Word(node.name, node.at + self._start, node.name),), certain=course.certain and not self._over)


def _text_of(node: Node) -> Redirection | None:
    """Return the text that ``cat <<EOF`` or ``echo '...'`` hands to the program behind the pipe; None of any other."""
    words = node.words if node.kind == "simple" else []
    # what a here-document hands over is known, and what `cat` reads is not
    if [word.value for word in words] == ["cat"]:
        return next((each for each in node.redirections if each.body is not None), None)
    if len(words) == 2 and words[0].value == "echo" and words[1].value and words[1].raw[1:-1] == words[1].value:
        return Redirection("<<", words[0].at, words[1], Word(words[1].value, words[1].at + 1, words[1].raw))
    return None


def _gives_up(node: Node) -> bool:
    # `a || exit 1`: the failure of a ends the script with 1
    return any(part.kind == "simple" and part.words and part.words[0].value == "exit" for part in walk(node))


def _asks(node: Node) -> bool:
    if node.kind == "not":
        return True
    return node.kind == "test" or (node.kind == "simple" and bool(node.words) and node.words[0].value in _QUESTIONS)
