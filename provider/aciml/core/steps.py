"""Extra Dockerfile steps, read into values: one instruction each, in order.

Source: Dockerfile reference, "Format" and "Here-Documents".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from functools import lru_cache

from .lean import lean
from .unknown import NOT_KNOWN

# the Dockerfile's parser takes blanks behind the backslash, the shell does not (see lint's continuation-space)
_CONTINUED = re.compile(r"\\[ \t]*$")
_CONTINUED_BY = {"\\": _CONTINUED, "`": re.compile(r"`[ \t]*$")}
_DIRECTIVE = re.compile(r"#\s*([A-Za-z]\w*)\s*=\s*(\S.*?)\s*")
_DIRECTIVES = ("syntax", "escape", "check")
# the Dockerfile's parser takes escapes and variables out of their words; of the others the text goes on as it is
_EXPANDED = frozenset(
    {"ADD", "ARG", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
_HEREDOC = re.compile(r"(?:^|\s)\d*<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_.-]*)\2(?=$|[\s;&|>)])")
# Dockerfile reference, "Here-Documents": these three alone
_WITH_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})


@lean(frozen=True)
class Step:
    """One Dockerfile instruction.

    ``number`` counts from 1; ``text`` may span lines; ``instruction`` is in upper case. A step of a file has ``file``
    (as the user named it) and ``line`` (from 1); a step of a list has ``entry``, its place in the list (from 0).
    """

    number: int
    text: str
    instruction: str
    line: int = 0
    entry: int = -1
    file: str = ""
    rows: tuple[tuple[int, int], ...] = field(default=(), compare=False)
    """Of each line of ``text``: entry of the list (0 for a file) and line in it (from 1)."""
    margin: int = field(default=0, compare=False)
    """Characters of space before the instruction."""
    windows: bool = field(default=False, compare=False)
    """Whether its lines ended as on Windows."""

    @property
    def where(self) -> str:
        """Property path for a finding: ``extraSteps[3]`` for a list, ``extraSteps`` for a file."""
        return "extraSteps" if self.entry < 0 else f"extraSteps[{self.entry}]"

    @property
    def label(self) -> str:
        """How a message begins: ``step 3``, or ``steps.txt:12: step 3``."""
        return f"{self.file}:{self.line}: step {self.number}" if self.file else f"step {self.number}"

    @property
    def arguments(self) -> str:
        """What follows the instruction, continuation lines joined as Docker joins them; a heredoc keeps its lines."""
        head, newline, rest = self.joined()[0].partition("\n")
        return head[len(self.instruction) :].strip() + newline + rest

    def joined(self) -> tuple[str, list[int]]:
        """Return the text with continued lines joined, and for each character (and the end) where it is in ``text``."""
        return _join(self.text)

    def place(self, offset: int) -> tuple[int, int, int]:
        """Return entry, line (from 1) and column (from 1) of an offset in ``text``."""
        row = self.text.count("\n", 0, offset)
        column = offset - (self.text.rfind("\n", 0, offset) + 1) + 1 + (0 if row else self.margin)
        entry, line = self.rows[row] if row < len(self.rows) else (max(self.entry, 0), self.line + row)
        return entry, line, column

    def rows_of_characters(self) -> list[int]:
        """Return, for each character of the joined text (and the end), in which row of ``text`` it stands."""
        ends = [found.start() for found in re.finditer("\n", self.text)]
        return [bisect_left(ends, origin) for origin in self.joined()[1]]

    @property
    def is_known(self) -> bool:
        """Whether all of the text is known; a part of it may come from a resource that is still to be made."""
        return NOT_KNOWN not in self.text

    @property
    def heredoc(self) -> bool:
        """Whether the step carries its input along; the classic builder cannot read that as it is."""
        return "\n" in self.arguments

    @property
    def names_interpreter(self) -> bool:
        """Whether its heredoc is a script that says which program reads it, which the shell cannot be handed."""
        return self.arguments.partition("\n")[2].startswith("#!")


@lean(frozen=True)
class _Line:
    text: str
    number: int
    entry: int
    windows: bool = False


@lru_cache(maxsize=256)
def _join(text: str) -> tuple[str, list[int]]:
    letters: list[str] = []
    origins: list[int] = []
    at, head = 0, True
    for line in text.split("\n"):
        # only the head is joined: the lines of a heredoc go to the shell as they are
        continued = _CONTINUED.search(line) if head else None
        kept = line[: continued.start()] if continued else f"{line}\n"
        letters.append(kept)
        origins += range(at, at + len(kept))
        at += len(line) + 1
        head = continued is not None
    whole = "".join(letters).removesuffix("\n")
    return whole, [*origins[: len(whole)], min(at - 1, len(text))]


def directives_of(text: str) -> dict[str, str]:
    """Return ``# syntax=`` and the like, which count at the very top alone: a blank line or a comment ends them.

    Source: Dockerfile reference, "Parser directives".
    """
    found: dict[str, str] = {}
    for line in text.removeprefix("\ufeff").splitlines():
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None or match[1].lower() not in _DIRECTIVES:
            break
        found.setdefault(match[1].lower(), match[2])
    return found


def parse_steps(lines: Sequence[str] | str, name: str) -> tuple[Step, ...]:
    """Read steps; comments and blank lines are dropped, continuations and heredocs stay in one step.

    Args:
        lines: an ordered list of Dockerfile lines (an entry may hold several), or the text of a file.
        name: how the user calls the file; not used for a list.

    Returns:
        The steps in order. Unknown instructions are kept: ``lint_steps`` judges them.
    """
    entries = [lines] if isinstance(lines, str) else list(lines)
    entries[:1] = [entry.removeprefix("\ufeff") for entry in entries[:1]]  # Docker too drops the mark
    flat = [
        # files of Windows end their lines with CR LF
        _Line(text.rstrip("\r"), number, entry, text.endswith("\r"))
        for entry, block in enumerate(entries)
        for number, text in enumerate(block.split("\n"), start=1)
    ]
    of_file = isinstance(lines, str)
    # of a list the comments that begin it are its first entries
    top = lines if of_file else "\n".join(entry for entry in entries[:3])
    escape = directives_of(str(top)).get("escape", "\\")
    return tuple(
        Step(
            number=number,
            text="\n".join(line.text for line in group).strip(),
            instruction=_instruction(group[0].text),
            line=group[0].number if of_file else 0,
            entry=-1 if of_file else group[0].entry,
            file=name if of_file else "",
            rows=tuple((line.entry, line.number) for line in group),
            margin=len(group[0].text) - len(group[0].text.lstrip()),
            windows=group[0].windows,
        )
        for number, group in enumerate(_groups(flat, escape if escape in _CONTINUED_BY else "\\"), start=1)
    )


def _instruction(line: str) -> str:
    # `RUN\` with its command in the next line
    return line.split(maxsplit=1)[0].rstrip("\\").upper()


def _is_noise(line: _Line) -> bool:
    text = line.text.strip()
    return not text or text.startswith("#")


def _groups(lines: list[_Line], escape: str) -> Iterator[list[_Line]]:
    """Split the lines into instructions. Docker drops comments and blank lines inside a continuation too."""
    at, continued = 0, _CONTINUED_BY[escape]
    while at < len(lines):
        if _is_noise(lines[at]):
            at += 1
            continue
        group = [lines[at]]
        at += 1
        while at < len(lines) and continued.search(group[-1].text):
            if not _is_noise(lines[at]):
                group.append(lines[at])
            at += 1
        group = group if escape == "\\" else _with_backslashes(group)
        if _instruction(group[0].text) in _WITH_HEREDOCS:
            end = _end_of_heredocs(group, lines, at)
            group += lines[at:end]
            at = end
        yield group


def _with_backslashes(group: list[_Line]) -> list[_Line]:
    """Write an instruction whose lines go on by a backtick as all others are written, so that nobody has to ask."""
    word, made = _instruction(group[0].text.replace("`", "\\")), list[_Line]()
    for line in group:
        found = _CONTINUED_BY["`"].search(line.text)
        text = line.text[: found.start()] if found else line.text
        if word in _EXPANDED and "[" not in text.split(word, 1)[-1].strip()[:1]:
            text = text.replace("\\", "\\\\").replace("`", "\\")
        elif not found and text.endswith("\\"):  # here it is a letter, and at the end it would join the next line
            text = f"{text[:-1]}'\\'"
        made.append(replace(line, text=text + ("\\" if found else "")))
    return made


def _end_of_heredocs(group: list[_Line], lines: list[_Line], at: int) -> int:
    """Return where the heredocs begun in ``group`` end; ``at`` if there are none, or one has no end."""
    end = at
    for dash, _, word in _HEREDOC.findall(" ".join(line.text for line in group)):
        ends = (
            index
            for index in range(end, len(lines))
            if (lines[index].text.lstrip("\t") if dash else lines[index].text) == word
        )
        found = next(ends, -1)
        if found < 0:  # "<<word" inside quotes: text, not a heredoc
            return at
        end = found + 1
    return end
