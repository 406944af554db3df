"""Which glibc a base image has, read from its layers: the solver must know, or it picks packages that cannot start."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, cast

import zstandard

from ...core.errors import UserError

LIBC = re.compile(r"(?:\./)?(?:usr/)?lib(?:64|32)?/(?:x86_64-linux-gnu/)?libc(?:\.so\.6|-(\d+\.\d+)\.so)")
_LDD = re.compile(r"(?:\./)?usr/bin/ldd")
_LDD_VERSION = re.compile(rb"ldd \([^)\n]*\) (\d+\.\d+)")
GLIBC_VERSION = re.compile(rb"GNU C Library[^\0]{0,80}? version (\d+\.\d+)")
_MUSL = re.compile(r"(?:\./)?(?:usr/)?lib/ld-musl-[^/]+")
_ZSTD = b"\x28\xb5\x2f\xfd"  # how a frame begins (RFC 8878, 3.1.1)
_GZIP = b"\x1f\x8b"  # how a member begins (RFC 1952, 2.3.1)
UNREADABLE = (tarfile.ReadError, zstandard.ZstdError, gzip.BadGzipFile, zlib.error, EOFError)
"""What reading a layer from ``plain_stream`` raises if it is cut or no such file."""

_ADVICE = "set glibc in the environment's config, such as glibc: '2.36'"


class _Stream(io.RawIOBase):
    """A readable file over chunks, so that tarfile can stop early and the rest is never fetched."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the base takes any buffer
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def glibc_of_layer(chunks: Iterator[bytes], image: str) -> str:
    """Return the glibc version such as ``2.36`` that a layer (tar, gzip or zstd) brings; empty if it brings none.

    Only as much is read as is needed: of Debian's layer a seventh, up to ``ldd``, a script that names the version it
    belongs to, and lies long before the library.

    Raises:
        UserError: the layer has musl, or is compressed in a way that is not understood here.
    """
    try:
        # "|": a stream that never goes back, so what is not read is not fetched
        with tarfile.open(fileobj=plain_stream(chunks), mode="r|*") as tar:
            for member in tar:
                if version := _of_member(tar, member, image):
                    return version
    except UNREADABLE as error:
        raise UserError(f"{image}: a layer cannot be read ({error})", _ADVICE) from error
    return ""


def plain_stream(chunks: Iterator[bytes]) -> IO[bytes]:
    """Return a stream that tarfile reads; gzip and zstd are undone here.

    tarfile does not know zstd, and of gzip it reads the first member as a stream: ours, pigz's and eStargz's have many.
    """
    stream = io.BufferedReader(_Stream(chunks))
    head = stream.peek(4)[:4]
    if head.startswith(_GZIP):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
    if head != _ZSTD:
        return cast("IO[bytes]", stream)
    return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True))


def _of_member(tar: tarfile.TarFile, member: tarfile.TarInfo, image: str) -> str:
    if _MUSL.fullmatch(member.name):
        raise UserError(f"{image} is built on musl, which conda packages do not run on", "choose a base with glibc")
    if _LDD.fullmatch(member.name):
        return _said(tar, member, _LDD_VERSION)
    found = LIBC.fullmatch(member.name)
    if not found:
        return ""
    if found[1]:
        return found[1]
    # up to glibc 2.33 libc.so.6 is a link to libc-2.31.so; since then it is the file
    linked = re.search(r"libc-(\d+\.\d+)\.so", member.linkname)
    if linked:
        return linked[1]
    return _said(tar, member, GLIBC_VERSION)


def _said(tar: tarfile.TarFile, member: tarfile.TarInfo, pattern: re.Pattern[bytes]) -> str:
    content = tar.extractfile(member) if member.isfile() else None
    version = pattern.search(content.read()) if content else None
    return version[1].decode() if version else ""
