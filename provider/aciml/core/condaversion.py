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
    r"snapshot|sp|src|stable|svn|t|ubuntu|update|v|ver",
    re.IGNORECASE,
)
# conda takes each of these for a version, and finds none of that name
_LATEST = frozenset({"latest", "newest", "any", "current"})
_PART = re.compile(r"[._+-]")


def check_version(version: str, name: str) -> str:
    """Return what is wrong with versions such as ``>=1.2,<2|3.*``, and what to write; empty if nothing is."""
    for text in re.split(r"[,|]", version):
        part = text.strip().strip("()").strip()
        found = _ONE.fullmatch(part)
        if not found:
            if part.startswith("^") and part.endswith("$"):  # a regular expression, which conda takes
                continue
            seen = f'"{part}" is not a version' if part else "a version is missing"
            return f'{seen}; write for example "{name}>=1.2,<2"'
        if fault := _check_letters(found["version"], name):
            return fault
    return ""


def _check_letters(version: str, name: str) -> str:
    if version.lower() in _LATEST:
        return f'"{version}" is not a version; "{name}" alone means the newest'
    # an epoch is digits anyway, and a local part may be any word: 1.0+cu118
    for part in _PART.split(version.rpartition("!")[2].partition("+")[0]):
        if fault := _check_part(part):
            meant = version.replace(part, fault, 1) if fault != part else ""
            advice = f'did you mean "{meant}"?' if meant else "use digits"
            return f'"{part}" in version {version} is no number; {advice} (if it is right, write {name}[version="..."])'
    return ""


def _check_part(part: str) -> str:
    """Return what a part of a version should have been, itself if nobody knows; empty if it is right."""
    if not part or part.strip("*").isdigit() or part == "*":
        return ""
    # npm's wildcard: 3.x
    if re.fullmatch(r"\d*[xX]", part):
        return "*"
    # they look like 0 and 1; rattler's lenient parser takes 1.O without a word (decisions/lock-file.md)
    if re.fullmatch(r"[OolI]+\d*|\d+[OI]+\d*", part):
        return part.translate(str.maketrans("OolI", "0011"))
    words = re.findall(r"[A-Za-z]+", part)
    # one letter after a number is common: 1.1.1w, 9e, 2024a; so are git's hashes, g0a1b2c3
    odd = [word for word in words if len(word) > 1 and not _WORDS.fullmatch(word)]
    return part if odd and not re.fullmatch(r"g?[0-9a-f]{6,}", part) else ""
