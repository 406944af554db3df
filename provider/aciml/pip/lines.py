"""Read the lines of a ``pip:`` section and of the files they name.

Source: pip's "Requirements File Format"; uv reads the same, relative to the folder it runs in.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from itertools import zip_longest
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.account_in_url import has_account, without_secret
from ..core.condafile import CondaFile
from ..core.encoding import decoded
from ..core.errors import UserError
from ..core.lean import lean

# what judges a line is imported where there is one: it is slow to load, and many environments have conda packages alone

_FILE = re.compile(r"(?:-r|--requirements?|-c|--constraints?)[ =]\s*(?P<path>\S+)")
_OWN_INDEX = re.compile(r"-i\b|-f\b|--(?:extra-)?index-url|--find-links")
_EDITABLE = re.compile(r"(?:-e|--editable)\b")
_WHEEL = re.compile(r"(?:^|@\s*)(?P<path>[^\s@;#\[\]]+\.whl)(?=$|[\s;#\[])")
_FOLDER_URL = re.compile(r"(?:^|@\s*)file://(?!\S*(?:\.whl|\.tar\.gz|\.tgz|\.zip|\.tar\.bz2|\$\{))\S*")
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")


@lean(frozen=True)
class Line:
    """One line without its comment; ``folder`` is what paths in it are relative to, if it names a file of lines.

    ``place`` is ``path:line`` where the user wrote it; empty if nobody knows.
    """

    text: str
    folder: Path
    place: str = field(default="", compare=False)


def read_lines(requirements: Sequence[str], folder: Path, places: Sequence[str] = ()) -> list[Line]:
    """Return the section's lines and those of all files that they name.

    Args:
        requirements: the lines.
        folder: what paths in them are relative to.
        places: ``path:line`` of each, for messages; none if nobody knows.

    Raises:
        UserError: lines are wrong, a file is missing, or a line asks for what cannot be put in an image; all of it.
    """
    lines: list[Line] = []
    faults: list[str] = []
    given = [Line(text.strip(), folder, place) for text, place in zip_longest(requirements, places, fillvalue="")]
    _gather(given, lines, set(), faults)
    # an index of one's own may have a package of any name
    public = not any(_OWN_INDEX.match(line.text) for line in lines)
    for line in lines:
        from .requirement import trap_of

        # only of a line that is right by itself: two findings about one word would contradict one another
        found = list(_faults(line, folder)) or ([trap] if public and (trap := trap_of(line.text)) else [])
        faults += [f"{_placed(line)}{fault}" for fault in found]
    if faults:
        raise PipLinesError(faults)
    return lines


class PipLinesError(UserError):
    """Lines cannot be used; ``faults`` has everything that is wrong with them, each with its place."""

    def __init__(self, faults: list[str]) -> None:
        """Keep the faults; the message joins them."""
        super().__init__("; ".join(faults))
        self.faults = faults


def _placed(line: Line) -> str:
    return f"{line.place}: pip: " if line.place else "pip: "


def asked_for(requirements: tuple[str, ...], folder: Path) -> list[str]:
    """Return the lines and, as ``path#sha256:hex``, the files they read: what has to change to resolve again.

    Paths are relative to ``folder``. A file that is not there is left out; ``read_lines`` complains of it.
    """
    lines: list[Line] = []
    _gather([Line(text.strip(), folder) for text in requirements], lines, set(), [])
    files = {path for line in lines for path in _files(line, folder) if path.is_file()}
    marks = sorted(f"{os.path.relpath(path, folder)}#sha256:{file_sha256(path)}" for path in files)
    return [*(without_account(text) for text in requirements), *marks]


def expanded(requirements: Sequence[str], folder: Path) -> list[Line]:
    """Return the lines with those of each file that ``-r`` names in its place; constraints by their whole path.

    For the resolver, once lines are replaced: what a file says cannot be changed otherwise.
    """
    rows: list[Line] = []
    _expand([Line(text.strip(), folder) for text in requirements], rows, set())
    return rows


def _expand(found: Iterable[Line], rows: list[Line], seen: set[Path]) -> None:
    for line in found:
        named = _named_by(line)
        if not named or "://" in named["path"]:
            rows.append(line)
            continue
        path = (line.folder / named["path"]).resolve()
        if re.match(r"-c|--constraint", line.text):
            rows.append(replace(line, text=f"-c {path}"))
        elif path not in seen:
            seen.add(path)
            _expand(_of_file(path, _beside(line, named["path"]), []), rows, seen)


def without_account(text: str) -> str:
    """Return the text without user and password in its URLs."""
    return _USER_INFO.sub("", text)


def places_of(file: CondaFile) -> list[str]:
    """Return where each line of a conda file's pip section is."""
    return [f"{file.path}:{line}" for line in file.pip_lines]


def account_faults(file: CondaFile) -> list[str]:
    """Tell of each line of the section that has a password in it: the section is kept in the state.

    Of a file that the section names only its hash is kept; what it says of accounts stays on this machine.
    """
    advice = "write a variable in its place, such as ${TOKEN}, or give it by UV_INDEX_URL or netrc"
    return [
        f"{place}: pip: {without_secret(line)} has a password in it, which would end in the state; {advice}"
        for line, place in zip_longest(file.pip, places_of(file), fillvalue=file.path)
        if has_account(line)
    ]


def accounts_told(lines: Iterable[Line], file: CondaFile) -> list[str]:
    """Warn of passwords in the files that a section names: they work, and whoever has the file has them."""
    own, advice = frozenset(file.pip), "write a variable in its place, such as ${TOKEN}"
    return [
        f"{_placed(line)}{without_secret(line.text)} has a password in it; {advice}"
        for line in lines
        if line.text not in own and has_account(line.text)
    ]


def doubts_told(lines: Sequence[Line]) -> list[str]:
    """Warn of lines that are right and probably not what was meant, unless an index of one's own may have them."""
    if not lines or any(_OWN_INDEX.match(line.text) for line in lines):
        return []
    from .requirement import doubt_of_line

    return [f"{_placed(line)}{doubt}" for line in lines if (doubt := doubt_of_line(line.text))]


def file_sha256(path: Path) -> str:
    """Return the file's hash in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _gather(found: list[Line], lines: list[Line], seen: set[Path], faults: list[str]) -> None:
    for line in found:
        lines.append(line)
        named = _named_by(line)
        # a file on the web is read by uv alone; its lines cannot be judged, nor do they count for what has changed
        if not named or "://" in named["path"]:
            continue
        path = (line.folder / named["path"]).resolve()
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            faults.append(f"{_placed(line)}{line.text}: {path} {what}; paths are relative to the file they are in")
        # files may name one another
        elif path not in seen:
            seen.add(path)
            _gather(_of_file(path, _beside(line, named["path"]), faults), lines, seen, faults)


def _named_by(line: Line) -> re.Match[str] | None:
    """Return the match of a line that names a file of lines, whose ``path`` is that file's."""
    from .requirement import spaced

    return _FILE.match(spaced(line.text))


def _beside(line: Line, name: str) -> str:
    """Return a file's path as the user would write it: by that of the file that names it."""
    return os.path.normpath(Path(line.place.rpartition(":")[0]).parent / name)


def _of_file(path: Path, name: str, faults: list[str]) -> list[Line]:
    try:
        text = decoded(path.read_bytes(), name)
    except OSError as error:
        faults.append(f"{name} cannot be read: {error.strerror}; mend that")
        return []
    except UserError as error:
        faults.append(str(error))
        return []
    return [Line(content, path.parent, f"{name}:{number}") for number, content in _rows(text)]


def _rows(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines of a file with their numbers: joined where a backslash ends one, and without comments."""
    begun, first = "", 0
    for number, row in enumerate(text.splitlines(), 1):
        first = first if begun else number
        # "Requirements File Format": a backslash at the end joins lines
        if row.endswith("\\"):
            # pip puts nothing in its place: `fl\\` and `ask` are flask
            begun += row[:-1]
            continue
        # within a word the sign begins no comment: URLs have fragments
        # after the joining, as pip does it: a comment in a continued line ends it all
        content = re.sub(r"(^|\s)#.*", "", begun + row).strip()
        begun = ""
        if content:
            yield first, content


def _files(line: Line, folder: Path) -> Iterator[Path]:
    """Return the files whose content the line stands for; wheels are relative to conda.yml, wherever they are named."""
    named = _named_by(line)
    if named and "://" not in named["path"]:
        yield (line.folder / named["path"]).resolve()
    wheel = None if named else _WHEEL.search(without_account(line.text))
    # what a variable stands for is known to the resolver alone
    if wheel and "${" not in wheel["path"] and urlsplit(wheel["path"]).scheme in ("", "file"):
        yield (folder / unquote(urlsplit(wheel["path"]).path)).resolve()


def _faults(line: Line, folder: Path) -> Iterator[str]:
    from .requirement import fault_of
    from .source import AS_WHEEL, source_fault, source_of

    shown = without_account(line.text)
    if fault := source_fault(shown):
        yield fault
    elif source_of(line.text):
        return
    elif _EDITABLE.match(line.text):
        why = f"{shown}: an editable install points to a folder of this machine, and cannot be put in an image"
        yield f"{why}; put the code in the service's source_directory, or build a wheel of it and name that: ./x.whl"
    elif re.match(r"\.{0,2}/(?![/*])|~/|\.{1,2}$", line.text) and not _WHEEL.search(line.text):
        path = folder / Path(line.text.partition("[")[0].split()[0]).expanduser()
        why = "a folder or archive of this machine may change unseen" if path.exists() else "it does not exist"
        yield f"{shown}: {why}; {AS_WHEEL}"
    elif place := _FOLDER_URL.search(line.text):
        # conda builds its packages there, and `pip freeze` writes it down, on whatever machine it runs
        name = line.text.partition("@")[0].strip() if "@" in line.text.partition("://")[0] else "NAME"
        freeze = re.search(
            r"feedstock_root|/croot|/work\b|/perseverance-python-buildout|/opt/conda/conda-bld|_bld/", place[0]
        )
        advice = f'write "{name}==VERSION" (pip list --format=freeze writes such lines)' if freeze else AS_WHEEL
        yield f"{shown}: {place[0].lstrip('@ ')} is a folder of one machine; {advice}"
    elif fault := fault_of(without_account(line.text)):
        yield fault
    elif not _named_by(line):
        for path in _files(line, folder):
            if not path.is_file():
                yield f"{shown}: {path} does not exist; paths of wheels are relative to conda.yml"
