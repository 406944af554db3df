"""A cache that cannot be used, and a disk that is full: what is done without one, and what is said of the other."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import OutageError
from .catalog import Catalog

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_WORDS = ("no space left on device", "disk is full", "disk quota exceeded")
ADVICE = "free some space (aciml cache prune), or set ACIML_CACHE to a folder on another disk"


def usable_cache(folder: Path) -> tuple[Path, str]:
    """Return the cache folder and nothing; or, if it cannot be opened or written, another for now and a warning.

    A disk that is full is not a reason: the other folder would most likely be on it, and who is told can mend it.
    """
    try:
        _try(folder)
    except (OSError, sqlite3.Error) as error:
        # somebody else who writes is a sign that it works
        if is_full(error) or "locked" in str(error):
            return folder, ""
        other = _other()
        why = error.strerror if isinstance(error, OSError) else str(error)
        told = f"the cache {folder} cannot be used ({why}): working without it, in {other}"
        return other, f"{told}; mend its rights, or set ACIML_CACHE to a folder that can be written"
    return folder, ""


def _try(folder: Path) -> None:
    """Do what is done in a cache: make files in its folders, and write to its catalog."""
    # tried and not asked: a right that is there says nothing of a file system that may only be read
    for place in (folder, folder / "blobs" / "sha256"):
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    with Catalog(folder / "catalog.sqlite") as catalog:
        catalog.put_fact("cache", "usable", "yes")


def _other() -> Path:
    """Return a folder of this user alone, the same each time, so that it fills no disk with one copy for each run."""
    folder = Path(tempfile.gettempdir()) / f"aciml-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # others may write to the place where it is: one of that name may be somebody else's, or a link to anywhere
        facts = folder.lstat()
        if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077:
            _try(folder)
            return folder
    except (OSError, sqlite3.Error):
        pass
    return Path(tempfile.mkdtemp(prefix="aciml-"))


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that a disk, or a user's share of it, is full; libraries have words for it alone."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(word in str(error).lower() for word in _WORDS)


@contextmanager
def told_if_full(path: Path, needed: int, advice: str = "") -> Iterator[None]:
    """Tell a disk that gets full as ``full_disk`` does, whoever notices it and with whatever words."""
    try:
        yield
    except Exception as error:
        if is_full(error) or (error.__cause__ and is_full(error.__cause__)):
            raise full_disk(path, needed, advice) from error
        raise


def full_disk(path: Path, needed: int = 0, advice: str = "") -> OutageError:
    """Say that the disk of a path is full, what is needed (bytes; 0 if nobody knows) and what is free.

    ``advice`` is what to do about a place that is not in the cache.
    """
    there = next((place for place in (path, *path.parents) if place.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    need = f"at least {_megabytes(needed)} needed, " if needed else ""
    return OutageError(f"the disk of {path} is full: {need}{_megabytes(free)} free", advice or ADVICE)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count >= 10_000_000 else f"{count / 1e6:.1f} MB"
