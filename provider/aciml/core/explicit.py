"""An explicit file (``conda list --explicit``): the package files of an environment, each by its URL.

Source: conda's ``@EXPLICIT`` lists: one URL per line, ``#`` and a hash behind it; md5 by default, ``--sha256`` too.
"""

from __future__ import annotations

import re

from .condafile import CondaFile, CondaFileError
from .errors import Finding

PROPERTY = "explicitFile"
_MARK = "@EXPLICIT"
# the two dashes from the right part name, version and build: only the name may have more of them
_LINE = re.compile(
    r"(?P<channel>(?:https?|file)://\S+)/(?P<subdir>[a-z0-9-]+)/(?P<name>[A-Za-z0-9_.-]+)-(?P<version>[^-/\s#]+)-"
    r"(?P<build>[^-/\s#]+?)\.(?:conda|tar\.bz2)(?:#(?:sha256:)?(?P<hash>[0-9a-f]{64}|[0-9a-f]{32}))?"
)
# a name and password before the host, or a token of anaconda.org behind it
_SECRET = re.compile(r"://[^/\s]*@|/t/[^/\s]+/")
# Container Instances run images of linux/amd64 alone
SUBDIRS = ("linux-64", "noarch")


def parse_explicit_file(text: str, name: str) -> CondaFile:
    """Read an explicit file as a conda file whose specs name one package file each.

    Args:
        text: content of the file.
        name: its path, as the user wrote it; it starts every finding.

    Raises:
        CondaFileError: something is wrong; all findings at once.
    """
    findings: list[Finding] = []
    specs: dict[str, str] = {}
    channels: list[str] = []
    rows = [(number, row.strip()) for number, row in enumerate(text.splitlines(), 1)]
    rows = [(number, row) for number, row in rows if row and not row.startswith("#")]
    if _MARK not in {row for _, row in rows}:
        findings.append(Finding(PROPERTY, f"{name}:1: {_MARK} is missing; write it with: conda list --explicit"))
    for number, row in rows:
        fault = "" if row == _MARK else _read(row, specs, channels)
        if fault:
            findings.append(Finding(PROPERTY, f"{name}:{number}: {fault}"))
    if not findings and not specs:
        findings.append(Finding(PROPERTY, f"{name}:1: no package is listed"))
    if findings:
        raise CondaFileError(findings)
    return CondaFile(tuple(channels), tuple(specs.values()), has_python="python" in specs, exact=True)


def _read(row: str, specs: dict[str, str], channels: list[str]) -> str:
    if _SECRET.search(row):
        return "the URL has a password or token; write it without, and give it to rattler's or conda's login"
    found = _LINE.fullmatch(row)
    if not found:
        return f'"{row}" is not the URL of a conda package, such as .../linux-64/numpy-1.26.4-py311_0.conda#<md5>'
    if found["subdir"] not in SUBDIRS:
        return f"{found['name']} is for {found['subdir']}; images are for linux-64: list one of that platform"
    package = found["name"].lower()
    if package in specs:
        return f'"{package}" is listed twice; keep one'
    if found["channel"] not in channels:
        channels.append(found["channel"])
    pairs = {"build": found["build"], "subdir": found["subdir"], "version": f"=={found['version']}"}
    if found["hash"]:
        pairs["md5" if len(found["hash"]) == 32 else "sha256"] = found["hash"]
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(pairs.items()))
    specs[package] = f"{found['channel']}::{package}[{inside}]"
    return ""
