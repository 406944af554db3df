"""Frames between the front and a worker, over a stream socket: a fixed head, then ``meta`` and ``body``.

The front sends ``JOB``s (``number`` is the model), a ``BATCH`` before jobs that belong together (``number`` of
them), ``CANCEL`` and ``END``; a worker sends ``READY`` once, then for each job one ``ANSWER`` (``number`` is the
status, ``meta`` the header lines), whose body goes on in ``CHUNK``s if the flag ``MORE`` is set. Of such a body a
worker sends ``WINDOW`` bytes, and more for each ``CREDIT`` (its ``meta`` is a ``COUNT`` of bytes): so a client that
reads slowly fills no memory.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Union

# lengths in front and nothing to search for: a frame is found by one call, and a body may hold any byte
HEAD = struct.Struct("<IIIHBB")
"""Length of body and of meta in bytes, sequence number of the job, number, kind, flags; 16 bytes."""
COUNT = struct.Struct("<I")

JOB, BATCH, CANCEL, END, READY, ANSWER, CHUNK, CREDIT = range(8)
MORE = 1
"""Flag of an answer or a chunk: more of the body follows."""
FAILED = 2
"""Flag of an answer: ``run`` raised, or took too long; of a chunk: the body ends before its time."""
WINDOW = 262_144
"""Bytes of a streamed body that may be on their way."""
LATE = 4
"""Flag of an answer, beside ``FAILED``: ``run`` took too long."""
# header lines of an answer and the schemas of a READY are far smaller: a length beyond this was written by user code
LARGEST_META = 16 * 1024 * 1024
"""Bytes; a frame that says more is none."""

Bytes = Union[bytes, bytearray, memoryview]


class Frame(NamedTuple):
    """What was received. ``meta`` and ``body`` may be views that are good until the next frame is asked for."""

    kind: int
    seq: int
    number: int
    flags: int
    meta: Bytes
    body: Bytes


def pack(kind: int, seq: int = 0, number: int = 0, meta: bytes = b"", body: bytes = b"", flags: int = 0) -> bytes:
    """Return a frame as bytes."""
    return HEAD.pack(len(body), len(meta), seq, number, kind, flags) + meta + body
