"""What package tools in a script are asked to do: commands they do not know, questions that nobody answers.

Sources: apt-get(8), pip, conda, mamba, npm and apk 2.14 ``--help``. A command is judged only if every word up to it is
known; plugins and aliases make the lists generous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .lint_options import option_faults
from .lint_rules import Fault, closest, fault_if, slip, warning, words_of
from .shell import Command, Word


@dataclass(frozen=True)
class _Tool:
    """``rule`` and ``commands`` of a program; options before the command; what people write who think of another.

    ``install``: the command that takes packages, if there are no commands but these: another word is then a package
    whose command was left out. ``below``: commands of commands.
    """

    rule: str
    commands: frozenset[str]
    with_value: frozenset[str] = frozenset()
    meant: tuple[tuple[str, str], ...] = ()
    install: str = ""
    below: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unwritten: frozenset[str] = frozenset()
    """Commands that work and nobody is advised to write."""


# apt's and apt-get's together: scripts mix them, and what only one of them has is rare in an image
_APT = _Tool(
    "apt-command",
    words_of(
        "update upgrade install reinstall remove purge source build-dep satisfy dist-upgrade full-upgrade"
        " dselect-upgrade check download changelog indextargets clean autoclean distclean auto-clean dist-clean"
        " autoremove autopurge auto-remove list search show showsrc showpkg policy depends rdepends edit-sources"
        " modernize-sources moo markauto unmarkauto madison help hold unhold version why why-not add-repository"
        " history-list cache key mark"
    ),
    words_of(
        "-o --option -c --config-file -t --target-release --default-release -a --host-architecture -P --build-profiles"
    ),
    # words of apk, dnf, npm and pip: who changed the base has brought his commands along
    (("add", "install"), ("uninstall", "remove"), ("del", "remove"), ("get", "install"), ("delete", "remove")),
    "install",
)
_PIP = _Tool(
    "pip-command",
    # bundle, unzip and zip are of old versions, which an image may have; lock is of 25.1
    words_of(
        "install download uninstall freeze inspect list show check config search cache index wheel hash"
        " completion debug help lock bundle unzip zip"
    ),
    words_of(
        "--proxy --timeout --cache-dir --log --log-file --local-log --python --cert --client-cert --trusted-host"
        " --retries --exists-action --use-feature --use-deprecated --keyring-provider --resume-retries"
        " --default-timeout"
    ),
    (("add", "install"), ("remove", "uninstall"), ("upgrade", "install --upgrade"), ("update", "install --upgrade")),
    "install",
    {
        "cache": words_of("dir info list remove purge"),
        "config": words_of("debug edit get list set unset"),
        "index": words_of("versions"),
    },
)
# generous: any program conda-WORD on PATH is a command, and these are those that packages bring
_CONDA = _Tool(
    "conda-command",
    words_of(
        "activate deactivate clean commands compare config create env export info init install list notices"
        " package remove uninstall rename repoquery run search update upgrade doctor content-trust build convert"
        " debug develop index inspect metapackage render skeleton pack lock lockfile mambabuild tree token verify"
        " server repo spawn shell-env vendor anaconda auth devenv project depgraph suggest minify smithy env-log"
        " mirror execute launch menuinst pypi tos self fix health check forge exec workspace global constructor"
        " shell subdir upload render-all protect unprotect why deny allow plugin plugins bash completion"
    ),
    words_of("--solver"),
    # `conda add` is uv's and npm's word
    (("add", "install"), ("delete", "remove")),
    # empty: a plugin may have any name, so a word that is not known is likely no package
    "",
    {"env": words_of("config create export list remove update vars log")},
)
_MAMBA = _Tool(
    "mamba-command",
    _CONDA.commands
    | words_of(
        "repoquery self-update shell ps auth env activate deactivate constructor completer package server search"
    ),
    # mamba takes them before its command, conda behind it
    words_of("-r --root-prefix -n --name -p --prefix --rc-file --log-level -c --channel -f --file"),
    _CONDA.meant,
)
# with npm's own aliases: `npm isntall` works (decisions/lint.md)
_NPM = _Tool(
    "npm-command",
    words_of(
        "access adduser add-user add audit author approve-scripts bin birthday bugs issues c cache cit ci"
        " clean-install clean-install-test completion config create ddp dedupe deprecate diff dist-tag dist-tags"
        " docs edit exec x explain explore find find-dupes fund get help help-search home hlep i ic in init innit"
        " ins inst insta instal install install-clean install-ci-test install-test isnt isnta isntal isntall"
        " isntall-clean it la link list ll ln login logout ls npm ogr org outdated owner pack ping pkg prefix"
        " profile prune publish query r rb rebuild remove repo restart rm root rum run run-script s sbom se"
        " search set set-script shrinkwrap sit star stars start stage stop t team test token trust tst udpate un"
        " undeprecate uninstall unlink unpublish unstar up update upgrade urn v verison version view visnup"
        " whoami why show info undo deny-scripts"
    ),
    # npm takes them before its command as well as behind it
    words_of("--prefix -C --loglevel --registry --cache --userconfig --workspace -w"),
    install="install",
    below={
        "cache": words_of("add clean clear rm ls verify npx"),
        "config": words_of("set get delete del rm list ls edit fix"),
        "c": words_of("set get delete del rm list ls edit fix"),
    },
    unwritten=words_of(
        "hlep ic in ins inst insta instal innit isnt isnta isntal isntall isntall-clean verison udpate ogr urn tst rum"
        " add-user hlep x c i r rb la ll ln it cit t tst s se un up v rm"
    ),
)
_APK = _Tool(
    "apk-command",
    words_of(
        "add del fix update info list dot policy search upgrade cache version index fetch audit verify stats"
        " manifest adbdump adbgen adbsign convdb convndx extract mkndx mkpkg query help"
    ),
    # apk takes all of its options before the command
    words_of(
        "-p --root -X --repository --arch --keys-dir --repositories-file --wait --cache-dir --cache-max-age"
        " --timeout --progress-fd"
    ),
    # the words of apt, which most people know first
    (("install", "add"), ("remove", "del"), ("uninstall", "del"), ("delete", "del"), ("purge", "del --purge")),
    "add",
)
# yum is dnf since Red Hat 8, with its old words
_DNF = _Tool(
    "tool-command",
    words_of(
        "install update upgrade remove erase clean makecache groupinstall group info list search check-update"
        " repolist module swap downgrade reinstall provides whatprovides history autoremove distro-sync"
        " localinstall builddep copr config-manager update-minimal upgrade-minimal deplist mark repoquery"
        " download shell version help check environment advisory system-upgrade groups grouplist groupremove"
        " groupinfo localupdate updateinfo debuginfo-install versionlock needs-restarting"
    ),
    words_of(
        "-c --config -d -e -x --exclude --enablerepo --disablerepo --installroot --releasever --setopt --repo --repoid"
    ),
    (("add", "install"), ("uninstall", "remove"), ("del", "remove")),
)
# with the commands of what git's packages install beside it: lfs, flow, crypt, subtree
_GIT = _Tool(
    "tool-command",
    words_of(
        "add am archive bisect branch bundle checkout cherry-pick clean clone commit describe diff fetch"
        " format-patch gc grep gui init log maintenance merge mv notes pull push range-diff rebase reset restore"
        " revert rm scalar shortlog show sparse-checkout stash status submodule switch tag worktree config"
        " fast-export fast-import filter-branch mergetool pack-refs prune reflog remote repack replace annotate"
        " blame bugreport count-objects diagnose difftool fsck help merge-tree rerere show-branch verify-commit"
        " verify-tag version whatchanged p4 request-pull send-email svn apply checkout-index commit-tree"
        " hash-object ls-files ls-remote ls-tree merge-base read-tree rev-list rev-parse show-ref symbolic-ref"
        " update-index update-ref write-tree cat-file cherry var daemon credential lfs flow crypt subtree"
        " update-server-info index-pack for-each-ref check-ignore check-attr unpack-objects name-rev diff-tree"
        " diff-index"
    ),
    words_of("-C -c --git-dir --work-tree --exec-path --namespace --config-env"),
    below={
        "submodule": words_of("add status init deinit update set-branch set-url summary foreach sync absorbgitdirs"),
        "lfs": words_of(
            "install pull fetch track untrack checkout clone env ls-files prune push status uninstall update version"
            " fsck migrate lock locks unlock logs ext smudge clean filter-process"
        ),
    },
)
_POETRY = _Tool(
    "tool-command",
    words_of(
        "about add build cache check config debug env export help init install list lock new publish python"
        " remove run search self shell show source sync update version bundle up plugin"
    ),
    words_of("-C --directory -P --project"),
)
# pip, python and tool have commands of their own, which are looked up below
_UV = _Tool(
    "tool-command",
    words_of(
        "run init add remove version sync lock export tree format audit tool python pip venv build publish cache"
        " self auth help workspace generate-shell-completion"
    ),
    words_of("--directory --project --cache-dir --config-file --python -p --color"),
    below={
        "pip": words_of("compile sync install uninstall freeze list show tree check debug download wheel"),
        "python": words_of("list install upgrade find pin dir uninstall update-shell"),
        "tool": words_of("run install upgrade list uninstall update-shell dir"),
    },
)
# `apt-mark` names packages, so a wrong command would be taken for nothing
_APT_MARK = _Tool(
    "tool-command",
    words_of(
        "auto manual minimize-manual showauto showmanual hold unhold showhold install remove purge showinstall"
        " showremove showpurge help unmarkauto"
    ),
)
# in an image nothing runs it, which another rule says; a mistyped word is told as such
_SYSTEMCTL = _Tool(
    "tool-command",
    words_of(
        "list-units list-sockets list-timers is-active is-failed status show cat help list-dependencies start stop"
        " reload restart try-restart reload-or-restart kill clean freeze thaw set-property bind isolate reset-failed"
        " list-unit-files enable disable reenable preset preset-all is-enabled mask unmask link revert add-wants"
        " add-requires edit get-default set-default daemon-reload daemon-reexec is-system-running poweroff reboot halt"
        " show-environment set-environment unset-environment import-environment try-reload-or-restart list-jobs cancel"
    ),
    words_of("-t --type -p --property -n --lines -o --output --root -H -M --state --job-mode --kill-who -s --signal"),
)
_TOOLS = {
    "apt-get": _APT, "apt": _APT, "pip": _PIP, "pip3": _PIP, "conda": _CONDA, "mamba": _MAMBA, "micromamba": _MAMBA,
    "npm": _NPM, "apk": _APK, "yum": _DNF, "dnf": _DNF, "microdnf": _DNF, "git": _GIT, "poetry": _POETRY, "uv": _UV,
    "apt-mark": _APT_MARK, "systemctl": _SYSTEMCTL,
}  # fmt: skip
# their options before the command are too many for a table: one that is not known ends the search
_MANY_OPTIONS = {"npm", "mamba", "micromamba", "apk", "git", "uv", "poetry", "yum", "dnf", "microdnf", "systemctl"}
# options of these programs that take no value, so that the word behind them is the command
_ALONE = words_of(
    "--no-cache --update --update-cache --quiet --verbose --allow-untrusted --no-progress --force --global"
    " --silent --no-audit --no-fund --yes --no-rc --no-env --no-interactive --initdb --assumeyes --nodocs"
    " --no-pager --bare --no-cache-dir --offline --native-tls --best --refresh --nogpgcheck --no-root"
    " --no-ansi --no-plugins"
)
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_PIP_PROGRAM = re.compile(r"pip3\.\d+")
_APT_ASKS = words_of(
    "install reinstall remove purge upgrade dist-upgrade full-upgrade autoremove autopurge build-dep satisfy"
    " auto-remove"
)
# what debian:bookworm-slim has before the first step: to install these again needs no lists (dpkg, Essential: yes)
_ESSENTIAL = words_of(
    "apt base-files bash bsdutils coreutils dash debianutils diffutils dpkg findutils grep gzip hostname"
    " libc-bin login mount ncurses-base ncurses-bin perl-base sed sysvinit-utils tar util-linux adduser"
    " passwd libc6 tzdata gpgv"
)
# check-update and makecache change nothing, and ask nothing
_DNF_ASKS = words_of(
    "install update upgrade remove erase groupinstall localinstall reinstall downgrade autoremove builddep"
    " distro-sync swap"
)
# yum(8), dnf(8): also in a row of letters, such as -qy; microdnf asks nothing
_DNF_ANSWERS = re.compile(r"-[a-zA-Z]*[yhC][a-zA-Z]*|--(assumeyes|assumeno|downloadonly|help)|--setopt=assumeyes=.*")
# `conda clean` asks before it deletes what it lists
_CONDA_ASKS = words_of("install create update upgrade remove uninstall clean")
# apt-get(8): -qq and -q=2 imply -y
_APT_ANSWERS = re.compile(
    r"-[a-zA-Z]*y[a-zA-Z]*|-[a-zA-Z]*q[a-zA-Z]*q[a-zA-Z]*|-q=[2-9]|--(yes|assume-yes|force-yes|assume-no)(=\w+)?"
    r"|--(simulate|just-print"
    r"|dry-run|recon|no-act|print-uris|download-only|trivial-only|help|version|quiet=[2-9])|-[a-zA-Z]*[sdh][a-zA-Z]*"
    r"|--y|.*(Assume-Yes|Simulate|Download-Only|quiet).*"
)
_CONDA_ANSWERS = re.compile(
    r"-[a-zA-Z]*[ydhq]*[ydh][a-zA-Z]*|--(yes|dry-run|json|help|download-only|print-config-only)(=\w+)?|-n?y"
)

# pip asks before it removes, and ends with EOFError where nobody answers (pip uninstall --help, -y)
_PIP_ANSWERS = re.compile(r"-[a-zA-Z]*[yh][a-zA-Z]*|--(yes|help)")


def program_of(command: Command) -> tuple[str, tuple[Word, ...]]:
    """Return the program and its words; ``python -m pip`` counts as pip. Empty if that is not certain.

    Args:
        command: without wrappers, see ``unwrapped``.
    """
    words = command.words
    name = (words[0].value or "") if words else ""
    # a full path is the same program, if its folder is one of programs
    name = name.rsplit("/", 1)[-1] if re.match(r"/[\w./-]*bin/", name) else name
    if _PYTHON.fullmatch(name):
        # options of Python itself may stand before -m; each of these has no value
        values = [word.value for word in words]
        options = next((at for at, value in enumerate(values[1:], 1) if value not in {"-I", "-u", "-s", "-E", "-B"}), 0)
        if values[options : options + 2] == ["-m", "pip"]:
            return "pip", words[options + 1 :]
    return ("pip", words) if _PIP_PROGRAM.fullmatch(name) else (name, words)


def command_of(command: Command) -> tuple[str, Word | None]:
    """Return the program and the word that names its command; None if an unknown option comes before."""
    name, words = program_of(command)
    tool = _TOOLS.get(name)
    if tool is None:
        return name, None
    rest = iter(words[1:])
    for word in rest:
        # a variable may be the command, or an option before it
        if word.value is None:
            return name, None
        if word.value in tool.with_value:
            # the value of an option may look like a command: `apt-get -t update install`
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
    if verb.value not in tool.commands:
        yield from _unknown(name, tool, verb, command)
        return
    if verb.value in tool.below:
        yield from _unknown_below(name, tool, verb, command)
    # options are judged by the command: -y is one of install and none of update
    yield from option_faults(name, verb, command)
    if tool_rule(name) == "apt-command" and verb.value in {"install", "remove", "purge"}:
        yield from _nothing_named(command, name, verb)
        yield from _mistyped_packages(command, name, verb)
    # only these name packages of a system's archive
    if verb.value in {"install", "add"}:
        yield from _foreign_packages(command, name, verb)
    # `yes | apt-get install x` answers by its input
    if not (answered or command.fed):
        yield from _questions(command, name, verb)


def _unknown(name: str, tool: _Tool, verb: Word, command: Command) -> Iterator[Fault]:
    value = verb.value or ""
    meant = ""
    # one letter is near to every other one
    if re.fullmatch(r"[A-Za-z-]{2,}", value):
        # by the words of another program first: `pip add` means install, whatever is near by letters
        meant = dict(tool.meant).get(value) or closest(value.lower(), tool.commands - tool.unwritten)
        # to conda's short commands too much is near, since a plugin may have any name
        meant = meant or ("" if tool in (_CONDA, _MAMBA) else slip(value, tool.commands - tool.unwritten))
    if meant:
        yield fault_if(
            command.certain, tool.rule, verb.at, f'{name} has no command "{value}"', f"did you mean {meant}?"
        )
    # certain only for tools that have no plugins: there the word can be nothing else
    elif tool.install and re.fullmatch(r"[A-Za-z0-9@][\w.+@/-]*([=<>~!]=?.*|\[.*)?", value):
        why = f'{name} has no command "{value}"'
        yield fault_if(
            command.certain, tool.rule, verb.at, why, f"if it is a package, write {name} {tool.install} {value}"
        )
    elif tool in (_CONDA, _MAMBA) and (near := _near_short(value)):
        # too short to be near to anything by its letters alone; a plugin of that name is not known
        yield warning(tool.rule, verb.at, f'{name} has no command "{value}" of its own', f"did you mean {near}?")
    elif tool is _CONDA and re.fullmatch(r"[a-z][\w.-]*([=<>]=?.*)?", value):
        # plugins of conda are commands
        why, advice = (
            f'conda has no command "{value}" of its own',
            f"if it is a package, write conda install -y {value}",
        )
        yield warning(tool.rule, verb.at, why, advice)


def _near_short(value: str) -> str:
    """Return the short command of conda that a word is one slip from: of three letters, two are right."""
    near = slip(value, ("env", "run", "list", "info", "search"))
    same = sum(one == other for one, other in zip(value, "env", strict=False))
    return near or ("env" if len(value) == 3 and same == 2 else "")


def _unknown_below(name: str, tool: _Tool, verb: Word, command: Command) -> Iterator[Fault]:
    following = [word for word in command.words if word.at > verb.at]
    first = following[0] if following else None
    # a row may be empty of what is known below it, and then nothing is judged
    known = tool.below[verb.value or ""]
    if first is None or first.value is None or first.value.startswith("-") or first.value in known:
        return
    # only with something near to it: below `git config` and the like a word may be a name of the user's
    meant = closest(first.value.lower(), known, 0.6)
    if meant:
        why = f'{name} {verb.value} has no command "{first.value}"'
        yield fault_if(command.certain, tool.rule, first.at, why, f"did you mean {meant}?")


def installed(command: Command) -> list[str | None] | None:
    """Return the packages that a command installs, None for one whose name is not certain; None if it installs none."""
    name, verb = command_of(command)
    if verb is None or verb.value not in {"install", "add", "create", "groupinstall", "update", "upgrade"}:
        return None
    # these bring packages of their own, and no program of the system
    if tool_rule(name) in {"pip-command", "npm-command"} or (name in {"git", "poetry", "uv"}):
        return None
    # of apt and the others they bring newer files of what is there, and no new program
    if verb.value in {"update", "upgrade"} and name not in {"conda", "mamba", "micromamba"}:
        return None
    if verb.value == "create":
        return [None]  # an environment of its own
    return [word.value for word in command.words if word.at > verb.at and not (word.value or "").startswith("-")]


# those that people install most: a longer list would find more that only looks alike
_PACKAGES = words_of(
    "build-essential python3 python3-pip python3-dev python3-venv python3-distutils software-properties-common cmake"
    " ca-certificates curl wget git unzip gnupg libgomp1 libgl1 libglib2.0-0 libsm6 libxext6 libxrender1 ffmpeg nginx"
    " supervisor locales tzdata openssh-client default-jre unixodbc unixodbc-dev libpq-dev libssl-dev lsb-release"
    " apt-transport-https procps netcat-openbsd libgl1-mesa-glx gfortran libopenblas-dev pkg-config libffi-dev"
)


def _mistyped_packages(command: Command, name: str, verb: Word) -> Iterator[Fault]:
    """Find names whose letters are those of a usual package in another order: no archive has such a one."""
    for word in command.words:
        value = word.value or ""
        # short names are near to one another: `git` and `gti` are told elsewhere
        if word.at <= verb.at or value in _PACKAGES or not re.fullmatch(r"[a-z][a-z0-9.+-]{3,}", value):
            continue
        # the same letters in another order, and the first in its place: nobody has called a package so
        meant = next((one for one in sorted(_PACKAGES) if sorted(one) == sorted(value) and one[0] == value[0]), "")
        why = f'{name} has no package "{value}"'
        if meant:
            yield fault_if(command.certain, "package-unknown", word.at, why, f"did you mean {meant}?")
        # one letter short may be a package all the same, so it is only a warning
        elif meant := next((one for one in sorted(_PACKAGES) if len(one) > 8 and _lacks_one(value, one)), ""):
            yield warning("package-unknown", word.at, f"{why} that is known here", f"did you mean {meant}?")


def _lacks_one(value: str, meant: str) -> bool:
    """Tell whether a word is another without one of its letters, or with one twice; ``-dev`` of less is a package."""
    short, long = sorted((value, meant), key=len)
    at = next((at for at, (one, other) in enumerate(zip(short, long, strict=False)) if one != other), len(short))
    whole = len(long) == len(short) + 1 and long[at + 1 :] == short[at:] and long[at].isalpha() and at > 0
    return whole and (len(value) < len(meant) or long[at] == long[at - 1])


# what one family calls otherwise: names that its archives have not
# names only of which the archive of that family certainly has none
_FOREIGN = {
    "alpine": {"build-essential": "build-base", "python3-pip": "py3-pip", "libssl-dev": "openssl-dev",
               "gcc-c++": "g++",
               "python3-venv": "python3", "software-properties-common": "", "apt-transport-https": "",
               "openssl-devel": "openssl-dev", "python3-devel": "python3-dev", "zlib1g-dev": "zlib-dev",
               "locales": "musl-locales"},
    "debian": {"build-base": "build-essential", "py3-pip": "python3-pip", "openssl-dev": "libssl-dev",
               "openssl-devel": "libssl-dev", "python3-devel": "python3-dev", "gcc-c++": "g++",
               "zlib-dev": "zlib1g-dev",
               "libffi-devel": "libffi-dev", "zlib-devel": "zlib1g-dev",
               "mysql-devel": "default-libmysqlclient-dev", "postgresql-devel": "libpq-dev", "epel-release": "",
               "glibc-langpack-en": "locales", "libstdc++-devel": "libstdc++-12-dev",
               "procps-ng": "procps", "libcurl-devel": "libcurl4-openssl-dev"},
    "rhel": {"build-essential": "gcc gcc-c++ make", "build-base": "gcc gcc-c++ make", "libssl-dev": "openssl-devel",
             "python3-dev": "python3-devel", "libffi-dev": "libffi-devel", "zlib1g-dev": "zlib-devel",
             "libpq-dev": "libpq-devel", "python3-venv": "python3", "software-properties-common": "",
             "apt-transport-https": "", "libgl1": "mesa-libGL", "libgomp1": "libgomp", "libglib2.0-0": "glib2"},
}  # fmt: skip
"""Sources: packages.debian.org (bookworm), pkgs.alpinelinux.org (3.20), the appstream of Red Hat 9."""


def _foreign_packages(command: Command, name: str, verb: Word) -> Iterator[Fault]:
    """Warn of names of another family: a repository that a step has added may have one, which is unlikely."""
    families = {"apt-command": "debian", "apk-command": "alpine"}
    family = "rhel" if name in {"yum", "dnf", "microdnf"} else families.get(tool_rule(name), "")
    for word in command.words:
        meant = _FOREIGN.get(family, {}).get(word.value or "")
        # a name that both families have (`curl`) is in no row
        if word.at > verb.at and meant is not None and meant != word.value:
            advice = f"write {meant}" if meant else "leave it out"
            yield warning("package-unknown", word.at, f'"{word.value}" is a package of another system', advice)


def _nothing_named(command: Command, name: str, verb: Word) -> Iterator[Fault]:
    """``apt-get install -y`` alone does nothing, and succeeds."""
    told = [word for word in command.words if word.at > verb.at]
    # a step may end with an option by a variable, of which nothing is said here
    # -f mends what is broken, -t and -o have a value behind them: with these a line without names may well do something
    options = all((word.value or "").startswith("-") and word.value not in {"-f", "-t", "-o"} for word in told)
    fixes = any(
        word.value in {"--fix-broken", "-f", "-yf", "-fy", "--auto-remove", "--autoremove"} for word in command.words
    )
    if options and not fixes and not command.fed:
        why = f"{name} {verb.value} names no package"
        yield warning("no-packages", verb.at, why, "name the packages; does the line before lack its backslash?")


# matches nothing, for programs that never ask
_NEVER_ASKS = re.compile(r"(?!)")
# pacman(8): -Ss, -Si and -Sl only look, -Sp prints; zypper(8)
_ASKING = {
    "pacman": (
        re.compile(r"-(?:S[uycw]*|R[nscu]*|U)"),
        re.compile(r"--(noconfirm|help|version|downloadonly|print)|-[A-Za-z]*[hp][A-Za-z]*"),
        "pacman --noconfirm",
    ),
    "zypper": (
        re.compile(r"install|in|remove|rm|update|up|dist-upgrade|dup|patch"),
        re.compile(r"-[a-z]*[ny][a-z]*|--(non-interactive|no-confirm|dry-run|help)|-D"),
        "zypper --non-interactive",
    ),
}


def other_questions(command: Command, *, answered: bool) -> Iterator[Fault]:
    """Tell that pacman or zypper would ask; their commands are options, or too many to be judged."""
    words = [word.value for word in command.words]
    # a variable may hold the answer, `$APT_OPTS`
    if answered or command.fed or len(words) < 2 or None in words:
        return
    known = [word for word in words if word]
    asks, answers, advice = _ASKING.get(known[0], (_NEVER_ASKS, _NEVER_ASKS, ""))
    if any(map(asks.fullmatch, known[1:])) and not any(map(answers.fullmatch, known[1:])):
        why = f"{known[0]} asks a question, and ends where nobody can answer it"
        yield warning("dnf-no-yes", command.words[1].at, why, f"write {advice}")


def _questions(command: Command, name: str, verb: Word) -> Iterator[Fault]:
    words = [word.value for word in command.words]
    if None in words:  # a variable may say yes
        # what is only sometimes there answers as well: silence is right where one is not certain
        return
    options = [word for word in words if word and (word.startswith("-") or "::" in word)]
    why, advice = f"{name} {verb.value} may ask, and nobody can answer", f"write {name} {verb.value} -y"
    if tool_rule(name) == "apt-command":
        # apt asks only if it would touch more than was named, or remove something (apt-get(8), --assume-yes)
        if verb.value in _APT_ASKS and not any(_APT_ANSWERS.fullmatch(word) for word in options):
            yield warning("apt-no-yes", verb.at, why, advice)
    elif tool_rule(name) in {"conda-command", "mamba-command"} and verb.value in _CONDA_ASKS:
        rest = [word for word in words[words.index(verb.value) + 1 :] if word]
        # explicit files, packages by their addresses and clones are not asked about
        explicit = any(re.match(r"--file|--clone|-f$|@|.*(://|\.conda$|\.tar\.bz2$)", word) for word in rest)
        if rest and not explicit and not any(_CONDA_ANSWERS.fullmatch(word) for word in options):
            # conda takes the end of its input as yes, other versions end there
            yield warning("conda-no-yes", verb.at, why, advice)
    elif name in {"yum", "dnf"} and verb.value in _DNF_ASKS and not any(map(_DNF_ANSWERS.fullmatch, options)):
        # they ask whenever there is something to do, and take the end of their input for no
        why = f"{name} {verb.value} asks a question, and ends where nobody can answer it"
        yield warning("dnf-no-yes", verb.at, why, advice)
    elif name in {"pip", "pip3"} and verb.value == "uninstall" and not any(map(_PIP_ANSWERS.fullmatch, options)):
        # pip asks always, but for -y: it ends with EOFError and so with 2
        why = f"{name} {verb.value} asks a question, and nobody can answer it"
        yield fault_if(command.certain, "pip-no-yes", verb.at, why, advice)


def tool_rule(name: str) -> str:
    """Return the rule about commands of a program; empty for one that is not judged."""
    tool = _TOOLS.get(name)
    return tool.rule if tool else ""


def installs_from_lists(command: Command, verb: Word) -> bool:
    """Tell whether ``apt-get install`` looks for a package by name, rather than for a file."""
    names = [word for word in command.words if word.at > verb.at and not (word.value or "-").startswith("-")]
    # to install what is there is no reason to demand an apt-get update
    there = all(word.value in _ESSENTIAL for word in names)  # nothing to do, so no list is asked
    return (
        bool(names)
        and not there
        and all(word.value and "/" not in word.value and ".deb" not in word.value for word in names)
    )
