"""A shell script in tokens: what is quoted, expanded, or joined by a backslash is passed over as the shell does.

Source: POSIX Shell Command Language, 2.2 (quoting), 2.3 (tokens), 2.6 (expansions), 2.7.4 (here-documents).
"""

from __future__ import annotations

import re
from dataclasses import replace

from .shell_nodes import BASH, DASH, Broken, Node, Refusal, Token, Word

ASSIGNMENT = {
    DASH: re.compile(r"([A-Za-z_]\w*)="),
    BASH: re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?="),
}
_OPERATORS = {
    DASH: re.compile(r"&&|\|\||;;|[;&|()]"),
    BASH: re.compile(r";;&|;;|;&|&&|\|\||\|&|[;&|()]"),
}
# the number of a descriptor has one digit in dash (parser.c); Bash takes more, and a {name} that it fills
_REDIRECTIONS = {
    DASH: re.compile(r"\d?(<<-|<<|<&|<>|<|>>|>&|>\||>)"),
    BASH: re.compile(r"(?:\d+|\{[A-Za-z_]\w*\})?(<<<|<<-|<<|<&|<>|<|>>|>&|>\||>)|&>>?"),
}
# a plain run of characters that mean nothing to the shell, read at once
_PLAIN = re.compile(r"[^\s;&|()<>'\"`$\\*?{}\[\]~#]+")
_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_UNCERTAIN = re.compile(r"[*?{}\[\]~]")
# Bash expands {a,b} and {1..3}; ${...} is another thing
_BRACES = re.compile(r"(?<![$@])\{[^{}\s'\"$`]*(?:,|\.\.)[^{}\s'\"`]*\}")
_SIGNS = frozenset({"[", "]", "[[", "]]", "{", "}", "{}"})  # words of their own, which nothing expands
_QUOTES_COUNT = re.compile(r"[#!]?(?:\w+|[@*])(?:\[[^\]]*\])?[#%/^,@]")
_BASH_EXPANSION = re.compile(r"!?\w+\[|!\w|\w+(?:/|\^|,|@|:\s*\d|:\s+-|:\$)")


class Tokens:
    """The tokens of a script, one ahead. Scripts in a script are read by the grammar, which is a class below."""

    def __init__(self, text: str, dialect: str, at: int = 0) -> None:
        """Begin at an offset."""
        self.text, self.dialect, self.at = text, dialect, at
        self.bashisms: list[tuple[int, str]] = []  # what dash reads and cannot do
        self.comments: list[int] = []
        self._ahead: Token | None = None
        # last line, leading tabs dropped, quoted; the command, and which of its redirections it is
        self._heredocs: list[tuple[str, bool, bool, Node, int]] = []
        self._pending: tuple[str, int] | None = None  # operator that still needs a command
        self._open: list[tuple[str, str, int]] = []  # word, what it still needs, offset

    def peek(self) -> Token:
        """Return the next token, which stays."""
        if self._ahead is None:
            self._ahead = self._token()
        return self._ahead

    def take(self) -> Token:
        """Return the next token, and go on."""
        token = self.peek()
        self._ahead = None
        return token

    def _token(self) -> Token:
        text = self.text
        if blank := _BLANK.match(text, self.at):
            self.at = blank.end()
        # a comment begins where a token would: in the middle of a word # is a letter (POSIX 2.3, rule 9)
        if text.startswith("#", self.at):
            self.comments.append(self.at)
            end = text.find("\n", self.at)
            self.at = len(text) if end < 0 else end
        at = self.at
        if at >= len(text):
            return Token("end", "", at)
        if text[at] == "\n":
            self.at += 1
            self._skip_heredocs()
            return Token("\n", "\n", at)
        # <( and >( of Bash begin a word
        substitutes = self.dialect == BASH and re.compile(r"[<>]\(").match(text, at)
        if not substitutes and (found := _REDIRECTIONS[self.dialect].match(text, at)):
            self.at = found.end()
            return Token("redirection", found[0], at)
        if found := _OPERATORS[self.dialect].match(text, at):
            self.at = found.end()
            return Token("operator", found[0], at)
        return self._word()

    def _skip_heredocs(self) -> None:
        """Pass over the texts that begin after this newline (POSIX Shell 2.7.4); one without an end takes all."""
        for word, tabs, quoted, node, number in self._heredocs:
            found = re.compile(
                rf"^{chr(92)}t*{re.escape(word)}$\n?" if tabs else rf"^{re.escape(word)}$\n?", re.MULTILINE
            ).search(self.text, self.at)
            start, end = self.at, found.start() if found else len(self.text)
            body = self.text[start:end]
            # what the backslash keeps for whoever reads the text; the same length, so that offsets stay
            body = body if quoted else re.sub(r"\\([$`\\])", r"_\1", body)
            node.redirections[number] = replace(node.redirections[number], body=Word(body, start, body))
            self.at = found.end() if found else len(self.text)
        self._heredocs = []

    def _word(self) -> Token:
        text, start = self.text, self.at
        values: list[str] = []
        certain, quoted, inner = True, False, list[Node]()
        while self.at < len(text):
            if plain := _PLAIN.match(text, self.at):
                values.append(plain[0])
                self.at = plain.end()
                continue
            sign = text[self.at]
            if sign == "(" and self._begins_array(start):
                inner += self._array()
                certain = False
            elif sign in "<>" and self.dialect == BASH and text.startswith("(", self.at + 1):
                inner += self._substitution(self.at + 1)
                certain = False
            elif sign in " \t\n;&|()<>":
                break
            elif sign == "'":
                values.append(self._single())
                quoted = True
            elif sign == '"':
                value, found = self._double()
                certain, quoted = certain and value is not None, True
                values.append(value or "")
                inner += found
            elif sign in "$`":
                known, found = self._expansion(quoted=False)
                certain = certain and known is not None
                values.append(known or "")
                inner += found
            elif sign == "\\":
                quoted = True
                # with a newline it joins two lines, and both go (POSIX 2.2.1)
                values.append(text[self.at + 1 : self.at + 2].removesuffix("\n"))
                self.at = min(self.at + 2, len(text))
            else:  # the shell expands patterns, braces and ~
                certain = certain and not _UNCERTAIN.match(sign)
                values.append(sign)
                self.at += 1
        raw = text[start : self.at]
        self._note_braces(start, "" if quoted else raw)
        value = "".join(values) if certain or raw in _SIGNS else None
        # a word with a quote in it is never reserved (POSIX 2.4): "if" is the name of a program
        return Token("word", "" if quoted else raw, start, Word(value, start, raw), tuple(inner))

    def _note_braces(self, start: int, raw: str) -> None:
        if "{" in raw and _BRACES.search(raw):
            self.bashisms.append((start, "{a,b}"))

    def _begins_array(self, start: int) -> bool:
        so_far = self.text[start : self.at]
        return self.dialect == BASH and so_far.endswith("=") and bool(ASSIGNMENT[BASH].fullmatch(so_far))

    def _array(self) -> list[Node]:
        opened, inner = self.at, list[Node]()
        self.at += 1
        while True:
            token = self._token()
            inner += token.inner
            if token.kind == "operator" and token.text == ")":
                return inner
            if token.kind == "end":
                raise Refusal(Broken(opened, "( has no )", "add )"))
            if token.kind in {"operator", "redirection"}:
                raise Refusal(Broken(token.at, f"{token.text} cannot stand in a list", "put it in quotes"))

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise Refusal(Broken(self.at, "this single quote is never closed", "close it"))
        value, self.at = self.text[self.at + 1 : end], end + 1
        return value

    def _double(self) -> tuple[str | None, list[Node]]:
        """Return what double quotes mean, None if something is expanded; POSIX Shell 2.2.3."""
        text, start = self.text, self.at
        values: list[str] = []
        certain, inner = True, list[Node]()
        self.at += 1
        while self.at < len(text):
            sign = text[self.at]
            if sign == '"':
                self.at += 1
                return "".join(values) if certain else None, inner
            if sign == "\\":
                follower = text[self.at + 1 : self.at + 2]
                # a backslash quotes these alone, and joins lines
                values.append("" if follower == "\n" else follower if follower in {*'$`"\\'} else "\\" + follower)
                self.at += 2
            elif sign in "$`":
                value, found = self._expansion(quoted=True)
                certain = certain and value is not None
                values.append(value or "")
                inner += found
            else:
                plain = re.compile(r"[^\"\\$`]+").match(text, self.at)
                end = plain.end() if plain else self.at + 1
                values.append(text[self.at : end])
                self.at = end
        raise Refusal(Broken(start, "this double quote is never closed", "close it"))

    def _expansion(self, *, quoted: bool) -> tuple[str | None, list[Node]]:  # noqa: PLR0911  # one kind each
        """Pass over what ``$`` or a backtick begins; a value is known of a lone ``$`` and of ``$'...'`` in part."""
        text, at = self.text, self.at
        if text[at] == "`":
            return None, self._backticks()
        follower = text[at + 1 : at + 2]
        if follower == "(":
            if text.startswith("((", at + 1) and self._arithmetic():
                return None, []
            return None, self._substitution(at + 1)
        if follower == "{":
            return None, self._braces(quoted=quoted)
        # ANSI-C quoting: what its escapes mean is not worked out here, so the value is not known
        if follower == "'" and not quoted and self.dialect == BASH:
            found = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL).match(text, at + 1)
            if not found:
                raise Refusal(Broken(at, "this single quote is never closed", "close it"))
            self.at = found.end()
            return None, []
        if follower == '"' and not quoted and self.dialect == BASH:
            self.at += 1
            return self._double()
        if variable := re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])").match(text, at):
            self.at = variable.end()
            return None, []
        self.at += 1
        return "$", []

    def _substitution(self, opened: int) -> list[Node]:
        """Read the script between the brackets that begin here."""
        raise NotImplementedError

    def _arithmetic(self) -> bool:
        """Pass over ``$((...))``; False if it is a substitution that begins with a bracket, which Bash allows."""
        text, at, depth = self.text, self.at + 3, 0
        start = self.at
        while at < len(text):
            sign = text[at]
            if sign == "\\":
                at += 2
            elif sign in "$`":
                self.at = at
                self._expansion(quoted=True)
                at = self.at
            elif sign == "(":
                depth, at = depth + 1, at + 1
            elif sign == ")" and depth:
                depth, at = depth - 1, at + 1
            elif sign == ")" and text.startswith("))", at):
                self.at = at + 2
                return True
            elif sign == ")" and self.dialect == BASH:
                self.at = start
                return False
            else:
                at += 1
        raise Refusal(Broken(start, "this $(( is never closed", "close it"))

    def _braces(self, *, quoted: bool) -> list[Node]:
        text, start, inner = self.text, self.at, list[Node]()
        self.at += 2
        if _BASH_EXPANSION.match(text, self.at):
            self.bashisms.append((start, "this ${...}"))
        # between double quotes a single quote is a letter here, except in patterns (dash, Bash)
        counts = not quoted or bool(_QUOTES_COUNT.match(text, self.at))
        if text.startswith("#", self.at):  # ${#}, ${#name}: no comment
            self.at += 1
        while self.at < len(text):
            sign = text[self.at]
            if sign == "}":
                self.at += 1
                return inner
            if sign == "\\":
                self.at += 2
            elif sign == "'" and counts:
                self._single()
            elif sign == '"':
                inner += self._double()[1]
            elif sign in "$`":
                inner += self._expansion(quoted=quoted)[1]
            else:
                self.at += 1
        raise Refusal(Broken(start, "this ${ is never closed", "close it"))

    def _backticks(self) -> list[Node]:
        """Read the script between backticks."""
        raise NotImplementedError
