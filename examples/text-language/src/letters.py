"""How a text becomes numbers, the same in training and in the service: counts of its runs of one to three letters."""

from __future__ import annotations

import zlib

import numpy as np

WIDTH = 1 << 16  # numbers; runs share one by their hash, which costs little and needs no list of runs


def counts(text: str) -> np.ndarray:
    """Return how often each run of letters is in a text, as a row of WIDTH numbers."""
    row = np.zeros(WIDTH, np.float32)
    for word in text.lower().split():
        padded = f" {word} "
        for length in (1, 2, 3):
            for start in range(len(padded) - length + 1):
                # not Python's hash(), which is another one in each process
                row[zlib.crc32(padded[start : start + length].encode()) % WIDTH] += 1
    return row
