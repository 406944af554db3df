"""Compress a file block by block, and print one sha256 for each compressor: run on one CPU or another.

``mix`` makes what the file has; an emulated CPU would take longer for that than for all the rest.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from aciml.blobs.compress import compression_of
from aciml.core.layer import BLOCK


def mix(library: Path) -> bytes:
    """Return blocks with long matches, none, short ones, words, one byte alone, and then what is in the library."""
    return b"".join(_blocks(library))


def _blocks(library: Path) -> Iterator[bytes]:
    chance = random.Random(7)
    words = [chance.randbytes(chance.randint(2, 9)) for _ in range(3000)]
    yield (b"import this\n" * BLOCK)[:BLOCK]
    yield chance.randbytes(BLOCK)
    yield b"".join(b"%d,%d\n" % (number, number * number % 977) for number in range(90_000))[:BLOCK]
    yield b"".join(chance.choice(words) for _ in range(190_000))[:BLOCK]
    yield bytes(BLOCK)
    yield library.read_bytes()


if __name__ == "__main__":
    data = Path(sys.argv[1]).read_bytes()
    for name in ("gzip", "zstd"):
        found = hashlib.sha256()
        for at in range(0, len(data), BLOCK):
            found.update(compression_of(name).compress(data[at : at + BLOCK]))
        print(name, found.hexdigest())
