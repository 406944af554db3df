"""The Python that the CLI finds first: as it is, but for one question whose answer is the same in every run.

Before each command that runs a program, Pulumi's language host asks pip for all packages of the venv: a fifth of what a
command costs when there is nothing to do. Tests with a venv of their own leave the question to pip
(``test_outside.py``, ``tests/bootstrap/test_up.py``), and so does ``test_new_project.py``.
"""

from __future__ import annotations

import atexit
import functools
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

QUESTION = ("-m", "pip", "list", "-v", "--format", "json")


@functools.cache
def quick_python() -> Path:
    """Return a folder with ``python3``, made once in a process; it knows what pip says of this venv."""
    folder = Path(tempfile.mkdtemp(prefix="aciml-python-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    python = Path(sys.executable).with_name("python3")
    answer = subprocess.run([python, *QUESTION], check=True, capture_output=True).stdout
    (folder / "packages.json").write_bytes(answer)
    known = shlex.quote(str(folder / "packages.json"))
    script = f'[ "$*" = {shlex.quote(" ".join(QUESTION))} ] && exec cat {known}\nexec {shlex.quote(str(python))} "$@"\n'
    (folder / "python3").write_text(f"#!/bin/sh\n{script}")
    (folder / "python3").chmod(0o755)
    return folder
