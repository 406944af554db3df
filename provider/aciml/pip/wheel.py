"""What a wheel brings into an image, read from its zip: its files go from there into the layer, and to no disk between.

Sources: PyPA specifications "Binary distribution format" (what is in a wheel, and where each part goes) and "Recording
installed projects" (RECORD, INSTALLER). Where these leave something open it is as ``uv pip install`` does it, which
``tests/pip/test_like_uv.py`` holds file by file.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from ..core.errors import UserError
from ..core.layer import PREFIX, Entry
from ..core.slim import leave_out
from .member import Member, WheelError
from .scripts import entry_point_scripts, is_python_script, with_interpreter

ROOT = PREFIX.lstrip("/")
"""Where the environment is, as paths in a layer begin."""

INSTALLER = b"aciml\n"
"""What .dist-info/INSTALLER says, as "Recording installed projects" asks: pip tells from it whose the files are."""

_INFO = ".dist-info"
_UNSIGNED = ("RECORD", "RECORD.jws", "RECORD.p7s")  # they cannot have their own hash in RECORD
_OURS = ("INSTALLER", "REQUESTED", "direct_url.json")  # written by who installs, whatever the wheel has


@dataclass(frozen=True)
class Wheel:
    """A wheel that is open.

    ``entries`` are the files that it brings, by their paths below the prefix; they can be read while it is open.
    ``hashes`` has what RECORD says of each by its path, empty for what has none: equal ones are equal files.
    """

    name: str
    entries: tuple[Entry, ...]
    hashes: Mapping[str, str]
    saved: Mapping[str, int] = field(default_factory=dict)
    """Bytes of files that are left out, by the rule."""


@contextmanager
def open_wheel(path: Path, library: str, *, slim: bool = False) -> Iterator[Wheel]:
    """Read what a wheel brings.

    Args:
        path: the file.
        library: folder below the prefix where Python looks for packages, such as ``lib/python3.11/site-packages``.
        slim: leave out what no program loads; RECORD does not name it then.

    Raises:
        UserError: it is no wheel, or a broken one. That a file is broken is found out when it is read.
    """
    with ExitStack() as opened:
        # beside the archive: members are read from it by their offsets, without the zip's own buffer
        file = opened.enter_context(path.open("rb"))
        try:
            archive = opened.enter_context(zipfile.ZipFile(file))
            wheel = _Reader(path.name, file, archive, library).read(slim=slim)
        # NotImplementedError: a zip may be compressed in a way that Python does not know
        except (WheelError, zipfile.BadZipFile, ValueError, LookupError, NotImplementedError) as error:
            raise refused(path.name, str(error) or "it is not made like a wheel") from error
        yield wheel


def refused(name: str, why: str) -> UserError:
    """Return the error for a wheel that cannot be installed."""
    return UserError(f"pip: {name} cannot be installed: {why}", "report it to its makers, or take another version")


class _Reader:
    """One reading of a wheel; ``file`` stays open as long as the entries are read."""

    def __init__(self, name: str, file: BinaryIO, archive: zipfile.ZipFile, library: str) -> None:
        self._name, self._file, self._archive = name, file, archive
        self._library = library
        self._infos = {info.filename: info for info in archive.infolist()}
        # a zip may have two entries of one name: which one is meant would depend on the program that reads it
        if len(self._infos) < len(archive.infolist()):
            raise WheelError("it has two files of one name")
        # before anything is read: a name that leads out of its folder is an attack, or a broken build
        for inner in self._infos:
            _check_name(inner)
        self._info = self._find_info()
        self._schemes = {
            "purelib": self._library,
            "platlib": self._library,
            "scripts": "bin",
            # data goes to the prefix itself, whatever is in it ("Binary distribution format", .data)
            "data": "",
            # by its name as indexes write it, as uv has it
            "headers": f"include/{library.split('/')[1]}/{canonicalize_name(_project_in(self._info))}",
        }

    def read(self, *, slim: bool = False) -> Wheel:
        self._check_version()
        record = self._record()
        scripts = self._entry_points()
        entries, rows = dict[str, Entry](), dict[str, tuple[str, str, str]]()
        # what .data has goes over the rest, as with pip and uv, which move it there last
        # sorted, so that the entries' order does not depend on the zip's
        for inner in sorted(self._infos, key=lambda inner: (self._is_data(inner), inner)):
            path = self._place(inner)
            # a script of .data yields to an entry point of its name (uv; distlib makes such pairs)
            if path is None or path in scripts or self._is_ours(inner):
                continue
            if inner.endswith("/"):
                # setdefault: the folder may have been made by another entry already
                entries.setdefault(path, Entry(path, "dir"))
                continue
            digest, size = record.get(inner, ("", ""))
            entries[path], changed = self._entry(inner, path, digest)
            # a script of which the first line is rewritten has another hash than the wheel says
            rows[path] = (self._recorded(path), *(changed or (digest, size)))
        for path, text in scripts.items():
            entries[path] = Entry.of_bytes(path, text, mode=0o755)
            rows[path] = (self._recorded(path), *_hashed(text))
        # written last: what the wheel has under this name was left out above
        installer = f"{self._library}/{self._info}/INSTALLER"
        entries[installer] = Entry.of_bytes(installer, INSTALLER)
        rows[installer] = (self._recorded(installer), *_hashed(INSTALLER))
        saved = dict[str, int]()
        if slim:
            kept, saved = leave_out(entries.values())
            entries = {entry.path: entry for entry in kept}
            # RECORD names what is installed: pip would miss what was left out (pip check)
            rows = {path: row for path, row in rows.items() if path in entries}
        own = f"{self._library}/{self._info}/RECORD"
        rows[own] = (self._recorded(own), "", "")
        entries[own] = Entry.of_bytes(own, _record_text(rows.values()))
        return Wheel(self._name, tuple(entries.values()), {path: row[1] for path, row in rows.items()}, saved)

    def _find_info(self) -> str:
        """Return the name of the .dist-info folder without its ending: ``numpy-2.0.0``."""
        tops = {inner.partition("/")[0] for inner in self._infos if "/" in inner}
        # a wheel of several projects has the .dist-info of its own name
        found = sorted(top for top in tops if top.endswith(_INFO))
        if len(found) > 1:  # then that of the file's own name
            found = [one for one in found if canonicalize_name(_project_in(one)) == self._project()]
        if len(found) != 1:
            raise WheelError("it has no folder .dist-info" if not found else "it has several folders .dist-info")
        return found[0]

    def _project(self) -> str:
        try:
            return str(parse_wheel_filename(self._name)[0])
        except InvalidWheelFilename as error:
            raise WheelError("its name is not that of a wheel") from error

    def _text(self, name: str) -> str | None:
        info = self._infos.get(f"{self._info}/{name}")
        return (
            None if info is None else Member(self._file, info, self._archive, wheel=self._name).read().decode("utf-8")
        )

    def _check_version(self) -> None:
        text = self._text("WHEEL")
        if text is None:
            raise WheelError(f"it lacks {self._info}/WHEEL")
        # 1.0 and 1.1 are the same to us: only the first number says that something is read otherwise
        version = re.search(r"^Wheel-Version:\s*(\d+)\.\d+\s*$", text, re.MULTILINE)
        # "Binary distribution format": a greater major version must be refused
        if not version or version[1] != "1":
            raise WheelError(
                "it is of a version of the format that is not known" if version else "WHEEL has no version"
            )

    def _record(self) -> dict[str, tuple[str, str]]:
        """Return hash and size, as they are written, by the names of RECORD; each file has to be in it."""
        text = self._text("RECORD")
        if text is None:
            raise WheelError(f"it lacks {self._info}/RECORD")
        # three columns: what has fewer is no row of the format
        rows = {row[0]: (row[1], row[2]) for row in csv.reader(text.splitlines()) if len(row) == 3}
        unsigned = {f"{self._info}/{name}" for name in _UNSIGNED}
        # "Binary distribution format": a file that RECORD lacks makes the wheel invalid
        lost = [one for one in self._infos if one not in rows and one not in unsigned and not one.endswith("/")]
        if lost:
            raise WheelError(f"{lost[0]} is not in its RECORD")
        return rows

    def _entry_points(self) -> dict[str, bytes]:
        text = self._text("entry_points.txt")
        found = entry_point_scripts(text, self._library.split("/")[1]) if text else {}
        return {f"bin/{name}": script for name, script in found.items()}

    def _is_data(self, inner: str) -> bool:
        return inner.startswith(f"{self._data}/")

    def _is_ours(self, inner: str) -> bool:
        folder, _, name = inner.rpartition("/")
        # RECORD is always ours: it is written anew when the files are placed
        return folder == self._info and (name in _OURS or name == "RECORD")

    @property
    def _data(self) -> str:
        return f"{self._info.removesuffix(_INFO)}.data"

    def _place(self, inner: str) -> str | None:
        """Return where a name of the zip goes below the prefix; None for the folders that .data has for each scheme."""
        if not self._is_data(inner):
            return f"{self._library}/{inner.rstrip('/')}"
        scheme, _, rest = inner.removeprefix(f"{self._data}/").partition("/")
        # the folder of a scheme by itself has no place
        if not rest.rstrip("/"):
            return None
        # an unknown scheme may be one of a newer format: to guess its place would put files where nobody looks
        if scheme not in self._schemes:
            raise WheelError(f"{inner} is of a kind of data that is not known")
        return f"{self._schemes[scheme]}/{rest.rstrip('/')}".lstrip("/")

    def _entry(self, inner: str, path: str, digest: str) -> tuple[Entry, tuple[str, str] | None]:
        """Return the entry of a file, and its new hash and size if it is not as it is in the wheel."""
        info = self._infos[inner]
        member = Member(self._file, info, self._archive, digest, self._name)
        # an empty file has no bytes to check, and RECORD a hash of nothing
        if not info.file_size:
            member.check_empty()
        if not inner.startswith(f"{self._data}/scripts/"):
            executable = (info.external_attr >> 16) & 0o111
            # a zip keeps the bits of Unix in the upper half of external_attr, and none where it was made on Windows
            return Entry(path, "file", 0o755 if executable else 0o644, size=info.file_size, open=member.open), None
        # scripts begin with #!python, which the installer replaces by the interpreter's path
        if is_python_script(member.beginning()):
            text = with_interpreter(member.read())
            return Entry.of_bytes(path, text, mode=0o755), _hashed(text)
        return Entry(path, "file", 0o755, size=info.file_size, open=member.open), None

    def _recorded(self, path: str) -> str:
        """Return a path as RECORD has it: relative to the folder that has .dist-info."""
        if path.startswith(f"{self._library}/"):  # nearly all, and relpath costs fifty times as much
            return path[len(self._library) + 1 :]
        return posixpath.relpath(path, self._library)


def _check_name(inner: str) -> None:
    """Refuse what would land outside of its folder, or is no name of a file in a layer."""
    parts = inner.rstrip("/").split("/")
    if inner.startswith("/") or "\\" in inner or "\0" in inner or re.match(r"[A-Za-z]:", inner):
        # a backslash is a letter in a zip, and a separator to some who unpack it
        raise WheelError(f"{inner!r} in it is not a path below a folder")
    if not parts or any(part in ("", ".", "..") for part in parts):
        # a name without a part, or with two slashes, would be another path in the image
        raise WheelError(f"{inner!r} in it leads out of its folder")
    # OCI layer.md, "Whiteouts": such a name would remove a file of a lower layer
    if any(part.startswith(".wh.") for part in parts):
        raise WheelError(f"{inner!r} in it cannot be in a layer")


def _project_in(info: str) -> str:
    """Return the name in that of a folder ``.dist-info``; neither name nor version has a dash in it."""
    return info.removesuffix(_INFO).rpartition("-")[0]


def _hashed(data: bytes) -> tuple[str, str]:
    """Return hash and size as RECORD has them."""
    # urlsafe and without padding (RECORD, "hash")
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}", str(len(data))


def _record_text(rows: Iterable[tuple[str, str, str]]) -> bytes:
    """Return RECORD in the order of its paths: it says what is installed, and nothing of how."""
    sink = io.StringIO()
    # sorted: equal files give equal bytes, whatever order the zip had
    csv.writer(sink, lineterminator="\n").writerows(sorted(rows))
    return sink.getvalue().encode()
