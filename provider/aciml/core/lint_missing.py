"""Files and folders that a command reads and that no step so far can have brought.

What a base has nobody knows but of the official images of a system: ``/app`` and ``/opt`` are empty there. A program
that may write files of any name ends all certainty (``Memory.any_file``), and so does a package under ``/opt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .lint_memory import Memory
from .lint_pip import local_paths
from .lint_rules import Fault, warning, words_of
from .lint_tools import command_of
from .shell import Command, Word

_CONDAS = words_of("conda mamba micromamba")
_SHELLS = words_of("sh bash dash ash zsh . source")
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
# what distributions fill; hier(7)
_OF_SYSTEM = re.compile(r"/(bin|boot|dev|etc|lib\w*|proc|run|sbin|sys|usr|var)(/|$)")
_EMPTY = frozenset({"/", "/opt", "/srv", "/tmp", "/root", "/home", "/mnt", "/media"})  # noqa: S108  # of an image
_FILE = re.compile(r"[\w./+-]+")
_UNPACKS = {"unzip": re.compile(r"-(?!d$)[a-zA-Z]+"), "dpkg": re.compile(r"-i|--install|-[a-zA-Z]*i[a-zA-Z]*")}


def missing_faults(name: str, command: Command, memory: Memory, *, moved: bool) -> Iterator[Fault]:
    """Judge what a command reads. ``moved``: the script changed its folder before.

    Args:
        name: of the program.
        command: without wrappers.
        memory: what the steps before have done.
        moved: whether a relative path is one of another folder than the step's.
    """
    # a command that may not run, or whose failure is minded, says nothing of what is there
    if not command.words or not command.certain:
        return
    if name == "cd":
        yield from _folder(command, memory, moved=moved)
        return
    projects = list(local_paths(command))
    for word in (*projects, *_read(name, command)):
        path = word.value or ""
        if not _FILE.fullmatch(path) or (moved and not path.startswith("/")):
            continue
        # environment files are the user's own, whatever else a base brings
        known = _is_known_empty(path, memory)
        if not known and not (name in _CONDAS and memory.base.family):
            continue
        # a folder that WORKDIR made has no project in it
        folder = word in projects and not re.search(r"\.(whl|zip|t\w+|gz|bz2)$", path)
        if memory.may_have_project(path) if folder else memory.may_have(path) or memory.has_folder(memory.path(path)):
            continue
        here = path.strip("./") == ""
        what = f"a project {'here' if here else f'to {path}'}" if folder else path
        why = f"no step before has copied {what}"
        # what a package may have put there is only likely to lack
        if known and memory.sealed:
            yield Fault("file-missing", word.at, why, "COPY it first")
        else:
            yield warning("file-missing", word.at, why, "COPY it first, unless the base has it")
        return


def _is_known_empty(path: str, memory: Memory) -> bool:
    """Tell whether nothing but the steps can have put something there."""
    whole = memory.path(path)
    # the folder that a base begins in has nothing in an official image; a package may fill /opt
    return (
        bool(memory.base.lacks) and not _OF_SYSTEM.match(whole) and not (memory.installed and whole.startswith("/opt"))
    )


def _read(name: str, command: Command) -> Iterator[Word]:
    """Yield the words that name a file which has to be there."""
    words = list(command.words[1:])
    if name in _CONDAS:
        yield from _of_conda(command)
    elif _PYTHON.fullmatch(name):
        first = next((word for word in words if word.value not in {"-u", "-B", "-s", "-E", "-I", "-O"}), None)
        if first is not None and re.fullmatch(r"[\w./-]+\.py", first.value or "") and first.value[:1] != "-":  # type: ignore[index]
            yield first
    elif name in _SHELLS:
        rest = [word for word in words if not re.fullmatch(r"-[exuv]+|-o|pipefail|errexit", word.value or "")]
        if rest and re.fullmatch(r"[\w./-]+\.(sh|bash)", rest[0].value or "") and not command.fed:
            yield rest[0]
    elif re.fullmatch(r"(\.{1,2}/|/)[\w./-]+\.(sh|bash|py|run|bin)", command.words[0].value or ""):
        yield command.words[0]
    elif name in _UNPACKS:
        yield from _archives(name, words)
    elif name == "tar":
        yield from _of_tar(words)
    elif name == "chmod":
        yield from (word for word in words if re.fullmatch(r"[\w./-]+\.(sh|py)", word.value or ""))


def _of_conda(command: Command) -> Iterator[Word]:
    _, verb = command_of(command)
    # -f of conda clean is an option by itself
    if verb is None or verb.value not in {"env", "install", "create", "update"}:
        return
    for before, word in zip(command.words, command.words[1:], strict=False):
        if before.value in {"-f", "--file"} and "://" not in (word.value or "://"):
            yield word
        elif found := re.fullmatch(r"(--file=)(\S+\.(?:ya?ml|txt|lock))", word.value or ""):
            yield Word(found[2], word.at + len(found[1]), found[2])


def _archives(name: str, words: list[Word]) -> Iterator[Word]:
    options = [word.value or "" for word in words if (word.value or "").startswith("-")]
    if name == "dpkg" and not any(_UNPACKS[name].fullmatch(one) for one in options):
        return
    ending = r"[\w./+-]+\.deb" if name == "dpkg" else r"[\w./+-]+\.(zip|whl|jar)"
    yield from (word for word in words[:3] if re.fullmatch(ending, word.value or ""))


def _of_tar(words: list[Word]) -> Iterator[Word]:
    bundle = words[0].value or "" if words else ""
    if re.fullmatch(r"-?[a-zA-Z]*x[a-zA-Z]*f|-?[a-zA-Z]*f[a-zA-Z]*x[a-zA-Z]*", bundle) and len(words) > 1:
        yield from (word for word in words[1:2] if re.fullmatch(r"[\w./+-]+\.(t\w+|gz|bz2|xz)", word.value or ""))


def _folder(command: Command, memory: Memory, *, moved: bool) -> Iterator[Fault]:
    """``cd`` into a folder that nobody made."""
    word = command.words[1] if len(command.words) == 2 else None
    path = (word.value or "") if word else ""
    if word is None or not _FILE.fullmatch(path) or path.strip("./") == "" or (moved and not path.startswith("/")):
        return
    whole = memory.path(path)
    # of the base's own folder nobody knows what is in it, and what is in the root there are names of
    known = not whole.startswith("/?") and whole not in _EMPTY and _is_known_empty(path, memory)
    if not known or memory.may_have(path) or memory.has_folder(whole):
        return
    why, advice = f"no step before has made the folder {path}", "write WORKDIR, which makes it, or mkdir -p before it"
    if memory.sealed:
        yield Fault("file-missing", word.at, why, advice)
    else:
        yield warning("file-missing", word.at, why, advice)
