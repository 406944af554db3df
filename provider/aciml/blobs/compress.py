"""How a layer's tar becomes its blob: gzip, zstd or not at all, by all threads of the machine and in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field, replace
from functools import cache
from typing import Protocol

from ..core.errors import UserError
from ..core.image import OCI_LAYER
from ..core.lean import lean
from ..core.meant import either
from . import gzip

Block = bytes | bytearray
NAMES = ("gzip", "zstd", "none")
_MOST_AHEAD = 16  # blocks of one layer: what reads and hashes them in order is slower than sixteen compressors


@lean(frozen=True)
class Compression:
    """A way to write blobs.

    ``name`` is what a user writes; ``key`` has name, version and settings and is a part of every layer key;
    ``media_type`` is that of the blobs (OCI image-spec 1.1, ``layer.md``); ``compress`` turns a block into something
    that may be put one after the other.
    """

    name: str
    key: str
    media_type: str
    compress: Callable[[Block], Block] = field(compare=False, repr=False)
    slim: bool = False
    """Whether of packages only what runs is written (``core/slim.py``); a part of their layers' keys if so."""


GZIP = Compression("gzip", gzip.KEY, OCI_LAYER, gzip.compress_block)


def compression_of(name: str) -> Compression:
    """Return the compression of that name; empty is ``gzip``.

    Raises:
        UserError: there is none of that name.
    """
    if name in ("", GZIP.name):
        return GZIP
    plain = OCI_LAYER.removesuffix("+gzip")
    if name == "zstd":
        # imported when asked for: most layers are gzip, and the plugin has to start fast
        from . import zstd

        return Compression(name, zstd.KEY, f"{plain}+zstd", zstd.compress_block)
    if name == "none":
        from . import plain as as_it_is

        return Compression(name, as_it_is.KEY, plain, as_it_is.compress_block)
    raise UserError(f'there is no compression "{name}"', f"write {either(NAMES)}")


class Written(Protocol):
    """What is said of layers: of an image's recipe, or of a declared environment."""

    @property
    def compression(self) -> str:
        """Its name; empty for the default."""

    @property
    def slim(self) -> bool:
        """Whether of packages only what runs is written."""


def writing_of(said: Written) -> Compression:
    """Return how the layers of packages are written.

    Raises:
        UserError: there is no such compression.
    """
    by = compression_of(said.compression)
    return replace(by, slim=True) if said.slim else by


def compress_blocks(blocks: Iterable[bytearray], by: Compression = GZIP) -> Iterator[tuple[bytearray, Block]]:
    """Compress the blocks on all CPUs and give each with what became of it, in order.

    Memory stays bounded: a block is taken only when few are under way (about 4 MiB per CPU, 30 MiB at most).
    """
    # two a CPU, so that none waits while the reader takes the next block
    ahead = min(2 * _cpus() + 1, _MOST_AHEAD)
    waiting: deque[tuple[bytearray, Future[Block]]] = deque()
    try:
        for block in blocks:
            waiting.append((block, _pool().submit(by.compress, block)))
            if len(waiting) >= ahead:
                done, packed = waiting.popleft()
                yield done, packed.result()
        while waiting:
            done, packed = waiting.popleft()
            yield done, packed.result()
    finally:
        for _, left in waiting:
            # whoever stopped reading (ctrl-C, a full disk) wants no more of them
            left.cancel()


def _cpus() -> int:
    return os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads of the process that compress; all layers share them."""
    return ThreadPoolExecutor(_cpus(), thread_name_prefix="compress")
