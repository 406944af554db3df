"""Keeps the front's code in memory when a worker takes all there is (Linux).

Short of memory, the kernel first drops the pages of programs, which it can read again; to read one it has to find room,
and while a worker that it has just ended still holds its memory, the next process that asks for a page is ended, too:
the front, and with it all that its clients wait for. Pages that are locked are neither dropped nor asked for again.
"""

from __future__ import annotations

import array
import contextlib
import mmap
import re
from typing import Any, Iterator, List, Tuple

_MOST = 8 << 20
"""Bytes: the limit of a usual container, and enough for an interpreter, its loop and its parser."""
_MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (r-xp|r--p) \S+ \S+ [1-9]\d* +(.*)$", re.MULTILINE)
_SELDOM = re.compile(r"/lib(ssl|crypto|ffi|expat|lzma|bz2)\.|/_?(ssl|hashlib|ctypes|lzma|bz2)\.|/locale/")
"""Loaded with each interpreter; what serves a request without TLS does not need it."""
_IN_MEMORY = 63
"""The bit of ``/proc/PID/pagemap``."""

Range = Tuple[int, int]


def hold_code() -> None:
    """Lock what this process uses of its files, the most important first, as far as the system allows it."""
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        import ctypes

        room, libc = _room(), ctypes.CDLL(None)  # in this order: Windows has neither
        for start, size in _used():
            if size <= room and not libc.mlock(ctypes.c_void_p(start), ctypes.c_size_t(size)):
                room -= size


def _room() -> int:
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return _MOST if limit == resource.RLIM_INFINITY else min(_MOST, limit)


def _used() -> List[Range]:
    """Return address and bytes of the files' code, and of their data what is in memory now; large ones first."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as stream:
        found = [
            (int(start, 16), int(end, 16), kind, name) for start, end, kind, name in _MAPPING.findall(stream.read())
        ]
    # the most important first: what is seldom needed comes last, code before data, large before small
    found.sort(key=lambda one: (bool(_SELDOM.search(one[3])), one[2] != "r-xp", one[0] - one[1]))
    used: List[Range] = []
    with open("/proc/self/pagemap", "rb") as pages:
        for start, end, kind, _ in found:
            used += [(start, end - start)] if kind == "r-xp" else _in_memory(pages, start, end)
    return used


def _in_memory(pages: Any, start: int, end: int) -> Iterator[Range]:
    size = mmap.PAGESIZE
    pages.seek(start // size * 8)
    entries = array.array("Q", pages.read((end - start) // size * 8))
    flags = "".join(str(entry >> _IN_MEMORY) for entry in entries)
    return ((start + run.start() * size, len(run[0]) * size) for run in re.finditer("1+", flags))
