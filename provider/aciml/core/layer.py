"""How the tar of a layer is written: the same entries give the same bytes on every machine.

Rules, after the OCI image-spec 1.1 (``layer.md``) and POSIX 1003.1-2001 (ustar and pax):

- entries are sorted bytewise, and each parent folder is in every layer that has something below it;
- everything belongs to uid 0 and gid 0, without names, but for what the user of a service may write; folders have one
  mode and one time in all layers, because the attributes of an upper folder replace those of a lower one;
- a file is 0755 if its owner may run it, else 0644; a symlink is 0777: no umask gets in;
- a file keeps the time it is given in whole seconds, which is its package's (a time of 0 makes shipped .pyc stale);
- a hard link is written as one more regular file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from .errors import AcimlError

# not v1's azureml_<hash>: the prefix is written into files, so a hash in it would keep environments
# from sharing layers. And short: in a binary it has to fit where the package's placeholder stood
PREFIX = "/azureml-envs/aciml"
"""Where the conda environment lives in every image; a part of each conda layer's key."""

# one for all: folders that take the time of what is in them keep layers from being shared (apko, docs/layering.md)
FOLDER_TIME = 946684800
"""Time of all folders in all layers: 2000-01-01T00:00:00Z, in seconds."""

WRITER = "1"
"""Version of these rules, a part of every layer key: raise it when the bytes change."""

BLOCK = 1 << 20
"""Bytes handed to the compressor at once; a part of the compressor's key."""

Kind = Literal["file", "dir", "symlink"]
# POSIX pax, "ustar Interchange Format": headers and contents are padded to records of this size
_RECORD = 512
# eleven octal digits: the most that ustar's fields of size (8 GiB) and time (the year 2242) can say
_OCTAL_11 = 8**11 - 1


ROOT = (0, 0)
"""Whose nearly everything is: uid and gid."""

HIGHEST_ID = 8**7 - 1
"""The largest uid that seven octal digits can say."""


class LayerError(AcimlError):
    """An entry cannot be part of a layer, or changed while it was read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a layer.

    ``path`` is relative to the image's root (``azureml-envs/aciml/bin/python``); ``mode`` counts only by its owner's
    execute bit; ``mtime`` in seconds; ``size`` in bytes; ``open`` gives a stream of exactly ``size`` bytes;
    ``target`` is the text of a symlink; ``owner`` uid and gid.
    """

    path: str
    kind: Kind = "file"
    mode: int = 0o644
    mtime: int = FOLDER_TIME
    size: int = 0
    open: Callable[[], BinaryIO] | None = None
    target: str = ""
    owner: tuple[int, int] = ROOT

    @classmethod
    def of_bytes(cls, path: str, data: bytes, *, mode: int = 0o644, mtime: int = FOLDER_TIME) -> Entry:
        """Return a file with these bytes."""
        return cls(path, "file", mode, mtime, len(data), lambda: io.BytesIO(data))


def tar_blocks(entries: Iterable[Entry], block: int = BLOCK) -> Iterator[bytearray]:
    """Write the entries as a tar, in blocks of ``block`` bytes; the last one may be shorter.

    Args:
        entries: in any order, each path once; parents are added, root's, and a folder's own mode and time are not used.
        block: bytes per block, a multiple of 512.

    Yields:
        Blocks that the caller may keep: none is written to again.

    Raises:
        LayerError: a path is absolute, climbs, is given twice, is a whiteout or lies below a file; a stream is
            shorter than its entry says.
    """
    filling = _Filling(block)
    for entry in in_order(entries):
        yield from filling.add(header(entry))
        if entry.kind == "file" and entry.size:
            yield from filling.add_content(entry)
            yield from filling.add(bytes(-entry.size % _RECORD))
    # two empty records end a tar (POSIX); nobody asks for the padding to 10 KiB that tapes wanted
    yield from filling.add(bytes(2 * _RECORD))
    if filling.used:
        yield filling.buffer[: filling.used]


class _Filling:
    """The block that is being filled; files are read straight into it."""

    def __init__(self, block: int) -> None:
        self.block = block
        self.buffer, self.used = bytearray(block), 0

    def add(self, data: bytes) -> Iterator[bytearray]:
        at = 0
        while at < len(data):
            count = min(self.block - self.used, len(data) - at)
            self.buffer[self.used : self.used + count] = data[at : at + count]
            at += count
            yield from self._grow(count)

    def add_content(self, entry: Entry) -> Iterator[bytearray]:
        if entry.open is None:
            raise LayerError(f"{entry.path} has {entry.size} bytes, but nothing to read them from")
        with entry.open() as stream:
            left = entry.size
            while left:
                room = memoryview(self.buffer)[self.used : self.used + min(left, self.block - self.used)]
                count = stream.readinto(room)  # type: ignore[attr-defined]  # all of io has it, BinaryIO does not say so
                if not count:
                    raise LayerError(f"{entry.path} became shorter while it was packed", "run the same command again")
                left -= count
                yield from self._grow(count)

    def _grow(self, count: int) -> Iterator[bytearray]:
        self.used += count
        if self.used == self.block:
            yield self.buffer
            # a new buffer, since the one that was given may still be with the compressor's thread
            self.buffer, self.used = bytearray(self.block), 0


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries with their parents, sorted bytewise by path.

    Raises:
        LayerError: see ``tar_blocks``.
    """
    found: dict[str, Entry] = {}
    folders: set[str] = set()
    owners: dict[str, tuple[int, int]] = {}
    for entry in entries:
        _check(entry)
        if entry.kind == "dir":
            folders.add(entry.path)
            if entry.owner != ROOT:
                owners[entry.path] = entry.owner
        elif entry.path in found:
            raise LayerError(f"{entry.path} is given twice in one layer")
        else:
            found[entry.path] = entry
        parent = entry.path.rpartition("/")[0]
        # a parent that is known has known parents: the walk up ends there
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition("/")[0]
    both = sorted(folders & found.keys())
    if both:
        raise LayerError(f"{both[0]} is a folder and a {found[both[0]].kind} in one layer")
    made = (Entry(path, "dir", 0o755, FOLDER_TIME, owner=owners.get(path, ROOT)) for path in folders)
    found.update((entry.path, entry) for entry in made)
    return sorted(found.values(), key=lambda entry: _encode(entry.path))


def _check(entry: Entry) -> None:
    parts = entry.path.split("/")
    if not entry.path or "" in parts or "." in parts or ".." in parts or "\0" in entry.path:
        raise LayerError(f"{entry.path!r} is not a path below the image's root", "use no /, . or .. in front or inside")
    # OCI layer.md, "Whiteouts": such a name removes what lower layers have, without a trace in this one
    if parts[-1].startswith(".wh."):
        raise LayerError(f"{entry.path} would remove a file of a lower layer", "names must not start with .wh.")


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise LayerError(f"the name {text!r} is not UTF-8", "rename the file") from error


def header(entry: Entry) -> bytes:
    """Return the tar header of an entry: ustar, with a pax header in front when ustar cannot hold its names or size."""
    name = _encode(entry.path) + (b"/" if entry.kind == "dir" else b"")
    target = _encode(entry.target)
    size = entry.size if entry.kind == "file" else 0
    pax = b""
    # ustar's names are ASCII in 100 bytes behind a prefix of 155; what does not fit goes into a pax record
    prefix, short = _split(name)
    if not name.isascii() or not short:
        pax, prefix, short = _pax_record("path", name), b"", _ascii(name)
    if not target.isascii() or len(target) > 100:
        pax, target = pax + _pax_record("linkpath", target), _ascii(target)
    if size > _OCTAL_11:
        pax, size = pax + _pax_record("size", b"%d" % entry.size), 0
    head = b""
    if pax:
        # the name that Python's tarfile gives it, and that readers with pax pass over
        head = _ustar(b"././@PaxHeader", b"", b"x", 0o644, len(pax), 0, b"", ROOT) + pax + bytes(-len(pax) % _RECORD)
    mtime = min(max(entry.mtime, 0), _OCTAL_11)
    if entry.kind == "dir":
        return head + _ustar(short, prefix, b"5", 0o755, 0, mtime, b"", entry.owner)
    if entry.kind == "symlink":
        # what Linux gives every symlink; elsewhere a umask gets in (nix2container issue 23)
        return head + _ustar(short, prefix, b"2", 0o777, 0, mtime, target, entry.owner)
    mode = 0o755 if entry.mode & 0o100 else 0o644
    return head + _ustar(short, prefix, b"0", mode, size, mtime, b"", entry.owner)


def _ascii(text: bytes) -> bytes:
    """Return what readers without pax see; readers with pax ignore it."""
    return text.decode().encode("ascii", "replace")[:100]


def _split(name: bytes) -> tuple[bytes, bytes]:
    """Divide a name for ustar into a prefix (155 bytes) and a name (100 bytes); the name is empty if it cannot be."""
    if len(name) <= 100:
        return b"", name
    # the first slash that leaves 100 bytes or fewer behind it, if it is within the prefix
    cut = name.find(b"/", len(name) - 101, 156)
    if cut <= 0 or cut == len(name) - 1:
        return b"", b""
    return name[:cut], name[cut + 1 :]


def _pax_record(key: str, value: bytes) -> bytes:
    """Return ``length key=value`` and a line feed, where the length counts its own digits (POSIX pax)."""
    rest = b" " + key.encode() + b"=" + value + b"\n"
    # the digits count too, and one digit more may make the number longer (99 becomes 101)
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def _ustar(  # the fields of a header
    name: bytes, prefix: bytes, kind: bytes, mode: int, size: int, mtime: int, target: bytes, owner: tuple[int, int]
) -> bytes:
    """Return one ustar header of 512 bytes, with an owner without a name."""
    fields = b"%-100b%07o\0%07o\0%07o\0%011o\0%011o\0" % (b"", mode, *owner, size, mtime)
    # %b pads with blanks, a name has to be padded with NUL
    fields = name.ljust(100, b"\0") + fields[100:]
    tail = kind + target.ljust(100, b"\0") + b"ustar\x0000" + bytes(64) + b"0000000\x000000000\0"
    tail += prefix.ljust(155, b"\0") + bytes(12)
    # POSIX: the sum of all bytes, its own eight taken as blanks
    checksum = sum(fields) + 8 * 32 + sum(tail)
    return fields + b"%06o\0 " % checksum + tail
