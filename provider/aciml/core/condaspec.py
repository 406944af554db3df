"""One line of conda.yml's dependencies: judged and normalised as text.

What passes here can still be refused by the solver; what is refused here is wrong, or doubtful: rattler's own parser
takes ``numpy=1.O`` (a letter) and ``numpy>=1 <2`` (no comma) without a word. A version that looks wrong and is right
can be given in brackets, ``numpy[version="1.O"]``, where nothing is guessed.
Source: conda's match specification, ``[channel[/subdir]::]name[version[ build]]`` with an optional ``[key=value]``.
"""

from __future__ import annotations

import re

from .condaversion import LATEST, check_version, doubtful_version
from .meant import meant
from .module_names import CONDA_PACKAGES, resembled, usual_name

KEYS = (
    "version", "build", "build_number", "channel", "subdir", "fn", "md5", "sha256", "url", "license", "license_family",
    "track_features", "namespace",
)  # fmt: skip
"""What conda and rattler know in brackets."""

_NAME = re.compile(r"(?:(?P<channel>[^\s:\[]\S*?)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?P<rest>.*)", re.DOTALL)
_BRACKET = re.compile(r"^(?P<before>[^\[]*)\[(?P<inside>[^\[\]]*)\]$", re.DOTALL)
_PAIR = re.compile(r"""\s*(?P<key>[A-Za-z0-9_]+)\s*=\s*(?P<value>'[^']*'|"[^"]*"|[^\s,'"]+)\s*(?:,|\s|$)""")
_WRONG_WAY = re.compile(r"=([<>])")
_OPERATOR = r"(?:===|==|~=|!=|>=|<=|>|<|=)"
_NO_COMMA = re.compile(r"([A-Za-z0-9.*])\s*((?:>=|<=|!=|~=|==|<|>)\s*[0-9])")
_BUILD = re.compile(r"[A-Za-z0-9_.*+^$()\[\]?|-]+")
_WITH_BUILD = re.compile(r"(?P<version>.*[^=<>!~,|])=(?P<build>[^=<>!~,|]+)")
_OPTION = re.compile(r"(?P<word>-{1,2}[A-Za-z][\w-]*)")
_COMMAND = re.compile(r"(?:python3?\s+-m\s+)?(?P<tool>conda|mamba|micromamba|pip3?)\s+install\s+(?P<rest>.+)")
_JOINED = re.compile(r"(?P<name>[A-Za-z0-9_][\w.-]*?)-(?P<version>\d+(?:\.\d+)+)")
_OF_WINDOWS = frozenset(
    {"vs2015_runtime", "vc", "vc14_runtime", "ucrt", "pywin32", "pywinpty", "winpty", "msys2-conda-epoch", "icc_rt",
     "wincertstore", "console_shortcut", "menuinst", "pywin32-ctypes"}
)  # fmt: skip
"""Packages that `conda env export` writes on Windows. Source: the channels' win-64 against their linux-64."""
# a second name behind a comma, and not a version: `scipy=1.11, pandas`
_SECOND = re.compile(r"[,;]\s*(?!(?:version|build)\b)[A-Za-z_][A-Za-z_.-]{2,}\d*\s*(?=[=<>!~,;]|$)")
_NAMES = re.compile(r"[A-Za-z][A-Za-z_-]{2,}(\s+[A-Za-z][A-Za-z_-]{2,})+")
_SUBDIR = re.compile(r"/(linux-64|noarch)$")


def name_of(spec: str) -> str:
    """Return the package's name in lower case; empty if there is none."""
    match = _NAME.fullmatch(spec.strip())
    # conda lowers names too: NumPy and numpy are one package
    return match["name"].lower() if match else ""


def channel_of(spec: str) -> str:
    """Return what stands before ``::``, without a subdir; empty if nothing does. The spec is a normalised one."""
    match = _NAME.fullmatch(spec.strip())
    channel = (match["channel"] or "") if match else ""
    return _SUBDIR.sub("", channel)


def normalise(spec: str) -> str:
    """Return the spec with one spelling of spaces, case and channel, so that only a real change is one."""
    match = _NAME.fullmatch(spec.strip())
    if not match:
        return spec.strip()
    rest = " ".join(match["rest"].split())
    channel = match["channel"] or ""
    bracket = _BRACKET.fullmatch(rest)
    if bracket and (pairs := pairs_of(bracket["inside"])) is not None:
        # `forge::x` and `x[channel=forge]` are one wish; two texts for it would be solved twice
        named = pairs.pop("channel", "")
        channel = channel or named
        inside = ",".join(f'{key}="{value}"' for key, value in sorted(pairs.items()))
        rest = _packed(bracket["before"].strip()) + (f"[{inside}]" if inside else "")
    elif "[" not in rest:
        rest = _packed(rest)
    head = f"{channel}::" if channel else ""
    # `numpy 1.26.*` needs its blank, `numpy>=1` does not: without one the name would go on
    space = " " if rest[:1].isalnum() or rest.startswith(("*", "(", "^")) else ""
    return f"{head}{match['name'].lower()}{space}{rest}"


def pairs_of(inside: str) -> dict[str, str] | None:
    """Return what stands in brackets, by key; None if it is not a list of ``key=value``."""
    found: dict[str, str] = {}
    position = 0
    while position < len(inside):
        match = _PAIR.match(inside, position)
        if not match:
            return None
        found[match["key"]] = match["value"].strip("'\"")
        position = match.end()
        while inside[position : position + 1] in (",", " "):
            position += 1
    return found


def check_spec(spec: str) -> str:
    """Return what is wrong with a spec and what to write instead; empty if nothing is."""
    text = spec.strip()
    if option := _OPTION.match(text):
        return _about_option(text, option["word"])
    if other := _of_another_kind(text):
        return other
    match = _NAME.fullmatch(text)
    if match and "[" not in text and (_SECOND.search(match["rest"]) or _NAMES.fullmatch(match["rest"])):
        return f'"{text}" names several packages; write each in a line of its own, behind a "- "'
    if not match:
        return f'"{text}" does not start with the name of a package'
    if (match["channel"] or "").endswith(":"):
        return f'"{text}": behind a channel there are two colons; did you mean "{text.replace(":::", "::")}"?'
    python = _about_python(text, match["name"], match["rest"])
    return python or _check_rest(text, match["name"], match["rest"])


def _about_python(text: str, name: str, rest: str) -> str:
    """Judge what only a version of Python can be."""
    # no package is called so, and files of packages and folders of Python are
    if (joined := _JOINED.fullmatch(name)) and joined["name"].lower() == "python" and not rest:
        return f'"{text}" is no name of a package; did you mean "python={joined["version"]}"?'
    if name.lower() != "python":
        return ""
    if minor := re.fullmatch(r"={0,2}\s*3(\d{1,2})", rest):
        return f'"{text}" lacks its period; did you mean "python=3.{minor[1]}"?'
    major = _too_new(rest)
    return f'"{text}": there is no Python {major}; write a version of 3, such as python=3.11' if major else ""


def _too_new(rest: str) -> str:
    """Return the major version of a Python that nobody has made, if nothing else is left by the conditions."""
    found = re.match(r"(?:==?|>=|~=|>)?\s*(?P<major>[4-9]|\d{2,})(?![\dA-Za-z])", rest.strip())
    # `python 312` and `=311` lack their period, which is told beside this
    return found["major"] if found and "|" not in rest and len(found["major"]) == 1 else ""


def as_signs(text: str) -> str:
    """Return a text whose mathematical signs are those of versions: a page or a word processor has written it."""
    return text.replace("\u2265", ">=").replace("\u2264", "<=").replace("\u2260", "!=")


def _of_another_kind(text: str) -> str:  # noqa: PLR0911  # one kind each
    """Say that a line is a URL, a command, or pip's."""
    if "://" in text and "::" not in text:
        return (
            f'"{text}" is a URL; name a package of a channel, put it into the "pip:" section, or use an explicit_file'
        )
    if command := _COMMAND.fullmatch(text):
        packages = [word for word in command["rest"].split() if not word.startswith("-")]
        below = ' below "- pip:"' if command["tool"].startswith("pip") else ""
        return f'"{text}" is a command; write "- {(packages or ["NAME"])[0]}"{below}, each package in a line of its own'
    if re.match(r"\.{0,2}/|~/", text):
        return f'"{text}" is a path; build a wheel of it, and name that below "- pip:": ./x.whl'
    if channel := re.fullmatch(r"(?P<what>\S+)\s+(?:-c|--channel)[ =](?P<name>\S+)", text):
        advice = f'write "{channel["name"]}::{channel["what"]}", or name the channel below "channels:"'
        return f'"{text}" has an option of conda install; {advice}'
    if place := re.fullmatch(r"(?P<channel>[A-Za-z][\w.-]*)/(?P<what>[A-Za-z0-9_][\w.-]*[^/:]*)", text):
        return f'"{text}": behind a channel there are two colons; did you mean "{place["channel"]}::{place["what"]}"?'
    # ends like a marker, and is a second name
    if re.fullmatch(r"[\w.-]+[\w.=<>!~*]*\s*(;\s*[A-Za-z][\w.-]*\s*)+", text):
        return f'"{text}" names several packages; write each in a line of its own, behind a "- "'
    # PEP 508: direct references and markers, which conda has not
    return f'"{text}" is written for pip; put it into the "pip:" section' if " @ " in text or ";" in text else ""


def doubt_of(spec: str) -> str:
    """Return why a spec that is right as a text is probably not what was meant; empty if nothing speaks against it."""
    match = _NAME.fullmatch(spec.strip())
    rest = match["rest"] if match else ""
    if match and (doubt := _doubt_of_name(match["name"], rest)):
        return f'"{spec.strip()}": {doubt}'
    # in brackets nothing is guessed
    if not match or not rest or "[" in rest:
        return ""
    version = _packed(rest).split()[0]
    both = _WITH_BUILD.fullmatch(version)
    doubt = doubtful_version(both["version"] if both else version, match["name"])
    return f'"{spec.strip()}": {doubt}' if doubt else ""


def _doubt_of_name(name: str, rest: str) -> str:  # noqa: PLR0911  # one kind each
    """Say that a name is probably a name and a version, or a module's and not its package's."""
    joined = _JOINED.fullmatch(name) or re.fullmatch(r"(?P<name>[A-Za-z_-]*[A-Za-z])(?P<version>\d+(?:\.\d+)+)", name)
    if joined and not rest:
        return f'few packages have a version in their name; did you mean "{joined["name"]}={joined["version"]}"?'
    if joined_minor := re.fullmatch(r"python-?3(\d{1,2})", name):
        return f'no package is called so; did you mean "python=3.{joined_minor[1]}"?'
    if version := re.fullmatch(r"python-?(\d(?:\.\d+)?)", name):
        return f'no package is called so; did you mean "python={version[1]}"?'
    if near := usual_name(name):
        return (
            f'no package is called so; did you mean "{near}{"" if rest[:1] in "=<>!~" else " " if rest else ""}{rest}"?'
        )
    if near := resembled(name):
        meant_now = f"{near}{rest if rest[:1] in '=<>!~' else f' {rest}' if rest else ''}"
        return f'did you mean "{meant_now}"? No well-known package is called {name}'
    if package := CONDA_PACKAGES.get(name):
        return f"{name} is the name of a module or of pip's package; conda's is called \"{package}\""
    if name.lower() in _OF_WINDOWS or name.lower().startswith("m2w64-"):
        advice = "export the file by `conda env export --from-history`, which leaves such out"
        return f"{name} is a package of Windows, and images are for linux-64; remove the line ({advice})"
    return ""


def _about_option(text: str, word: str) -> str:
    if word in ("-c", "--channel"):
        return f'"{text}" is an option of conda install; name the channel below "channels:"'
    if word in ("-e", "--editable"):
        advice = 'put the code in the service\'s source_directory, or a wheel of it below "- pip:"'
        return f'"{text}" is an editable install, which cannot be put in an image; {advice}'
    return f'"{text}" is an option of pip; put it below "- pip:", indented'


def _packed(rest: str) -> str:
    return re.sub(rf"\s*([,|])\s*|({_OPERATOR})\s+", lambda found: found[1] or found[2], rest)


def _check_rest(text: str, name: str, rest: str) -> str:  # noqa: PLR0911  # one kind each
    # letters of a version in brackets are not judged: the way around for one that looks wrong (decisions/lock-file.md)
    bracket = _BRACKET.fullmatch(rest)
    if bracket:
        if fault := _check_bracket(text, bracket["inside"]):
            return fault
        rest = bracket["before"].strip()
    elif extras := re.match(r"\[[\w,\s-]+\]\s*(?=[=<>!~])", rest):
        return f'"{text}": extras in brackets are pip\'s; put it into the "pip:" section, or remove {extras[0].strip()}'
    elif "[" in rest or "]" in rest:
        return f'"{text}": the brackets do not match'
    # conda's sign of a channel is two colons
    if channel := re.fullmatch(r":(?P<name>[A-Za-z_][\w.-]*.*)", rest):
        return f'"{text}": behind a channel there are two colons; did you mean "{name}::{channel["name"]}"?'
    turned = _WRONG_WAY.sub(r"\1=", as_signs(rest))
    # numpy@1.20 of npm, numpy = = 1.20, numpy:1.20 are meant as versions
    turned = re.sub(r"^(?:=\s+=|[@:])\s*(?=\d)", "=", turned)
    if turned != rest:
        return f'"{text}" is not a version; did you mean "{name}{turned}"?'
    # the words of other tools and of people: `>=1 and <2`, `>=1 && <2`, `>=1 to <2`
    joined = re.sub(r"\s*(?:\band\b|\bto\b|&&?)\s*(?=[<>=!~])", ",", rest)
    joined = _NO_COMMA.sub(r"\1,\2", joined)
    joined = re.sub(rf"({_OPERATOR})\s+", r"\1", joined)
    if joined.count(",") != rest.count(","):
        return f'"{text}" lacks a comma; did you mean "{name}{joined}"?'
    return _check_words(text, name, rest)


def _check_bracket(text: str, inside: str) -> str:
    # PEP 508 writes extras so: `uvicorn[standard]`
    if "=" not in inside:
        return f'"{text}": extras in brackets are pip\'s; put it into the "pip:" section, or remove the brackets'
    pairs = pairs_of(inside)
    if pairs is None:
        return f'"{text}": the brackets have no list of key=value; put a value with a comma or a space in quotes'
    for key in pairs:
        if key not in KEYS:
            near = meant(key, KEYS)
            return f'"{text}": "{key}" is not known in brackets; ' + (
                f'did you mean "{near}"?' if near else f"known are {', '.join(KEYS)}"
            )
    version = pairs.get("version", "")
    turned = _NO_COMMA.sub(r"\1,\2", _WRONG_WAY.sub(r"\1=", version))
    return f'"{text}": "{version}" is not a version; did you mean "{turned}"?' if turned != version else ""


def _check_words(text: str, name: str, rest: str) -> str:  # noqa: PLR0911  # one kind each
    if not rest:
        return ""
    version, *build = _packed(rest).split()
    if option := next((word for word in build if re.match(r"--?[A-Za-z]", word)), ""):
        return f'"{text}": {option} is an option of a program; remove it'
    # `scikit learn=1.3`: the version stands behind the second word, which is a part of the name
    if named := re.fullmatch(r"(?P<word>[A-Za-z][A-Za-z-]+)(?P<version>[=<>!~].*)", version):
        return f'"{text}": a name has no blanks; did you mean "{name}-{named["word"]}{named["version"]}"?'
    if len(build) > 1:
        return f'"{text}" has too many words; write name, version and build'
    if re.fullmatch(r"[A-Za-z][A-Za-z_-]+", version) and not build and version.lower() not in LATEST:
        return f'"{text}": a name has no blanks; did you mean "{name}-{version}"?'
    if not build and (both := _WITH_BUILD.fullmatch(version)):
        version, build = both["version"], [both["build"]]
    if fault := check_version(version, name):
        return f'"{text}": {fault}'
    return _check_build(text, build[0]) if build else ""


def _check_build(text: str, build: str) -> str:
    if not _BUILD.fullmatch(build):
        return f'"{text}": "{build}" is not a build'
    # `numpy 1.26 1.27`: builds have letters (py311_0), so digits and dots alone are a second version
    if re.fullmatch(r"\d+(\.\d+)+", build):
        return f'"{text}": "{build}" stands where a build does; join versions with a comma or "|"'
    return ""
