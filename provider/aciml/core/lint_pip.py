"""Arguments of ``pip install``: requirements that pip refuses, what the shell takes for a redirection, missing files.

Source: PEP 508 (requirements), pip's own message "= is not a valid operator. Did you mean == ?".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .lint_memory import Memory
from .lint_rules import Fault, fault_if, slip, warning, words_of
from .lint_tools import command_of
from .module_names import INDEX_PACKAGES, resembled, usual_name
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
_SCHEMES = words_of(
    "http https file ftp git+https git+http git+ssh git+git git+file hg+https hg+http svn+https svn+ssh"
)
_NAME = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:\[[^\]]*\])?"
_SINGLE = re.compile(rf"({_NAME})\s*=\s*([0-9][\w.*+!-]*)")
_OPERATOR = re.compile(r"(==|>=|<=|~=|!=|===|<|>|=)[\w.*+!-]*")
_REQUIREMENTS = re.compile(r"[\w./-]*(requirements?|constraints|reqs?)[\w.-]*\.(txt|in)")
_SPECIFIER = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+"
_VALID = re.compile(rf"{_NAME}\s*(?:\(?{_SPECIFIER}(?:\s*,\s*{_SPECIFIER})*\s*,?\)?)?\s*(?:;.*)?|{_NAME}\s*@.*")
_VERSION = re.compile(r"=?\d[\w.*]*(,[<>=!~]*[\w.*]*)*")


def argument_faults(command: Command, memory: Memory, *, moved: bool) -> Iterator[Fault]:
    """Judge what pip and conda are to install. ``moved``: the script changed its folder before."""
    name, verb = command_of(command)
    if verb is None or verb.value not in {"install", "download", "wheel", "create", "update"}:
        return
    if name not in {"pip", "pip3", "conda", "mamba", "micromamba"}:
        return
    yield from _redirected(command, verb, name)
    if name not in {"pip", "pip3"} and verb.value == "install":
        yield from _nothing(command, verb, name)
    if name in {"pip", "pip3"}:
        yield from _requirements(command, verb)
        yield from _files(command, verb, memory, moved=moved)


def _nothing(command: Command, verb: Word, name: str) -> Iterator[Fault]:
    """``conda install`` without packages fails."""
    told = [word for word in command.words if word.at > verb.at]
    if all(word.value in {"-y", "--yes", "-q", "--quiet"} for word in told) and not command.fed:
        yield fault_if(command.certain, "no-packages", verb.at, f"{name} install names no package", "name one")


def _redirected(command: Command, verb: Word, name: str) -> Iterator[Fault]:
    """``numpy>=1.2`` without quotes writes a file, ``numpy<2`` reads one."""
    # only where a word ends right before the sign: with a blank between them it may be a redirection on purpose
    ends = {word.at + len(word.raw) for word in command.words if word.at > verb.at and word.raw}
    for each in command.redirections:
        if each.at not in ends or each.sign not in {"<", ">"} or not _VERSION.fullmatch(each.target.raw):
            continue
        does = "reads" if each.sign == "<" else "writes"
        why = f"the shell {does} a file here: {each.sign} stands outside of quotes"
        advice = f"write {name} {verb.value} '{_whole(command, each.at)}'"
        # a file that is to be read is not there; one that is written comes to be, and pip installs something else
        fails = any(other.sign == "<" and other.at >= each.at for other in command.redirections)
        yield fault_if(command.certain and fails, "pip-argument", each.at, why, advice)
        return


def _whole(command: Command, at: int) -> str:
    """Return the word that ends at an offset, with all that the shell took for redirections behind it."""
    text = next(word.raw for word in command.words if word.at + len(word.raw) == at)
    for each in command.redirections:
        if each.at == at:
            text += each.sign + each.target.raw
            at = each.target.at + len(each.target.raw)
    return text


def _arguments(command: Command, verb: Word) -> Iterator[tuple[str, Word]]:
    """Yield what is asked for: the option that a word belongs to, empty for a requirement."""
    rest = iter([word for word in command.words if word.at > verb.at])
    for word in rest:
        value = word.value if word.value is not None else word.raw
        if value in _WITH_VALUE:
            if following := next(rest, None):
                yield _FILES.get(value, value), following
        # -rfile: an option of one letter takes what follows for its value (optparse)
        elif found := re.match(r"(-[rc])(?=[^-\s])", value):
            yield _FILES[found[1]], Word(value[2:] if word.value else None, word.at + 2, value[2:])
        elif found := re.match(r"(--requirement|--constraint)=", value):
            yield found[1], Word(value[found.end() :] if word.value else None, word.at + found.end(), "")
        elif not value.startswith("-"):
            yield "", word


def _requirements(command: Command, verb: Word) -> Iterator[Fault]:
    certain = command.certain
    asked = list(_arguments(command, verb))
    public = not any(
        re.match(r"-i$|-f$|--(extra-)?index-url|--find-links|--no-index", one.value or one.raw) for one in command.words
    )
    if not asked and not _names_elsewhere(command):
        yield fault_if(
            certain, "pip-argument", verb.at, f"pip {verb.value} has nothing to install", "name the packages"
        )
    for option, word in asked:
        value = word.value
        if value and (address := _of_address(option, value)):
            yield fault_if(certain and address[2], "pip-argument", word.at, address[0], address[1])
            continue
        if value is None or "://" in value or value.startswith("git+"):
            continue
        if option:
            if word.at and value.startswith("equirement"):  # -requirements.txt is -r equirements.txt for pip
                why, advice = f"pip reads a file {value} here", f"write -r r{value}"
                yield fault_if(certain, "pip-argument", word.at - 2, why, advice)
            continue
        if (found := _wrong(value)) is not None:
            yield fault_if(certain, "pip-argument", word.at, *found)
        elif public and (meant := _of_index(value)):
            # an index has only what its users put there, and one may call its package so
            yield warning("package-unknown", word.at, f'the public index has no well-known package "{value}"', meant)


def _of_address(option: str, value: str) -> tuple[str, str, bool] | None:
    """Return why pip reaches no such address, what to write, and whether that is certain."""
    scheme, found, _ = value.partition("://")
    scheme = scheme.rpartition("@")[2].strip().lower()
    if (
        found
        and re.fullmatch(r"[a-z+]+", scheme)
        and scheme not in _SCHEMES
        and not re.search(r"(ssh|lp|bzr|s3|gs)", scheme)
    ):
        meant = slip(scheme, _SCHEMES) or ("git+https" if scheme.startswith("git") else "https")
        return f'"{scheme}://" is no address of pip', f"write {meant}://", scheme != "git"
    if option in {"-i", "--index-url", "--extra-index-url"} and not found and re.match(r"[\w-]+(\.[\w-]+)+/", value):
        return f'"{value}" is no address: its scheme is missing', f"write https://{value}", False
    if option in {"-e", "--editable"} and re.fullmatch(r"[A-Za-z][\w-]*", value):
        # a folder of that name may have come by any step before
        return f"-e takes a folder or an address, not a name such as {value}", f"write {value} alone", False
    return None


def _of_index(value: str) -> str:
    """Return what is meant by a name that the public index does not have; empty if it may have it."""
    name = (re.match(_NAME, value) or [""])[0].partition("[")[0]
    meant = INDEX_PACKAGES.get(name.lower(), "") or usual_name(name) or resembled(name)
    return f"did you mean {meant}{value[len(name) :]}?" if meant else ""


def _wrong(value: str) -> tuple[str, str] | None:  # noqa: C901, PLR0911  # one kind each
    """Return why pip refuses a requirement, and what to write."""
    if _REQUIREMENTS.fullmatch(value):
        return f"pip takes {value} for a package", f"write -r {value}"
    if found := _SINGLE.fullmatch(value):
        return f'pip takes no single =: "{value}"', f"write {found[1]}=={found[2]}"
    if _OPERATOR.fullmatch(value):
        return f'"{value}" stands apart from its package', f"write it without spaces: name{value}..."
    if "/" in value or "\\" in value or value.startswith("."):
        return None
    if _VALID.fullmatch(value) and not re.search(r"@\d|\.[xX](?=$|[,;\s])", value):
        return None
    if found := re.fullmatch(rf"({_NAME})(=>|=<|=~|=!)([\w.]+.*)", value):
        return f'"{value}" is no requirement', f"write {found[1]}{found[2][::-1]}{found[3]}"
    if found := re.fullmatch(rf"({_NAME})[@:](\d[\w.]*)", value):
        return f'"{value}" is no requirement of pip', f"write {found[1]}=={found[2]}"
    if found := re.fullmatch(rf"({_NAME})\s*==\s*(\d[\w.]*\.)[xX]", value):
        return f'"{value}" is no requirement: x is no number', f"write {found[1]}=={found[2]}*"
    if (blank := re.fullmatch(r"[A-Za-z][\w.]*( [A-Za-z][\w.]*)+", value)) and " if " not in value:
        return f'"{value}" is no requirement: a name has no blanks', f"write {blank[0].replace(' ', '-')}"
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*\[[^\]]*", value):
        return f'"{value}" is no requirement: a ] is missing', "write name[extra]==1.0, in quotes"
    if re.fullmatch(rf"{_NAME}(==[\w.]+)?,.*", value):
        return f'"{value}" is no requirement', "write spaces between packages, no commas"
    # what begins like a requirement; anything else may be a path or a word that we do not know
    if re.match(r"[A-Za-z0-9][\w.-]*\s*[\[=<>!~,]", value):
        return f'"{value}" is no requirement', "write a name, and a version such as ==1.2 or >=1.2,<2"
    return None


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
        # nothing so far could have brought it: no COPY, no download, and a base of a system alone
        if memory.sealed and memory.base.family and command.certain:
            yield Fault("file-missing", word.at, why, "COPY it first")
        else:
            yield warning("file-missing", word.at, why, "COPY it first, unless the base has it")


def local_paths(command: Command) -> Iterator[Word]:
    """Yield what ``pip install`` takes from a folder of the image: ``.``, ``-e ./x``, a wheel."""
    name, verb = command_of(command)
    if name not in {"pip", "pip3"} or verb is None or verb.value not in {"install", "wheel", "download"}:
        return
    for option, word in _arguments(command, verb):
        # to the shell the brackets of extras are a pattern
        value = (word.value or word.raw).partition("[")[0].strip("'\"")
        # a word without a stroke is a package of the index
        is_path = value in {".", "./"} or (re.match(r"\.{0,2}/", value) and "://" not in value)
        if option in {"", "-e", "--editable"} and (is_path or re.fullmatch(r"[\w./+-]+\.whl", value)):
            yield Word(value, word.at, word.raw)
