"""What is wrong with the script of a RUN."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .lint_rules import Fault, words_of
from .lint_tools import command_of, installs_from_lists, program_of, tool_faults, tool_rule
from .shell import Command, Script, Word, read_script
from .shell_syntax import explain

_RESERVED = words_of("fi done esac then do else elif")
_INSTRUCTIONS = words_of("RUN COPY ADD ENV WORKDIR USER FROM ARG CMD ENTRYPOINT EXPOSE LABEL")
_SIGNS = {")": "(", "]": "[", "]]": "[[", "}": "{", "))": "(("}
# none of them brings or removes package lists
_HARMLESS = words_of(
    "apt-get apt rm echo printf mkdir cp mv ln chmod chown cd export set pip pip3 npm true test cat sed"
    " grep touch groupadd"
    " useradd adduser addgroup locale-gen ldconfig update-ca-certificates wget curl tar unzip gpg install find ls id"
)
_ANSWERS = re.compile(r"assume-yes|always_yes|CONDA_ALWAYS_YES|MAMBA_ALWAYS_YES|PIP_YES", re.IGNORECASE)
# Docker's best practices end a step of apt by removing them, which the next step has to know
_LISTS = re.compile(r"/var/lib/apt(/lists(/\*)?)?/?")
_ONLY_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z_][\w.-]*)\2")


@dataclass
class Memory:
    """What earlier steps of the stage have done. ``lists``: package lists are there, are not, or None: nobody knows."""

    lists: bool | None = None
    answered: bool = False
    shell: bool = True
    replaced: set[str] = field(default_factory=set)  # programs that the user brought along or defined
    sudo: bool | None = None  # False: certainly not in the image
    folder: bool = False  # WORKDIR was said


def script_of(text: str, at: int) -> tuple[str, int] | None:
    """Return the script of a RUN and its offset in ``text``; None if another program than a shell reads it."""
    head, newline, body = text[at:].partition("\n")
    found = _ONLY_HEREDOC.fullmatch(head.strip())
    if not (newline and found):
        return text[at:], at
    # BuildKit hands the text to the program of its first line
    if body.startswith("#!") and not re.match(r"#!\s*\S*/(env\s+)?(ba|da|a|z|k)?sh\b", body):
        return None
    end = body.rfind("\n")
    return body[: end + 1] if end >= 0 else "", at + len(head) + 1


def json_command(text: str, at: int) -> Command | None:
    """Return the command of a JSON form; its words are where they stand in the text."""
    try:
        words = json.loads(text[at:])
    except (ValueError, RecursionError):
        return None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    placed = []
    for word in words:
        place = text.find(json.dumps(word, ensure_ascii=False), at)
        at = max(place, at)
        placed.append(Word(word, at))
    return Command(tuple(placed))


def run_faults(text: str, at: int, memory: Memory) -> Iterator[Fault]:
    """Judge a RUN whose options end at ``at``, and remember what it does."""
    memory.answered = memory.answered or bool(_ANSWERS.search(text))
    if text.startswith("[", at) and (command := json_command(text, at)):
        # no shell reads the JSON form: nothing is expanded, and && is a word
        yield from _commands((command,), memory)
        memory.lists = None
        return
    found = script_of(text, at) if memory.shell else None
    if found is None:
        memory.lists = None
        return
    body, start = found
    script = read_script(body, start)
    fault = _syntax(body, start, script)
    if fault:
        yield fault
        memory.lists = None
        return
    if script.broken:  # the grammar does not know it, and nothing is certain
        memory.lists = None
        return
    memory.replaced |= script.functions | _aliases(script)
    yield from _trailing_spaces(body, start)
    yield from _without_effect(script)
    yield from _commands(script.commands, memory)


def _syntax(body: str, start: int, script: Script) -> Fault | None:
    # the grammar is lenient: it takes a lonely `fi` for a program of that name
    odd = any(command.words and command.words[0].value in _RESERVED for command in script.commands)
    if not (script.broken or odd):
        return None
    if broken := explain(body):
        return Fault("shell-syntax", start + broken.at, broken.why, broken.advice)
    signs = [(sign, at) for sign, at in script.missing if sign in _SIGNS]
    if len(signs) == 1 and len(script.missing) == 1:
        sign, at = signs[0]
        return Fault("shell-syntax", at, f"{sign} is missing here", f"close the {_SIGNS[sign]} before")
    return None


def _aliases(script: Script) -> set[str]:
    return {
        (word.value or "").partition("=")[0]
        for command in script.commands
        if command.words and command.words[0].value == "alias"
        for word in command.words[1:]
    }


def _trailing_spaces(body: str, start: int) -> Iterator[Fault]:
    """A heredoc's lines go to the shell as they are; Docker drops such spaces elsewhere."""
    if "<<" in body or "'" in body or '"' in body:
        return
    for found in re.finditer(r"(?<!\\)\\[ \t]+$", body, re.MULTILINE):
        yield Fault("continuation-space", start + found.start(), "a space follows the backslash", "remove the space")


def _without_effect(script: Script) -> Iterator[Fault]:
    # with conditions and functions nobody knows what runs last
    if not script.plain or not script.commands:
        return
    names = [command.words[0].value if command.words else None for command in script.commands]
    last = script.commands[-1]
    # a step that works and ends with `cd ..` is common and right (decisions/lint.md)
    if names[-1] == "cd" and set(names[:-1]) <= {"mkdir", "cd", "set", "true"}:
        why = "the next step does not know of this cd"
        yield Fault("cd-no-effect", last.words[0].at, why, "write WORKDIR, or go on with && in the same step")
    words = [word.value for word in last.words]
    alone = len(names) == 1
    if alone and len(words) > 1 and words[0] in {"conda", "mamba", "micromamba"} and words[1] == "activate":
        why = "the next step does not know of this activated environment"
        advice = f"write {words[0]} run, or set PATH with ENV"
        yield Fault("env-no-effect", last.words[0].at, why, advice)


def _commands(commands: tuple[Command, ...], memory: Memory) -> Iterator[Fault]:
    for command in commands:
        name, words = program_of(command)
        if words and words[0].value in _INSTRUCTIONS and words[0].value not in memory.replaced:
            what = f"{words[0].value} is a command of this script here, since the line before goes on"
            yield Fault("instruction-in-shell", words[0].at, what, "end the line before without && and \\")
            continue
        yield from _sudo(command, memory)
        if name not in memory.replaced:
            yield from tool_faults(command, answered=memory.answered)
            yield from _lists(command, name, memory)


def _sudo(command: Command, memory: Memory) -> Iterator[Fault]:
    values = {word.value for word in command.words}
    first = command.words[0] if command.words else None
    if first and first.value == "sudo" and memory.sudo is False and "sudo" not in memory.replaced:
        yield Fault("sudo", first.at, "sudo is not in this image, and steps run as root", "leave sudo out")
    # a command that names sudo, or of which not all is known, may install it
    elif "sudo" in values or None in values or "-r" in values:
        memory.sudo = None


def _lists(command: Command, name: str, memory: Memory) -> Iterator[Fault]:
    """Follow the package lists through the commands; anything not known to be harmless may bring some."""
    if name == "rm" and any(_LISTS.fullmatch(word.raw) for word in command.words[1:]):
        memory.lists = False
        return
    if tool_rule(name) != "apt-command":
        memory.lists = memory.lists if name in _HARMLESS else None
        return
    _, verb = command_of(command)
    # `apt-get $WHAT` may be an update
    if verb is None or verb.value in {"update", None}:
        memory.lists = True if verb and verb.value == "update" else None
    elif verb.value == "install" and memory.lists is False and installs_from_lists(command, verb):
        why = f"{name} install finds no package without lists"
        yield Fault("apt-no-update", verb.at, why, f"begin the step with {name} update &&")
        memory.lists = None  # say it once
