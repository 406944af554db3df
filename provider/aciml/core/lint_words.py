"""Signs that look right and are not, judged in the text of any instruction."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .context import split_copy
from .lint_rules import Fault, fault_if
from .steps import Step

# only where a quote would begin: within a word it may be an apostrophe
_CURLY = re.compile(r"(?:(?<=[\s=\[,(])|^)[\u2018\u201c\u201e]")
_DASH = re.compile(r"(?<=\s)[\u2012-\u2015\u2212]+(?=[a-z])")
_SPACE = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]|\r")
_PAIR = re.compile(r"([A-Za-z_]\w*)=(\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s\\]|\\.)*)")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?<=\s)#[^\n]*", re.DOTALL)


_PRINTS = re.compile(r"\b(echo|printf|sed|grep|awk|cat|tee)\b")


def sign_faults(text: str) -> Iterator[Fault]:
    """Judge what stands outside of quotes; the lines of a heredoc are left out.

    Such a sign is a part of a word for the shell: a program's name or option is then another one, a text is not.
    """
    head = text.partition("\n")[0]
    # as long as before, so that offsets stay those of the user's text
    bare = _QUOTED.sub(lambda found: "x" * len(found[0]), head)
    word = bare.split(maxsplit=1)[0].upper() if bare.strip() else ""
    fatal = (word == "RUN" or not word.isascii() or not word.isalpha()) and not _PRINTS.search(bare)
    if found := _CURLY.search(bare):
        certain = fatal or bare[found.start() - 1 :][:1] == "["
        yield fault_if(
            certain, "curly-quote", found.start(), f"{found[0]} is no quote for Docker and the shell", "write ' or \""
        )
    if found := _DASH.search(bare):
        yield fault_if(fatal, "dash", found.start(), f"{found[0]} is no minus sign", "write - or --")
    if found := _SPACE.search(bare):
        why = f"U+{ord(found[0]):04X} looks like a space and is none"
        yield fault_if(fatal, "space", found.start(), why, "write a plain space")
    if found := _INVISIBLE.search(bare):
        why = f"an invisible character (U+{ord(found[0]):04X}) stands here"
        yield fault_if(fatal, "invisible", found.start(), why, "delete it")


def pairs(text: str, at: int) -> list[tuple[str, str, int]]:
    """Return name, value and offset of what ENV, ARG or LABEL set; ``NAME value`` counts too."""
    rest = text[at:]
    old = re.match(r"([A-Za-z_]\w*)[ \t]+(.*)$", rest, re.DOTALL)
    if old and "=" not in rest.split(maxsplit=1)[0]:
        return [(old[1], old[2], at)]
    return [(found[1], found[2], at + found.start()) for found in _PAIR.finditer(rest)]


def copied(step: Step) -> list[str]:
    """Return names of the files that COPY or ADD brings along, as far as its words say."""
    words = split_copy(step.arguments)[1] if step.instruction in {"COPY", "ADD"} else []
    return [word.rstrip("/").rsplit("/", 1)[-1] for word in words]
