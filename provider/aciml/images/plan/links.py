"""Links in the user's folders of sources and models: what they lead to goes into the image, as it did in v1.

A link stays a link if it leads from a file of the folder to another one of it, by names inside the folder alone: then
it leads there in the image, too. All others become what they lead to (a Hugging Face cache, a link to a file or
folder elsewhere). What leads nowhere, in circles or to a device is named and left out.
Source: POSIX 1003.1-2017, 4.13 "Pathname Resolution"; azureml-core 1.x, ``Model.register``, which followed links.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ...core.context import FileEntry, parents
from ...core.errors import UserError
from ...core.lean import lean
from ...docker.context import walk

_MOST = 8  # folders one in another by links: more are a circle that has no end, or nobody means it


def _nothing(_: str) -> bool:
    return False


@lean(frozen=True)
class Followed:
    """Files with their content, sorted by path; ``faults`` say what is wrong with links that lead to none."""

    files: tuple[FileEntry, ...]
    faults: tuple[str, ...] = ()


def follow_file(path: Path, name: str) -> Followed:
    """Return a file, or what a link of that name leads to, as ``name``."""
    follower = _Follower(path.parent, frozenset(), _nothing)
    return follower.answer(follower.content(path, name, ()))


def follow(folder: Path, entries: Iterable[FileEntry], left_out: Callable[[str], bool] = _nothing) -> Followed:
    """Follow the links among the entries that ``walk`` gave of the folder.

    Args:
        folder: that they were found in.
        entries: files and links.
        left_out: tells of files that links lead to, by their path below the folder, which of them are ignored.
    """
    found = list(entries)
    follower = _Follower(folder, frozenset(entry.path for entry in found), left_out)
    return follower.answer(one for entry in found for one in ([entry] if not entry.link else follower.link(entry)))


class _Follower:
    def __init__(self, folder: Path, paths: frozenset[str], left_out: Callable[[str], bool]) -> None:
        self._root, self._paths, self._left_out = os.path.realpath(folder), paths, left_out
        self._folders = {".", *(above for path in paths for above in parents(path))}
        self._faults: list[str] = []

    def answer(self, files: Iterable[FileEntry]) -> Followed:
        found = sorted(files, key=lambda entry: entry.path.encode())
        return Followed(tuple(found), tuple(self._faults))

    def link(self, entry: FileEntry) -> Iterator[FileEntry]:
        if self._stays(entry):
            yield entry
        else:
            yield from self.content(entry.source, entry.path, ())

    def content(self, path: Path, name: str, above: tuple[str, ...]) -> Iterator[FileEntry]:
        """Yield the file or the files that a path leads to; ``above`` are real folders that links led into."""
        real = os.path.realpath(path)
        try:
            facts = path.stat()
            if stat.S_ISDIR(facts.st_mode) and not self._is_circle(path, real, above):
                yield from self._below(Path(real), name, (*above, real))
            elif stat.S_ISREG(facts.st_mode):
                yield FileEntry(name, Path(real), bool(facts.st_mode & stat.S_IXUSR), facts.st_size)
            else:
                is_folder = stat.S_ISDIR(facts.st_mode)
                what = "a folder that it lies in: that has no end" if is_folder else "a device, a pipe or a socket"
                self._faults.append(f"{path} is a link to {real}, {what}")
        except OSError as error:
            self._faults.append(f"{path} is a link to {_text(path)}, {_why(error)}")
        except UserError as error:
            self._faults.append(f"{path} is a link to {real}, where {error}")

    def _below(self, folder: Path, name: str, above: tuple[str, ...]) -> Iterator[FileEntry]:
        for entry in walk(folder, ()):
            path = f"{name}/{entry.path}"
            if self._left_out(path):
                continue
            if entry.link:
                yield from self.content(entry.source, path, above)
            else:
                yield replace(entry, path=path)

    def _is_circle(self, path: Path, real: str, above: tuple[str, ...]) -> bool:
        here = os.path.realpath(path.parent)
        return len(above) > _MOST or any(f"{one}/".startswith(f"{real}/") for one in (here, *above))

    def _stays(self, entry: FileEntry) -> bool:
        """Tell whether a link leads in the image to what it leads to here."""
        if entry.link.startswith("/") or not entry.source.exists():
            return False
        here = os.path.realpath(entry.source.parent)
        for part in entry.link.split("/"):  # each folder on the way has to be there, too; empty ones are not
            here = os.path.realpath(f"{here}/{part}")
            inside = os.path.relpath(here, self._root).replace(os.sep, "/")
            if inside not in self._paths and inside not in self._folders:
                return False
        return True


def _text(path: Path) -> str:
    return os.readlink(path) if path.is_symlink() else str(path)  # noqa: PTH115  # Path would rewrite the text


def _why(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "which goes in circles"
    return "which does not exist" if error.errno == errno.ENOENT else f"which cannot be read: {error.strerror}"
