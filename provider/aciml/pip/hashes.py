"""Hashes that a user gives in lines of requirements: ``six==1.17.0 --hash=sha256:...`` (pip, "Secure installs").

uv does not look at them when it only resolves, so they are held here, wherever wheels come from.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from ..core.errors import UserError
from ..core.pip_package import PipPackage

_HASH = re.compile(r"\s--hash[= ]\s*(?P<kind>\w+):(?P<digest>[0-9a-fA-F]+)")
_WHEEL = re.compile(r"(?P<file>[^/\s]+\.whl)\b")


def hashes_asked(lines: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return by package the sha256 of files that may be taken; a package without is free.

    Args:
        lines: of requirements, and of the files that they name.

    Raises:
        UserError: a line has a hash of another kind alone, which no index tells.
    """
    found: dict[str, frozenset[str]] = {}
    for text in lines:
        given = _HASH.findall(text)
        name = _name_of(text) if given else ""
        if not name:
            continue
        digests = frozenset(digest.lower() for kind, digest in given if kind.lower() == "sha256")
        if not digests:
            why = f"pip: {name}: it is asked for by {given[0][0]}, and files are told apart here by their sha256"
            raise UserError(why, "give --hash=sha256:..., which the index shows")
        found[name] = found.get(name, frozenset()) | digests
    return found


def hash_faults(packages: Iterable[PipPackage], asked: Mapping[str, Collection[str]]) -> list[str]:
    """Name the wheels that are not among the files that were asked for."""
    return [
        hash_fault(package.name, asked[package.name], [(package.file_name, package.sha256)])
        for package in packages
        if package.name in asked and package.sha256 not in asked[package.name]
    ]


def hash_fault(name: str, asked: Collection[str], found: Iterable[tuple[str, str]]) -> str:
    """Say which hash was asked for and which was found, by file."""
    wanted = " or ".join(f"sha256:{one}" for one in sorted(asked))
    seen = ", ".join(f"{file} has sha256:{digest}" for file, digest in found)
    return f"pip: {name}: {wanted} is asked for, and {seen}"


ADVICE = "write the hash of the file that is meant, or leave --hash out"
"""What to do about ``hash_fault``."""


def _name_of(text: str) -> str:
    # here: slow to load, and most lines have no hash
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return str(canonicalize_name(Requirement(text.partition(" --")[0].strip()).name))
    except InvalidRequirement:
        file = _WHEEL.search(text)
    try:
        return str(parse_wheel_filename(file["file"])[0]) if file else ""
    except InvalidWheelFilename:
        return ""
