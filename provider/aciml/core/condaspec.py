"""One line of conda.yml's dependencies: judged and normalised as text.

What passes here can still be refused by the solver; what is refused here is certainly wrong.
Source: conda's match specification, ``[channel[/subdir]::]name[version[ build]]`` with an optional ``[key=value]``.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"(?:(?P<channel>[^\s:\[]\S*?)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?P<rest>.*)", re.DOTALL)
_BRACKET = re.compile(r"^(?P<before>[^\[]*)\[(?P<inside>[^\[\]]*)\]$", re.DOTALL)
_WRONG_WAY = re.compile(r"=([<>])")
_OPERATOR = r"(?:===|==|~=|!=|>=|<=|>|<|=)"
_ONE = re.compile(rf"{_OPERATOR}?\s*[A-Za-z0-9_*][A-Za-z0-9_.*+!-]*")
_NO_COMMA = re.compile(r"([A-Za-z0-9.*])\s*((?:>=|<=|!=|~=|==|<|>)\s*[0-9])")
_BUILD = re.compile(r"[A-Za-z0-9_.*+^$()\[\]?|-]+")


def name_of(spec: str) -> str:
    """Return the package's name in lower case; empty if there is none."""
    match = _NAME.fullmatch(spec.strip())
    return match["name"].lower() if match else ""


def channel_of(spec: str) -> str:
    """Return what stands before ``::``, without a subdir; empty if nothing does."""
    match = _NAME.fullmatch(spec.strip())
    channel = (match["channel"] or "") if match else ""
    return channel if "://" in channel else re.sub(r"/(linux-64|noarch)$", "", channel)


def normalise(spec: str) -> str:
    """Return the spec with one spelling of spaces and case, so that only a real change is one."""
    match = _NAME.fullmatch(spec.strip())
    if not match:
        return spec.strip()
    rest = " ".join(match["rest"].split())
    if "[" not in rest:
        rest = re.sub(rf"\s*([,|])\s*|({_OPERATOR})\s+", lambda found: found[1] or found[2], rest)
    head = f"{match['channel']}::" if match["channel"] else ""
    return f"{head}{match['name'].lower()}{' ' if rest[:1].isalnum() or rest[:1] == '*' else ''}{rest}"


def check_spec(spec: str) -> str:
    """Return what is wrong with a spec and what to write instead; empty if nothing is."""
    text = spec.strip()
    if "://" in text and "::" not in text:
        return f'"{text}" is a URL; name a package of a channel, or put the URL into the "pip:" section'
    if " @ " in text or ";" in text:
        return f'"{text}" is written for pip; put it into the "pip:" section'
    match = _NAME.fullmatch(text)
    if not match:
        return f'"{text}" does not start with the name of a package'
    return _check_rest(text, match["name"], match["rest"])


def _check_rest(text: str, name: str, rest: str) -> str:
    bracket = _BRACKET.fullmatch(rest)
    if bracket:
        if "=" not in bracket["inside"]:
            return f'"{text}": extras in brackets are pip\'s; put it into the "pip:" section, or remove the brackets'
        rest = bracket["before"]
    elif "[" in rest or "]" in rest:
        return f'"{text}": the brackets do not match'
    turned = _WRONG_WAY.sub(r"\1=", rest)
    if turned != rest:
        return f'"{text}" is not a version; did you mean "{name}{turned}"?'
    joined = _NO_COMMA.sub(r"\1,\2", rest)
    if joined != rest:
        return f'"{text}" lacks a comma; did you mean "{name}{joined}"?'
    return _check_version(text, name, rest)


def _check_version(text: str, name: str, rest: str) -> str:
    if not rest:
        return ""
    packed = re.sub(rf"\s*([,|])\s*|({_OPERATOR})\s+", lambda found: found[1] or found[2], rest)
    version, *build = packed.split()
    if len(build) > 1:
        return f'"{text}" has too many words; write name, version and build'
    if not build and re.fullmatch(r"=?[^=<>!~,|]+=[^=<>!~,|]+", version):
        version, _, last = version.rpartition("=")  # name=version=build
        build = [last]
    for part in re.split(r"[,|]", version):
        if not _ONE.fullmatch(part.strip("()")) and not part.startswith("^"):
            seen = f'"{part}" is not a version' if part else "a version is missing"
            return f'"{text}": {seen}; write for example "{name}>=1.2,<2"'
    if build and not _BUILD.fullmatch(build[0]):
        return f'"{text}": "{build[0]}" is not a build'
    return ""
