"""What kind of machine a figure was measured on: enough to compare like with like, and nothing that names it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_TELLING = ("avx2", "avx512f", "sha_ni", "asimd", "sha2", "crc32")
"""CPU flags that change a figure of ours: vectors for numpy, sha256 and crc32 for layers (x86-64, then arm64)."""


@dataclass(frozen=True)
class Machine:
    """A kind of machine; two that are equal may be compared."""

    architecture: str
    cores: int
    memory_gib: int
    flags: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one line, which is also how the history names it."""
        flags = " ".join(self.flags) or "no flags of interest"
        return f"{self.architecture}, {self.cores} cores, {self.memory_gib} GiB, {flags}"


def this_machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> Machine:
    """Look at this machine. Cores are those this process may use; memory is rounded, since kernels keep some."""
    said = cpuinfo.read_text(encoding="utf-8") if cpuinfo.is_file() else ""
    rows = (line.partition(":") for line in said.splitlines())
    flags = next((set(words.split()) for name, _, words in rows if name.strip() in {"flags", "Features"}), set[str]())
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = tuple(flag for flag in _TELLING if flag in flags)
    return Machine(platform.machine(), cores, round(pages * page / 2**30), told)
