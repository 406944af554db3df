"""Signs that look right and are not, and secrets: judged in the text of any instruction."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .context import split_copy
from .lint_rules import Fault
from .steps import Step

# only where a quote would begin: within a word it may be an apostrophe
_CURLY = re.compile(r"(?:(?<=[\s=\[,(])|^)[\u2018\u201c\u201e]")
_DASH = re.compile(r"(?<=\s)[\u2012-\u2015\u2212]+(?=[a-z])")
_SPACE = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]|\r")
_NAMED = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|PWD_SECRET|TOKEN|SECRET|API_?KEY|ACCESS_?KEY|SECRET_?KEY"
    r"|PRIVATE_?KEY|ACCOUNT_?KEY"
    r"|CLIENT_SECRET|CREDENTIALS?|CONNECTION_?STRING)$",
    re.IGNORECASE,
)
# what people write where the real value comes when the container runs
_HARMLESS = re.compile(
    r"|\s*|true|false|none|null|yes|no|on|off|\d{1,4}|[./~].*|x+|\*+|change-?_?me.*|dummy.*|placeholder.*"
    r"|example.*|test.*"
    r"|unset|todo|your[-_ ].*|fake.*|not[-_ ]?set|<.*>|build|secret|token|password|https?://[^@]*|sha256:.*",
    re.IGNORECASE,
)
# as published by GitHub, GitLab, AWS, Slack, Hugging Face, PyPI, npm, Google, Azure Storage, OpenAI, PEM, Docker
_SHAPES = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,}|glpat-[\w-]{20}|AKIA[0-9A-Z]{16}|xox[baprs]-[\w-]{20,}"
    r"|hf_[A-Za-z]{34}"
    r"|pypi-AgEI[\w-]{40,}|npm_[A-Za-z0-9]{36}|AIza[\w-]{35}|AccountKey=[A-Za-z0-9+/]{60,}|sk-(?:proj-"
    r"|ant-)?[A-Za-z0-9]{32,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|dckr_pat_[\w-]{20,}"
)
# https://user:$TOKEN@host has no secret in it: the shell puts it there
_ACCOUNT = re.compile(r"\b(?:https?|ftp)://[^\s/:@\"'$]+:(?![$<*{%])[^\s/:@\"'$]+@")
_PAIR = re.compile(r"([A-Za-z_]\w*)=(\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s\\]|\\.)*)")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?<=\s)#[^\n]*", re.DOTALL)


def sign_faults(text: str) -> Iterator[Fault]:
    """Judge what stands outside of quotes; the lines of a heredoc are left out."""
    head = text.partition("\n")[0]
    # as long as before, so that offsets stay those of the user's text
    bare = _QUOTED.sub(lambda found: "x" * len(found[0]), head)
    if found := _CURLY.search(bare):
        yield Fault("curly-quote", found.start(), f"{found[0]} is no quote for Docker and the shell", "write ' or \"")
    if found := _DASH.search(bare):
        yield Fault("dash", found.start(), f"{found[0]} is no minus sign", "write - or --")
    if found := _SPACE.search(bare):
        why = f"U+{ord(found[0]):04X} looks like a space and is none"
        yield Fault("space", found.start(), why, "write a plain space")
    if found := _INVISIBLE.search(bare):
        why = f"an invisible character (U+{ord(found[0]):04X}) stands here"
        yield Fault("invisible", found.start(), why, "delete it")


def secret_faults(step: Step, text: str, at: int) -> Iterator[Fault]:
    """Judge values of ENV and ARG by their names, and any text by the known shapes of tokens; no secret is repeated."""
    shown = [found.start() for found in (_SHAPES.search(text), _ACCOUNT.search(text)) if found]
    for place in shown[:1]:
        why = "a password or token in plain text stays in the image for all to read"
        yield Fault("secret", place, why, "give it to the container when it runs")
    if shown or step.instruction not in {"ENV", "ARG"}:
        return
    for name, value, place in pairs(text, at):
        plain = value.strip("\"'")
        if _NAMED.search(name) and "$" not in plain and not _HARMLESS.fullmatch(plain):
            why = f"the value of {name} stays in the image for all to read"
            yield Fault("secret", place, why, "give it to the container when it runs")


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
