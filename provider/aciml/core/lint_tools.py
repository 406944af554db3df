"""What package tools in a script are asked to do: commands they do not know, questions that nobody answers.

Sources: apt-get(8), pip, conda, mamba, npm and apk 2.14 ``--help``. A command is judged only if every word up to it is
known; plugins and aliases make the lists generous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .lint_rules import Fault, closest, words_of
from .shell import Command, Word


@dataclass(frozen=True)
class _Tool:
    """``rule`` and ``commands`` of a program; options before the command; what people write who think of another."""

    rule: str
    commands: frozenset[str]
    with_value: frozenset[str] = frozenset()
    meant: tuple[tuple[str, str], ...] = ()


_APT = _Tool(
    "apt-command",
    words_of(
        "update upgrade install reinstall remove purge source build-dep satisfy dist-upgrade full-upgrade"
        " dselect-upgrade"
        " check download changelog indextargets clean autoclean distclean auto-clean dist-clean autoremove autopurge"
        " auto-remove list search show showsrc showpkg policy depends rdepends edit-sources modernize-sources moo"
        " markauto unmarkauto madison help hold unhold version why why-not add-repository history-list cache key mark"
    ),
    words_of(
        "-o --option -c --config-file -t --target-release --default-release -a --host-architecture -P --build-profiles"
    ),
    (("add", "install"), ("uninstall", "remove"), ("del", "remove"), ("get", "install"), ("delete", "remove")),
)
_PIP = _Tool(
    "pip-command",
    words_of(
        "install download uninstall freeze inspect list show check config search cache index wheel hash"
        " completion debug"
        " help lock bundle unzip zip"
    ),
    words_of(
        "--proxy --timeout --cache-dir --log --log-file --local-log --python --cert --client-cert"
        " --trusted-host --retries"
        " --exists-action --use-feature --use-deprecated --keyring-provider --resume-retries --default-timeout"
    ),
    (("add", "install"), ("remove", "uninstall"), ("upgrade", "install --upgrade"), ("update", "install --upgrade")),
)
_CONDA = _Tool(
    "conda-command",
    words_of(
        "activate deactivate clean commands compare config create env export info init install list notices package"
        " remove uninstall rename repoquery run search update upgrade doctor content-trust build convert debug develop"
        " index inspect metapackage render skeleton pack lock lockfile mambabuild tree token verify server repo spawn"
        " shell-env vendor anaconda auth devenv project depgraph suggest minify smithy env-log mirror execute launch"
        " menuinst pypi tos self fix health check forge exec workspace global constructor shell subdir"
        " upload render-all"
        " protect unprotect why deny allow plugin plugins bash completion"
    ),
    words_of("--solver"),
    (("add", "install"), ("delete", "remove")),
)
_MAMBA = _Tool(
    "mamba-command",
    _CONDA.commands
    | words_of(
        "repoquery self-update shell ps auth env activate deactivate constructor completer package server search"
    ),
    words_of("-r --root-prefix -n --name -p --prefix --rc-file --log-level -c --channel -f --file"),
    _CONDA.meant,
)
# with npm's own aliases: `npm isntall` works (decisions/lint.md)
_NPM = _Tool(
    "npm-command",
    words_of(
        "access adduser add-user add audit author approve-scripts bin birthday bugs issues c cache cit ci clean-install"
        " clean-install-test completion config create ddp dedupe deprecate diff dist-tag dist-tags docs edit"
        " exec x explain"
        " explore find find-dupes fund get help help-search home hlep i ic in init innit ins inst insta instal install"
        " install-clean install-ci-test install-test isnt isnta isntal isntall isntall-clean it la link list"
        " ll ln login"
        " logout ls npm ogr org outdated owner pack ping pkg prefix profile prune publish query r rb rebuild"
        " remove repo"
        " restart rm root rum run run-script s sbom se search set set-script shrinkwrap sit star stars start"
        " stage stop t"
        " team test token trust tst udpate un undeprecate uninstall unlink unpublish unstar up update upgrade urn v"
        " verison version view visnup whoami why show info undo deny-scripts"
    ),
    words_of("--prefix -C --loglevel --registry --cache --userconfig --workspace -w"),
)
_APK = _Tool(
    "apk-command",
    words_of(
        "add del fix update info list dot policy search upgrade cache version index fetch audit verify stats manifest"
        " adbdump adbgen adbsign convdb convndx extract mkndx mkpkg query help"
    ),
    words_of(
        "-p --root -X --repository --arch --keys-dir --repositories-file --wait --cache-dir --cache-max-age --timeout"
        " --progress-fd"
    ),
    (("install", "add"), ("remove", "del"), ("uninstall", "del"), ("delete", "del"), ("purge", "del --purge")),
)
_TOOLS = {
    "apt-get": _APT, "apt": _APT, "pip": _PIP, "pip3": _PIP, "conda": _CONDA, "mamba": _MAMBA, "micromamba": _MAMBA,
    "npm": _NPM, "apk": _APK,
}  # fmt: skip
_MANY_OPTIONS = {"npm", "mamba", "micromamba", "apk"}
_ALONE = words_of(
    "--no-cache --update --update-cache --quiet --verbose --allow-untrusted --no-progress --force --global --silent"
    " --no-audit --no-fund --yes --no-rc --no-env --no-interactive --initdb"
)
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_PIP_PROGRAM = re.compile(r"pip3\.\d+")
_ASSIGNMENT = re.compile(r"\w+=")
_BEFORE = {"exec", "command", "time", "eatmydata", "nohup", "sudo", "env"}
_APT_ASKS = words_of(
    "install reinstall remove purge upgrade dist-upgrade full-upgrade autoremove autopurge build-dep"
    " satisfy auto-remove"
)
_CONDA_ASKS = words_of("install create update upgrade remove uninstall clean")
# apt-get(8): -qq and -q=2 imply -y
_APT_ANSWERS = re.compile(
    r"-[a-zA-Z]*y[a-zA-Z]*|-[a-zA-Z]*q[a-zA-Z]*q[a-zA-Z]*|-q=[2-9]|--(yes|assume-yes|force-yes|assume-no"
    r"|simulate|just-print"
    r"|dry-run|recon|no-act|print-uris|download-only|trivial-only|help|version|quiet=[2-9])|-[a-zA-Z]*[sdh][a-zA-Z]*"
    r"|.*(Assume-Yes|Simulate|Download-Only|quiet).*"
)
_CONDA_ANSWERS = re.compile(
    r"-[a-zA-Z]*[ydhq]*[ydh][a-zA-Z]*|--(yes|dry-run|json|help|download-only|print-config-only)|-n?y"
)

# pip asks before it removes, and ends with EOFError where nobody answers (pip uninstall --help, -y)
_PIP_ANSWERS = re.compile(r"-[a-zA-Z]*[yh][a-zA-Z]*|--(yes|help)")


def program_of(command: Command) -> tuple[str, tuple[Word, ...]]:
    """Return the program and its words; ``python -m pip`` counts as pip. Empty if that is not certain."""
    words = command.words
    while words and (words[0].value in _BEFORE or _ASSIGNMENT.match(words[0].value or "")):
        words = words[1:]
    name = (words[0].value or "") if words else ""
    # a program in another folder may be the user's own
    name = name.rsplit("/", 1)[-1] if re.match(r"/(usr/)?(local/)?s?bin/", name) else name
    if _PYTHON.fullmatch(name) and [word.value for word in words[1:3]] == ["-m", "pip"]:
        return "pip", words[2:]
    return ("pip", words) if _PIP_PROGRAM.fullmatch(name) else (name, words)


def command_of(command: Command) -> tuple[str, Word | None]:
    """Return the program and the word that names its command; None if an unknown option comes before."""
    name, words = program_of(command)
    tool = _TOOLS.get(name)
    if tool is None:
        return name, None
    rest = iter(words[1:])
    for word in rest:
        if word.value is None:
            return name, None
        if word.value in tool.with_value:
            next(rest, None)
        elif not word.value.startswith("-"):
            return name, word
        elif "=" not in word.value and name in _MANY_OPTIONS and len(word.value) > 2 and word.value not in _ALONE:
            return name, None  # it may take the next word as its value
    return name, None


def tool_faults(command: Command, *, answered: bool) -> Iterator[Fault]:
    """Judge one command. ``answered``: some earlier step has told apt or conda to assume yes."""
    name, verb = command_of(command)
    if verb is None or verb.value is None:
        return
    tool = _TOOLS[name]
    if re.fullmatch(r"[A-Za-z-]{2,}", verb.value) and verb.value not in tool.commands:
        meant = dict(tool.meant).get(verb.value) or closest(verb.value.lower(), tool.commands)
        if meant:
            yield Fault(tool.rule, verb.at, f'{name} has no command "{verb.value}"', f"did you mean {meant}?")
    # `yes | apt-get install x` answers by its input
    elif not (answered or command.fed):
        yield from _questions(command, name, verb)


def _questions(command: Command, name: str, verb: Word) -> Iterator[Fault]:
    words = [word.value for word in command.words]
    if None in words:  # a variable may say yes
        return
    options = [word for word in words if word and (word.startswith("-") or "::" in word)]
    if tool_rule(name) == "apt-command":
        if verb.value in _APT_ASKS and not any(_APT_ANSWERS.fullmatch(word) for word in options):
            why = f"{name} {verb.value} asks a question, and nobody can answer it"
            yield Fault("apt-no-yes", verb.at, why, f"write {name} {verb.value} -y")
    elif tool_rule(name) in {"conda-command", "mamba-command"} and verb.value in _CONDA_ASKS:
        bare = words[-1] == verb.value
        if not bare and not any(_CONDA_ANSWERS.fullmatch(word) for word in options):
            why = f"{name} {verb.value} asks a question, and nobody can answer it"
            yield Fault("conda-no-yes", verb.at, why, f"write {name} {verb.value} -y")
    elif name in {"pip", "pip3"} and verb.value == "uninstall" and not any(map(_PIP_ANSWERS.fullmatch, options)):
        why = f"{name} {verb.value} asks a question, and nobody can answer it"
        yield Fault("pip-no-yes", verb.at, why, f"write {name} {verb.value} -y")


def tool_rule(name: str) -> str:
    """Return the rule about commands of a program; empty for one that is not judged."""
    tool = _TOOLS.get(name)
    return tool.rule if tool else ""


def installs_from_lists(command: Command, verb: Word) -> bool:
    """Tell whether ``apt-get install`` looks for a package by name, rather than for a file."""
    names = [word for word in command.words if word.at > verb.at and not (word.value or "-").startswith("-")]
    return bool(names) and all(word.value and "/" not in word.value and ".deb" not in word.value for word in names)
