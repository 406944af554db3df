"""Scripts and commands that a command is handed: ``sh -c``, a shell's heredoc, ``eval``, ``su -c``, ``find -exec``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .lint_programs import plain_name
from .shell import Command, Word
from .shell_nodes import BASH, DASH

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})
# find(1), "ACTIONS"; the command ends at ; or at {} +
_EXEC = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def inner_script(command: Command, dialect: str) -> tuple[str, int, str] | None:
    """Return the text that a shell is handed, its offset, and its grammar; None for other commands.

    An offset below 0 tells that the text is not as it stands there: it was escaped, so only its beginning is known.
    """
    name = plain_name(command.words[0].value) if command.words else ""
    if name in {"su", "runuser"}:
        return _of_another_user(command)
    if name == "eval" and len(command.words) == 2:
        return _script_in(command.words[1], dialect)
    if name not in _SHELLS:
        return None
    grammar = {"sh": dialect, "bash": BASH, "dash": DASH}.get(name, "")
    return _from_heredoc(command, grammar) if command.fed else _from_option(command, grammar)


def _from_option(command: Command, dialect: str) -> tuple[str, int, str] | None:
    options = 0
    while (word := command.words[1 + options] if len(command.words) > 1 + options else None) is not None:
        options += 1
        if not (word.value or "").startswith("-"):
            return None
        if re.fullmatch(r"-[a-z]*c", word.value or ""):
            break
    script = command.words[1 + options] if len(command.words) > 1 + options else None
    return _script_in(script, dialect)


def _from_heredoc(command: Command, dialect: str) -> tuple[str, int, str] | None:
    """``bash -e <<EOF``: without a file or -c a shell reads its input (POSIX, sh, "-s")."""
    bodies = [each.body for each in command.redirections if each.body is not None]
    before_s = [word.value or "" for word in command.words[1:]]
    before_s = before_s[: before_s.index("-s")] if "-s" in before_s else before_s
    if not bodies or any(not word.startswith("-") or re.fullmatch(r"-[a-z]*c", word) for word in before_s):
        return None
    text, at = bodies[-1].value or "", bodies[-1].at
    if any(re.fullmatch(r"-[a-z]*e[a-z]*", word) for word in before_s):
        # the same as set -e in its first line, and no offset changes
        return (f"set -e\n{text}", at - len("set -e\n"), dialect) if text.strip() else None
    return (text, at, dialect) if text.strip() else None


def _of_another_user(command: Command) -> tuple[str, int, str] | None:
    """``su app -c "..."``: the grammar is that of the user's own shell, which nobody knows here."""
    words = command.words
    at = next((at for at, word in enumerate(words) if word.value in {"-c", "--command", "-lc"}), len(words))
    return _script_in(words[at + 1] if at + 1 < len(words) else None, "")


def _script_in(script: Word | None, dialect: str) -> tuple[str, int, str] | None:
    if script is None or script.value is None or not script.value.strip():
        return None
    # inside of its quotes the text stands as it is, unless something was escaped
    same = script.raw[1:-1] == script.value
    return script.value, script.at + 1 if same else -1 - script.at, dialect


def inner_commands(command: Command) -> Iterator[Command]:
    """Yield what ``find`` runs for each file; find itself goes on, and mostly succeeds, if one of them fails."""
    if not command.words or plain_name(command.words[0].value) != "find":
        return
    words = list(command.words)
    for start in [at for at, word in enumerate(words) if word.value in _EXEC]:
        ends = (at for at in range(start + 1, len(words)) if words[at].value in {";", "+"})
        found = words[start + 1 : next(ends, len(words))]
        if found:
            # the name of a file, which nobody knows
            placed = [Word(None, word.at, word.raw) if "{}" in (word.value or "") else word for word in found]
            yield replace(command, words=tuple(placed), certain=False, redirections=())
