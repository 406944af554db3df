"""The cache folder: what is built once and kept. Nothing half made is ever under its final name."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from .say import say

PROJECT = Path(__file__).resolve().parent.parent
PARTIAL = ".partial-"


def cache_folder() -> Path:
    """Return ``ACIML_CACHE`` or the platform's folder, the same as ``platformdirs.user_cache_path("aciml")``."""
    # by hand, since there is no platformdirs before there is a venv; a test holds the two together
    if named := os.environ.get("ACIML_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/aciml"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "aciml"


@contextlib.contextmanager
def only_one_run() -> Iterator[None]:
    """Hold the lock of the cache folder; a second run says that it waits. The lock ends with its process."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "bootstrap.lock").open("w", encoding="utf-8") as lock:
        try:
            # flock and no file with a number: the kernel lets go however the process ends
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is at work in the cache folder: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def staged(final: Path) -> Iterator[Path]:
    """Give a new folder beside ``final``, renamed to it when the block ends well.

    What a killed run left is removed first; the lock makes sure that nobody is at work in it.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    for left in final.parent.glob(f"{PARTIAL}*"):
        shutil.rmtree(left)
    # beside its final place: only within one disk a rename is whole or not at all
    work = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=final.parent))
    # mkdtemp makes 0700, and this becomes a folder like any other
    work.chmod(0o755)
    try:
        yield work
        if final.exists():
            shutil.rmtree(final)
        work.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_whole(path: Path, text: str, mode: int | None = None) -> None:
    """Write a file so that readers see the old text or the new one; ``mode`` are its permissions if given."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    if mode is not None:
        part.chmod(mode)
    part.replace(path)


def key_of(files: Iterable[Path]) -> str:
    """Return twelve hexadecimal digits that change with the names or the content of the files."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
