"""Why a shell cannot read a script, and where.

The grammar of ``shell.py`` knows that something is wrong, but not what a person would call it. This walks over quotes,
brackets, operators and reserved words as POSIX has them (Shell Command Language, 2.3 to 2.10), and names the first
thing that cannot be. It is asked only about scripts that the grammar refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = re.compile(r"[^\s;&|()<>'\"`$\\#]+|#")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(\\?[\"']?)([\w.-]+)[\"']?")
# reserved word -> what has to be open, what it becomes
_OPENS = {"if": "if", "while": "loop", "until": "loop", "for": "loop", "select": "loop", "case": "case", "{": "{"}
_TURNS = {
    "then": (("if",), "then"),
    "elif": (("then",), "if"),
    "else": (("then",), "else"),
    "do": (("loop",), "do"),
}
_CLOSES = {"fi": ("then", "else"), "done": ("do",), "esac": ("case",), "}": ("{",)}
_NEEDS = {"if": "then", "loop": "do", "then": "fi", "else": "fi", "do": "done", "case": "esac", "{": "}", "(": ")"}
_BEGINNING = {"fi": "if", "then": "if", "elif": "if", "else": "if", "done": "do", "do": "for or while"}


@dataclass(frozen=True)
class Broken:
    """What is wrong at an offset of the script."""

    at: int
    why: str
    advice: str


@dataclass
class _Reader:
    text: str
    at: int = 0
    begins: bool = True  # a command may begin here
    pending: tuple[str, int] | None = None  # operator that still needs a command
    semicolon: bool = False
    open: list[tuple[str, str, int]] = field(default_factory=list)  # state, word, offset
    heredocs: list[tuple[bool, str]] = field(default_factory=list)


def explain(text: str) -> Broken | None:
    """Return the first thing that no shell can read; None if nothing is certain."""
    try:
        return _explain(_Reader(text))
    except RecursionError:  # quotes in quotes, hundreds deep: nothing is certain
        return None


def _explain(reader: _Reader) -> Broken | None:
    text = reader.text
    while reader.at < len(text):
        if found := _next(reader):
            return found
    if reader.pending:
        sign, at = reader.pending
        return Broken(at, f"nothing follows {sign}", f"write the command, or remove {sign}")
    if reader.open:
        state, word, at = reader.open[-1]
        return Broken(at, f"{word} has no {_NEEDS[state]}", f"add {_NEEDS[state]}")
    return None


def _next(reader: _Reader) -> Broken | None:
    text, at = reader.text, reader.at
    sign = text[at]
    if sign == "\n":
        _newline(reader)
    elif sign.isspace() or sign == "\\":
        reader.at += 1 if sign.isspace() else 2
    # POSIX Shell 2.3: a comment begins only where a word could
    elif sign == "#" and (at == 0 or text[at - 1] in " \t\n;&|("):
        end = text.find("\n", at)
        reader.at = len(text) if end < 0 else end
    else:
        return _sign(reader, sign)
    return None


def _sign(reader: _Reader, sign: str) -> Broken | None:
    if sign in "'\"`$":
        return _quoted(reader)
    if sign in ";&|":
        return _operator(reader)
    if sign in "<>":
        return _redirection(reader)
    return _bracket(reader) if sign in "()" else _plain(reader)


def _newline(reader: _Reader) -> None:
    reader.at += 1
    reader.begins = True
    # POSIX Shell 2.7.4: the text begins after the next newline, and <<- drops leading tabs, not blanks
    for dash, word in reader.heredocs:
        tabs = r"\t*" if dash else ""
        found = re.compile(rf"^{tabs}{re.escape(word)}$\n?", re.MULTILINE).search(reader.text, reader.at)
        reader.at = found.end() if found else len(reader.text)
    reader.heredocs.clear()


def _quoted(reader: _Reader) -> Broken | None:
    end = skip_quoted(reader.text, reader.at)
    if end < 0:
        shown = {"'": "single quote", '"': "double quote", "`": "backtick"}.get(reader.text[reader.at], "$( or ${")
        return Broken(reader.at, f"this {shown} is never closed", "close it")
    reader.at = end
    _had_word(reader)
    return None


def _had_word(reader: _Reader) -> None:
    reader.begins, reader.pending, reader.semicolon = False, None, False


def skip_quoted(text: str, at: int) -> int:
    """Return the end of the quotes, substitution or variable that begins at ``at``; -1 if it has none."""
    sign = text[at]
    if sign == "'":
        return text.find("'", at + 1) + 1 or -1
    if sign == "$":
        follower = text[at + 1 : at + 2]
        # Bash's $'...': there a backslash quotes the quote, which it does not in '...'
        if follower == "'":
            found = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL).match(text, at + 1)
            return found.end() if found else -1
        return _skip_to(text, at + 2, {"(": ")", "{": "}"}[follower], follower) if follower in {"(", "{"} else at + 1
    return _skip_to(text, at + 1, sign, "")


def _skip_to(text: str, at: int, end: str, again: str) -> int:
    """Return the offset after ``end``; inner quotes and brackets are passed over."""
    depth, steps = 1, 0
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 2
            continue
        if sign == end:
            depth -= 1
            if not depth:
                return at + 1
        elif again and sign == again:
            depth += 1
        # POSIX Shell 2.2.3: between double quotes a single one is a plain sign
        elif (sign in "'\"" and end not in '"`') or (sign == "$" and end != "`") or (sign == "`" and end == '"'):
            steps += 1
            # scripts with so many quotes in one are made, not written; the search has to end
            inner = skip_quoted(text, at) if steps < 200 else at + 1
            if inner < 0:
                return -1
            at = inner
            continue
        at += 1
    return -1


def _operator(reader: _Reader) -> Broken | None:
    found = re.compile(r"&&|\|\||\|&|;;&?|;&|&>>?|[;&|]").match(reader.text, reader.at)
    sign, at = found[0] if found else "", reader.at
    # Bash's redirection of both outputs
    if sign.startswith("&>"):
        reader.at += len(sign)
        return None
    # ends one pattern of a case; the next one is no command, but a word
    if sign.startswith(";;") and reader.open and reader.open[-1][0] == "case":
        reader.at += len(sign)
        reader.begins, reader.semicolon, reader.pending = True, False, None
        return None
    if reader.pending:
        before, _ = reader.pending
        return Broken(at, f"{sign} follows {before} without a command between", "remove one, or write the command")
    if (reader.begins and (sign != ";" or reader.semicolon or not reader.open)) or sign == ";;":
        return Broken(at, f"{sign} has no command before it", f"remove {sign}, or write the command")
    reader.at += len(sign)
    reader.begins = True
    reader.semicolon = sign in {";", "&"}
    reader.pending = (sign, at) if sign in {"&&", "||", "|", "|&"} else None
    return None


def _redirection(reader: _Reader) -> Broken | None:
    text, at = reader.text, reader.at
    # Bash's process substitution: its bracket is read next
    if text[at + 1 : at + 2] == "(":
        reader.at += 1
        return None
    if (found := _HEREDOC.match(text, at)) and not text.startswith("<<<", at):
        reader.heredocs.append((bool(found[1]), found[3]))
        reader.at = found.end()
        _had_word(reader)
        return None
    sign = re.compile(r"<<<|<<|>>|<>|>\||[<>]&?").match(text, at)
    reader.at = sign.end() if sign else at + 1
    if not re.compile(r"[ \t]*[^\s;&|)]").match(text, reader.at):
        return Broken(at, f"no file follows {text[at : reader.at]}", "write its name")
    reader.pending = None
    return None


def _bracket(reader: _Reader) -> Broken | None:
    sign, at = reader.text[reader.at], reader.at
    reader.at += 1
    if sign == "(":
        reader.open.append(("(", "(", at))
        reader.begins, reader.pending, reader.semicolon = True, None, False
        return None
    if reader.open and reader.open[-1][0] == "(":
        if reader.pending:
            return Broken(reader.pending[1], f"nothing follows {reader.pending[0]}", "write the command")
        reader.open.pop()
    elif not reader.open or reader.open[-1][0] != "case":
        return Broken(at, ") without (", "remove it, or put it in quotes")
    reader.begins, reader.semicolon = False, False
    # after the pattern of a case, and after name(), a command begins
    if (reader.open and reader.open[-1][0] == "case") or re.compile(r"\s*\{").match(reader.text, reader.at):
        reader.begins = True
    return None


def _plain(reader: _Reader) -> Broken | None:
    found = _WORD.match(reader.text, reader.at)
    word, at = found[0] if found else reader.text[reader.at], reader.at
    reader.at += len(word)
    # POSIX Shell 2.4: a reserved word is one only unquoted, and where a command may begin
    whole = at == 0 or reader.text[at - 1] in " \t\n;&|()`"
    alone = whole and reader.text[reader.at : reader.at + 1] in {"", " ", "\t", "\n", ";", "&", "|", ")", "("}
    if not (reader.begins and alone) or word not in {*_OPENS, *_TURNS, *_CLOSES, "!"}:
        _had_word(reader)
        return None
    return _reserved(reader, word, at)


def _reserved(reader: _Reader, word: str, at: int) -> Broken | None:
    state = reader.open[-1][0] if reader.open else ""
    reader.pending, reader.semicolon = None, False
    if word in _OPENS:
        reader.open.append((_OPENS[word], word, at))
        # a name or a word follows these, not a command
        reader.begins = word not in {"for", "select", "case"}
        # 8 of the 398 scripts that the walk was measured on have `for i do` (decisions/lint.md)
        if short := re.compile(r"[ \t]+\w+[ \t]+(?=do\s)").match(reader.text, reader.at):  # over "$@"
            reader.at, reader.begins = short.end(), True
    elif word in _TURNS:
        wanted, becomes = _TURNS[word]
        if state not in wanted:
            return Broken(at, f"{word} without {_BEGINNING[word]}", _advice(reader))
        reader.open[-1] = (becomes, *reader.open[-1][1:])
    elif word in _CLOSES:
        if state not in _CLOSES[word]:
            return Broken(at, f"{word} without {_BEGINNING.get(word, 'its beginning')}", _advice(reader))
        reader.open.pop()
        reader.begins = False
    return None


def _advice(reader: _Reader) -> str:
    if not reader.open:
        return "remove it, or write the beginning"
    state, word, _ = reader.open[-1]
    return f"{word} still needs {_NEEDS[state]}; is there a ; before it?"
