"""The compressor of layers unless another is asked for: libdeflate at level 1, one gzip member per block of 1 MiB.

The bytes depend on the data, the block size and libdeflate's version, and on nothing of the machine; so the blocks of
one layer are compressed by as many threads as there are. Why this one: ``decisions/compressor.md``.
"""

from __future__ import annotations

import deflate

from ..core.layer import BLOCK

LEVEL = 1
KEY = f"libdeflate-{deflate.__version__}-level-{LEVEL}-{BLOCK >> 20}MiB"
"""Name, version and settings of the compressor: a part of every layer key."""


def compress_block(block: bytes | bytearray) -> bytearray:
    """Return one gzip member: no name, no time (RFC 1952; members follow each other, section 2.2)."""
    return deflate.gzip_compress(block, LEVEL)
