"""Arguments of ``pip install``: requirements that pip refuses, what the shell takes for a redirection, missing files.

Source: PEP 508 (requirements), pip's own message "= is not a valid operator. Did you mean == ?".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .lint_memory import Memory
from .lint_rules import Fault, fault_if, warning, words_of
from .lint_tools import command_of
from .shell import Command, Word

_WITH_VALUE = words_of(
    "-r --requirement -c --constraint -e --editable -t --target -d --dest -i --index-url --extra-index-url -f"
    " --find-links --prefix --root --src --platform --python-version --implementation --abi --no-binary"
    " --only-binary --progress-bar --upgrade-strategy --global-option --build-option --install-option"
    " --config-settings -C --cache-dir --log --proxy --timeout --retries --trusted-host --cert --client-cert"
    " --exists-action --report --root-user-action --use-feature --use-deprecated --python --keyring-provider"
    " -b --build --group --default-timeout -w --wheel-dir --hash --src"
)
_FILES = {"-r": "--requirement", "-c": "--constraint"}
_NAME = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:\[[^\]]*\])?"
_SINGLE = re.compile(rf"({_NAME})\s*=\s*([0-9][\w.*+!-]*)")
_OPERATOR = re.compile(r"(==|>=|<=|~=|!=|===|<|>|=)[\w.*+!-]*")
_REQUIREMENTS = re.compile(r"[\w./-]*(requirements?|constraints|reqs?)[\w.-]*\.(txt|in)")
_VERSION = re.compile(r"=?\d[\w.*]*(,[<>=!~]*[\w.*]*)*")


def argument_faults(command: Command, memory: Memory, *, moved: bool) -> Iterator[Fault]:
    """Judge what pip and conda are to install. ``moved``: the script changed its folder before."""
    name, verb = command_of(command)
    if verb is None or verb.value not in {"install", "download", "wheel", "create", "update"}:
        return
    if name not in {"pip", "pip3", "conda", "mamba", "micromamba"}:
        return
    yield from _redirected(command, verb, name)
    if name in {"pip", "pip3"}:
        yield from _requirements(command, verb)
        yield from _files(command, verb, memory, moved=moved)


def _redirected(command: Command, verb: Word, name: str) -> Iterator[Fault]:
    """``numpy>=1.2`` without quotes writes a file, ``numpy<2`` reads one."""
    ends = {word.at + len(word.raw) for word in command.words if word.at > verb.at and word.raw}
    for each in command.redirections:
        if each.at not in ends or each.sign not in {"<", ">"} or not _VERSION.fullmatch(each.target.raw):
            continue
        does = "reads" if each.sign == "<" else "writes"
        why = f"the shell {does} a file here: {each.sign} stands outside of quotes"
        package = next(word.raw for word in command.words if word.at + len(word.raw) == each.at)
        advice = f"write {name} {verb.value} '{package}{each.sign}{each.target.raw}'"
        yield fault_if(command.certain and each.sign == "<", "pip-argument", each.at, why, advice)
        return


def _arguments(command: Command, verb: Word) -> Iterator[tuple[str, Word]]:
    """Yield what is asked for: the option that a word belongs to, empty for a requirement."""
    rest = iter([word for word in command.words if word.at > verb.at])
    for word in rest:
        value = word.value if word.value is not None else word.raw
        if value in _WITH_VALUE:
            if following := next(rest, None):
                yield _FILES.get(value, value), following
        elif found := re.match(r"(-[rc])(?=[^-\s])", value):
            yield _FILES[found[1]], Word(value[2:] if word.value else None, word.at + 2, value[2:])
        elif found := re.match(r"(--requirement|--constraint)=", value):
            yield found[1], Word(value[found.end() :] if word.value else None, word.at + found.end(), "")
        elif not value.startswith("-"):
            yield "", word


def _requirements(command: Command, verb: Word) -> Iterator[Fault]:
    certain = command.certain
    asked = list(_arguments(command, verb))
    if not asked and not _names_elsewhere(command):
        yield fault_if(
            certain, "pip-argument", verb.at, f"pip {verb.value} has nothing to install", "name the packages"
        )
    for option, word in asked:
        value = word.value
        if option or value is None or "://" in value or value.startswith((".", "/", "git+")):
            continue
        if found := _SINGLE.fullmatch(value):
            why, advice = f'pip takes no single =: "{value}"', f"write {found[1]}=={found[2]}"
            yield fault_if(certain, "pip-argument", word.at, why, advice)
        elif _REQUIREMENTS.fullmatch(value):
            why = f"pip takes {value} for the name of a package"
            yield fault_if(certain, "pip-argument", word.at, why, f"write -r {value}")
        elif _OPERATOR.fullmatch(value):
            why = f'"{value}" stands apart from its package'
            yield fault_if(certain, "pip-argument", word.at, why, f"write it without spaces: name{value}...")
        elif re.fullmatch(rf"{_NAME},({_NAME}(,|$))*", value) or re.fullmatch(rf"{_NAME}(==[\w.]+)?,", value):
            yield fault_if(
                certain,
                "pip-argument",
                word.at,
                f'"{value}" is no requirement',
                "write spaces between packages, no commas",
            )
        elif found := re.fullmatch(rf"({_NAME})(=>|=<|=~|=!)([\w.]+.*)", value):
            right = found[2][::-1]
            yield fault_if(
                certain, "pip-argument", word.at, f'"{value}" is no requirement', f"write {found[1]}{right}{found[3]}"
            )


def _names_elsewhere(command: Command) -> bool:
    """Tell whether what to install may come from a variable, a pipe, a group, or whether help is asked for."""
    told = ("--help", "-h", "--group", "--requirements-from")
    return command.fed or any(word.value is None or word.value.startswith(told) for word in command.words)


def _files(command: Command, verb: Word, memory: Memory, *, moved: bool) -> Iterator[Fault]:
    for option, word in _arguments(command, verb):
        value = word.value
        if (
            option not in _FILES.values()
            or not value
            or "://" in value
            or "$" in value
            or value.startswith(("/dev/", "-"))
        ):
            continue
        if (moved and not value.startswith("/")) or memory.may_have(value):
            continue
        why = f"no step before has copied {value}"
        if memory.sealed and memory.base.family and command.certain:
            yield Fault("file-missing", word.at, why, "COPY it first")
        else:
            yield warning("file-missing", word.at, why, "COPY it first, unless the base has it")
