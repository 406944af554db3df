"""Blobs on disk, named by their content, and the way a layer gets there."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..core.errors import AcimlError, OutageError
from ..core.image import Layer
from ..core.layer import Entry, tar_blocks
from ..core.progress import Progress, Silent
from .compress import GZIP, Compression, compress_blocks

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NEW = ".new-"
_ABANDONED = 86400.0  # seconds after which nobody writes a temporary file any more
_SPEAK_EVERY = 64  # blocks, so 64 MiB of tar


class BlobStore:
    """A folder of blobs: ``<folder>/sha256/<hex>``.

    A blob appears whole or not at all (written beside, then renamed), so several processes may share the folder and
    a killed one leaves only a temporary file.
    """

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, such as ``settings.cache / "blobs"``; it is made when the first blob is written."""
        self._folder = folder / "sha256"

    def path(self, digest: str) -> Path:
        """Return where the blob is, or would be."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(digest)
        return self._folder / digest.removeprefix("sha256:")

    def has(self, digest: str, size: int | None = None) -> bool:
        """Tell whether the blob is here, and has ``size`` bytes if that is given."""
        try:
            found = self.size(digest)
        except FileNotFoundError:
            return False
        return size is None or found == size

    def open(self, digest: str) -> BinaryIO:
        """Open the blob for reading.

        Raises:
            AcimlError: it is not here.
        """
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError as error:
            raise AcimlError(f"blob {digest} is not in {self._folder}", "run the same command again") from error

    def size(self, digest: str) -> int:
        """Return the blob's size in bytes."""
        return self.path(digest).stat().st_size

    def put(self, data: bytes) -> str:
        """Keep these bytes and return their digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if not self.has(digest, len(data)):
            with self._new() as (file, name):
                self._write(file, data)
                self._keep(file, name, digest)
        return digest

    def put_chunks(self, chunks: Iterable[bytes | bytearray]) -> tuple[str, int]:
        """Keep a stream and return its digest and size in bytes."""
        digest, size = hashlib.sha256(), 0
        with self._new() as (file, name):
            for chunk in chunks:
                digest.update(chunk)
                size += self._write(file, chunk)
            answer = "sha256:" + digest.hexdigest()
            self._keep(file, name, answer)
        return answer, size

    def sweep(self) -> None:
        """Remove what killed processes left half written more than a day ago."""
        for left in self._folder.glob(f"{_NEW}*"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink()

    def remove(self, digest: str) -> None:
        """Forget the blob; one that is not here is fine."""
        self.path(digest).unlink(missing_ok=True)

    @contextmanager
    def _new(self) -> Iterator[tuple[BinaryIO, Path]]:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=_NEW)
        try:
            with os.fdopen(handle, "wb", buffering=0) as file:
                yield file, Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _write(self, file: BinaryIO, data: bytes | bytearray) -> int:
        left = memoryview(data)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            advice = "free some space, or set ACIML_CACHE to a folder on another disk"
            raise OutageError(f"{self._folder} cannot be written: {error.strerror}", advice) from error
        return len(data)

    def _keep(self, file: BinaryIO, name: Path, digest: str) -> None:
        """Give the blob its name. No fsync: one that a power cut left short fails ``has`` with its size."""
        file.flush()
        name.chmod(0o644)
        name.replace(self.path(digest))


def write_layer(
    entries: Iterable[Entry],
    store: BlobStore,
    progress: Progress | None = None,
    what: str = "",
    by: Compression = GZIP,
) -> Layer:
    """Pack the entries as a layer in the store; memory stays at a few MiB.

    Args:
        entries: in any order, see ``core.layer.tar_blocks``.
        store: where the blob is kept.
        progress: told how far the packing is; asked whether to stop.
        what: name of the layer in those lines, such as ``conda: numpy``.
        by: how the tar is compressed.

    Returns:
        Facts of the layer: equal for equal entries on every machine.

    Raises:
        LayerError: an entry cannot be packed.
    """
    listener = progress or Silent()
    diff_id = hashlib.sha256()

    def members() -> Iterator[bytes | bytearray]:
        for number, (block, member) in enumerate(compress_blocks(tar_blocks(entries), by)):
            listener.checkpoint()
            if what and number % _SPEAK_EVERY == 0:
                listener.say(f"packing {what}: {number} MiB")
            diff_id.update(block)
            yield member

    digest, size = store.put_chunks(members())
    return Layer("sha256:" + diff_id.hexdigest(), digest, size, by.media_type)


def entry_of_file(disk: Path, path: str, *, mtime: int | None = None) -> Entry:
    """Return the entry of a file, folder or symlink on disk as ``path`` in the image; it is opened when packed.

    Args:
        disk: what to pack; a symlink is kept as one.
        path: relative to the image's root.
        mtime: seconds; the file's own if not given.
    """
    facts = disk.lstat()
    seconds = int(facts.st_mtime) if mtime is None else mtime
    if disk.is_symlink():
        return Entry(path, "symlink", mtime=seconds, target=str(disk.readlink()))
    if disk.is_dir():
        return Entry(path, "dir")
    return Entry(path, "file", facts.st_mode, seconds, facts.st_size, lambda: disk.open("rb", buffering=0))
