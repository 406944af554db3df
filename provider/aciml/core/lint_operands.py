"""What programs do with words that are not what they take: numbers, options without their value, nothing at all.

Sources: useradd(8), groupadd(8), usermod(8) of shadow 4.13; sleep(1), rm(1), chmod(1), head(1), install(1) of
coreutils 9.1; tar(1), curl(1), wget(1), git-clone(1), grep(1), gawk(1); POSIX, "exit". What is an error here was
tried on Debian, by dash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from .lint_rules import Fault, fault_if, warning, words_of
from .shell import Command, Word

# useradd takes no name there, groupadd neither; usermod -u likewise
_NUMBER = (re.compile(r"\d+"), "a number, such as 1000")
# head and tail know K, M and kB behind a number, and a sign before it
_LINES = (re.compile(r"[-+]?\d+[a-zA-Z]*"), "a number, such as 10")
# chmod(1): four digits at most, of which the first is for setuid, setgid and sticky
_MODE = (re.compile(r"0*[0-7]{1,4}|[ugoa]*[-+=][rwxXst]*(,[ugoa]*[-+=][rwxXst]*)*"), "digits of 0 to 7, such as 755")
_TYPED = {
    "useradd": {"-u": _NUMBER, "--uid": _NUMBER}, "groupadd": {"-g": _NUMBER, "--gid": _NUMBER},
    "usermod": {"-u": _NUMBER, "--uid": _NUMBER}, "groupmod": {"-g": _NUMBER, "--gid": _NUMBER},
    "adduser": {"--uid": _NUMBER, "-u": _NUMBER}, "addgroup": {"--gid": _NUMBER, "-g": _NUMBER},
    "head": {"-n": _LINES, "-c": _LINES}, "tail": {"-n": _LINES, "-c": _LINES},
    "mkdir": {"-m": _MODE, "--mode": _MODE}, "install": {"-m": _MODE, "--mode": _MODE},
    "curl": {"--retry": _NUMBER, "--retry-delay": _NUMBER, "--max-redirs": _LINES},
    # wget's 0 and inf both mean: for ever
    "wget": {"--tries": (re.compile(r"\d+|inf"), "a number, such as 5")},
    # a depth of 0 is refused by git ("depth 0 is not a positive number")
    "git": {"--depth": (re.compile(r"[1-9]\d*"), "a number of 1 or more")},
}  # fmt: skip
"""What the word behind an option has to look like, and what to write."""
_WANT = {
    # only those that steps use: with an option that is not here nothing is said
    "tar": r"-[a-zA-Z]*[fCT]|--file|--directory", "curl": r"-[a-zA-Z]*[odHXFuAbce]|--output|--header|--data|--request",
    "wget": r"-[a-zA-Z]*[OPUi]|--output-document|--directory-prefix", "git": r"-b|--branch|--depth",
    "useradd": r"-[a-zA-Z]*[ugGdscbkp]", "groupadd": r"-[a-zA-Z]*g", "apt-get": r"-t|-o|-c", "apt": r"-t|-o|-c",
    "conda": r"-[nfpc]|--name|--file|--prefix|--channel", "mamba": r"-[nfpc]|--name|--file|--prefix|--channel",
    "micromamba": r"-[nfpcr]|--name|--file|--prefix|--channel", "unzip": r"-d",
    "usermod": r"-[a-zA-Z]*[ugGdsclp]", "sed": r"-[a-zA-Z]*e|--expression", "install": r"-m|-o|-g|-t",
    "chown": r"--from", "find": r"-name|-type|-path|-user|-perm|-maxdepth|-mindepth|-iname|-size|-newer|-exec",
    "head": r"-[nc]", "tail": r"-[nc]", "mkdir": r"-m", "gpg": r"--output|-o|--keyserver|--recv-keys|--keyring",
}  # fmt: skip
"""Options that take the word behind them; at the end of a command there is none."""
# sleep of coreutils takes fractions, units and inf; BusyBox the first two
_INTERVAL = re.compile(r"(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?[smhd]?|inf(inity)?", re.IGNORECASE)
# with these gone or owned by somebody else no program of the image starts
_SYSTEM = words_of("/usr /bin /sbin /lib /lib64 /etc /var /usr/bin /usr/lib /usr/sbin /dev /proc /sys /*")
# what people name as a file to write: anything else may be a second address
_ARCHIVE = re.compile(
    r"(?i)(\.{0,2}/)?[\w./-]+\.(t?gz|zip|bz2|xz|tar|sh|deb|rpm|whl|py|json|ya?ml|txt|bin|jar|pem|crt|key)"
)


def operand_faults(name: str, command: Command) -> Iterator[Fault]:
    """Judge what is behind the name of such a program."""
    if len(command.words) < 2:
        # a program alone is judged by other rules
        return
    yield from _typed(name, command)
    yield from _ended(name, command)
    for judge in _JUDGES.get(name, ()):
        yield from judge(name, command)


def _interval(_: str, command: Command) -> Iterator[Fault]:
    # each word: sleep adds up what it is given
    for word in command.words[1:]:
        if word.value and not _INTERVAL.fullmatch(word.value):
            why = f'sleep takes a number, not "{word.value}"'
            yield fault_if(command.certain, "argument", word.at, why, "write seconds, or such as 5m")


def _status(_: str, command: Command) -> Iterator[Fault]:
    # only a word: a number above 255, or a variable, may be meant
    word = command.words[1]
    if re.fullmatch(r"[A-Za-z][\w-]*", word.value or ""):
        why = f'exit takes a number, not "{word.value}"'
        yield fault_if(command.certain, "argument", word.at, why, "write exit 1, or exit 0")


def _typed(name: str, command: Command) -> Iterator[Fault]:
    table = _TYPED.get(name, {})
    # an empty word at the end, so that the last option has a follower
    for word, following in pairwise((*command.words[1:], Word(None, 0))):
        option, equals, value = (word.value or "").partition("=")
        given = value if equals else following.value
        wanted = table.get(option)
        if wanted is None or not given or wanted[0].fullmatch(given):
            continue
        # of BusyBox adduser -g is the gecos field, -u of Debian's is none; a word that begins with - is another option
        at = word.at if equals or given.startswith("-") else following.at
        what = f"takes {wanted[1].partition(',')[0]}"
        yield fault_if(
            command.certain, "argument", at, f'{option} of {name} {what}, not "{given}"', f"write {wanted[1]}"
        )


def _ended(name: str, command: Command) -> Iterator[Fault]:
    """``tar -xzf`` and nothing behind it."""
    last = command.words[-1]
    # what comes by a pipe to xargs is behind it
    options = _WANT.get(name)
    if options is None or len(command.words) < 2 or command.fed or not re.fullmatch(options, last.value or ""):
        return
    why = f"nothing follows {last.value} of {name}"
    yield fault_if(command.certain, "argument", last.at, why, "write its value behind it; did the line lack its \\?")


def _of_system(name: str, command: Command) -> Iterator[Fault]:
    words = [word.value or word.raw for word in command.words[1:]]
    if not any(re.fullmatch(r"-[a-zA-Z]*[rR][a-zA-Z]*|--recursive", word) for word in words):
        return
    for word in command.words[2:]:
        # by its raw text where a variable is in it: "$PREFIX/usr" is no folder of the system
        path = word.value if word.value is not None else word.raw
        if not path.startswith("/"):
            continue
        # /etc/, /etc/. and /etc/* are the folder; of the last only what begins with a dot stays
        path = re.sub(r"(?<=.)/(\.|\*)?$", "", path) or "/"
        if path != "/" and (path not in _SYSTEM or (word.raw.endswith("/*") and path != "/*")):
            continue
        # a variable that is empty makes `rm -rf $DIR/` one of these
        if name == "rm" and path == "/" and "--no-preserve-root" not in words:
            # rm(1) of coreutils, --preserve-root; BusyBox has no such care
            why = "rm -r of / is refused by coreutils, and takes away the whole system elsewhere"
            yield warning("removes-system", word.at, why, "name the folder that is meant, without a blank in it")
        else:
            does = "takes away" if name == "rm" else f"changes what {name} changes of"
            why = f"this {does} {path}, without which the image's own programs do not run"
            advice = "name the folder that is meant" if name == "rm" else "name your own folders"
            yield warning("removes-system", word.at, why, advice)
        # the first says it: a list of such folders is one mistake
        return


def _small_r(_: str, command: Command) -> Iterator[Fault]:
    """``chmod -r 755 /x`` takes the right to read from a file 755."""
    for word, following in pairwise(command.words[1:]):
        # -r takes a right away, and 755 is then a file: what is meant is nearly always the capital one
        if word.value == "-r" and re.fullmatch(r"[0-7]{3,4}|[ugoa]*[+=][rwxX]+", following.value or ""):
            why = "-r is a mode of chmod, which takes the right to read away"
            yield fault_if(command.certain, "argument", word.at, why, "did you mean -R?")


def _clone(_: str, command: Command) -> Iterator[Fault]:
    values = [word.value for word in command.words[1:]]
    # -h asks for help, which names no repository
    if values[:1] == ["clone"] and all(value and value.startswith("-") and value != "-h" for value in values[1:]):
        why = "git clone names no repository"
        yield fault_if(command.certain and not command.fed, "argument", command.words[1].at, why, "write its address")


def _without_scheme(_: str, command: Command) -> Iterator[Fault]:
    """``git clone github.com/a/b`` looks for a folder of that name."""
    if len(command.words) < 3 or command.words[1].value != "clone":
        return
    for word in command.words[2:]:
        # only hosts that everybody knows: a relative path may have a dot in its first part
        if re.match(r"(www\.)?(github|gitlab|bitbucket)\.(com|org)/", word.value or ""):
            why = f"git looks for a folder {word.value} here"
            yield warning("argument", word.at, why, f"write https://{word.value}")
            return


def _names_of_curl(_: str, command: Command) -> Iterator[Fault]:
    words = command.words[1:]
    # an address by a variable is one, too
    addressed = any("://" in (word.value or word.raw) for word in words)
    for word, following in pairwise(words):
        target = following.value or ""
        if (
            addressed
            and re.fullmatch(r"-[a-zA-Z]*O", word.value or "")
            and (target.startswith("/") or _ARCHIVE.fullmatch(target))
        ):
            if re.match(r"[\w-]+(\.[\w-]+)+/", target):  # an address without its scheme
                continue
            why = f"-O of curl takes no name, so {target} is an address to it"
            yield warning("argument", following.at, why, f"write -o {target}")
            return
    if all((word.value or "").startswith("-") for word in words) and not command.fed:
        quiet = re.compile(r"-[a-zA-Z]*[KVhM][a-zA-Z]*|--(config|version|help|manual|url|engine)(=.*)?")
        if not any(quiet.fullmatch(word.value or "") for word in words):
            why = "curl has no address to ask"
            yield fault_if(command.certain, "argument", command.words[0].at, why, "write the address behind it")


def _pattern(name: str, command: Command) -> Iterator[Fault]:
    words = [word.value for word in command.words[1:]]
    # -e and -f bring the pattern, --help and the like need none
    if all(word and word.startswith("-") and not re.match(r"-[a-zA-Z]*[efVh]|--", word) for word in words):
        why = f"{name} has no pattern to look for"
        yield fault_if(command.certain, "argument", command.words[0].at, why, "write it behind the options")


def _program_of_awk(_: str, command: Command) -> Iterator[Fault]:
    """Count the braces of a program that has neither texts nor patterns, in which one may stand."""
    # only a program that stands first: an option of awk's may take a word before it
    program = next((word for word in command.words[1:] if not (word.value or "-").startswith("-")), None)
    text = program.value if program else None
    # with a text or a pattern in it a brace may be a letter
    if program is None or not text or re.search(r"[\"/#]", text) or command.words[1] is not program:
        return
    for opened, closed in ("{}", "()"):
        if text.count(opened) != text.count(closed):
            lacks = closed if text.count(opened) > text.count(closed) else opened
            why = f"a {lacks} is missing in this program of {command.words[0].value}"
            yield fault_if(command.certain, "argument", program.at, why, f"write as many {closed} as {opened}")
            return


_JUDGES: dict[str, tuple[Callable[[str, Command], Iterator[Fault]], ...]] = {
    "rm": (_of_system,), "chown": (_of_system,), "chgrp": (_of_system,), "chmod": (_of_system, _small_r),
    "sleep": (_interval,), "exit": (_status,), "git": (_clone, _without_scheme), "curl": (_names_of_curl,),
    **dict.fromkeys(("grep", "egrep", "fgrep"), (_pattern,)),
    **dict.fromkeys(("awk", "gawk", "mawk"), (_program_of_awk,)),
}  # fmt: skip
