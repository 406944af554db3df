"""Volumes that take ``E/Eterm`` and ``e/eterm`` for one name, as macOS makes them: files would be lost on them.

Linux packages have such names (ncurses does), and a lost file would go unnoticed into a layer with another digest.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from unicodedata import normalize

from ..core.errors import UserError

Group = tuple[str, ...]
Attempt = Callable[[list[Group], Path], list[Group]]
_SHOWN = 3
_ADVICE = (
    "set ACIML_CACHE to a folder on a case-sensitive volume; on macOS `hdiutil create -type SPARSE -size 50g "
    '-fs "Case-sensitive APFS" -volname aciml ~/aciml && hdiutil attach ~/aciml.sparseimage` makes /Volumes/aciml'
)


def look_alikes(paths: Iterable[str]) -> list[Group]:
    """Return the groups of paths that differ only by case or by how accents are written; sorted, pure.

    Source: Unicode 15, 3.13, canonical caseless matching (D145), which is what APFS does.
    """
    groups: dict[str, set[str]] = {}
    distinct = set(paths)
    if "".join(distinct).isascii() and len({path.lower() for path in distinct}) == len(distinct):
        return []  # as nearly always
    for path in distinct:
        groups.setdefault(_folded(path), set()).add(path)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    # D145: before and after, since folding may take apart what was composed
    return normalize("NFD", normalize("NFD", path).casefold())


def taken_for_one(groups: Iterable[Group], folder: Path) -> list[Group]:
    """Return those groups of which the volume of ``folder`` really takes two for one; it is tried with empty files."""
    found = []
    # tried out, since a volume of macOS may have been made either way
    with tempfile.TemporaryDirectory(dir=folder, prefix="names-") as home:
        for number, group in enumerate(groups):
            first, *others = (Path(home, str(number), path) for path in group)
            first.parent.mkdir(parents=True)
            first.touch()
            if any(os.path.lexists(other) for other in others):
                found.append(group)
    return found


def refuse_lost_files(paths: Mapping[str, Iterable[str]], folder: Path, attempt: Attempt = taken_for_one) -> None:
    """Look whether all of these files fit beside each other on the volume; without look-alikes nothing is tried.

    Args:
        paths: of the files, by package.
        folder: on the volume in question.
        attempt: finds out what that volume does.

    Raises:
        UserError: some do not; with their names, packages, and what to do.
    """
    groups = look_alikes(path for some in paths.values() for path in some)
    lost = attempt(groups, folder) if groups else []
    if not lost:
        return
    names = {path for group in lost for path in group}
    owners = ", ".join(sorted(name for name, some in paths.items() if not names.isdisjoint(some)))
    pairs = ", ".join(" and ".join(group) for group in lost[:_SHOWN])
    more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    message = f"the volume of {folder} does not tell names by case, so files of {owners} are lost: {pairs}{more}"
    raise UserError(message, _ADVICE)
