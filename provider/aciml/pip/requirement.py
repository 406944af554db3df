"""One line of pip's requirements, judged as text: what is wrong with it, and what was meant.

What is right here can still be refused by the index; what is wrong here is refused by pip and uv.
Source: PEP 508 (names, extras, versions, markers), pip's "Requirements File Format" (options).
"""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.utils import canonicalize_name

from ..core.addresses import meant_address
from ..core.condaspec import as_signs
from ..core.meant import meant
from ..core.module_names import INDEX_PACKAGES, resembled, usual_name

OPTIONS = (
    "-i", "--index-url", "--extra-index-url", "--no-index", "-c", "--constraint", "-r", "--requirement", "-e",
    "--editable", "-f", "--find-links", "--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--pre",
    "--trusted-host", "--use-feature",
)  # fmt: skip
"""What may begin a line."""
OF_INSTALL = (
    "-U",
    "--upgrade",
    "--no-cache-dir",
    "--no-deps",
    "-q",
    "--quiet",
    "--user",
    "--no-input",
    "-y",
    "--force-reinstall",
)
"""What pip install takes and a file of requirements does not; nothing is lost without it in an image."""

_SHORT = re.compile(r"(?P<option>-[rcif])(?![\s=-])(?P<value>\S.*)")
_BEHIND_FILE = re.compile(r"^((?:-r|--requirement)[ =]\s*\S+)\s+\[--?[\w-]+\]$")
_WORD = re.compile(r"-{1,2}[A-Za-z][\w-]*")
_OPERATORS = r"(?:===|~=|==|!=|<=|>=|<|>)"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_HEAD = re.compile(rf"(?P<name>{_NAME})\s*(?P<extras>\[[^\]]*\])?\s*(?P<rest>.*)", re.DOTALL)
_PER_LINE = re.compile(r"\s--(?:hash|config-settings?|global-option)\b.*", re.DOTALL)
_HASHES = {"sha256": 64, "sha384": 96, "sha512": 128}
_COMMAND = re.compile(r"(?:python3?\s+-m\s+)?pip3?\s+install\s+(?P<rest>.+)")
_MARKERS = (
    "os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release",
    "platform_system", "platform_version", "python_version", "python_full_version", "implementation_name",
    "implementation_version", "extra",
)  # fmt: skip


_OF_OTHERS = {
    "pywin32": "Windows", "pypiwin32": "Windows", "tensorflow-intel": "Windows", "python-magic-bin": "Windows",
    "tensorflow-macos": "macOS", "tensorflow-metal": "macOS",
}  # fmt: skip
"""Packages whose files on PyPI are wheels of another system, and which have no sources there."""


def spaced(text: str) -> str:
    """Return the line with a blank behind a short option, which pip does not need and uv does: ``-rfile``.

    What stands behind a file in brackets pip passes over, and uv takes for a part of its name; Azure's samples are
    written so: ``-r https://.../validated_linux_requirements.txt [--no-deps]``.
    """
    text = _BEHIND_FILE.sub(r"\1", text)
    found = _SHORT.fullmatch(text)
    return f"{found['option']} {found['value']}" if found else text


def fault_of(text: str) -> str:  # noqa: C901, PLR0911  # one kind each
    """Return what is wrong with a line and what to write; empty if nothing is, or only an index could tell.

    Args:
        text: the line without its comment.
    """
    line = text.strip()
    if line.startswith("-"):
        return _of_option(line)
    if re.match(r"[A-Za-z]:[\\/]|\\\\", line) or re.search(r"@\s*file:///[A-Za-z]:", line):
        return f'"{line}" is a path of a machine with Windows; put the wheel beside this file and write ./NAME.whl'
    if re.match(r"//(?!\S*:)|/\*|;|<!--", line):
        return f'"{line}" is no requirement; a comment begins with #'
    if re.match(r"[A-Za-z][\w.-]*::[A-Za-z0-9]", line):
        return f'"{line}" is a package of a conda channel; write "- {line}" among the dependencies of conda.yml'
    if command := _COMMAND.fullmatch(line):
        return f'"{line}" is a command; write "{command["rest"]}"'
    # URLs and files: which they may be is judged where they are read
    # a variable may stand for an address, or a part of one; it is replaced by the resolver (pip, "Using environment
    # variables")
    is_place = "://" in line or "${" in line or re.match(r"[./~]|\S+\.whl\b", line) is not None
    wrong = _of_address(line) or ("" if is_place else _of_hashes(line))
    if wrong or is_place:
        return wrong
    bare = _PER_LINE.sub("", line).strip().removesuffix(",")  # uv takes a comma at the end
    if re.search(r"[=<>~!]=?=?\s*(;.*)?$", bare.partition(";")[0].rstrip()):
        return f'"{line}" has no version behind its sign; write one, or leave the sign out'
    if named := re.fullmatch(r"(?P<option>[rc])\s+(?P<file>[\w./-]+\.(?:txt|in))", bare):
        return f'"{line}" lacks a hyphen; write "-{named["option"]} {named["file"]}"'
    if re.fullmatch(r"[\w.-]+\.(txt|in)", bare):
        return f'"{line}" is the name of a file; write "-r {line}"'
    try:
        # `six@1.16` is a URL to PEP 508, and to nobody who wrote it
        is_right = not line or not re.fullmatch(r"\d[\w.]*", Requirement(bare).url or "")
    except InvalidRequirement:
        is_right = False
    return "" if is_right else _explained(line, bare)


def _of_address(line: str) -> str:
    """Judge what looks like an address and is none."""
    if ssh := re.fullmatch(r"(?P<user>[\w-]+)@(?P<host>[\w.-]+):(?P<path>\S+)", line):
        return f'"{line}" is an address of git; write git+ssh://{ssh["user"]}@{ssh["host"]}/{ssh["path"]}'
    # PEP 508, "direct references": name @ address
    name, sign, address = line.partition(" @ ")
    if sign and (found := meant_address(address.strip())):
        return f'"{line}": "{address.strip()}" is no address; write {name} @ {found}'
    meant = meant_address(line)
    return f'"{line}" is no address; write {meant}' if meant else ""


def doubt_of_line(text: str) -> str:
    """Return why a line that is right as a text is probably not what was meant; empty if nothing speaks against it.

    Args:
        text: the line without its comment.
    """
    line, name = text.strip(), name_of_line(text)
    if found := re.match(rf"(?P<name>{_NAME}(?:\[[^\]]*\])?)\s*===\s*(?P<version>\d+(?:\.\d+)?)$", line):
        # PEP 440, "Arbitrary equality": compared as texts, so 3.0 is not 3.0.0
        near = f"{found['name']}=={found['version']}"
        return f'"{line}": === compares texts, and passes over {found["version"]}.0; did you mean "{near}"?'
    if not name or re.search(r"://|\s@\s|\.whl\b", line) or not (near := resembled(name)):
        return ""
    return f'"{line}": no well-known package is called so; did you mean "{near}{line[len(name) :].strip()}"?'


def trap_of(text: str) -> str:
    """Return why the public index has no package of that name that can be installed; empty if it may have one.

    Args:
        text: a line that is right as a text.
    """
    name = name_of_line(text)
    # a name beside an address is the user's own affair: nobody looks it up
    if near := usual_name(name) if not re.search(r"://|\s@\s|\.whl\b", text) else "":
        rest = text.strip()[len(name) :].strip()
        return f'"{text.strip()}": no package is called so; did you mean "{near}{rest}"?'
    if name == "python":
        return (
            f'"{text.strip()}": Python is no package of pip; write "- python=3.11" among the dependencies of conda.yml'
        )
    # without a condition behind a semicolon it is wanted here, too
    if (system := _OF_OTHERS.get(name)) and ";" not in text:
        word, marker = text.strip(), {"Windows": "win32", "macOS": "darwin"}[system]
        advice = f"remove it, or write \"{word}; sys_platform == '{marker}'\""
        return f'"{word}" has files for {system} alone, and images are for Linux; {advice}'
    joined = re.fullmatch(r"(?P<name>[A-Za-z][\w.-]*?)-(?P<version>\d+(?:\.\d+)+)", text.strip())
    if joined:
        return f'"{text.strip()}" is a name and a version; did you mean "{joined["name"]}=={joined["version"]}"?'
    meant = INDEX_PACKAGES.get(name, "") if not re.search(r"://|\s@\s|\.whl\b", text) else ""
    rest = text.strip()[len(name) :].strip()
    return f'"{text.strip()}": the package is called "{meant}"; write "{meant}{rest}"' if meant else ""


def _of_hashes(line: str) -> str:
    """Judge what pip's ``--hash`` may have. Source: pip, "Secure installs": sha256, sha384 and sha512."""
    for found in re.finditer(r"\s--hash(?:=|\s+)(\S+)", line):
        kind, colon, digest = found[1].partition(":")
        if not colon or kind not in _HASHES:
            return f'"{found[1]}" is no hash for pip; write --hash=sha256: and 64 digits of hexadecimal'
        if not re.fullmatch(rf"[0-9a-fA-F]{{{_HASHES[kind]}}}", digest):
            return f'"{found[1]}" is no {kind}, which has {_HASHES[kind]} digits of hexadecimal; copy it whole'
    return ""


def _of_option(line: str) -> str:
    if re.match(r"-\s", line):
        return f'"{line}" begins with two hyphens; write "{line.lstrip("- ")}"'
    word = found[0] if (found := _WORD.match(line)) else line.partition(" ")[0]
    if f"-{word}" in OPTIONS and len(word) > 2:
        return f'"{word}" begins with two hyphens; write "-{line}"'
    if word in OPTIONS:
        return _of_value(line, word)
    if _SHORT.fullmatch(line):
        return ""
    if word in OF_INSTALL:
        return f'"{word}" is an option of pip install, and none of a file of requirements; remove the line'
    near = meant(word, OPTIONS)
    return f'"{word}" is not an option that a line may begin with' + (
        f'; did you mean "{near}"?' if near else "; remove it"
    )


def _of_value(line: str, word: str) -> str:
    alone = ("--no-index", "--prefer-binary", "--require-hashes", "--pre")
    value = line[len(word) :].lstrip(" =").strip()
    if word in alone:
        return ""
    if not value:
        return f'"{word}" has nothing behind it; write its value in the same line'
    if meant := meant_address(value):
        return f'"{line}": "{value}" is no address; write {meant}'
    # an index may be a folder, which has a stroke or a period at its beginning
    if word in ("-i", "--index-url", "--extra-index-url") and re.match(r"[\w-]+(\.[\w-]+)+(/|$)", value):
        return f'"{line}": "{value}" is no address; write https://{value}'
    return ""


def _explained(line: str, bare: str) -> str:
    """Return what is wrong with a requirement that is none."""
    if line[:1] in "\"'":
        return f"{line} is in quotes; write {line.strip(line[0])}"
    found = _HEAD.fullmatch(bare)
    if not found or (not found["rest"] and not found["extras"]):
        return f'"{line}" does not start with the name of a package'
    name, rest = found["name"] + (found["extras"] or ""), found["rest"].strip()
    return _of_versions(line, name, rest)


def _of_versions(line: str, name: str, rest: str) -> str:  # noqa: PLR0911  # one kind each
    if _SEVERAL.search(f"{rest} "):
        return f'"{line}" names several packages; write each in a line of its own'
    # shells and other languages have round brackets there
    if extras := re.fullmatch(r"[({]([A-Za-z][\w, -]*)[)}](.*)", rest):
        return f'"{line}" is not a requirement; did you mean "{name}[{extras[1]}]{extras[2]}"?'
    if rest.startswith("["):
        return f'"{line}": the brackets of the extras do not match'
    versions, semicolon, marker = rest.partition(";")
    better = _mended(versions.strip())
    if better is None and semicolon:
        return _of_marker(line, marker)
    tail = f"; {marker.strip()}" if semicolon and marker.strip() else ""
    if better is None or not _is_right(f"{name}{better}{tail}"):
        return f'"{line}" is not a requirement; write for example "{name}>=1.2,<2"'
    if better.startswith("-"):
        return f'"{line}": a name has no blanks; did you mean "{name}{better}{tail}"?'
    return f'"{line}" is not a requirement; did you mean "{name}{better}{tail}"?'


# `flask==3.0 gunicorn`, `flask, gunicorn`: a second name, and no words such as `and`
_SEVERAL = re.compile(
    rf"^{_OPERATORS}\s*[\w.*]+\s+(?!(?:and|or|to)\b)[A-Za-z][\w.-]{{2,}}\s*(?:\[[^\]]*\])?\s*(?:$|{_OPERATORS})|^,\s*[A-Za-z]"
)


def _is_right(text: str) -> bool:
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _mended(versions: str) -> str | None:
    """Return the conditions as they should have been written; None if they are right."""
    if not versions or _are_conditions(versions):
        return None
    text = re.sub(r"^(?:version|v|ver)\s+(?=\d)", "", as_signs(versions.partition("#")[0].strip()))
    text = re.sub(rf"({_OPERATORS}|=)\s*['\"]([^'\"]*)['\"]", r"\1\2", text).strip("'\"")
    # conda's 1.26.4=py39_0 has a build behind the version
    text = re.sub(r"(=[\w.]+)=[\w*]+$", r"\1", text)
    # conda's single sign, the sign turned round, a sign of other languages
    text = re.sub(r"=\s*([<>~!])(?!=)", r"\1=", text)
    text = re.sub(r"(?<![=<>~!])=(?![=])", "==", text)
    text = re.sub(r"^!\s*(?=\d)", "!=", text)
    text = re.sub(r"^~\s*(?=\d)", "~=", text)
    # letters that look like digits
    text = re.sub(r"(?<=[\d.])[Oo](?=[.,]|$)", "0", text)
    text = re.sub(r"(?<=[\d.])[lI](?=[.,]|$)", "1", text)
    text = re.sub(r"~>\s*", "~=", re.sub(r"<>", "!=", text)).replace("^", "~=")
    text = re.sub(r"^[:@/]\s*(?=\d)", "==", text)
    text = re.sub(r"^(?=\d)", "==", text)
    text = re.sub(rf"(?<=[\w.*])\s*(?:and|to|&&|&|\|)?\s*(?={_OPERATORS})", ",", text)
    text = re.sub(r",\s*,", ",", text)
    text = re.sub(r"\.(?=,|$)", "", text)
    # PEP 440: .* goes with == and != alone
    text = re.sub(r"(?<=[<>])(=?)(\s*\d[\d.]*?)\.\*", r"\1\2", text)
    text = re.sub(r"(\d)\.[xX]\b", r"\1.*", text)
    # a comma where a point was meant, as several languages write numbers
    text = re.sub(r"^((?:==|~=|>=|<=|>|<)\s*\d+),(\d+)$", r"\1.\2", text)
    # PEP 440: ~= needs a second number, for it is the last but one that may not grow
    text = re.sub(r"~=\s*(\d+)$", r"~=\1.0", text)
    # a second word is most likely the rest of the name
    if re.fullmatch(r"[A-Za-z][\w-]*", text):
        return f"-{text}"
    # no condition at all takes the newest, which is what was meant
    if re.fullmatch(r"(==|>=|=)?\s*(latest|newest|any|current|\*)", versions, re.IGNORECASE):
        return ""
    return re.sub(rf"({_OPERATORS})\s+", r"\1", text)


def _are_conditions(text: str) -> bool:
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    try:
        for part in inner.split(","):
            Specifier(part.strip())
    except InvalidSpecifier:
        return False
    return True


def _of_marker(line: str, marker: str) -> str:
    if not marker.strip():
        return f'"{line}" ends with a semicolon, behind which a condition has to be; remove it'
    # texts in quotes are emptied first: their words are values, and no names of markers
    for word in re.findall(r"(?<![\"'\w.])[A-Za-z_][\w.]*(?![\"'\w])", re.sub(r"\"[^\"]*\"|'[^']*'", '""', marker)):
        if word not in (*_MARKERS, "and", "or", "in", "not"):
            near = meant(word, _MARKERS)
            advice = f'did you mean "{near}"?' if near else f"it has {', '.join(_MARKERS)}"
            return f'"{line}": "{word}" is not known in a condition; {advice}'
    return f'"{line}": the condition behind the semicolon is wrong; write for example python_version >= "3.9"'


def name_of_line(text: str) -> str:
    """Return the normalised name of the package that a line asks for; empty if it is an option, a file or a URL."""
    found = _HEAD.match(text.strip())
    return "" if not found or text.strip().startswith("-") else canonicalize_name(found["name"])
