"""Arguments of the small programs that every image has: modes, folders, addresses, what has to be there.

Sources: chmod(1), chown(1), cp(1), mkdir(1), ln(1) and sed(1) of GNU and of BusyBox; tar(1), wget(1); dash(1) for
``export``. Only what both families refuse, or nobody means, is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from .addresses import meant_address
from .lint_rules import Fault, fault_if, warning, words_of
from .shell import Command, Word

_DOWNLOAD = words_of("curl wget git pip pip3 aria2c")
# how many words besides options a program needs; one whose options may bring them is passed over
_NEEDS = {"chmod": 2, "chown": 2, "chgrp": 2, "cp": 2, "mv": 2, "ln": 1, "mkdir": 1, "touch": 1, "rmdir": 1}
_BRINGS = re.compile(r"-[a-zA-Z]*t|--(?:target-directory|reference|help|version)(?:=.*)?|-[a-zA-Z]*T.*")
_MODE = re.compile(r"0*[0-7]{1,4}|[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*")
_TEST = words_of("[ [[ test expr let")
_ASSIGNS = words_of("export declare local readonly typeset")


def file_faults(name: str, command: Command) -> Iterator[Fault]:
    """Judge a command of such a program; one with a variable among its words only as far as that allows."""
    words = command.words[1:]
    yield from _assigned(name, command)
    if name in _DOWNLOAD:
        yield from _addresses(name, command)
    options = r"-[Rcfv]+|--.*" if name == "chmod" else r"-.+"  # chmod -x FILE has a mode
    plain = [word for word in words if word.value is None or not re.fullmatch(options, word.value)]
    if name in _NEEDS and not command.fed and not any(_BRINGS.fullmatch(word.value or "") for word in words):
        yield from _operands(name, command, plain)
    if name == "chmod":
        yield from _mode(command)
    elif name == "mkdir":
        yield from _capital_p(command)
    elif name == "sed":
        yield from _sed(command)
    elif name == "tar":
        yield from _tar(command)


def _assigned(name: str, command: Command) -> Iterator[Fault]:
    """``A = 1`` starts a program A; ``export A = 1`` is refused by dash, and means nothing to Bash."""
    words = command.words
    at = next((at for at, word in enumerate(words) if word.raw == "=" and at), 0)
    variable = at == 1 and re.fullmatch(r"[A-Za-z_]\w*", name) and name not in _TEST and len(words) > 2
    if variable or (at >= 2 and name in _ASSIGNS):
        shown = f"{words[at - 1].raw}={words[at + 1].raw if len(words) > at + 1 else ''}"
        why = "no blank may stand around the = of a variable"
        yield fault_if(command.certain, "argument", words[at].at, why, f"write {shown}")


def _addresses(name: str, command: Command) -> Iterator[Fault]:
    for word in command.words[1:]:
        if meant := meant_address(word.value or ""):
            # curl makes two strokes of one
            refused = command.certain and not (name == "curl" and re.match(r"https?:/[^/]", word.value or ""))
            yield fault_if(refused, "argument", word.at, f'"{word.value}" is no address', f"write {meant}")
            return
    if name == "wget":
        yield from _log_of_wget(command)


def _log_of_wget(command: Command) -> Iterator[Fault]:
    words = command.words
    for word, following in pairwise(words):
        target = following.value or ""
        if word.value == "-o" and re.search(
            r"\.(t?gz|zip|bz2|xz|tar|sh|deb|whl|py|json|pth?|bin|onnx|pkl|h5)$", target
        ):
            why = f"-o of wget names a log file, so {target} becomes the log"
            yield warning("argument", word.at, why, f"write -O {target}")


def _operands(name: str, command: Command, plain: list[Word]) -> Iterator[Fault]:
    lacking = _NEEDS[name] - len(plain)
    # a pattern or a variable may be many words
    if lacking <= 0 or any(word.value is None for word in plain):
        return
    shown = " ".join(word.raw for word in command.words)
    what = {2: "its arguments", 1: "a target" if name in {"cp", "mv"} else "a file"}[min(lacking, 2)]
    why = f"{name} lacks {what}"
    yield fault_if(command.certain, "argument", command.words[0].at, why, f"name it behind: {shown}")


def _mode(command: Command) -> Iterator[Fault]:
    if any((word.value or "").startswith("--reference") for word in command.words):
        return
    # -x and -rw are modes, and look like options
    mode = next((word for word in command.words[1:] if not re.match(r"-[^rwxXst]|--", word.value or word.raw)), None)
    if mode is None or mode.value is None or re.match(r"-[Rcfv]+$", mode.value) or _MODE.fullmatch(mode.value):
        return
    turned = re.fullmatch(r"([ugoa]*[rwxX]+)([-+=])", mode.value)
    advice = f"did you mean {turned[2]}{turned[1]}?" if turned else "write digits of 0 to 7, or such as u+x"
    yield fault_if(command.certain, "argument", mode.at, f'"{mode.value}" is no mode', advice)


def _capital_p(command: Command) -> Iterator[Fault]:
    for word in command.words[1:]:
        if word.value == "-P":
            yield fault_if(command.certain, "option-unknown", word.at, "mkdir has no option -P", "did you mean -p?")


def _sed(command: Command) -> Iterator[Fault]:
    words = [word for word in command.words[1:] if not re.fullmatch(r"-[nrEi]+\S*|--\S+|-s|-z", word.value or word.raw)]
    first = words[0] if words else None
    if first is None or not first.value or any(word.value in {"-e", "-f"} for word in command.words):
        return
    found = re.fullmatch(r"s(?P<sign>[/|#,@:])(?P<rest>[^;\n]*)", first.value)
    signs = len(re.findall(rf"(?<!\\){re.escape(found['sign'])}", found["rest"])) if found else 2
    # within [...] the sign is a letter like others
    if found and signs < 2 and "[" not in found["rest"]:
        sign = found["sign"]
        why = f"s of sed has three {sign}, and here are {signs + 1}"
        yield fault_if(command.certain, "argument", first.at, why, f"write s{sign}old{sign}new{sign}")


def _tar(command: Command) -> Iterator[Fault]:
    words = command.words[1:]
    for word in words:
        if re.match(r"https?://", word.value or ""):
            why = "tar opens no address"
            yield fault_if(command.certain, "argument", word.at, why, "write curl -fsSL URL | tar -xz")
            return
    dashed = [word.value or word.raw for word in words]
    actions = re.compile(r"-[a-zA-Z]*[Acdtrux][a-zA-Z]*|--(help|version|usage|show-defaults|.*[ae]t.*|.*e)(=.*)?")
    bundle = words[0].value or "" if words else ""
    if re.fullmatch(r"-?[zjJvfpkmhSOaP]+", bundle) and not any(actions.fullmatch(word) for word in dashed):
        why = "tar is told neither to extract (x) nor to make (c) an archive"
        yield fault_if(command.certain, "argument", words[0].at, why, f"write -x{bundle.lstrip('-')}")
        return
    extracts = bool(words) and bool(re.fullmatch(r"-?[a-zA-Z]*x[a-zA-Z]*|--extract", words[0].value or ""))
    for word in words[1:]:
        if extracts and word.value == "-c":
            why = "-c of tar makes an archive, and -x has been said"
            yield fault_if(command.certain, "argument", word.at, why, "did you mean -C?")
