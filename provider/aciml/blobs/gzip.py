"""The compressor of all layers: libdeflate at level 1, one gzip member per block of 1 MiB.

The bytes depend on the data, the block size and libdeflate's version, and on nothing of the machine; so the blocks of
one layer are compressed by as many threads as there are. Why this one: ``decisions/compressor.md``.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import deflate

from ..core.layer import BLOCK

LEVEL = 1
KEY = f"libdeflate-{deflate.__version__}-level-{LEVEL}-{BLOCK >> 20}MiB"
"""Name, version and settings of the compressor: a part of every layer key."""


def compress_block(block: bytes | bytearray) -> bytearray:
    """Return one gzip member: no name, no time (RFC 1952; members follow each other, section 2.2)."""
    return deflate.gzip_compress(block, LEVEL)


def compress_blocks(blocks: Iterable[bytearray]) -> Iterator[tuple[bytearray, bytearray]]:
    """Compress the blocks on all CPUs and give ``(block, member)`` in order.

    Memory stays bounded: a block is taken only when few are under way (about 4 MiB per CPU).
    """
    ahead = 2 * _cpus() + 1
    waiting: deque[tuple[bytearray, Future[bytearray]]] = deque()
    try:
        for block in blocks:
            waiting.append((block, _pool().submit(compress_block, block)))
            if len(waiting) >= ahead:
                done, member = waiting.popleft()
                yield done, member.result()
        while waiting:
            done, member = waiting.popleft()
            yield done, member.result()
    finally:
        for _, member in waiting:
            member.cancel()


def _cpus() -> int:
    return os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads of the process that compress; all layers share them."""
    return ThreadPoolExecutor(_cpus(), thread_name_prefix="gzip")
