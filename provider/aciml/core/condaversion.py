"""The version part of a conda spec, judged as text: operators, and letters that are not meant.

Source: conda's version order (``1.1.1w``, ``2024a``, ``1.0rc1``, ``1!2.0+local`` are versions) and CEP 33's operators.
"""

from __future__ import annotations

import re

_OPERATOR = r"(?:===|==|~=|!=|>=|<=|>|<|=)"
_ONE = re.compile(rf"(?P<operator>{_OPERATOR}?)\s*(?P<version>[A-Za-z0-9_*][A-Za-z0-9_.*+!-]*)")
# words that are seen in versions; another one can be given in brackets
_WORDS = re.compile(
    r"alpha|beta|build|cl?|custom|dev|final|ga?|git|h[fg]|m|nightly|p|patch|pl|post|pre|preview|rc?|release|rev|rt|"
    r"snapshot|sp|src|stable|svn|t|ubuntu|update|v|ver|lts|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
    re.IGNORECASE,
)
# conda takes each of these for a version, and finds none of that name
LATEST = frozenset({"latest", "newest", "any", "current"})
"""Words for the newest version, which no package is called by."""

_PART = re.compile(r"[._+-]")
_BARE = re.compile(r"\d+(\.\d+)*")
_ONE_EXACT = re.compile(r"(==|=|~=)?\s*\d+(\.\d+)*")


def check_version(version: str, name: str) -> str:
    """Return what is wrong with versions such as ``>=1.2,<2|3.*``, and what to write; empty if nothing is."""
    for text in re.split(r"[,|]", version):
        part = text.strip().strip("()").strip()
        found = _ONE.fullmatch(part)
        if not found:
            if part.startswith("^") and part.endswith("$"):  # a regular expression, which conda takes
                continue
            return _no_version(part, version, name)
        # CEP 33 has no ===: it is pip's, for versions that are none
        if found["operator"] == "===":
            return f'"===" is pip\'s; write "{name}=={found["version"]}"'
        if fault := _check_letters(found["version"], name):
            return fault
    return _check_commas(version, name) or _check_range(version)


def _no_version(part: str, version: str, name: str) -> str:
    """Say that something is no version, and what it was meant to be, by signs of other tools."""
    if not part:
        bare = version.strip().strip(",|").strip()
        advice = f'remove the comma: "{name}{bare}"' if bare else f'write for example "{name}>=1.2,<2"'
        return f"a version is missing; {advice}"
    # npm's and Cargo's caret: up to the next major; pip's tilde has an equals sign; SQL's and Pascal's unequal
    caret = re.fullmatch(r"\^\s*(?P<major>\d+)(?P<more>[\d.]*)", part)
    better = f">={caret['major']}{caret['more']},<{int(caret['major']) + 1}" if caret else part
    better = re.sub(r"^~>?\s*(?=\d)", "~=", better).replace("<>", "!=")
    better = re.sub(r"^!\s*(?=\d)", "!=", better)
    better = re.sub(r"[\"'`\u2018-\u201f]", "", better)
    better = re.sub(r"^[\u2010-\u2015]\s*(?=\d)", "=", better)
    if better != part and all(_ONE.fullmatch(one) for one in better.split(",")):
        return f'"{part}" is not a version; did you mean "{name}{version.replace(part, better, 1)}"?'
    return f'"{part}" is not a version; write for example "{name}>=1.2,<2"'


def doubtful_version(version: str, name: str) -> str:
    """Return why a version that may be one is probably none; empty if nothing speaks against it.

    Makers of packages call versions as they like (``5.4_22Jul22.46e``), so this is a reason to look again, no more.
    """
    for text in re.split(r"[,|]", version):
        found = _ONE.fullmatch(text.strip().strip("()").strip())
        seen = found["version"] if found else ""
        if re.fullmatch(r"[vV]\d[\d.]*", seen):
            return f'versions begin with a digit; did you mean "{name}={seen[1:]}"?'
        if span := re.fullmatch(r"(\d+(?:\.\d+)+)-(\d+(?:\.\d+)+)", seen):
            return f'a hyphen is no range; did you mean "{name}>={span[1]},<={span[2]}"?'
        for part in _parts(found["version"]) if found else ():
            if _is_odd(part):
                return f'"{part}" is an unusual word for a version; if it is right, {name}[version="..."] says so'
    return ""


def _check_range(version: str) -> str:
    """Find conditions of which none can be met with the others: ``>=3.12,<3.10``."""
    if "|" in version:
        return ""
    low: tuple[int, ...] = ()
    high: tuple[int, ...] = (1 << 30,)
    for part in version.split(","):
        found = re.fullmatch(r"(>=|>|<=|<|==)\s*(\d+(?:\.\d+)*)", part.strip())
        if not found:
            continue
        number = tuple(map(int, found[2].split(".")))
        # as far as both say: 1.2 and 1.2.5 may be one
        if found[1] in (">", ">=", "=="):
            low = max(low, number)
        if found[1] in ("<", "<=", "=="):
            high = min(high, number)
    common = min(len(low), len(high))
    return f'"{version}" can be met by no version; mend one of its conditions' if low[:common] > high[:common] else ""


def _check_commas(version: str, name: str) -> str:
    """Find ``2,1``: a comma joins conditions, and no version is 2 and 1."""
    first, *more = [part.strip() for part in version.split(",")]
    # `>=1,2` can be met, however odd it is
    if not more or not all(_BARE.fullmatch(part) for part in more) or not _ONE_EXACT.fullmatch(first):
        return ""
    if "." in more[0]:
        return f'"{version}" asks for two versions at once; write "{name} {version.replace(",", "|")}" for either'
    blank = "" if first[:1] in "=~" else " "
    return f'a comma joins conditions; did you mean "{name}{blank}{".".join([first, *more])}"?'


def _check_letters(version: str, name: str) -> str:
    if version.lower() in LATEST:
        return f'"{version}" is not a version; "{name}" alone means the newest'
    if ".." in version:
        return f'"{version}" has two periods in a row; did you mean "{re.sub(r"[.]+", ".", version)}"?'
    if version.endswith("."):
        return f'"{version}" ends with a period; did you mean "{version.rstrip(".")}"?'
    for part in _parts(version):
        if fault := _check_part(part):
            advice = f'did you mean "{version.replace(part, fault, 1)}"?'
            return f'"{part}" in version {version} is no number; {advice} (if it is right, write {name}[version="..."])'
    return ""


def _parts(version: str) -> list[str]:
    # an epoch is digits anyway, and a local part may be any word: 1.0+cu118
    return _PART.split(version.rpartition("!")[2].partition("+")[0])


def _check_part(part: str) -> str:
    """Return what a part of a version should have been; empty if it is right, or nobody knows."""
    # npm's wildcard: 3.x
    if re.fullmatch(r"\d*[xX]", part):
        return "*"
    # they look like 0 and 1; rattler's lenient parser takes 1.O without a word (decisions/lock-file.md)
    if re.fullmatch(r"[OolI]+\d*|\d+[OI]+\d*", part):
        return part.translate(str.maketrans("OolI", "0011"))
    return ""


def _is_odd(part: str) -> bool:
    if not part or part.strip("*").isdigit():
        return False
    words = re.findall(r"[A-Za-z]+", part)
    # one letter after a number is common: 1.1.1w, 9e, 2024a; so are git's hashes, g0a1b2c3
    odd = [word for word in words if len(word) > 1 and not _WORDS.fullmatch(word)]
    return bool(odd) and not re.fullmatch(r"g?[0-9a-f]{6,}", part)
