"""Which program a command starts: through wrappers such as ``timeout`` and ``env``, by a name that may be mistyped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .lint_bases import INSTALLS, PACKAGERS
from .lint_memory import Memory
from .lint_rules import Fault, fault_if, slip, warning, words_of
from .shell import Command, Word
from .shell_nodes import DASH

_ASSIGNMENT = re.compile(r"\w+=")
# options with a value, and how many words come before the program
# their manuals: coreutils, util-linux, sudo(8), xargs(1), gosu and su-exec (README)
_WRAPPERS: dict[str, tuple[str, int]] = {
    "exec": ("-a", 0), "time": ("-f -o", 0), "eatmydata": ("", 0), "nohup": ("", 0), "setsid": ("", 0),
    "sudo": ("-u -g -h -p -C -r -t -U -D -R -T --user --group", 0), "env": ("-u -C --unset --chdir", 0),
    "timeout": ("-s -k --signal --kill-after", 1), "nice": ("-n --adjustment", 0), "ionice": ("-c -n -p", 0),
    "xargs": ("-n -P -I -a -d -L -s -E --max-args --max-procs --arg-file --delimiter --replace --max-lines", 0),
    "stdbuf": ("-i -o -e", 0), "gosu": ("", 1), "su-exec": ("", 1), "chronic": ("", 0), "unbuffer": ("", 0),
    "tini": ("", 0), "dumb-init": ("", 0), "xvfb-run": ("-n -s -e -f -w", 0), "command": ("", 0), "builtin": ("", 0),
    "chroot": ("", 1), "flock": ("-w -E --timeout --conflict-exit-code", 1), "fakeroot": ("", 0), "doas": ("-u -C", 0),
    # BusyBox takes an applet as its first word
    "busybox": ("", 0), "linux32": ("", 0), "setarch": ("", 1),
}  # fmt: skip
# `conda run` starts a program in an environment, and so does `micromamba run`
_RUNNERS = {
    "conda": "-n -p --name --prefix --cwd",
    "mamba": "-n -p --name --prefix --cwd",
    "micromamba": "-n -p -r --name --prefix",
}
_OWN_RUNNERS = {
    "poetry": "", "pipenv": "", "pdm": "-p -e", "hatch": "-e", "pixi": "-e --environment --manifest-path",
    "uv": "--with --with-requirements --python -p --extra --group --index --project --directory --env-file --package",
}  # fmt: skip
"""Programs that run others in an environment of their own, which has what nobody knows, with their options."""

# what steps use most, by Dockerfiles that we have read: the longer this list, the more is near to something
_MEANT = words_of(
    "apt-get apt-cache apt-mark add-apt-repository dpkg pip pip3 conda mamba micromamba npm yarn node python"
    " python3 curl wget git tar unzip gzip chmod chown mkdir echo useradd groupadd adduser addgroup make"
    " cmake gcc sed grep cat touch export source apk yum dnf microdnf rpm bash sudo printf find xargs install"
    " rmdir sleep poetry ldconfig locale-gen update-ca-certificates update-alternatives pnpm cargo rustup rustc julia"
    " gradle composer dotnet kubectl helm terraform docker rsync openssl ssh-keyscan ssh-keygen sha256sum md5sum"
    " envsubst usermod groupmod userdel deluser gunzip bunzip2 systemctl service zypper pacman dpkg-reconfigure"
    " debconf-set-selections apt-key bundle virtualenv pipenv jupyter python3-config ruby perl java javac npx pipx"
    " fc-cache dpkg-query mktemp readlink dirname basename patch chpasswd setcap useradd rpm2cpio cpio unxz getent"
)
# programs that there are, near to one of the others
_REAL = words_of(
    "act agrep bgzip bpython cython cake dmake pmake smake xmake usleep gsudo get pkg pak fin print ccat"
    " cgrep seed args apt pip2 pipx pipe npx nvm nodejs node-gyp pythonw python2 ipython curlie wgetpaste"
    " git-lfs gitk gita bsdtar star gtar zip unzip funzip gunzip bzip2 lzip pigz rmdir mkdirp chgrp chmem"
    " mecho useradd userdel usermod groupdel groupmod adduser deluser delgroup gmake imake nmake qmake ccmake"
    " emake cc c++ g++ gdc gcj icc tcc sd gsed ssed egrep fgrep rgrep zgrep pgrep zcat tac bat cut cap cal at"
    " dot touchx exec sources apl ask yumdownloader dnf5 rpm2cpio rpmbuild dash rbash ash bush printenv"
    " fprintf fd xarg uninstall ldd sleepenh curl-config bind bind9 env ed ld ls ln cp cd mv df du dd pv ps"
    " pwd tr wc nl id jq yq rg vi tee top time test true false type eval read wait trap hash head tail sort"
    " uniq seq shuf stat sync kill date diff expr fold join nice nohup od paste patch perl php ruby rust java"
    " javac go cargo gem bundle su sh ssh scp sftp ping ip ss nc less more man make mke2fs mount nproc"
    " openssl gpg htop tmux screen svn hg cvs ctest meson ninja uv uvx gdal gdb lldb clang ar as nm strip"
    " ranlib file which whereis locale localedef chsh chpasswd passwd gpasswd nologin tree rsync aria2c bower"
    " gulp grunt tsc deno bun pnpm lerna pod pdm hatch tox nox flit pytest mypy ruff mamba-build condax"
    " anaconda constructor conda-lock conda-build pixi spack snap brew flatpak nix guix dnf-3 tdnf zypper elm dockerd"
    " bundler gradlew jar rake rails perldoc javap rustfmt rustdoc kubectx helmfile services sha1sum"
    " sha512sum sha224sum sha384sum rsyncd unrar unar unlzma bunzip chsh chfn sum b2sum cksum"
    " batch match fc-list fc-match getopt getcap setfacl getfacl dpkg-deb pacmd sysctl"
)
_SHORT = ("cd", "cp", "ln", "ls", "mv", "rm")
_BASH_ONLY = words_of("source [[ (( pushd popd shopt declare typeset let mapfile readarray")


def unwrapped(command: Command) -> Command:
    """Return the command that a wrapper starts: ``timeout 5 env A=b apt-get`` is ``apt-get``.

    What ``xargs`` adds is a word without a value at the end.
    """
    words, fed, added = list(command.words), command.fed, False
    while words:
        # without its folder: /usr/bin/env is env
        name = plain_name(words[0].value)
        # A=b before a program is a setting of its environment alone
        if _ASSIGNMENT.match(words[0].value or words[0].raw):
            words = words[1:]
        # only with `run`: all else of conda's is its own
        elif name in _RUNNERS and len(words) > 1 and words[1].value == "run":
            words = _after_options(words[2:], _RUNNERS[name], 0)
        elif name in _OWN_RUNNERS and len(words) > 2 and words[1].value == "run":
            words = _after_options(words[2:], _OWN_RUNNERS[name], 0)
        elif name in _WRAPPERS:
            options, skipped = _WRAPPERS[name]
            # command -v asks for a program, and starts none (POSIX, "command")
            if name == "command" and any(word.value in {"-v", "-V"} for word in words[1:2]):
                break
            # xargs feeds its program, so a question is answered, if by nonsense
            fed, added = fed or name == "xargs", added or name == "xargs"
            words = _after_options(words[1:], options, skipped)
        else:
            break
    # what comes from the pipe: how many words, and which, nobody knows here
    if added and words:
        words.append(Word(None, words[-1].at, ""))
    return replace(command, words=tuple(words), fed=fed)


def runs_elsewhere(command: Command) -> bool:
    """Tell whether a command starts a program in an environment of its own: what is there, the image does not say."""
    return bool(command.words) and plain_name(command.words[0].value) in _OWN_RUNNERS


def _after_options(words: list[Word], with_value: str, skipped: int) -> list[Word]:
    options = with_value.split()
    # -I{} has no value that is certain, and is an option
    while words and (words[0].value or words[0].raw).startswith("-"):
        # an option and its value in two words; --user=x is one
        words = words[2 if words[0].value in options else 1 :]
    return words[skipped:]


def plain_name(value: str | None) -> str:
    """Return a program's name without a folder of programs."""
    return (value or "").rsplit("/", 1)[-1] if re.match(r"/[\w./-]*bin/[\w.-]+$", value or "") else value or ""


def program_faults(command: Command, memory: Memory, *, as_root: bool = False) -> Iterator[Fault]:
    """Judge the first word: mistyped, of another family of images, of Bash alone, or not there."""
    first = command.words[0] if command.words else None
    name = plain_name(first.value) if first else ""
    # the raw text: behind a $ there is no value, and the form alone is wrong
    if first is not None and re.match(r"\[(-|\"?\$|!)", first.raw):
        yield _glued(first, command)
    # a name that an alias or a function has taken stands for something unknown
    if first is None or not name or name in memory.replaced:
        return
    yield from _by_its_words(name, command)
    if name in _BASH_ONLY:
        yield from bash_only(name, first.at, memory, certain=command.certain)
    # the base says what is in the system's folders, and nothing of others
    elif _is_elsewhere(first.value or ""):
        return
    elif name in PACKAGERS:
        yield from _of_other_family(name, first, command, memory, as_root=as_root)
    # told once: what is missing stays missing in the steps behind it
    elif name in memory.absent:
        yield from _absent(name, first, command, memory)
    elif (meant := _meant(name)) and "/" not in (first.value or ""):
        # two letters in the wrong order: no image has a program of that name, whatever it is
        turned = sorted(name) == sorted(meant) and len(name) == len(meant)
        certain = command.certain and (memory.sealed or turned)
        yield fault_if(certain, "program-unknown", first.at, f'there is no program "{name}"', f"did you mean {meant}?")
    # after the names, since echo and [ are there in every image
    elif memory.dialect == DASH and name in {"echo", "["}:
        yield from _otherwise_in_dash(name, command, memory)
    elif name == "set" and any(word.value == "pipefail" for word in command.words):
        # of a shell that nobody knows it is not certain; of Bash and others nothing is said
        yield from bash_only("set -o pipefail", first.at, memory, certain=command.certain and memory.dialect == DASH)


def _is_elsewhere(path: str) -> bool:
    """Tell whether a program is named in a folder that is none of the system's; the base does not say what is there."""
    return path.startswith("/") and not re.match(r"/(usr/(local/)?)?s?bin/", path)


def _by_its_words(name: str, command: Command) -> Iterator[Fault]:
    if name == "[":
        # the test is a program as well, and its bracket is a word
        yield from _without_bracket(command)
    elif re.fullmatch(r"python(3(\.\d+)?)?", name):
        yield from _module_faults(command)
        yield from _without_m(command)


def _without_m(command: Command) -> Iterator[Fault]:
    """``python pip install x`` runs a file of that name."""
    values = [word.value or "" for word in command.words[1:3]]
    if values[:1] == ["pip"] or (len(values) > 1 and values[0] == "m" and values[1] in _MODULES):
        word = command.words[1]
        why = f'Python runs a file "{word.value}" here, which nobody means'
        yield fault_if(command.certain, "program-unknown", word.at, why, "write python -m pip")


def _glued(first: Word, command: Command) -> Fault:
    """``[-f x ]`` starts a program of that name (POSIX, test): in a condition nobody hears of it."""
    why = f"{first.raw} is one word here, and [ is a program"
    return fault_if(command.certain, "shell-syntax", first.at, why, "write a blank behind the [")


def _without_bracket(command: Command) -> Iterator[Fault]:
    """``[`` is a program that wants ``]`` as its last word (POSIX, test)."""
    last = command.words[-1]
    if last.raw == "]" or (last.value is None and not last.raw.endswith("]")):
        return
    joined = last.raw.endswith("]") and len(command.words) > 1
    # the blank is what is mostly missing
    advice = "write a blank before it" if joined else "write ] at the end, with a blank before it"
    yield fault_if(command.certain, "shell-syntax", command.words[0].at, "this [ has no ] of its own", advice)


_MODULES = words_of(
    "pip venv virtualenv ensurepip compileall unittest zipfile pytest spacy nltk http.server pipx build"
)


def _module_faults(command: Command) -> Iterator[Fault]:
    """Judge what ``python -m`` runs, as a program of its own."""
    words = list(command.words)
    at = next((at for at, word in enumerate(words) if word.value == "-m"), len(words))
    module = words[at + 1] if at + 1 < len(words) else None
    # behind a script the -m would be one of its own options
    # before a script, or text, the option would be Python's no more
    plain = all((word.value or "").startswith("-") for word in words[1:at])
    if module is None or not module.value or not plain or module.value in _MODULES:
        return
    if meant := slip(module.value, _MODULES):
        why = f'there is no module "{module.value}"'
        yield fault_if(command.certain, "program-unknown", module.at, why, f"did you mean {meant}?")


def bash_only(what: str, at: int, memory: Memory, *, certain: bool) -> Iterator[Fault]:
    """Tell that dash cannot do something, if dash is certainly or likely what reads the script."""
    if memory.dialect not in {"", DASH}:
        return
    # without a base that is known, `sh` is dash on Debian and ash on Alpine, and neither has these
    known = memory.dialect == DASH
    why = f"{what} is of Bash, and sh of this image is dash" if known else f"{what} is of Bash, and sh may be dash"
    advice = 'write SHELL ["/bin/bash", "-c"] before the step'
    if what == "source":
        advice = 'write . (a dot) instead, or SHELL ["/bin/bash", "-c"] before the step'
    yield fault_if(known and certain, "bash-only", at, why, advice)


def _otherwise_in_dash(name: str, command: Command, memory: Memory) -> Iterator[Fault]:
    """``echo -e`` prints -e, and ``[ a == b ]`` is no comparison."""
    words = command.words[1:]
    # POSIX leaves open what echo makes of -e; dash takes it for a text, Bash for an option
    if name == "echo" and words and words[0].value in {"-e", "-ne", "-en"}:
        why = "echo of dash, the sh of this image, prints -e"
        yield warning("bash-only", words[0].at, why, "write printf")
    for word in words:
        if name == "[" and word.value == "==":
            yield from bash_only("==", word.at, memory, certain=False)


def _of_other_family(name: str, first: Word, command: Command, memory: Memory, *, as_root: bool) -> Iterator[Fault]:
    family = memory.base.family
    # `command -v apk && apk add` asks before it does: what is guarded is never wrong
    if command.guarded:
        return
    if family and PACKAGERS[name] != family:
        kind = {"debian": "Debian or Ubuntu", "alpine": "Alpine", "rhel": "the Red Hat family"}[family]
        certain = command.certain and memory.sealed
        yield fault_if(
            # a step before may have copied the program
            certain,
            "program-missing",
            first.at,
            f"{name} is not in this image, which is of {kind}",
            f"write {INSTALLS[family]}",
        )
    # to ask is allowed to everybody, to change needs root (apt-get(8): /var/lib/dpkg)
    elif memory.user and not as_root and name not in {"dpkg", "rpm", "apt-cache"} and not _is_question(command):
        why = f"{name} needs root, and this step runs as {memory.user}"
        yield warning("not-root", first.at, why, "write USER root before, and the user of the image after")


def _is_question(command: Command) -> bool:
    return any(
        word.value in {"list", "show", "search", "policy", "--version", "-h", "--help", "info"}
        for word in command.words[1:]
    )


_CERTAIN = words_of(
    "bash git wget curl python python3 pip pip3 make gcc g++ cmake unzip jq npm node vim conda mamba cargo useradd"
    " groupadd usermod"
)
"""Programs that no official image of a system has by itself, whatever its tag."""
_PACKAGE = {
    "pip": "python3-pip", "pip3": "python3-pip", "python": "python3", "node": "nodejs", "ssh": "openssh-client",
    "gpg": "gnupg", "xz": "xz-utils", "ps": "procps", "go": "golang", "java": "default-jre", "Rscript": "r-base",
    "ping": "iputils-ping", "envsubst": "gettext-base", "locale-gen": "locales", "lsb_release": "lsb-release",
    "add-apt-repository": "software-properties-common",
}  # fmt: skip
_ALPINE_PACKAGE = {
    "pip": "py3-pip", "pip3": "py3-pip", "ssh": "openssh-client", "go": "go", "java": "openjdk17-jre", "gpg": "gnupg",
    "gcc": "build-base", "g++": "build-base",
}  # fmt: skip
_OWN = {
    **dict.fromkeys(
        ("conda", "mamba", "micromamba"), "list what it installs in the conda file, or take a base that has it"
    ),
    **dict.fromkeys(("poetry", "uv"), "install it first: pip install, or its own installer"),
    "yarn": "install it first: npm install -g yarn, or corepack enable",
    "pnpm": "install it first: npm install -g pnpm, or corepack enable",
    "systemctl": "nothing runs systemd in an image; what shall start is the service's own command",
    **dict.fromkeys(("brew", "snap", "choco", "winget"), "write apt-get"),
}
"""What to do about programs that no package manager of a system brings."""
_INSTEAD_ON_ALPINE = {
    "useradd": "write adduser -D", "groupadd": "write addgroup", "usermod": "write addgroup USER GROUP",
}  # fmt: skip
"""What BusyBox has in the place of programs of the package ``shadow``."""
_INSTALL = {
    "debian": "apt-get update && apt-get install -y", "alpine": "apk add", "rhel": "dnf install -y",
    "": "the package of",
}  # fmt: skip


def _absent(name: str, first: Word, command: Command, memory: Memory) -> Iterator[Fault]:
    # as above: a guard makes it right
    if command.guarded:
        return
    if name == "sudo":
        why = "sudo is not in this image, and steps run as " + (memory.user or "root")
        # a step before may have brought it: then it is only likely that it is not there
        certain = command.certain and memory.sealed
        yield fault_if(
            certain, "sudo", first.at, why, "leave sudo out" if not memory.user else "write USER root before"
        )
        return
    # only on a base that nothing was added to; a step may have brought the program
    certain = command.certain and memory.sealed and not memory.installed and name in _CERTAIN
    package = _PACKAGE.get(name, name)
    package = _ALPINE_PACKAGE.get(name, package) if memory.base.family == "alpine" else package
    advice = f"install it first: {_INSTALL[memory.base.family]} {package}" if name not in _OWN else _OWN[name]
    if memory.base.family == "alpine" and name in _INSTEAD_ON_ALPINE:
        advice = f"{_INSTEAD_ON_ALPINE[name]}, or install it first: apk add shadow"
    yield fault_if(certain, "program-missing", first.at, f"{name} is not in this image", advice)
    memory.absent.discard(name)  # say it once


def _meant(name: str) -> str:
    # programs are written in small letters, and with a hyphen
    # Pip, APT_GET: no system has programs so
    if (plain := name.lower().replace("_", "-")) != name and plain in _MEANT and len(plain) > 2:
        return plain
    # R is a program, and so are names that begin with it
    if name.istitle() or name.startswith("R"):
        return slip(name, {"Rscript"})
    if name in _MEANT or name in _REAL or not re.fullmatch(r"[a-z][a-z0-9-]{2,}", name):
        return ""
    # the short ones, with a letter written twice: rmm, mvv
    short = next((one for one in _SHORT if len(name) == 3 and name in {one[0] + one, one + one[1]}), "")
    return short or slip(name, _MEANT)
