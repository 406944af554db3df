"""Keys stay out of the reach of the script: it runs as the same user, and would find them in ``/proc/<front>/environ``.

``os.environ.pop`` takes a variable from what children inherit; the kernel goes on showing the memory that the process
began with (proc(5), ``/proc/pid/environ``). So that memory is overwritten, and the process made one that nobody of its
user may look into: not its environment, its memory or its files (prctl(2), PR_SET_DUMPABLE; ptrace(2)).
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Iterable

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def conceal(names: Iterable[str]) -> None:
    """Overwrite the values of variables; to be called before they are taken out of ``os.environ``."""
    # Windows, an interpreter without libffi, another C library: then it is as it was
    with contextlib.suppress(Exception):
        import ctypes

        libc: Any = ctypes.CDLL(None)
        begins = tuple(os.fsencode(name) + b"=" for name in names if os.environ.get(name))
        if begins:
            pointers = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, "environ")
            at = 0
            while pointers[at]:
                text = ctypes.string_at(pointers[at])
                for begin in begins:
                    if text.startswith(begin):
                        ctypes.memset(int(pointers[at]) + len(begin), ord("x"), len(text) - len(begin))
                at += 1
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
