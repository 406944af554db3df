"""Commands in a block of shell, and whether the programs that they call know them.

``aciml`` is asked for its own commands and options, the Makefile for its targets, Pulumi's CLI for its help. Other
programs are only known by name: to run ``az`` on a page would need a subscription.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache

import click

from aciml import cli
from tests.docs.pages import ROOT

PROGRAMS = {
    *("aciml", "az", "cat", "cd", "chmod", "curl", "docker", "eval", "export", "git", "make", "mkdir", "openssl"),
    *("pip", "pulumi", "python3", "uv", ".", "echo", "cp", "head", "jq", "test", "ls"),
}
AZ = {
    *("login", "provider register", "identity create", "role assignment create", "container logs", "acr login"),
    *("network dns record-set cname set-record", "account show", "ad app create", "ad sp create"),
    *("ad app federated-credential create", "group create", "acr create", "identity federated-credential create"),
}
"""Commands of the Azure CLI that pages use; its own reference has them (learn.microsoft.com/cli/azure)."""
_TARGETS = {*re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)}
_HEREDOC = re.compile(r"<<-?'?(\w+)'?[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
_INSIDE = re.compile(r"\$\(([^()]*)\)")
_ENDS = {"&&", "||", "|", ";", "&"}


def commands(text: str) -> Iterator[list[str]]:
    """Give the words of each command, also of those inside ``$(...)``."""
    text = _HEREDOC.sub("", text).replace("\\\n", " ")
    for inner in _INSIDE.findall(text):
        yield from commands(inner)
    text = _INSIDE.sub("given", text)
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if word in _ENDS:
                yield from filter(None, [words])
                words = []
            else:
                words.append(word)
        yield from filter(None, [words])


def fault(words: list[str]) -> str:
    """Say what is wrong with a command; nothing if it is right, as far as that can be told."""
    words = words[next((at for at, word in enumerate(words) if not re.match(r"\w+=", word)), len(words)) :]
    words = list(_before_redirection(words))
    if not words:
        return ""
    program, *rest = words
    if program not in PROGRAMS:
        return f"{program} is not a program that pages use"
    judge = {"aciml": _aciml, "make": _make, "pulumi": _pulumi, "az": _az}.get(program)
    return judge(rest) if judge else ""


def _before_redirection(words: list[str]) -> Iterator[str]:
    for word in words:
        if set(word) <= set("<>&") and word:
            return
        yield word


def _make(words: list[str]) -> str:
    targets = [word for word in words if not word.startswith("-") and "=" not in word]
    return "".join(f"there is no make {target}" for target in targets if target not in _TARGETS)


def _az(words: list[str]) -> str:
    named = " ".join(words)
    return "" if any(f"{named} ".startswith(f"{one} ") for one in AZ) else f"az {named} is not in the list of commands"


def _aciml(words: list[str]) -> str:
    command: click.Command = cli._aciml
    context = click.Context(command, info_name="aciml")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(context, name)
        if found is None:
            return f"there is no aciml {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    try:
        given, _, order = command.make_parser(context).parse_args(list(words))
        for one in command.get_params(context):
            if one.name in given and isinstance(one.type, click.Choice) and one in order:
                one.type.convert(given[one.name], one, context)
            if one.required and given.get(one.name or "") in (None, ()):
                return f"{one.name} is missing"
    except click.ClickException as error:
        return error.format_message()
    return ""


def _pulumi(words: list[str]) -> str:
    if shutil.which("pulumi") is None:
        return ""
    place: list[str] = []
    for word in words:
        if word.startswith("-") or word not in _inside(tuple(place)):
            break
        place.append(word)
    help_ = _help(tuple(place))
    if not place:
        return f"there is no pulumi {words[0]}"
    wrong = [word.partition("=")[0] for word in words if re.match(r"--[a-z]|-[a-z]$", word)]
    return "".join(f"pulumi {' '.join(place)} has no {word}" for word in wrong if not re.search(rf"{word}\b", help_))


@cache
def _help(place: tuple[str, ...]) -> str:
    done = subprocess.run(["pulumi", *place, "--help"], capture_output=True, text=True, check=False)
    return done.stdout


@cache
def _inside(place: tuple[str, ...]) -> set[str]:
    """Return the commands below a command of Pulumi's CLI."""
    listed = re.findall(r"^  ([a-z][\w-]*) {2,}\S", _help(place).partition("\nFlags:")[0], re.MULTILINE)
    return {*listed}
