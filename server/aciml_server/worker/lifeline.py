"""A worker never outlives its front: a pipe whose other end the front alone holds, and a signal when it closes.

The kernel sends SIGIO, whose default is the end of the process, even to one that is busy in C code.
"""

from __future__ import annotations

import os
import signal


def tie(fd: int) -> None:
    """Let the end of the pipe end this process and its group; nothing where the system has no such signal."""
    try:
        import fcntl

        # a signal that is ignored stays so in children: who started the front may have ignored this one (signal(7))
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        # a negative number is a process group (fcntl(2)): what the worker started ends with it
        fcntl.fcntl(fd, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    except (ImportError, AttributeError, OSError):
        return
