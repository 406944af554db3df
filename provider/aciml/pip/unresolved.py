"""Why no index satisfies a line: where the line is, which package was meant, which versions there are.

uv says what it could not join, by name; a user looks for the line, and for what to write there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from ..core.errors import UserError
from ..core.meant import meant
from ..core.module_names import known_packages
from ..settings import Settings
from .indexes import indexes_of, page_of
from .lines import Line
from .requirement import name_of_line
from .uv import ACCOUNT, NoWheelError

_NOT_FOUND = re.compile(r"(?:Because|and|,) ([A-Za-z0-9][\w.-]*) was not found in the ")
_NO_VERSION = re.compile(r"there (?:is|are) no versions? of ([A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?[=<>!~]")
_TOO_NEW = re.compile(r"only ([A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?[<=]=?[\w.!+]+ (?:is|are) available")
_HELD = re.compile(r"conda brings ([\w.-]+) ([^,:\s]+): ")
# PyTorch, "Start Locally": builds for a version of CUDA are on an index of their own
_OF_TORCH = re.compile(r"torch(?:vision|audio)?==[\w.]+\+(?P<kind>cu\d+|cpu|rocm[\d.]+)$")
_VERSION_SEEN = re.compile(r"\bversion (\d[\w.!+-]*) is there as source|\(v(\d[\w.!+-]*)\)")
_SHOWN = 5
_NEAR = 0.8


def explained(error: UserError, lines: Sequence[Line], settings: Settings) -> UserError:
    """Return the error with the line that is at fault, if uv names a package of one; else as it is.

    Args:
        error: what came of uv's words.
        lines: all of the section, and of the files that it names.
        settings: for the certificate bundle; an index is asked which versions it has.
    """
    if isinstance(error, NoWheelError):
        return _without_wheel(error, lines, settings)
    if error.advice == ACCOUNT:
        # an index that asks who we are tells nothing of what it has
        return error
    if held := _HELD.match(error.advice):
        # conda's version alone counts then, and of what an index has nothing is at fault
        return _said(error, held[1], lines, f"it does not go with {held[1]} {held[2]}, which conda brings")
    if found := _NOT_FOUND.search(error.message):
        return _said(error, found[1], lines, _of_no_index(found[1], lines))
    if found := _NO_VERSION.search(error.message) or _TOO_NEW.search(error.message):
        name = canonicalize_name(found[1])
        versions = _versions(name, lines, settings)
        return (
            _said(error, name, lines, f"there is no such version; there are {_listed(versions)}") if versions else error
        )
    return error


def _without_wheel(error: NoWheelError, lines: Sequence[Line], settings: Settings) -> NoWheelError:
    """Say where the line is, and for which Pythons there are wheels: usually a pin is old and the Python new."""
    name = canonicalize_name(error.name)
    place = next((line.place for line in lines if name_of_line(line.text) == name), "")
    found = _VERSION_SEEN.search(error.message)
    pythons = _pythons(name, found[1] or found[2], lines, settings) if found else []
    advice = error.advice
    if pythons and found:
        versions = ", ".join(f"{major}.{minor}" for major, minor in pythons)
        advice = f"there are wheels of {found[1] or found[2]} for Python {versions}: ask for such a one, or {advice}"
    placed = NoWheelError(f"{place}: {error.message}" if place else error.message, advice)
    placed.name = error.name
    return placed


def _pythons(name: str, version: str, lines: Sequence[Line], settings: Settings) -> list[tuple[int, int]]:
    """Return for which versions of CPython the first index that has the package has wheels for Linux."""
    for index in indexes_of((line.text for line in lines), os.environ):
        files = [file for file in _files(page_of(name, index, settings)) if file.endswith(".whl")]
        wheels = [parse_wheel_filename(file) for file in files if _version(file) == Version(version)]
        tags = {tag for wheel in wheels for tag in wheel[3] if "linux" in tag.platform and "x86_64" in tag.platform}
        found = {re.fullmatch(r"cp(\d)(\d+)", tag.interpreter) for tag in tags}
        if files:
            return sorted((int(one[1]), int(one[2])) for one in found if one)
    return []


def _said(error: UserError, name: str, lines: Sequence[Line], why: str) -> UserError:
    asking = [line for line in lines if name_of_line(line.text) == canonicalize_name(name)]
    # what another package needs stands in no line: uv's chain of reasons is all there is
    if not asking or not why:
        return error
    line = asking[0]
    if torch := _OF_TORCH.match(line.text):
        index = f"--extra-index-url https://download.pytorch.org/whl/{torch['kind']}"
        why = f'the index has no builds for {torch["kind"]}; write "{index}" above it, or leave +{torch["kind"]} out'
    place = f"{line.place}: " if line.place else ""
    return UserError(f'{place}pip: "{line.text}": {why}', error.advice)


def _of_no_index(name: str, lines: Sequence[Line]) -> str:
    urls = ", ".join(one.url for one in indexes_of((line.text for line in lines), os.environ))
    near = meant(canonicalize_name(name), known_packages(), _NEAR)
    advice = f'; did you mean "{near}"?' if near and near != canonicalize_name(name) else "; check its name"
    return f"no index has a package of this name ({urls or 'none is asked'}){advice}"


def _listed(versions: Sequence[Version]) -> str:
    more = len(versions) - _SHOWN
    return ", ".join(map(str, versions[:_SHOWN])) + (f" and {more} older" if more > 0 else "")


def _versions(name: str, lines: Sequence[Line], settings: Settings) -> list[Version]:
    """Return what the first index that has the package has of it, the newest first."""
    for index in indexes_of((line.text for line in lines), os.environ):
        found = {version for file in _files(page_of(name, index, settings)) if (version := _version(file)) is not None}
        if found:
            return sorted(found, reverse=True)
    return []


def _files(page: str) -> list[str]:
    """Return the names of files on a page of an index. Source: PEP 503 (HTML) and PEP 691 (JSON)."""
    if page.lstrip().startswith("{"):
        try:
            return [str(file["filename"]) for file in json.loads(page)["files"]]
        except (ValueError, KeyError, TypeError):
            return []
    return re.findall(r">\s*([^<>\s]+\.(?:whl|tar\.gz|zip))\s*</a>", page)


def _version(file: str) -> Version | None:
    try:
        return parse_wheel_filename(file)[1] if file.endswith(".whl") else parse_sdist_filename(file)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
