"""Why a worker ended, in words: exit codes, signals, and what the kernel counted when memory was short."""

from __future__ import annotations

import re
import signal
from typing import Optional, Tuple

_COUNTS = (
    ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory.max"),  # cgroup v2
    ("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # cgroup v1
)
_UNLIMITED = 1 << 60  # v1 writes a number for no limit, v2 a word


def oom_kills() -> int:
    """Return how many processes of this container the kernel ended for want of memory; 0 if nobody counts."""
    for events, _ in _COUNTS:
        found = re.search(r"^oom_kill (\d+)", _read(events), re.MULTILINE)
        if found:
            return int(found[1])
    return 0


def _memory_limit() -> str:
    for _, limit in _COUNTS:
        text = _read(limit).strip()
        if text.isdigit() and int(text) < _UNLIMITED:
            return "; the container may have %d MiB" % (int(text) >> 20)
    return ""


def reason(code: Optional[int], *, short_of_memory: bool) -> Tuple[str, str]:
    """Return a word for counts (``exit``, ``oom`` or the signal's name) and a sentence without its subject."""
    if code is None:
        return "exit", "nobody knows how"
    if code >= 0:
        return "exit", "exit code %d" % code
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "signal %d" % -code
    # all others tell their own story; a SIGKILL may be the kernel's, whose count was compared
    if name != "SIGKILL":
        return name, "signal %d (%s)" % (-code, name)
    if short_of_memory:
        return "oom", "out of memory: the kernel ended it with signal 9 (SIGKILL)%s" % _memory_limit()
    return name, "signal 9 (SIGKILL), not sent by this service"


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read()
    except (OSError, ValueError):
        return ""
