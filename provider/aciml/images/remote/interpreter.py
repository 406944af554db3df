"""The Python of an image that is in a registry: its layers are read once each, and names are all that is kept."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ...core.errors import OutageError
from ...core.image import Image
from ...core.interpreter import (
    LDD,
    Listing,
    Search,
    find_python,
    libc_of,
    merged,
    wants_library,
    wants_link,
    wants_program,
    wants_text,
)
from ...core.progress import Progress
from ...core.reference import Reference
from ..tools import Tools
from .glibc import GLIBC_VERSION, LIBC, UNREADABLE, plain_stream

if TYPE_CHECKING:
    from ...registry.client import RegistryClient

_NAMES = "names-1"
"""Namespace in the catalog: what matters of a layer, by digest; another number when other names matter."""

_LARGEST_TEXT = 16384  # bytes: pyvenv.cfg and ldd have fewer
_READERS = 3  # layers at once


def python_of(
    tools: Tools, client: RegistryClient, image: Image, reference: Reference, asked: str, progress: Progress
) -> Search:
    """Look for the Python of an image; see ``core.interpreter.find_python``.

    Args:
        tools: whose catalog remembers layers that were read.
        client: of the registry that has the layers.
        image: the image.
        reference: where it is.
        asked: what the user says of the interpreter; empty for nothing.
        progress: told that layers are read, asked whether to stop.

    Raises:
        OutageError: the registry does not answer.
    """

    def listing(digest: str) -> Listing:
        known = tools.catalog.get_fact(_NAMES, digest)
        if known is None:
            progress.checkpoint()
            with client.blob(reference.repository, digest) as chunks:
                known = listing_of(iter(chunks), f"{reference}", progress).to_json()
            tools.catalog.put_fact(_NAMES, digest, known)
        return Listing.of_json(known)

    unread = [layer for layer in image.layers if tools.catalog.get_fact(_NAMES, layer.digest) is None]
    if unread:
        size = sum(layer.size for layer in unread) / 1e6
        progress.say(f"looking for Python in {reference.repository} ({len(unread)} layers of {size:.0f} MB, once)")
    with ThreadPoolExecutor(_READERS, thread_name_prefix="names") as readers:
        listings = list(readers.map(listing, [layer.digest for layer in image.layers]))
    return find_python(merged(listings), image.env(), asked)


def listing_of(chunks: Iterator[bytes], image: str, progress: Progress) -> Listing:
    """Return what matters of a layer (tar, gzip or zstd).

    Raises:
        OutageError: it is no layer that can be read.
    """
    reading = _Reading()
    try:
        with tarfile.open(fileobj=plain_stream(chunks), mode="r|*") as tar:
            for number, member in enumerate(tar):
                # those that were passed: tarfile keeps all of them, and a layer may have a million
                tar.members = []  # type: ignore[attr-defined]  # not in the stubs
                if not number % 4096:
                    progress.checkpoint()
                reading.take(tar, member)
    except UNREADABLE as error:
        raise OutageError(f"a layer of {image} cannot be read: {error}", "run the same command again") from error
    return reading.listing()


class _Reading:
    """What was met of a layer so far."""

    def __init__(self) -> None:
        self._programs, self._libraries, self._gone = list[str](), list[str](), list[str]()
        self._links, self._texts, self._libc = dict[str, str](), dict[str, str](), ""

    def listing(self) -> Listing:
        texts = {path: text for path, text in self._texts.items() if path != LDD}  # its only use is told in libc
        lists = (tuple(self._programs), self._links, tuple(self._libraries), texts, tuple(self._gone))
        return Listing(*lists, self._libc)

    def take(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = member.name.removeprefix("./").strip("/")
        if path.rpartition("/")[2].startswith(".wh."):
            self._gone.append(path)
        elif member.issym() or member.islnk():
            if wants_link(path):
                # a hard link names its file from the root (POSIX, ustar: linkname)
                self._links[path] = member.linkname if member.issym() else f"/{member.linkname.removeprefix('./')}"
        elif member.isfile():
            self._take_file(tar, member, path)
        self._libc = self._libc or libc_of(path, self._texts.get(path, ""), member.linkname)

    def _take_file(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        if wants_text(path) and member.size <= _LARGEST_TEXT:
            self._texts[path] = _bytes_of(tar, member).decode("utf-8", "replace")
        if wants_library(path):
            self._libraries.append(path)
        elif member.mode & 0o111 and wants_program(path):
            self._programs.append(path)
        elif not self._libc and LIBC.fullmatch(path) and (said := GLIBC_VERSION.search(_bytes_of(tar, member))):
            self._libc = said[1].decode()


def _bytes_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = tar.extractfile(member)
    return content.read() if content else b""
