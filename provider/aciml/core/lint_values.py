"""Values that builders refuse: ports, signals, intervals, empty lists and names.

Source: BuildKit's ``instructions/parse.go``; moby's ``signal.ParseSignal``; Go's ``time.ParseDuration``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from .lint_rules import Fault, closest, fault_if, warning, words_of
from .steps import Step

_MOST_PORT = 65535
_PORT = re.compile(r"(\d+)(?:-(\d+))?(?:/([A-Za-z]+))?")
_SIGNALS = words_of(
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM"
    " TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"
)
_PART = r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_DURATION = re.compile(rf"\+?{_PART}(?:{_PART})*")
_UNITS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
_INTERVALS = {"interval", "timeout", "start-period", "start-interval"}
_TRIGGERS = {"ONBUILD", "FROM", "MAINTAINER"}


def value_faults(step: Step, text: str, at: int, flags: list[tuple[str, str | None, int]]) -> Iterator[Fault]:
    """Judge what an instruction's words stand for."""
    rest = text[at:].strip()
    if step.instruction == "EXPOSE":
        yield from _ports(text, at)
    elif step.instruction == "STOPSIGNAL" and "$" not in rest:
        yield from _signal(rest, at)
    elif step.instruction == "HEALTHCHECK":
        yield from _healthcheck(rest, at, flags)
    elif step.instruction in {"ENV", "LABEL", "ARG"} and re.match(r"([\"']?)\1=", rest):
        yield Fault("value", at, f"{step.instruction} needs a name before the =", "write NAME=value")
    elif step.instruction in {"VOLUME", "SHELL"} and rest.startswith("["):
        yield from _lists(step.instruction, rest, at)
    elif step.instruction == "ONBUILD" and (trigger := rest.split()[0].upper()) in _TRIGGERS:
        yield Fault("value", at, f"{trigger} cannot be what ONBUILD runs", "write another instruction")
    elif step.instruction == "USER" and re.search(r"\s", rest):
        yield warning("value", at, "USER takes one name", "write USER name, or USER uid:gid")
    elif step.instruction in {"WORKDIR", "VOLUME"} and rest in {'""', "''"}:
        yield Fault("value", at, f"{step.instruction} needs a path", "write it from /")
    if step.instruction == "ENV":
        yield from _path(rest, at)


def _ports(text: str, at: int) -> Iterator[Fault]:
    for found in re.finditer(r"\S+", text[at:]):
        word = found[0].strip("\"'")
        if "$" in word or word.startswith("["):
            continue
        place, port = at + found.start(), _PORT.fullmatch(word)
        if not port:
            # host:port, and more after the protocol, are passed over (go-connections' nat.ParsePortSpec)
            lenient = not word or re.fullmatch(r"[\d.:]*\d+(-\d+)?(/\w+)*", word) is not None
            advice = "write the container's port alone" if ":" in word else "write a number, such as 8080/tcp"
            yield fault_if(not lenient, "instruction-form", place, f'"{found[0]}" is no port', advice)
        elif port[3] and port[3].lower() not in {"tcp", "udp", "sctp"}:
            yield Fault("instruction-form", place, f'"{port[3]}" is no protocol of a port', "write tcp, udp or sctp")
        elif int(port[1]) > _MOST_PORT or int(port[2] or 0) > _MOST_PORT:
            yield Fault("value", place, f"{word} is no port: the last one is {_MOST_PORT}", "write a smaller number")
        elif port[2] and int(port[2]) < int(port[1]):
            yield Fault("value", place, f"{word} ends before it begins", f"write {port[2]}-{port[1]}")


def _signal(rest: str, at: int) -> Iterator[Fault]:
    word = rest.strip("\"'")
    name = word.upper().removeprefix("SIG")
    number = re.fullmatch(r"-?\d+", word)
    if (number and int(word) != 0) or name in _SIGNALS:
        return
    if re.fullmatch(r"RTM(IN\+([1-9]|1[0-5])|AX-([1-9]|1[0-4]))", name):
        return
    guess = "" if number else closest(name, _SIGNALS, 0.5)
    advice = f"did you mean SIG{guess}?" if guess else "write SIGTERM, SIGINT or SIGQUIT"
    yield Fault("value", at, f"{rest} is no signal", advice)


def _healthcheck(rest: str, at: int, flags: list[tuple[str, str | None, int]]) -> Iterator[Fault]:
    for name, value, place in flags:
        plain = (value or "").strip("\"'")
        if value is not None and "$" not in plain:
            yield from _check_option(name, plain, place)
    if re.fullmatch(r"(?i)NONE\s+\S.*", rest):
        yield Fault("instruction-form", at, "nothing can follow HEALTHCHECK NONE", "write HEALTHCHECK NONE alone")
    elif re.fullmatch(r"(?i)CMD(\s*\[\s*\])?", rest):
        yield Fault("instruction-form", at, "HEALTHCHECK CMD needs a command", "write HEALTHCHECK CMD <command>")


def _check_option(name: str, value: str, place: int) -> Iterator[Fault]:
    if name == "retries" and not re.fullmatch(r"\+?\d+", value):
        yield Fault("value", place, f'--retries: "{value}" is no whole number', "write a number, such as 3")
    elif name == "retries" and int(value) == 0:
        yield warning("value", place, "older builders refuse --retries=0", "write 1 or more, or leave it out")
    if name == "start-interval":
        advice = "leave it out, unless the engine is 25 or newer"
        yield warning("value", place, "older builders do not know --start-interval", advice)
    if name not in _INTERVALS:
        return
    if re.fullmatch(r"[+-]?0+(ns|us|ms|s|m|h)?", value):
        yield warning("value", place, f"older builders refuse --{name}={value}", "leave it out for the default")
        return
    if re.fullmatch(r"\d+", value):
        yield Fault("value", place, f"--{name}={value} has no unit", f"write --{name}={value}s")
    elif not _DURATION.fullmatch(value):
        yield Fault("value", place, f'--{name}: "{value}" is no time', "write a number with its unit, such as 30s")
    elif 0 < _milliseconds(value) < 1:
        yield Fault("value", place, f"--{name} is at least 1ms", "write a longer time")


def _milliseconds(text: str) -> float:
    parts = re.findall(r"([\d.]+)([a-z\u00b5\u03bc]+)", text)
    return sum(float(number) * _UNITS.get(unit, 1e-3) for number, unit in parts)


def _lists(word: str, rest: str, at: int) -> Iterator[Fault]:
    try:
        items = json.loads(rest)
    except (ValueError, RecursionError):
        return
    if not isinstance(items, list):
        return
    if not items:
        yield Fault("value", at, f"the list of {word} is empty", "name what it is for")
    elif word == "VOLUME" and "" in items:
        yield Fault("value", at, "VOLUME has an empty path", "remove it, or name a folder")


def _path(rest: str, at: int) -> Iterator[Fault]:
    for found in re.finditer(r"(?:^|\s)PATH(?:=|\s+)(\"[^\"]*\"|'[^']*'|\S*)", rest):
        if found.start() and "=" not in found[0]:
            continue  # a word of another value
        value = found[1].strip("\"'")
        # with a variable of another name the rest of the path may be in it
        # $HOME is a folder, and no list of some
        if "$" not in re.sub(r"\$\{?HOME\}?", "", value) and "/usr/bin" not in value.split(":"):
            place = at + rest.find("PATH", found.start())
            why = "this PATH has no folder of the system's programs"
            yield warning("path-lost", place, why, f"write PATH={value}:$PATH")
