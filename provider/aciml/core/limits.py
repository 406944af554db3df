"""What bounds an environment beside its specs: virtual packages of the machine it will run on, and a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

from .errors import Finding
from .lean import lean
from .unknown import NOT_KNOWN

KERNEL = "5.10"
"""Version of ``__linux``: the kernel is the host's, so an old one that any host has."""

_NAME = re.compile(r"__[a-z0-9_]+")
_VERSION = re.compile(r"[0-9][0-9a-zA-Z._]*")
# fromisoformat() alone would take 2026-W13-2 and 20260331 too, from Python 3.11 on
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")


@lean(frozen=True)
class Limits:
    """What an environment may be made of, beside its specs.

    ``glibc`` is the C library of the base image, such as ``2.31``; ``virtual`` has more virtual packages and their
    versions (``__cuda``: ``12.4``); packages newer than ``exclude_newer`` (RFC 3339, empty without) do not exist.
    ``index_strategy`` says which index of several a wheel comes from.
    """

    glibc: str
    virtual: Mapping[str, str] = field(default_factory=dict)
    exclude_newer: str = ""
    index_strategy: str = "first-index"

    def facts(self) -> dict[str, tuple[str, str]]:
        """Return version and build of each virtual package, sorted by name; what the user says wins."""
        known = {
            # conda writes version 1 and the CPU's name as build; x86_64 is what every amd64 machine has
            "__archspec": ("1", "x86_64"),
            "__glibc": (self.glibc, "0"),
            "__linux": (KERNEL, "0"),
            # it says that it is one, and no more
            "__unix": ("0", "0"),
        }
        given = {name: (version, "0") for name, version in self.virtual.items()}
        if "__archspec" in given:  # its build is the name of the CPU, and its version is always 1
            given["__archspec"] = ("1", self.virtual["__archspec"])
        return dict(sorted((known | given).items()))

    def cutoff(self) -> datetime | None:
        """Return ``exclude_newer`` as a time in UTC; a day alone means its beginning."""
        if not self.exclude_newer:
            return None
        time = datetime.fromisoformat(self.exclude_newer)
        # no zone is UTC: one text must not mean another moment on another machine
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def limits_findings(virtual: object, exclude_newer: object) -> list[Finding]:
    """Judge the properties ``virtualPackages`` and ``excludeNewer``."""
    findings = []
    for name, version in (virtual if isinstance(virtual, Mapping) else {}).items():
        where = f"virtualPackages.{name}"
        if not _NAME.fullmatch(str(name)):
            findings.append(Finding(where, f'"{name}" is not a virtual package; they begin with "__", as in __cuda'))
        elif name != "__archspec" and version != NOT_KNOWN and not _VERSION.fullmatch(str(version)):
            findings.append(Finding(where, f'"{version}" is not a version; write for example __cuda: "12.4"'))
    if exclude_newer and not _is_time(str(exclude_newer)):
        why = f'"{exclude_newer}" is not a time; write a day or a time of RFC 3339, such as 2026-03-31T00:00:00Z'
        findings.append(Finding("excludeNewer", why))
    return findings


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return _TIME.fullmatch(text) is not None
