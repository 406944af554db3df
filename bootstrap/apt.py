"""Packages of the machine's own Debian or Ubuntu: whether they can be had, and from which mirror."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .say import Missing, say

SOURCES = Path("/etc/apt")
ENV = {"DEBIAN_FRONTEND": "noninteractive"}


@dataclass(frozen=True)
class Source:
    """One Debian archive: where it is, and which of its suites are used."""

    url: str
    suites: tuple[str, ...]


def can_install() -> bool:
    """Say whether this is root on a machine with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


@functools.cache
def refresh() -> None:
    """Fetch the package lists, once in a run."""
    # a fresh container has none, and an old one names versions that the mirror no longer has
    _run(["apt-get", "update", "-qq"], "the package lists")


def install(*packages: str) -> None:
    """Install packages.

    Raises:
        Missing: apt-get failed; its own last line is shown.
    """
    refresh()
    _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], " ".join(packages))


def download(packages: Sequence[str], release: str, into: Path) -> None:
    """Download packages of another release of Debian; this machine's own lists and packages stay as they are.

    Raises:
        Missing: the archive that this machine uses does not have them.
    """
    urls = [source.url for source in debian_sources(suite()) if suite() in source.suites]
    if not urls:
        raise Missing("this machine names no archive of Debian", f"look into {SOURCES}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt downloads as a user of its own
        (folder / "sources.list").write_text(f"deb {urls[0]} {release} main\n", encoding="utf-8")
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        places = {"Etc::SourceList": "sources.list", "State::Lists": "lists", "Cache": "cache"}
        options = [f"-oDir::{place}={folder / part}" for place, part in places.items()]
        # "-" is no folder: the machine's own sources.list.d must not count
        command = ["apt-get", "-qq", *options, "-oDir::Etc::SourceParts=-"]
        _run([*command, "update"], f"the package lists of {release}")
        _run([*command, "download", *packages], f"packages of {release}", into)


def suite() -> str:
    """Return the code name of a Debian machine, such as ``bookworm``; empty on anything else."""
    release = Path("/etc/os-release")
    facts = dict(re.findall(r'^(\w+)="?([^"\n]*)', release.read_text(), re.MULTILINE)) if release.exists() else {}
    return facts.get("VERSION_CODENAME", "") if facts.get("ID") == "debian" else ""


def debian_sources(release: str, folder: Path = SOURCES) -> list[Source]:
    """Return the archives this machine takes ``release`` from (its updates and security archive too).

    Both forms are read: one line each in ``*.list``, paragraphs in ``*.sources``.
    """
    found: dict[str, list[str]] = {}
    for path in [*folder.glob("sources.list"), *sorted(folder.glob("sources.list.d/*"))]:
        text = path.read_text(encoding="utf-8")
        lines = _one_line_style(text) if path.suffix == ".list" else _paragraph_style(text)
        for url, suites in lines:
            # bookworm-updates and bookworm-security are two archives of one release
            ours = [name for name in suites if name.split("-")[0] == release]
            # cdrom: and file: are of this machine alone, and an image's apt is told these too
            if ours and url.startswith("http"):
                found.setdefault(url, []).extend(ours)
    return [Source(url, tuple(dict.fromkeys(suites))) for url, suites in found.items()]


def _one_line_style(text: str) -> list[tuple[str, list[str]]]:
    matches = re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s.*\bmain\b", text, re.MULTILINE)
    return [(url, [name]) for url, name in matches]


def _paragraph_style(text: str) -> list[tuple[str, list[str]]]:
    found = []
    # the second form of sources.list(5), which newer releases write
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):\s*(.*)$", paragraph, re.MULTILINE))
        if "main" in fields.get("Components", "").split() and "deb" in fields.get("Types", "").split():
            found += [(url, fields.get("Suites", "").split()) for url in fields.get("URIs", "").split()]
    return found


def _run(command: list[str], what: str, folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=os.environ | ENV, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        say(f"{' '.join(command)}: {last}")
        raise Missing(f"apt-get could not get {what}", " ".join(command))
