"""What the cache holds, and what goes when it is too big: the least recently used, never what a process needs."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..core.progress import Progress, Silent
from .presence import NEW, Presence, alone, is_of_conda, living, sweep

# kind -> folder of its entries. In the second group are files of libraries, which do not tell us what they need.
OURS = {"blobs": "blobs/sha256", "packages": "pkgs", "wheels": "wheels"}
SMALL = {"records": "records"}
THEIRS = {"channel data": "repodata"}
KINDS = {**OURS, **SMALL, **THEIRS}

# ACIML_CACHE may be a folder that has other things, too: what we write is named by its hash
_NAMES = {
    "blobs": re.compile(r"[0-9a-f]{64}"),
    "wheels": re.compile(r"[0-9a-f]{64}"),
    "records": re.compile(r"[0-9a-f]{64}\.json"),
}


@dataclass(frozen=True)
class Entry:
    """A file or folder that can go alone: ``size`` in bytes, ``used`` in seconds since 1970."""

    kind: str
    path: Path
    size: int
    used: float


@dataclass(frozen=True)
class Wish:
    """What is to go: the oldest until ``size`` bytes are left; what was not used for ``age`` seconds; or all.

    Records of packages and channel data are small and spare the network much; a wish for a size leaves them.
    """

    size: int | None = None
    age: float | None = None
    everything: bool = False


@dataclass(frozen=True)
class Freed:
    """What a clean-up did: entries removed and their bytes, bytes left, and bytes that running processes may need."""

    entries: int = 0
    size: int = 0
    left: int = 0
    busy: int = 0


def read_entries(cache: Path) -> list[Entry]:
    """Return what the cache holds, least recently used first."""
    found = []
    for kind, folder in KINDS.items():
        for path in _children(cache / folder, kind):
            with suppress(FileNotFoundError):
                found.append(Entry(kind, path, _size(path), path.lstat().st_mtime))
    return sorted(found, key=lambda entry: (entry.used, str(entry.path)))


def choose(entries: Iterable[Entry], wish: Wish, others: Iterable[float], now: float) -> list[Entry]:
    """Return what is to go, pure.

    Args:
        entries: least recently used first.
        wish: how much.
        others: when each of the processes began that use the cache, seconds.
        now: the time, seconds.
    """
    entries, others = list(entries), list(others)
    # what was used before the oldest process began is needed by none (decisions/clean-up.md)
    oldest = min(others, default=float("inf"))
    free = [entry for entry in entries if (entry.used < oldest if entry.kind not in THEIRS else not others)]
    if wish.everything:
        return free
    gone = [entry for entry in free if wish.age is not None and now - entry.used > wish.age]
    over = _bytes(entries) - _bytes(gone)
    if wish.size is not None:
        for entry in free:
            if over <= wish.size:
                break
            # the small ones spare more network than they take room, and go by age alone
            if entry.kind in OURS and entry not in gone:
                gone.append(entry)
                over -= entry.size
    return gone


def prune(cache: Path, wish: Wish, *, mine: str = "", progress: Progress | None = None) -> Freed:
    """Remove what the wish says, and what dead processes left; several may do so at once, and others may build.

    Args:
        cache: folder of the cache.
        wish: how much.
        mine: token of a presence that needs nothing: the caller's, if it does nothing but this.
        progress: asked whether to stop.
    """
    listener, presence = progress or Silent(), Presence.of(cache)
    sweep(cache)
    entries = read_entries(cache)
    gone: set[Path] = set()
    for entry in choose(entries, wish, _others(cache, mine).values(), time.time()):
        listener.checkpoint()
        if _remove(entry, cache, mine, presence):
            gone.add(entry.path)
    _drop_locks(cache, mine)
    left = [entry for entry in entries if entry.path not in gone]
    # all that could still go; the rest is in use by other processes
    free = choose(left, Wish(everything=True), _others(cache, mine).values(), 0)
    total = _bytes(left)
    return Freed(len(gone), _bytes(entries) - total, total, total - _bytes(free))


def prune_to_limit(cache: Path, limit: int | None, progress: Progress) -> None:
    """Remove what the cache has too much after a build; what cannot be removed is a warning.

    What this process has used since it began stays, as all its presence holds.

    Args:
        cache: folder of the cache.
        limit: bytes that it may have; None if nobody minds.
        progress: told what went, asked whether to stop.
    """
    if limit is None:
        return
    try:
        done = prune(cache, Wish(limit), progress=progress)
    except OSError as error:
        progress.warn(f"the cache {cache} cannot be pruned: {error.strerror}")
        return
    if done.entries:
        progress.note(f"{done.size / 1e6:.0f} MB removed from the cache, which may have {limit / 1e9:.1f} GB")


def _remove(entry: Entry, cache: Path, mine: str, presence: Presence) -> bool:
    """Remove the entry, unless a process came to need it since it was looked at."""
    with alone(cache):
        others = _others(cache, mine)
        try:
            used = entry.path.lstat().st_mtime
        except FileNotFoundError:
            return False
        # looked at again, under the lock: a build may have come to need it since the list was made
        if used > entry.used or not choose([entry], Wish(everything=True), others.values(), 0):
            return False
        trash = presence.new_folder(cache / "staging")
        # a rename is at once, however large the folder; the removal is done without holding anybody up
        entry.path.rename(trash / "gone")
    shutil.rmtree(trash, ignore_errors=True)
    return True


def remove_damaged(cache: Path, path: Path) -> None:
    """Remove an entry of which the bytes are wrong: nobody can need it."""
    presence = Presence.of(cache)
    trash = presence.new_folder(cache / "staging")
    with alone(cache), suppress(FileNotFoundError):
        path.rename(trash / "gone")
    shutil.rmtree(trash, ignore_errors=True)


def _bytes(entries: Iterable[Entry]) -> int:
    return sum(entry.size for entry in entries)


def _others(cache: Path, mine: str) -> dict[str, float]:
    return {token: began for token, began in living(cache).items() if token != mine}


def _children(folder: Path, kind: str) -> Iterator[Path]:
    """Return entries, without files in the making, locks, and what somebody else has put there."""
    if is_of_conda(folder):
        return
    try:
        names = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in names:
        # a dot begins what is being made, here and by rattler; ".lock" ends rattler's locks of packages
        named = _NAMES[kind].fullmatch(path.name) if kind in _NAMES else True
        if named and not path.name.startswith((NEW, ".")) and path.suffix != ".lock":
            yield path


def _drop_locks(cache: Path, mine: str) -> None:
    """Remove rattler's lock files of packages that are not here any more."""
    # only when nobody else is at work: a lock whose file is gone keeps nobody out
    folder = cache / OURS["packages"]
    with alone(cache):
        for path in folder.glob("*.lock") if not (_others(cache, mine) or is_of_conda(folder)) else ():
            if not path.name.startswith(".") and not path.with_suffix("").exists():
                path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    total, folders = 0, [path]
    if not path.is_dir():
        return path.lstat().st_size
    while folders:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folders.pop()) as found:
            for one in found:
                # links are not followed: packages have some, and what they lead to is counted where it is
                if one.is_dir(follow_symlinks=False):
                    folders.append(Path(one.path))
                else:
                    total += one.stat(follow_symlinks=False).st_size
    return total
