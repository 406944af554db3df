"""What a person would call it, where a shell says "syntax error": an ``if`` without ``fi``, nothing after ``&&``."""

from __future__ import annotations

from collections.abc import Sequence

from .shell_nodes import Broken, Token

_BEGINNING = {
    "fi": "if",
    "then": "if",
    "elif": "if",
    "else": "if",
    "done": "do",
    "do": "for or while",
    "esac": "case",
    "}": "{",
    "in": "for or case",
}


def explain(token: Token, pending: tuple[str, int] | None, opened: Sequence[tuple[str, str, int]]) -> Broken:
    """Say why a token cannot stand where it does.

    Args:
        token: that the grammar did not expect.
        pending: operator that still needs a command, with its offset.
        opened: words such as ``if``, what each still needs, and its offset.
    """
    if pending and (token.kind == "end" or (token.kind == "operator" and token.text == ")")):
        before, place = pending
        return Broken(place, f"nothing follows {before}", f"write the command, or remove {before}")
    if token.kind == "end":
        return _unfinished(token, opened)
    if token.kind == "operator":
        return _operator(token, pending, opened)
    if token.kind == "redirection":
        return Broken(token.at, f"{token.text} cannot stand here", "write the command before it")
    if token.plain in _BEGINNING:
        return Broken(token.at, f"{token.plain} without {_BEGINNING[token.plain]}", _advice(opened))
    shown = token.word.raw if token.word else "the end of the line"
    return Broken(token.at, f"{shown} cannot stand here", _advice(opened) if opened else "write ; or && before it")


def _unfinished(token: Token, opened: Sequence[tuple[str, str, int]]) -> Broken:
    if not opened:
        return Broken(token.at, "the script ends too early", "write the rest")
    word, needs, place = opened[-1]
    return Broken(
        place,
        f"{'if' if word == 'elif' else word} has no {needs}",
        f"add {needs}" + (", with a ; before it" if word == "{" else ""),
    )


def _operator(token: Token, pending: tuple[str, int] | None, opened: Sequence[tuple[str, str, int]]) -> Broken:
    sign, at = token.text, token.at
    if sign == "(":
        return Broken(at, "( cannot stand here", "put it in quotes")
    if sign == ")":
        if not any(word == "(" for word, _, _ in opened):
            return Broken(at, ") without (", "remove it, or put it in quotes")
        return Broken(at, ") comes too early", _advice(opened))
    if pending:
        why = f"{sign} follows {pending[0]} without a command between"
        return Broken(at, why, "remove one, or write the command")
    return Broken(at, f"{sign} has no command before it", f"remove {sign}, or write the command")


def _advice(opened: Sequence[tuple[str, str, int]]) -> str:
    if not opened:
        return "remove it, or write the beginning"
    word, needs, _ = opened[-1]
    return f"{word} still needs {needs}; is there a ; before it?"
