"""Read the lines of a ``pip:`` section and of the files they name.

Source: pip's "Requirements File Format"; uv reads the same, relative to the folder it runs in.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.errors import UserError

_FILE = re.compile(r"(?:-r|--requirements?|-c|--constraints?)[ =]\s*(?P<path>\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)\b")
_VERSION_CONTROL = re.compile(r"(?:^|@\s*)(?:git|hg|svn|bzr)\+")
_WHEEL = re.compile(r"(?:^|@\s*)(?P<path>[^\s@;#\[\]]+\.whl)(?=$|[\s;#\[])")
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True)
class Line:
    """One line without its comment; ``folder`` is what paths in it are relative to, if it names a file of lines."""

    text: str
    folder: Path


def read_lines(requirements: tuple[str, ...], folder: Path) -> list[Line]:
    """Return the section's lines and those of all files that they name.

    Raises:
        UserError: a file is missing, or a line asks for what cannot be put in an image.
    """
    lines: list[Line] = []
    _gather([Line(text.strip(), folder) for text in requirements], lines, set())
    for line in lines:
        _check(line, folder)
    return lines


def asked_for(requirements: tuple[str, ...], folder: Path) -> list[str]:
    """Return the lines and, as ``path#sha256:hex``, the files they read: what has to change to resolve again.

    Paths are relative to ``folder``. A file that is not there is left out; ``read_lines`` complains of it.
    """
    lines: list[Line] = []
    _gather([Line(text.strip(), folder) for text in requirements], lines, set(), strict=False)
    files = {path for line in lines for path in _files(line, folder) if path.is_file()}
    marks = sorted(f"{os.path.relpath(path, folder)}#sha256:{file_sha256(path)}" for path in files)
    return [*(without_account(text) for text in requirements), *marks]


def without_account(text: str) -> str:
    """Return the text without user and password in its URLs."""
    return _USER_INFO.sub("", text)


def file_sha256(path: Path) -> str:
    """Return the file's hash in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _gather(found: list[Line], lines: list[Line], seen: set[Path], *, strict: bool = True) -> None:
    for line in found:
        lines.append(line)
        named = _FILE.match(line.text)
        if not named or "://" in named["path"]:
            continue
        path = (line.folder / named["path"]).resolve()
        if not path.is_file() and strict:
            raise UserError(f"pip: {line.text}: {path} does not exist", "paths are relative to the file they are in")
        # files may name one another
        if path.is_file() and path not in seen:
            seen.add(path)
            _gather(list(_of_file(path)), lines, seen, strict=strict)


def _of_file(path: Path) -> Iterator[Line]:
    # "Requirements File Format": a backslash at the end joins lines
    text = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
    for row in text.splitlines():
        # within a word the sign begins no comment: URLs have fragments
        content = re.sub(r"(^|\s)#.*", "", row).strip()
        if content:
            yield Line(content, path.parent)


def _files(line: Line, folder: Path) -> Iterator[Path]:
    """Return the files whose content the line stands for; wheels are relative to conda.yml, wherever they are named."""
    named = _FILE.match(line.text)
    if named and "://" not in named["path"]:
        yield (line.folder / named["path"]).resolve()
    wheel = None if named else _WHEEL.search(without_account(line.text))
    if wheel and "${" not in wheel["path"] and urlsplit(wheel["path"]).scheme in ("", "file"):
        yield (folder / unquote(urlsplit(wheel["path"]).path)).resolve()


def _check(line: Line, folder: Path) -> None:
    shown = without_account(line.text)
    if _EDITABLE.match(line.text):
        raise UserError(
            f"pip: {shown}: an editable install points to a folder of this machine, and cannot be put in an image",
            "put the code in the service's source_directory, or build a wheel of it and name that: ./x.whl",
        )
    if _VERSION_CONTROL.search(line.text):
        raise UserError(f"pip: {shown}: it has to be built, and nothing is built here", BUILD_WHEEL)
    if not _FILE.match(line.text):
        for path in _files(line, folder):
            if not path.is_file():
                raise UserError(f"pip: {shown}: {path} does not exist", "paths of wheels are relative to conda.yml")


BUILD_WHEEL = 'build a wheel of it ("pip wheel --no-deps"), put that beside conda.yml and name it: ./x.whl'
"""What to do instead of naming a source."""
