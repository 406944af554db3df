"""How a text becomes numbers, the same in training and in the service: counts of its runs of three letters."""

from __future__ import annotations

import zlib

import numpy as np

WIDTH = 1 << 14  # numbers; runs share one by their hash, which costs little and needs no list of runs


def counts(text: str) -> np.ndarray:
    """Return how often each run of three letters is in a text, as a row of WIDTH numbers."""
    row = np.zeros(WIDTH, np.float32)
    for word in text.lower().split():
        padded = f" {word} "
        for start in range(len(padded) - 2):
            # not Python's hash(), which is another one in each process
            row[zlib.crc32(padded[start : start + 3].encode()) % WIDTH] += 1
    return row
