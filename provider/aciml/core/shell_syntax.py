"""The grammar of the shells: a script becomes commands, or is refused at a place, as dash and Bash refuse it.

``dash`` is ``/bin/sh`` of Debian and Ubuntu, and takes what POSIX has. The parser follows dash's own ``parser.c``
(``list``, ``andor``, ``pipeline``, ``command``, ``simplecmd``), because the promise is to refuse what it refuses: the
tests ask ``dash -n`` and ``bash -n``. What Bash knows beyond that is read in the dialect ``bash`` alone.
Source: POSIX Shell Command Language, 2.3 to 2.10; Bash manual, "Shell Grammar".
"""

from __future__ import annotations

import re

from .shell_nodes import BASH, DASH, Broken, Node, Redirection, Refusal, Token, Word
from .shell_refusal import explain
from .shell_tokens import ASSIGNMENT, Tokens

_NAME = re.compile(r"[A-Za-z_]\w*")
# in Bash the word behind them may be an array, `local a=(b c)`: elsewhere that bracket is refused
_DECLARE = frozenset({"alias", "declare", "eval", "export", "let", "local", "readonly", "typeset"})
# POSIX 2.14 lists them; dash refuses a function of such a name, Bash only in its POSIX mode
_SPECIAL = frozenset(
    {".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times"}
    | {"trap", "unset"}
)
# a regular expression or a pattern in [[ ]] may have brackets and bars outside of quotes
_PATTERN = re.compile(r"[ \t]*(?:\((?:[^()]|\([^()]*\))*\)|[^\s\\'\"()]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\")+", re.DOTALL)
# reserved only where a command may begin (POSIX 2.4): `echo done` is an argument, and the list goes on
_ENDS = frozenset(["then", "else", "elif", "fi", "do", "done", "esac", "}"])
_RESERVED = {DASH: _ENDS | {"in", "!"}, BASH: _ENDS | {"in", "!", "]]"}}


class Parser(Tokens):
    """Reads one script in one grammar; ``script`` raises what is wrong."""

    def script(self) -> Node:
        """Return the script's list.

        Raises:
            Refusal: the shell refuses it.
            RecursionError: it is nested too deep for us.
        """
        return self._list(1)

    def _skip_newlines(self) -> None:
        # an empty line is nothing between statements, and ends one behind a word
        while self.peek().kind == "\n":
            self.take()

    def _list(self, mode: int) -> Node:
        """Read statements. ``mode`` as in dash: 0 there has to be one, 1 the whole script, 2 there may be none."""
        node, may_end = Node("list", self.at), mode == 2
        while True:
            self._skip_newlines()
            token = self.peek()
            # a list that may be empty is that of a branch of case and of `$( )`, and none else
            if token.kind == "end" or (may_end and _is_end(token)):
                return node
            may_end = mode != 1
            node.parts.append(self._and_or())
            token = self.peek()
            if token.kind == "operator" and token.text in {";", "&"}:
                self.take()
                node.signs.append(token.text)
                node.places.append(token.at)
            elif token.kind == "\n":
                node.signs.append("\n")
                node.places.append(token.at)
            else:
                node.signs.append("")
                node.places.append(token.at)
                # behind a script's last statement there has to be its end; elsewhere the caller looks for its own word
                if token.kind != "end" and mode == 1:
                    raise self._unexpected(token)
                return node

    def _and_or(self) -> Node:
        first = self._pipeline()
        node = Node("chain", first.at, [first])
        while (token := self.peek()).kind == "operator" and token.text in {"&&", "||"}:
            self._follow(self.take())
            node.signs.append(token.text)
            node.places.append(token.at)
            node.parts.append(self._pipeline())
        # one pipeline alone is no chain: rules about && would else look at every command
        return node if node.signs else first

    def _follow(self, operator: Token) -> None:
        # a line may end behind the operator, and nothing else may (POSIX 2.10.2, "linebreak")
        self._skip_newlines()
        # remembered for the message: "nothing follows &&" says more than "unexpected end"
        self._pending = (operator.text, operator.at)

    def _pipeline(self) -> Node:
        negated, at = False, self.peek().at
        # dash reads one `!`, Bash a row of them
        while self.peek().plain == "!" and not (negated and self.dialect == DASH):
            negated, self._pending = True, ("!", self.take().at)
        # in Bash a reserved word before a whole pipeline; to dash it is a program like others
        if self.dialect == BASH and self.peek().plain == "time":
            self.take()
            while self.peek().plain in {"-p", "--"}:
                self.take()
        following = self.peek()
        # `! ` or `time` and then nothing
        over = following.kind in {"end", "\n"} or (following.kind == "operator" and following.text == ";")
        if self.dialect == BASH and following.at > at and over:
            self._pending = None
            return Node("simple", at)  # Bash: time or ! alone
        parts, piped = [self._command()], list[int]()
        while (token := self.peek()).kind == "operator" and token.text in {"|", "|&"}:
            piped.append(token.at)
            self._follow(self.take())
            parts.append(self._command())
        # Bash's |& is a pipe to us: which streams it joins matters to no rule
        node = parts[0] if len(parts) == 1 else Node("pipe", parts[0].at, parts, places=piped)
        return Node("not", at, [node]) if negated else node

    def _command(self) -> Node:
        token = self.peek()
        node: Node | None = None
        reader = _COMPOUND.get(token.plain)
        if token.kind == "operator" and token.text == "(":
            node = self._subshell()
        # to dash select, function and [[ are programs like others
        elif reader and (token.plain not in _OF_BASH or self.dialect == BASH):
            self._pending = None
            node = getattr(self, reader)()
        elif token.kind == "redirection" or (token.kind == "word" and token.plain not in _RESERVED[self.dialect]):
            self._pending = None
            return self._simple()
        if node is None:
            raise self._unexpected(token)
        # after a compound command they hold for all of it (POSIX 2.9.4)
        while self.peek().kind == "redirection":
            self._redirect(node)
        return node

    def _body(self, word: str, needs: str, at: int, mode: int = 0) -> Node:
        # what is open is kept with its place: a missing fi is told where its if stands
        self._open.append((word, needs, at))
        found = self._list(mode)
        self._expect(needs)
        self._open.pop()
        return found

    def _expect(self, word: str) -> None:
        token = self.peek()
        # by its spelling, so that a quoted "done" ends nothing (POSIX 2.4)
        if token.text == word and token.kind in {"word", "operator"}:
            self.take()
        else:
            raise self._unexpected(token)

    def _subshell(self) -> Node:
        opened = self.take()
        self._pending = None
        # `((` may be arithmetic or two subshells: Bash tries the one, and goes back if no `))` ends it
        if self.dialect == BASH and self.text.startswith("(", opened.at + 1) and self._skip_to(opened.at + 2, "))"):
            return Node("test", opened.at, name="((")
        return Node("group", opened.at, [self._body("(", ")", opened.at)])

    def _skip_to(self, at: int, end: str) -> bool:
        """Pass over an arithmetic command; False if its brackets do not close that way."""
        depth = 0
        for place in range(at, len(self.text)):
            sign = self.text[place]
            if sign == ")" and not depth:
                if not self.text.startswith(end, place):
                    return False
                self.at, self._ahead = place + len(end), None
                return True
            depth += {"(": 1, ")": -1}.get(sign, 0)
        return False

    def braced(self) -> Node:
        """Read ``{ ...; }``."""
        opened = self.take()
        return Node("group", opened.at, [self._body("{", "}", opened.at)])

    def if_(self) -> Node:
        """Read ``if`` up to ``fi``."""
        opened = self.take()
        node = Node("if", opened.at)
        # the place of the if in all of them: that of an elif would say nothing of what is missing
        node.parts.append(self._body("if", "then", opened.at))
        self._open.append(("if", "fi", opened.at))
        node.parts.append(self._list(0))
        while self.peek().plain == "elif":
            self.take()
            # no stack of elifs: one fi ends the whole chain
            node.parts.append(self._body("elif", "then", opened.at))
            node.parts.append(self._list(0))
        if self.peek().plain == "else":
            self.take()
            node.parts.append(self._list(0))
        self._expect("fi")
        self._open.pop()
        return node

    def while_(self) -> Node:
        """Read ``while`` or ``until`` up to ``done``."""
        opened = self.take()
        condition = self._body(opened.text, "do", opened.at)
        return Node("loop", opened.at, [condition, self._body(opened.text, "done", opened.at)])

    def for_(self) -> Node:
        """Read ``for`` or ``select`` up to ``done``."""
        opened = self.take()
        node = Node("for", opened.at)
        self._open.append((opened.text, "do", opened.at))
        token = self.peek()
        # `for ((` is Bash's alone; dash takes the bracket for a wrong name
        arithmetic = token.kind == "operator" and token.text == "(" and self.text.startswith("((", token.at)
        if arithmetic and self.dialect == BASH and opened.text == "for":
            if not self._skip_to(token.at + 2, "))"):
                raise Refusal(Broken(token.at, "(( has no ))", "add ))"))
        elif not _NAME.fullmatch(token.plain):
            raise (
                self._unexpected(token)
                if token.kind == "end"
                else Refusal(
                    Broken(
                        token.at, f"{opened.text} needs the name of a variable", f"write {opened.text} name in ...; do"
                    )
                )
            )
        else:
            self.take()
            self._skip_newlines()
            # without `in` it runs over "$@" (POSIX 2.9.4, "for")
            if self.peek().plain == "in":
                self.take()
                while self.peek().kind == "word":
                    self._add_word(node)
                if self.peek().text not in {";", "\n"}:
                    # what may end the words of for is a semicolon or a line, and no other operator
                    raise self._unexpected(self.peek())
                self.take()
            # `for a; do` is in the grammar since POSIX Issue 8, and every shell took it before
            elif self.peek().text == ";":
                self.take()
        if arithmetic and self.peek().text == ";":
            self.take()
        self._skip_newlines()
        # Bash takes braces in the place of do and done, which its manual does not tell
        if self.dialect == BASH and self.peek().plain == "{":
            self._open.pop()
            node.parts.append(self.braced())
            return node
        self._expect("do")
        self._open.pop()
        node.parts.append(self._body(opened.text, "done", opened.at))
        return node

    def case_(self) -> Node:
        """Read ``case`` up to ``esac``."""
        opened = self.take()
        node = Node("case", opened.at)
        self._open.append(("case", "esac", opened.at))
        if self.peek().kind != "word":
            raise self._unexpected(self.peek())
        self._add_word(node)
        self._skip_newlines()
        self._expect("in")
        self._skip_newlines()
        while self.peek().plain != "esac":
            # the bracket before a pattern may be left out (POSIX 2.10.2, case_item)
            if self.peek().text == "(" and self.peek().kind == "operator":
                self.take()
            self._pattern(node)
            # 0 statements are fine: `a) ;;`
            node.parts.append(self._list(2))
            self._skip_newlines()
            token = self.peek()
            if token.kind == "operator" and token.text in {";;", ";&", ";;&"}:
                self.take()
                self._skip_newlines()
            # the last branch may go without its ;;
            elif token.plain != "esac":
                raise self._unexpected(token)
        self.take()
        self._open.pop()
        return node

    def _pattern(self, node: Node) -> None:
        while True:
            if self.peek().kind != "word":
                raise self._unexpected(self.peek())
            self._add_word(node)
            token = self.peek()
            if token.kind == "operator" and token.text == "|":
                self.take()
            elif token.kind == "operator" and token.text == ")":
                self.take()
                return
            else:
                raise self._unexpected(token)

    def function_(self) -> Node:
        """Read a function of Bash."""
        opened = self.take()
        name = self.take()
        if name.kind != "word":
            raise self._unexpected(name)
        if self.peek().text == "(" and self.peek().kind == "operator":
            self.take()
            self._expect(")")
        self._skip_newlines()
        return Node("function", opened.at, [self._compound()], name=name.text)

    def _compound(self) -> Node:
        """Read the body of a function: for Bash no simple command can be one."""
        token = self.peek()
        # dash reads any command there, a simple one too: `f() echo hi`
        if self.dialect == BASH and not (token.plain in _COMPOUND or token.text == "("):
            raise self._unexpected(token)
        return self._command()

    def test_(self) -> Node:
        """Read Bash's ``[[ ... ]]``, whose operators are its own."""
        opened = self.take()
        while True:
            token = self.take()
            if token.plain == "]]":
                return Node("test", opened.at, name="[[")
            if token.kind == "end" or (token.kind == "operator" and token.text in {";", "&", "|", ";;"}):
                raise Refusal(Broken(opened.at, "[[ has no ]]", "add ]], with a space before it"))
            # behind an operator of comparison a pattern begins, whose letters would end a word elsewhere
            if token.plain in {"=~", "==", "!=", "="} and (found := _PATTERN.match(self.text, self.at)):
                self.at, self._ahead = found.end(), None

    def _simple(self) -> Node:
        node = Node("simple", self.peek().at)
        while True:
            token = self.peek()
            if token.kind == "word":
                # only in front of the command: `env A=b` is an argument (POSIX 2.9.1)
                if not node.words and (found := ASSIGNMENT[self.dialect].match(token.word.raw if token.word else "")):
                    self.take()
                    node.inner += token.inner
                    raw = token.word.raw if token.word else ""
                    # no value: what a word expands to is not known, and a rule that asks for it has to say so
                    node.assigned.append((found[1], Word(None, token.at, raw)))
                else:
                    self._add_word(node)
            elif token.kind == "redirection":
                self._redirect(node)
            # a bracket behind one word alone is a function; behind two it is a fault that dash tells as such
            elif token.kind == "operator" and token.text == "(" and len(node.words) == 1 and not node.assigned:
                if node.redirections:
                    raise self._unexpected(token)
                return self._defined(node)
            else:
                return node

    def _defined(self, node: Node) -> Node:
        opened, word = self.take(), node.words[0]
        if self.peek().text != ")" or self.peek().kind != "operator":
            raise self._unexpected(opened)
        self.take()
        # POSIX 2.9.5: a name, and none of a special built-in; Bash takes nearly any word
        if self.dialect == DASH and (not _NAME.fullmatch(word.raw) or word.raw in _SPECIAL):
            raise Refusal(Broken(word.at, f"{word.raw} is no name of a function", "write letters, digits and _"))
        self._skip_newlines()
        return Node("function", word.at, [self._compound()], name=word.raw)

    def _add_word(self, node: Node) -> None:
        token = self.take()
        node.inner += token.inner
        if token.word:
            self._refuse_list(node, token.word)
            node.words.append(token.word)

    @staticmethod
    def _refuse_list(node: Node, word: Word) -> None:
        """Refuse ``a=(b)`` after a command, but for those of Bash that declare (bash(1), "Arrays")."""
        found = ASSIGNMENT[BASH].match(word.raw)
        # by its spelling: Bash knows them before it takes quotes off
        if found and word.raw[found.end() :].startswith("(") and node.words and node.words[0].raw not in _DECLARE:
            at = word.at + found.end()
            raise Refusal(Broken(at, "( stands where a word goes on", "put the word in quotes"))

    def _redirect(self, node: Node) -> None:
        token = self.take()
        sign = token.text.lstrip("0123456789")
        # Bash's `&>`: dash would end the command there, let it run beside, and make the file empty
        if sign.startswith("&"):
            self.bashisms.append((token.at, sign))
        following = self.peek()
        if following.kind != "word" or following.word is None:
            raise Refusal(Broken(token.at, f"no file follows {token.text}", "write its name"))
        self.take()
        node.inner += following.inner
        node.redirections.append(Redirection(sign, token.at, following.word))
        # the text comes after this line: it is read when the line ends, maybe several of them
        if sign in {"<<", "<<-"}:
            raw = following.word.raw
            # with a quote anywhere in the word nothing is expanded in the text (POSIX 2.7.4)
            word = re.sub(r"[\"'\\]", "", raw)
            self._heredocs.append((word, sign == "<<-", word != raw, node, len(node.redirections) - 1))

    def _substitution(self, opened: int) -> list[Node]:
        """Read ``$(...)``: a script of its own, whose bracket ends it."""
        # here-documents and open words inside are its own: those of outside wait until its bracket closes
        kept = self._ahead, self._heredocs, self._pending, self._open
        self._ahead, self._heredocs, self._pending, self._open = None, [], None, []
        self.at = opened + 1
        found = self._list(2)
        token = self.take()
        if token.kind == "end":
            raise Refusal(Broken(opened - 1, f"this {self.text[opened - 1]}( is never closed", "close it"))
        if token.text != ")" or token.kind != "operator":
            raise self._unexpected(token)
        self._ahead, self._heredocs, self._pending, self._open = kept
        return [found]

    def _backticks(self) -> list[Node]:
        start = self.at
        found = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(self.text, start)
        if not found:
            raise Refusal(Broken(start, "this backtick is never closed", "close it"))
        self.at = found.end()
        # in backticks a backslash escapes these three alone (POSIX 2.6.3)
        body = re.sub(r"\\([$`\\])", r"\1", found[1])
        # offsets inside are right as long as nothing was escaped before
        inner = Parser(" " * (start + 1) + body, self.dialect, start + 1)
        try:
            return [inner._list(2)]
        except Refusal:
            if self.dialect == BASH:  # it reads them when they run, and goes on after a fault
                return []
            raise

    def _unexpected(self, token: Token) -> Refusal:
        return Refusal(explain(token, self._pending, self._open))


def _is_end(token: Token) -> bool:
    if token.kind == "operator":
        return token.text in {")", ";;", ";&", ";;&"}
    return token.plain in _ENDS


_COMPOUND = {
    "if": "if_",
    "while": "while_",
    "until": "while_",
    "for": "for_",
    "case": "case_",
    "{": "braced",
    "select": "for_",
    "function": "function_",
    "[[": "test_",
}
"""Reserved words that begin a command, and the method that reads it."""
_OF_BASH = frozenset({"select", "function", "[["})
