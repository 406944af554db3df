"""One file inside a wheel, read as a stream that holds it to its zip and to RECORD."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import deflate

_WHOLE = 1 << 20
"""Most bytes of a file, packed or not, that is read at once, into libdeflate's buffer; a bigger one is a stream,
whatever it weighs. 16 MiB instead gained nothing in 79 wheels (21 s of CPU both ways)."""

_BLOCK = 1 << 18
_LOCAL = struct.Struct("<4s22xHH")  # of the local header: signature, lengths of name and extra field (APPNOTE 4.3.7)
_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 0x1  # APPNOTE 4.4.4, bit 0
_TRUSTED = ("sha256", "sha384", "sha512")  # "Recording installed projects": sha256 or better


class WheelError(Exception):
    """A wheel is broken; the text says in what, and ``wheel`` is its name if who raised it knew."""

    def __init__(self, why: str, wheel: str = "") -> None:
        """Say why."""
        super().__init__(why)
        self.wheel = wheel


@dataclass(frozen=True)
class Member:
    """A file of a zip. ``file`` is the zip itself, read by one thread; ``digest`` what RECORD says, or nothing.

    ``wheel`` is the name of the file that is the zip.

    zipfile would do for all of it, but costs three times the CPU for each small file, of which wheels have tens of
    thousands.
    """

    file: BinaryIO
    info: zipfile.ZipInfo
    archive: zipfile.ZipFile
    digest: str = ""
    wheel: str = ""

    def fault(self, why: str) -> WheelError:
        """Return an error that begins with the member's name."""
        return WheelError(f"{self.info.filename} {why}", self.wheel)

    def check_empty(self) -> None:
        """Judge a member without content, which nobody is going to read.

        Raises:
            WheelError: RECORD says something else.
        """
        Check(self).end()

    def open(self) -> BinaryIO:
        """Return a stream of the content.

        Raises:
            WheelError: when it is read: the content is not what zip or RECORD say.
        """
        size = self.info.file_size
        if size <= _WHOLE and self.info.compress_size <= _WHOLE and self._is_plain():
            return io.BytesIO(self._whole())
        return _Stream(self)  # type: ignore[return-value]  # all of io reads, BinaryIO is only a protocol of it

    def read(self) -> bytes:
        """Return the content."""
        with self.open() as stream:
            return stream.read()

    def beginning(self, count: int = 16) -> bytes:
        """Return the first bytes; they are not held to anything."""
        if not self._is_plain():
            with self.archive.open(self.info) as stream:
                return stream.read(count)
        self._seek()
        # a block is enough for a few bytes at the beginning, however badly it packs
        raw = self.file.read(min(self.info.compress_size, _BLOCK))
        return raw[:count] if self.info.compress_type == zipfile.ZIP_STORED else _inflater().decompress(raw, count)

    def _is_plain(self) -> bool:
        if self.info.flag_bits & _ENCRYPTED:
            raise self.fault("is encrypted")
        return self.info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

    def _seek(self) -> None:
        """Go to where the data begin."""
        self.file.seek(self.info.header_offset)
        head = self.file.read(_LOCAL.size)
        if len(head) < _LOCAL.size or not head.startswith(_SIGNATURE):
            raise self.fault("is not where the zip says")
        _, name, extra = _LOCAL.unpack(head)
        # lengths of the local header: its extra field may be longer than that of the central directory (APPNOTE 4.3.7)
        self.file.seek(name + extra, io.SEEK_CUR)

    def _whole(self) -> bytes | bytearray:
        self._seek()
        data: bytes | bytearray = self.file.read(self.info.compress_size)
        if len(data) < self.info.compress_size:
            raise self.fault("ends too early")
        if self.info.compress_type == zipfile.ZIP_DEFLATED:
            try:
                # one byte more than it should have: a longer one is seen, not cut
                data = deflate.deflate_decompress(data, self.info.file_size + 1)
            except deflate.DeflateError as error:
                raise self.fault("is damaged") from error
        check = Check(self)
        check.add(data)
        check.end()
        return data


def _inflater() -> zlib._Decompress:
    return zlib.decompressobj(-zlib.MAX_WBITS)


class Check:
    """Counts what is read of a member, and judges it at the end."""

    def __init__(self, member: Member) -> None:
        """Begin."""
        self._member, self._wanted = member, member.digest
        self._crc, self._size = 0, 0
        name, _, _ = self._wanted.partition("=")
        if self._wanted and name not in _TRUSTED:
            raise member.fault(f"has a hash in RECORD of a kind that is not trusted: {name}")
        self._digest = hashlib.new(name) if self._wanted else None

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """Count what was read."""
        self._size += len(data)
        self._crc = deflate.crc32(data, self._crc)
        if self._digest:
            self._digest.update(data)

    def end(self) -> None:
        """Judge.

        Raises:
            WheelError: it is not what zip or RECORD say.
        """
        if self._size != self._member.info.file_size:
            raise self._member.fault("has not the size that the zip says")
        if self._crc != self._member.info.CRC:
            raise self._member.fault("is damaged: its CRC is another")
        if self._digest:
            # RECORD has them without padding ("Recording installed projects"); some writers leave it
            found = base64.urlsafe_b64encode(self._digest.digest()).rstrip(b"=").decode()
            if found != self._wanted.partition("=")[2].rstrip("="):
                raise self._member.fault(f"has not the {self._digest.name} that RECORD says")


class _Stream(io.RawIOBase):
    """A member that is read block by block."""

    def __init__(self, member: Member) -> None:
        super().__init__()
        self._member, self._check = member, Check(member)
        self._left = member.info.file_size
        self._packed = member.info.compress_size
        self._inflater = _inflater() if member.info.compress_type == zipfile.ZIP_DEFLATED else None
        self._other = None if member._is_plain() else member.archive.open(member.info)  # noqa: SLF001
        if self._other is None:
            member._seek()  # noqa: SLF001

    def readable(self) -> bool:
        return True

    def readinto(self, room: memoryview) -> int:  # type: ignore[override]  # tar_blocks gives one
        view = memoryview(room)
        data = self._next(min(len(view), max(self._left, 1)))
        if len(data) > self._left:
            raise self._member.fault("has not the size that the zip says")
        view[: len(data)] = data
        self._check.add(data)
        self._left -= len(data)
        if not self._left and len(data):
            # a byte more than the zip says is a fault, and a stream that stops at its size would not see it
            if self._next(1):
                raise self._member.fault("has not the size that the zip says")
            self._check.end()
        return len(data)

    def _next(self, most: int) -> bytes:
        try:
            if self._other:
                return self._other.read(most)
            if self._inflater is None:
                return self._raw(most)
            return self._inflate(most)
        except (zlib.error, zipfile.BadZipFile, EOFError) as error:
            raise self._member.fault("is damaged") from error

    def _inflate(self, most: int) -> bytes:
        assert self._inflater  # noqa: S101
        while not self._inflater.eof:
            # what was read and not inflated yet comes first: a block may hold a thousand times its size
            raw = self._inflater.unconsumed_tail or self._raw(_BLOCK)
            data = self._inflater.decompress(raw, most)
            if data or not raw:
                return data
        return b""

    def _raw(self, most: int) -> bytes:
        data = self._member.file.read(min(most, self._packed))
        self._packed -= len(data)
        return data

    def close(self) -> None:
        if self._other:
            self._other.close()
        super().close()
