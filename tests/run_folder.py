"""A folder of one run of the tests, which all its processes share; and what is made in it once.

The process that people see makes it, and lets everybody know by a variable. Six workers would each import half a
minute's worth of modules into Pythons of their own.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

VARIABLE = "ACIML_TEST_RUN"
MADE = ".made"
ALIVE = "alive"
"""A pipe that the first process holds open as long as it lives: who reads it until the end ends with the run."""


@functools.cache
def run_folder() -> Path:
    """Return the folder of this run. Where there is none yet, there is one for as long as this process lives."""
    if known := os.environ.get(VARIABLE):
        return Path(known)
    folder = Path(tempfile.mkdtemp(prefix="aciml-run-"))
    os.mkfifo(folder / ALIVE)
    # for both: to open one end alone waits for the other
    alive = os.open(folder / ALIVE, os.O_RDWR)
    os.environ[VARIABLE] = str(folder)

    def end() -> None:
        os.close(alive)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return folder


def once(name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder of the run, which the first process that asks for it fills by ``make``."""
    folder = run_folder() / name
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # it ends with its process, however that ends
        if not (folder / MADE).exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that failed in the middle
            folder.mkdir()
            make(folder)
            (folder / MADE).touch()
    return folder
