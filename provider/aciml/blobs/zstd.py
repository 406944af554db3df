"""zstd at level 3, one frame per block of 1 MiB: smaller and faster to unpack than gzip, but not read everywhere.

zstd's bytes depend on the data, the level and the library's version; frames follow each other (RFC 8878, section 3).
Who can read such layers: ``decisions/compressor.md``.
"""

from __future__ import annotations

import threading

import zstandard

from ..core.layer import BLOCK

LEVEL = 3
KEY = f"zstd-{'.'.join(map(str, zstandard.ZSTD_VERSION))}-level-{LEVEL}-{BLOCK >> 20}MiB"
"""Name, version and settings of the compressor: a part of every layer key."""

_mine = threading.local()


def compress_block(block: bytes | bytearray) -> bytes:
    """Return one frame with its content's size and no checksum: the layer's digest is one."""
    writer = getattr(_mine, "writer", None)
    if writer is None:  # a compressor serves one thread at a time
        writer = _mine.writer = zstandard.ZstdCompressor(LEVEL, write_checksum=False, write_content_size=True)
    return bytes(writer.compress(block))
