"""Compress a fixed mix of data and one file, and print one sha256 for each compressor: run on one CPU or another."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from aciml.blobs.compress import compression_of
from aciml.core.layer import BLOCK


def blocks(file: Path) -> Iterator[bytes]:
    """Return blocks with long matches, none, short ones, words, one byte alone, and then what is in the file."""
    chance = random.Random(7)
    words = [chance.randbytes(chance.randint(2, 9)) for _ in range(3000)]
    yield (b"import this\n" * BLOCK)[:BLOCK]
    yield chance.randbytes(BLOCK)
    yield b"".join(b"%d,%d\n" % (number, number * number % 977) for number in range(90_000))[:BLOCK]
    yield b"".join(chance.choice(words) for _ in range(190_000))[:BLOCK]
    yield bytes(BLOCK)
    data = file.read_bytes()
    for at in range(0, len(data), BLOCK):
        yield data[at : at + BLOCK]


if __name__ == "__main__":
    for name in ("gzip", "zstd"):
        found = hashlib.sha256()
        for block in blocks(Path(sys.argv[1])):
            found.update(compression_of(name).compress(block))
        print(name, found.hexdigest())
