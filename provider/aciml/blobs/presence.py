"""Who uses the cache now: a file per process, locked while it lives, so that nobody's things are taken away.

The kernel lets a lock go when its process ends, however it ends. What a process wants from the cache it touches; so
all that it needs was used since it began, and clean-up leaves that alone. More: ``decisions/clean-up.md``.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, ClassVar

NEW = ".new-"
"""Start of the names of files that are still being written; the writer's token and a dot follow."""
_TOKEN = re.compile(r"\d+-[0-9a-f]{12}\.")
"""Start of a staging folder's name: a process and its random number."""

_DOOR = ".lock"
_HOMES = "processes"


class Presence:
    """This process in one cache. Every holder of a store, a catalog or a staging folder holds one; get it by ``of``.

    ``token`` names it in the names of its temporary files and folders; ``began`` is when it came, in seconds.
    """

    _known: ClassVar[weakref.WeakValueDictionary[tuple[int, str], Presence]] = weakref.WeakValueDictionary()
    _guard = threading.Lock()

    def __init__(self, cache: Path) -> None:
        """Come in; the folders are made if they are not there."""
        # the number alone may be somebody else's by the time it is read
        self._cache, self.token = cache, f"{os.getpid()}-{os.urandom(6).hex()}"
        home = cache / _HOMES
        home.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Lock()
        self._file = home / self.token
        handle = _locked(self._file)
        # by the file system's clock, like all times that it is compared with
        self.began = os.fstat(handle).st_mtime
        self._door = os.open(cache / _DOOR, os.O_RDWR | os.O_CREAT, 0o666)
        # not by __del__: this also runs when the interpreter ends with the object still alive
        weakref.finalize(self, _leave, os.getpid(), self._file, handle, self._door)

    @classmethod
    def of(cls, cache: Path) -> Presence:
        """Return the presence of this process in a cache; it stays while somebody holds it."""
        # the number too: after a fork the child is another process, with a file of its own
        key = os.getpid(), os.path.abspath(cache)  # noqa: PTH100  # links need not be followed
        with cls._guard:
            found = cls._known.get(key)
            if found is None:
                found = cls._known[key] = cls(cache)
            return found

    def use(self, path: Path) -> os.stat_result | None:
        """Tell that this process needs a file or folder of the cache; return its facts, None if it is not there."""
        # flock belongs to the open file: the unlock of one thread would end the lock of the other
        with self._thread, _passing(self._door, fcntl.LOCK_SH):
            try:
                facts = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            with suppress(OSError):  # a cache that may only be read is not cleaned up, either
                os.utime(path)
            return facts

    @contextmanager
    def new_file(self, folder: Path, buffering: int = -1) -> Iterator[tuple[BinaryIO, Path]]:
        """Give a file to write, and its name; removed at the end unless it was renamed, best after a flush."""
        import tempfile  # here, and below: a process that only reads the cache needs none of what these load

        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f"{NEW}{self.token}.")
        try:
            with os.fdopen(handle, "wb", buffering=buffering) as file:
                yield file, Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def new_folder(self, folder: Path) -> Path:
        """Make an empty folder of this process; what it does not remove is swept when it is gone."""
        import tempfile

        folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=folder, prefix=f"{self.token}."))


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Keep all others from telling what they need, for a moment: between a look at an entry and its removal."""
    handle = os.open(cache / _DOOR, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with _passing(handle, fcntl.LOCK_EX):
            yield
    finally:
        os.close(handle)


def living(cache: Path) -> dict[str, float]:
    """Return the token of each process that uses the cache, and when it came (seconds); forget those that are gone."""
    found = {}
    for path in _files(cache / _HOMES):
        with suppress(FileNotFoundError):
            if began := _began(path):
                found[path.name] = began
    return found


def sweep(cache: Path) -> None:
    """Remove what dead processes left: staging folders, files half written, packages half unpacked."""
    left = [path for path in _files(cache / "staging") if path.is_dir() and _TOKEN.match(path.name)]
    for place in ("blobs/sha256", "records", "wheels", "wheels/*"):
        left += cache.glob(f"{place}/{NEW}*")
    unpacked = [path for path in cache.glob("pkgs/.*") if path.is_dir() and not is_of_conda(path.parent)]
    tokens = living(cache) if left or unpacked else {}
    for path in left:
        if path.name.removeprefix(NEW).partition(".")[0] not in tokens:
            _remove(path)
    for path in unpacked:  # by rattler, which does not say by whom: but it was after that process came
        with suppress(FileNotFoundError):
            # ctime, since a package's files keep the times of their maker
            if path.stat().st_ctime < min(tokens.values(), default=float("inf")):
                _remove(path)


def is_of_conda(folder: Path) -> bool:
    """Tell whether a folder of packages is conda's own: then nothing in it is ours to remove.

    Source: conda, ``core/package_cache_data.py``: ``urls.txt`` marks a package cache. Rattler writes none.
    """
    return (folder / "urls.txt").exists()


def _remove(path: Path) -> None:
    if path.is_dir():
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _locked(path: Path) -> int:
    """Return the handle of a file that is there and locked by it; ``living`` may remove one in between."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # a lock on a file that has no name any more is seen by nobody
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


def _began(path: Path) -> float:
    """Return when the process came; 0 if it is gone, and then its file is, too."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        path.unlink()  # while it is locked: one who is about to lock it sees that it is gone
    except BlockingIOError:
        return os.fstat(handle).st_mtime
    else:
        return 0.0
    finally:
        os.close(handle)


@contextmanager
def _passing(handle: int, how: int) -> Iterator[None]:
    fcntl.flock(handle, how)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


def _leave(pid: int, path: Path, *handles: int) -> None:
    """Go out; a child made by fork leaves its parent's file alone."""
    if os.getpid() == pid:
        path.unlink(missing_ok=True)
    for handle in handles:
        os.close(handle)
