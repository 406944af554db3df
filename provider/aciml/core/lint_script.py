"""What is wrong with the script of a RUN."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from .errors import Level
from .lint_asked import questions_of_packages
from .lint_commands import further_faults
from .lint_files import file_faults
from .lint_inner import inner_commands, inner_script
from .lint_memory import Memory
from .lint_missing import missing_faults
from .lint_operands import operand_faults
from .lint_options import plain_option_faults
from .lint_pip import argument_faults
from .lint_programs import bash_only, program_faults, runs_elsewhere, unwrapped
from .lint_rules import Fault, fault_if, warning, words_of
from .lint_tools import (
    command_of,
    installed,
    installs_from_lists,
    other_questions,
    program_of,
    tool_faults,
    tool_rule,
)
from .shell import Command, Script, Word, read_script
from .shell_nodes import BASH

_INSTRUCTIONS = words_of("RUN COPY ADD ENV WORKDIR USER FROM ARG CMD ENTRYPOINT EXPOSE LABEL")
# none of them brings or removes package lists, programs, or files of any name
_HARMLESS = words_of(
    "echo printf mkdir rm rmdir chmod chown chgrp cd export set pip pip3 npm true false test [ [[ (( : cat"
    " sed grep touch groupadd useradd usermod adduser addgroup locale-gen ldconfig update-ca-certificates"
    " apt-get apt apt-mark apt-cache apk yum dnf microdnf find ls id env exit sleep unset umask ulimit alias"
    " which command type hash dpkg conda mamba micromamba git-lfs locale date uname whoami pwd head tail sort"
    " wc source ."
)
# they write files, and no programs into the folders of programs
_WRITES = words_of("cp mv ln tee wget curl git tar unzip gpg install python python3 awk cut tr")
_ANSWERS = re.compile(r"assume-yes|always_yes|CONDA_ALWAYS_YES|MAMBA_ALWAYS_YES|PIP_YES", re.IGNORECASE)
# Docker's best practices end a step of apt by removing them, which the next step has to know
_LISTS = re.compile(r"/var/lib/apt(/lists(/\*)?)?/?")
_ONLY_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z_][\w.-]*)\2")
_BUILTINS = words_of(
    "cd export source . alias set unset eval if for while case ulimit umask exec pushd popd declare local"
)
_SHELLS = words_of("sh bash dash ash zsh")
_SIGNS = frozenset({"&&", "||", ";", "|", ">", ">>", "<", "2>&1"})
_SHAPES_OF_BASH = (
    (r"=\(.{0,3}$", "a list of values, name=(...),"), (r"[<>]\(\S{0,2}$", "<(...)"), (r"<<<\S{0,2}\s?\S?$", "<<<"),
    (r"\|&\s?\S{0,2}$", "|&"), (r"\(\(.{0,3}$", "(("), (r"\bfunction\b", "function"), (r"\[\[", "[["),
)  # fmt: skip
_NEW_SHELL = re.compile(r"\bln\s[^&;|]{0,200}?/bin/sh\b|dpkg-reconfigure[^&;|]{0,100}dash")
_SHEBANG = re.compile(r"#!\s*\S*/(?:env\s+)?((?:ba|da|a|z|k)?sh)\b")
_ACTIVATES = re.compile(r"(^|/)(activate|profile|\.?bashrc|\.profile|\.env|conda\.sh|nvm\.sh|setup\.(ba)?sh)$")


def script_of(text: str, at: int) -> tuple[str, int] | None:
    """Return the script of a RUN and its offset in ``text``; None if another program than a shell reads it."""
    head, newline, body = text[at:].partition("\n")
    found = _ONLY_HEREDOC.fullmatch(head.strip())
    if not (newline and found):
        return text[at:], at
    # BuildKit hands the text to the program of its first line
    if body.startswith("#!") and not _SHEBANG.match(body):
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
        # as it was most likely written; a word with other escapes is placed where the one before it ended
        shown = json.dumps(word, ensure_ascii=False)
        place = text.find(shown, at)
        at = max(place, at)
        placed.append(Word(word, at, shown))
    return Command(tuple(placed), certain=True)


def run_faults(text: str, at: int, memory: Memory, rows: list[int] | None = None) -> Iterator[Fault]:
    """Judge a RUN whose options end at ``at``, and remember what it does.

    ``rows`` tells, for each character, in which line of the user's text it stands.
    """
    # by the text and not by words: it may be an ENV-like prefix, a file that is written, or an option far away
    memory.answered = memory.answered or bool(_ANSWERS.search(text))
    memory.hear(text)
    if text.startswith("[", at) and (command := json_command(text, at)):
        # no shell reads the JSON form: nothing is expanded, and && is a word
        yield from _exec_faults(command)
        yield from _commands((command,), memory, text)
        return
    found = script_of(text, at) if memory.shell else None
    if found is None:
        memory.forget()
        return
    body, start = found
    # an idiom of many Dockerfiles: from here on /bin/sh is Bash
    if _NEW_SHELL.search(body):
        memory.dialect = BASH
    # only a heredoc has a first line that the kernel reads
    shebang = _SHEBANG.match(body) if start != at else None
    dialect = (BASH if shebang[1] == "bash" else "") if shebang else memory.dialect
    yield from _script_faults(body, start, dialect, memory, text, rows)


def _script_faults(
    body: str, start: int, dialect: str, memory: Memory, text: str, rows: list[int] | None
) -> Iterator[Fault]:
    script = read_script(body, start, dialect)
    swallowing = list(_swallowing(script, text, rows)) if rows else []
    yield from swallowing
    if script.broken and not swallowing:
        yield Fault("shell-syntax", script.broken.at, script.broken.why, script.broken.advice)
    if not script.readable:
        why, advice = (
            "this script is nested too deep to be read here",
            "nothing in it is judged; put it in a file of its own",
        )
        yield warning("shell-syntax", start, why, advice)
    if script.broken or not script.readable:
        memory.forget()
        return
    # for this script alone: the next step has the image's shell again
    kept, memory.dialect = memory.dialect, dialect
    yield from _of_bash(script, body[: script.dash.at - start + 4] if script.dash else "", memory)
    # a name that the script gives to something of its own is no mistyped program
    memory.replaced |= script.functions | _aliases(script)
    if not swallowing:
        yield from _trailing_spaces(body, start)
    yield from _backgrounds(script, body)
    yield from _lost_instructions(script, rows) if rows else ()
    yield from () if memory.login else _not_initialised(script, body)
    yield from _without_effect(script)
    yield from _commands(_as_set_ends(script, body), memory, text)
    memory.dialect = kept


_COMMANDED = re.compile(r"(?:&&|;|\|\|)\s*(?:sudo\s+)?([a-z][\w-]*)\s")


def _swallowing(script: Script, text: str, rows: list[int]) -> Iterator[Fault]:
    """A comment in a continued line: Docker joins the lines, and the shell sees one."""
    for at in script.comments[:1]:
        end = text.find("\n", at)
        last = len(text) - 1 if end < 0 else end - 1
        told = text[at : last + 1]
        # `# lists && apt-get install x`: nobody writes so about a command but who meant it to run
        if rows[at] == rows[last] and (found := _COMMANDED.search(told)) and tool_rule(found[1]):
            why = f"this comment goes on to the end of the step, and {found[1]} is in it"
            yield warning("comment-swallows", at, why, "put the comment on a line of its own, above")
        elif rows[at] < rows[last] and text[at:last].strip("# \t"):
            why = "this comment goes on to the end of the step, since the lines are joined"
            advice = "put the comment on a line of its own, above"
            yield fault_if(script.broken is not None, "comment-swallows", at, why, advice)


def _of_bash(script: Script, seen: str, memory: Memory) -> Iterator[Fault]:
    """What dash refuses to read (at the end of ``seen``), or reads and cannot do."""
    if script.dash:
        what = next((name for shape, name in _SHAPES_OF_BASH if re.search(shape, seen)), "what stands here")
        yield from bash_only(what, script.dash.at, memory, certain=True)
        return
    globs = {word.at for one in script.commands for word in one.words if one.words[0].value in {"curl", "rsync", "awk"}}
    told = [found for found in script.bashisms if found[0] not in globs]
    # what ends the script comes before what only does something else
    for at, what in sorted(told, key=lambda found: not found[1].startswith("this"))[:1]:
        yield from bash_only(what, at, memory, certain=script.plain and what.startswith("this"))


def _exec_faults(command: Command) -> Iterator[Fault]:
    name = (command.words[0].value or "").rsplit("/", 1)[-1] if command.words else ""
    shell = 'write the command without brackets, or ["sh", "-c", "..."]'
    # the kernel looks for a file of that name, and there is none (execve(2))
    if name in _BUILTINS:
        why = f"no shell reads this form, and {name} is a word of the shell"
        yield Fault("exec-form-shell", command.words[0].at, why, shell)
        return
    words = command.words[1:]
    if name in _SHELLS:
        # behind -c stands the script, then its own arguments: a sign among those is no mistake of form
        after = next((at for at, word in enumerate(words) if re.fullmatch(r"-[a-z]*c", word.value or "")), len(words))
        words = tuple(word for word in words[after + 2 :] if word.value in _SIGNS)
    for word in words if name not in {"pwsh", "cmd", "powershell", "env", "find"} else ():
        value = word.value or ""
        if value in _SIGNS:
            why = f"no shell reads this form: {value} is a word for {name}"
            yield fault_if(bool(tool_rule(name)), "exec-form-shell", word.at, why, shell)
            return
        expands = re.fullmatch(r"\$\{?[A-Za-z_]\w*\}?|[^\s'$]*\$\{[A-Za-z_]\w*\}[^\s'$]*", value)
        pattern = name in {"ls", "rm", "cp", "mv", "cat", "chmod", "chown"} and re.search(r"[*?]", value)
        if (expands and name not in {"awk", "perl", "sed"}) or pattern:
            yield warning("exec-form-shell", word.at, f"no shell reads this form: {value} is not replaced", shell)
            return


def _lost_instructions(script: Script, rows: list[int]) -> Iterator[Fault]:
    r"""``apt-get update \`` and RUN in the next line: the instruction is a word of the command."""
    for command in script.commands:
        for before, word in pairwise(command.words):
            if word.value in _INSTRUCTIONS and rows[word.at] > rows[before.at]:
                name, _ = program_of(unwrapped(command))
                if not tool_rule(name):  # echo takes any word
                    continue
                why = f"{word.value} is a word of {name} here, since the line before goes on"
                yield Fault("instruction-in-shell", word.at, why, "end the line before without \\")


# each makes `conda activate` known to the shell of a script
_INITIALISES = re.compile(r"conda\.sh|profile|bashrc|hook|conda\s+init|activate\b[^&;|\n]*[&;]+\s*conda|eval")


def _not_initialised(script: Script, body: str) -> Iterator[Fault]:
    """``conda activate`` in the middle of a step: the shell of a step reads no file of the user (conda, "activate")."""
    for command in script.commands[:-1]:
        words = [word.value for word in command.words[:2]]
        if words == ["conda", "activate"] and not _INITIALISES.search(body) and not script.functions:
            why = "conda activate is not known to the shell of a step"
            advice = "write conda run -n NAME, or . /opt/conda/etc/profile.d/conda.sh before it"
            yield warning("env-no-effect", command.words[0].at, why, advice)
            return


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


_MINDED = words_of("wait kill pkill killall sleep curl wget disown nohup nc")


def _backgrounds(script: Script, body: str) -> Iterator[Fault]:
    if not script.backgrounds or re.search(r"\b(until|while)\b|\$!", body):
        return
    # who starts a server to ask it something waits for it, or ends it, in the same step
    if any((word.value or "") in _MINDED for command in script.commands for word in command.words[:1]):
        return
    why = "one & does not wait for the command before it, and passes over its failure"
    yield warning("one-ampersand", script.backgrounds[0], why, "write &&")


def _without_effect(script: Script) -> Iterator[Fault]:
    """Folders, variables and activated environments end with the step."""
    # with conditions and functions nobody knows what runs last
    if not script.plain or not script.commands:
        return
    last = script.commands[-1]
    names = [command.words[0].value if command.words else "" for command in script.commands]
    alone = set(names[:-1]) <= {"cd", "set", "true", "export", "", "alias", "unset", "umask", "source", "."}
    if not last.words:
        if alone and not any("$" in word.raw for _, word in last.assigned):
            place = last.assigned[0][1].at
            yield warning("env-no-effect", place, "the next step does not know of this variable", "write ENV")
        return
    words = [word.value for word in last.words]
    at = last.words[0].at
    if words[0] == "cd" and set(names[:-1]) <= {"mkdir", "cd", "set", "true", "export"}:
        advice = "write WORKDIR, or go on with && in the same step"
        yield warning("cd-no-effect", at, "the next step does not know of this cd", advice)
    elif words[0] == "export" and len(words) > 1:
        yield warning("env-no-effect", at, "the next step does not know of this variable", "write ENV")
    elif words[0] in {"alias", "ulimit", "umask", "shopt"} and alone and len(words) > 1:
        yield warning("env-no-effect", at, f"{words[0]} ends with the step", "put it where it is used")
    elif _activates(words):
        why = "the next step does not know of this activated environment"
        # `source activate NAME` is conda's way before 4.4
        tool = "conda" if words[0] in {"source", "."} else words[0]
        advice = (
            f"write {tool} run -n NAME, or set PATH with ENV"
            if words[1] == "activate"
            else ("go on with &&, or set PATH with ENV")
        )
        yield warning("env-no-effect", at, why, advice)


def _activates(words: list[str | None]) -> bool:
    if len(words) < 2:  # a program and what it is told
        return False
    if words[0] in {"conda", "mamba", "micromamba"}:
        return words[1] == "activate"
    return words[0] in {"source", "."} and bool(_ACTIVATES.search(words[1] or ""))


def _as_set_ends(script: Script, body: str) -> tuple[Command, ...]:
    """Count ``set`` at the beginning as certain, whatever follows: the shell itself ends at an option it has not.

    Source: POSIX, 2.8.1, "Consequences of Shell Errors": an error of a special built-in ends the shell.
    """
    first = script.commands[0] if script.commands else None
    if first is None or not re.match(r"\s*set\s+-", body):
        return script.commands
    return (replace(first, certain=True), *script.commands[1:])


def _commands(commands: tuple[Command, ...], memory: Memory, text: str) -> Iterator[Fault]:
    moved = False
    for given in commands:
        words = given.words
        if words and words[0].value in _INSTRUCTIONS and words[0].value not in memory.replaced:
            what = f"{words[0].value} is a command of this script here, since the line before goes on"
            yield fault_if(
                given.certain, "instruction-in-shell", words[0].at, what, "end the line before without && and \\"
            )
            continue
        command = unwrapped(given)
        told = list(program_faults(given, memory))
        if command.words != words and not runs_elsewhere(given):
            told += program_faults(command, memory, as_root=_becomes_root(given, command))
        yield from told
        if inner := inner_script(command, memory.dialect):
            yield from _inner(inner, memory, text, certain=command.certain)
            continue
        yield from _commands(tuple(inner_commands(command)), memory, text)
        name, _ = program_of(command)
        if name not in memory.replaced:
            faults = list(_of_command(name, command, memory, moved=moved))
            yield from faults
            # of a command that is wrong in itself it is told first what it should be
            if not (told or faults):
                yield from missing_faults(name, command, memory, moved=moved)
            yield from _lists(command, name, memory)
        _remember(command, name, memory)
        if name == "mkdir":
            memory.make((word.value for word in command.words[1:]), moved=moved)
        elif name in {"useradd", "adduser"}:
            memory.any_folder = True  # it makes a home
        moved = moved or name in {"cd", "pushd"}


def _of_command(name: str, command: Command, memory: Memory, *, moved: bool) -> Iterator[Fault]:
    yield from tool_faults(command, answered=memory.answered)
    yield from other_questions(command, answered=memory.answered)
    yield from questions_of_packages(command, memory)
    yield from plain_option_faults(name, command)
    yield from further_faults(name, command)
    yield from file_faults(name, command)
    yield from operand_faults(name, command)
    yield from argument_faults(command, memory, moved=moved)


def _becomes_root(given: Command, command: Command) -> bool:
    before = given.words[: len(given.words) - len(command.words)]
    return any((word.value or "").rsplit("/", 1)[-1] in {"sudo", "doas", "gosu", "su-exec"} for word in before)


def _inner(inner: tuple[str, int, str], memory: Memory, text: str, *, certain: bool) -> Iterator[Fault]:
    """Judge the script that a shell is handed; its faults stand where the text does, or at its beginning."""
    body, start, dialect = inner
    at = start if start >= 0 else -1 - start
    for fault in _script_faults(body, at, dialect, memory, text, None):
        # what fails in a shell that may not run is no more certain than that shell
        level = Level.WARNING if fault.level is Level.ERROR and not certain else fault.level
        yield replace(fault, level=level) if start >= 0 else replace(fault, at=at, level=level)


def _remember(command: Command, name: str, memory: Memory) -> None:
    if any(redirection.sign.lstrip("&").startswith(">") for redirection in command.redirections):
        memory.any_file = memory.any_file or not all(
            (redirection.target.value or "").startswith("/dev/") or redirection.sign.endswith("&")
            for redirection in command.redirections
        )
    if not command.words:
        return
    packages = installed(command)
    if packages is not None:
        memory.install(packages)
    elif _runs_text(command, name):
        memory.forget()
    elif name in _WRITES:
        memory.any_file = True
        if name in {"ln", "cp", "mv", "install", "tar", "unzip"}:
            memory.absent.clear()
        memory.replaced |= (
            {(word.value or "").rsplit("/", 1)[-1] for word in command.words[-1:]} if name == "ln" else set()
        )
    elif name not in _HARMLESS:
        memory.forget()
    elif name in {"pip", "pip3", "npm"} and any(word.value == "install" for word in command.words):
        # packages of Python and Node bring programs that are called as they are, or otherwise
        memory.sealed = False
        named = [word.value for word in command.words[1:] if not (word.value or "").startswith("-")]
        # of a file of requirements, or a variable, nobody knows what it names
        if None in named or any(word.value in {"-r", "--requirement", "."} for word in command.words):
            memory.absent.clear()
        # a requirement may have a version, extras or a marker behind the name (PEP 508)
        memory.absent -= {re.split(r"[=<>~!\[@;]", name or "", maxsplit=1)[0].lower() for name in named}


def _runs_text(command: Command, name: str) -> bool:
    """Tell whether an interpreter is handed a program, by a pipe or as a file: that may install anything."""
    if not re.fullmatch(r"python(3(\.\d+)?)?|perl|ruby|node|php", name):
        return False
    words = [word.value for word in command.words[1:]]
    first = words[0] if words else "-"
    return first is None or first == "-" or not first.startswith("-")


def _lists(command: Command, name: str, memory: Memory) -> Iterator[Fault]:
    """Follow the package lists through the commands; anything not known to be harmless may bring some."""
    if name == "rm" and any(_LISTS.fullmatch(word.raw) for word in command.words[1:]):
        memory.lists = False
        return
    if tool_rule(name) != "apt-command":
        memory.lists = memory.lists if name in _HARMLESS | _WRITES else None
        return
    _, verb = command_of(command)
    # a command in a variable may be update: what is not known is neither reported nor taken for granted
    if verb is None or verb.value in {"update", None}:
        memory.lists = True if verb and verb.value == "update" else None
    elif verb.value == "install" and memory.lists is False and installs_from_lists(command, verb):
        why = f"{name} install finds no package without lists"
        yield fault_if(command.certain, "apt-no-update", verb.at, why, f"begin the step with {name} update &&")
        memory.lists = None  # say it once
