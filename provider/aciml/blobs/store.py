"""Blobs on disk, named by their content, and the way a layer gets there."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..core.errors import AcimlError, OutageError
from ..core.image import Layer
from ..core.layer import Entry, tar_blocks
from ..core.progress import Progress, Silent
from .compress import GZIP, Compression, compress_blocks
from .presence import Presence, sweep
from .room import full_disk, is_full

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_READ_AHEAD = 1 << 16  # bytes; larger reads go by the buffer
_SPEAK_EVERY = 64  # blocks, so 64 MiB of tar


class DamagedBlobError(OutageError):
    """The bytes of a blob are not what its ``digest`` says: a disk or a hand has changed them."""

    def __init__(self, digest: str, path: Path) -> None:
        """Name the blob and its file."""
        advice = "remove the file and run the same command again; if it comes back, check the disk"
        super().__init__(f"{path} is damaged: its sha256 is not its name", advice)
        self.digest = digest


class _Verified(io.RawIOBase):
    """A blob's file that is hashed while it is read; bytes that are read again do not count again."""

    def __init__(self, path: Path, digest: str) -> None:
        self._path, self._digest = path, digest
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._hash, self._hashed = hashlib.sha256(), 0
        if not self._size:
            self._judge()

    def readinto(self, buffer: Buffer, /) -> int:
        """Read into the buffer.

        Raises:
            DamagedBlobError: this was the last byte, and all of them together are not what the digest says; nobody
                gets the last ones then.
        """
        start = self._file.tell()
        count = self._file.readinto(buffer)
        if start <= self._hashed < start + count:
            self._hash.update(memoryview(buffer).cast("B")[self._hashed - start : count])
            self._hashed = start + count
            if self._hashed == self._size:
                self._judge()
        return count

    def _judge(self) -> None:
        if f"sha256:{self._hash.hexdigest()}" != self._digest:
            self._file.close()
            raise DamagedBlobError(self._digest, self._path)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte; one that is passed over is never hashed, so that such a blob is not judged."""
        return self._file.seek(offset, whence)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class BlobStore:
    """A folder of blobs: ``<folder>/sha256/<hex>``.

    A blob appears whole or not at all (written beside, then renamed), so several processes may share the folder and
    a killed one leaves only a temporary file.
    """

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, such as ``settings.cache / "blobs"``; it is made when the first blob is written."""
        self._cache, self._folder = folder.parent, folder / "sha256"

    @cached_property
    def _presence(self) -> Presence:
        return Presence.of(self._cache)

    def path(self, digest: str) -> Path:
        """Return where the blob is, or would be."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(digest)
        return self._folder / digest.removeprefix("sha256:")

    def has(self, digest: str, size: int | None = None) -> bool:
        """Tell whether the blob is here, and has ``size`` bytes if that is given; it then stays while we run."""
        path = self.path(digest)
        found = self._presence.use(path) if self._folder.is_dir() else None
        return found is not None and size in (None, found.st_size)

    def open(self, digest: str) -> BinaryIO:
        """Open the blob for reading; it is hashed on the way.

        Raises:
            AcimlError: it is not here. Whoever reads its last bytes gets a ``DamagedBlobError`` instead if it is not
                what its digest says.
        """
        try:
            return io.BufferedReader(_Verified(self.path(digest), digest), _READ_AHEAD)
        except FileNotFoundError as error:
            raise AcimlError(f"blob {digest} is not in {self._folder}", "run the same command again") from error

    def size(self, digest: str) -> int:
        """Return the blob's size in bytes."""
        return self.path(digest).stat().st_size

    def put(self, data: bytes) -> str:
        """Keep these bytes and return their digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        # with the size: one that a power cut left short is written again
        if not self.has(digest, len(data)):
            with self._presence.new_file(self._folder, 0) as (file, name):
                self._write(file, data, len(data))
                self._keep(file, name, digest)
        return digest

    def put_chunks(self, chunks: Iterable[bytes | bytearray]) -> tuple[str, int]:
        """Keep a stream and return its digest and size in bytes."""
        digest, size = hashlib.sha256(), 0
        # unbuffered: chunks are a MiB, and a buffer would only copy them once more
        with self._presence.new_file(self._folder, 0) as (file, name):
            for chunk in chunks:
                digest.update(chunk)
                size += self._write(file, chunk, size + len(chunk))
            answer = "sha256:" + digest.hexdigest()
            self._keep(file, name, answer)
        return answer, size

    def sweep(self) -> None:
        """Remove what killed processes left half written."""
        sweep(self._cache)

    def remove(self, digest: str) -> None:
        """Forget the blob; one that is not here is fine."""
        self.path(digest).unlink(missing_ok=True)

    def _write(self, file: BinaryIO, data: bytes | bytearray, needed: int = 0) -> int:
        left = memoryview(data)
        try:
            while left:
                # an unbuffered file may write less than it was given (io.RawIOBase)
                left = left[file.write(left) :]
        except OSError as error:
            if is_full(error):
                raise full_disk(self._folder, needed) from error
            advice = "mend its rights, or set ACIML_CACHE to a folder on another disk"
            raise OutageError(f"{self._folder} cannot be written: {error.strerror}", advice) from error
        return len(data)

    def _keep(self, file: BinaryIO, name: Path, digest: str) -> None:
        """Give the blob its name. No fsync: one that a power cut left short fails ``has`` with its size."""
        file.flush()
        # mkstemp gives a file to its owner alone, and other users may share the cache
        name.chmod(0o644)
        # a rename is whole or not at all (POSIX); two writers of one blob write the same bytes
        name.replace(self.path(digest))


def is_whole(store: BlobStore, digest: str) -> bool:
    """Tell whether a blob that is here is what its digest says."""
    return f"sha256:{file_digest(store.path(digest))}" == digest


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    diff_id, unpacked = hashlib.sha256(), 0

    def members() -> Iterator[bytes | bytearray]:
        nonlocal unpacked
        for number, (block, member) in enumerate(compress_blocks(tar_blocks(entries), by)):
            listener.checkpoint()
            if what and number % _SPEAK_EVERY == 0:
                # also at the beginning: most layers are smaller than what is said next
                listener.say(f"packing {what}{f': {number} MiB' if number else ''}")
            diff_id.update(block)
            unpacked += len(block)
            yield member

    digest, size = store.put_chunks(members())
    return Layer("sha256:" + diff_id.hexdigest(), digest, size, by.media_type, unpacked)


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
