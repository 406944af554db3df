"""The Python that the CLI finds first: as it is, but quicker at three things.

- Before each command that runs a program, Pulumi's language host asks pip for all packages of the venv, and twice for
  the version: the answers are the same in every run, and known.
- A program and a plugin start as a fork of a Python that has imported what they import (``warm.py``): each is a process
  of its own, as ever, but two thirds of what a command costs when there is nothing to do are imports. All workers of a
  run share these.

Where starting, ending or installing is what is tested, Python is left alone: tests with a venv of their own
(``test_outside.py``, ``tests/bootstrap/test_up.py``). Those that end a CLI in the middle (``test_interrupted.py``,
``test_azure_killed.py``), and those of what ``aciml new`` writes (``test_new_project.py``, ``test_pipelines.py``), take
``cold_python``.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.run_folder import ALIVE, once, run_folder

HERE = Path(__file__).resolve().parent
START = HERE.parents[1] / "provider/__main__.py"
QUESTION = ("-m", "pip", "list", "-v", "--format", "json")
PYTHON = Path(sys.executable).with_name("python3")

KNOWN = """#!/bin/sh
[ "$*" = --version ] && exec echo Python {version}
[ "$*" = {question} ] && exec cat {packages}
"""
WARM = """
if [ "$PYTHONPATH" = {path} ]; then
    case "$1" in
    */pulumi-language-python-exec) exec {python} -I -S {client} {program} "$@" ;;
    */provider/__main__.py) exec {python} -I -S {client} {plugin} "$@" ;;
    esac
fi
"""
REST = 'exec {python} "$@"\n'


@functools.cache
def cold_python() -> Path:
    """Return a folder with ``python3`` and ``python``, made once in a run; it knows what pip says of this venv."""
    packages = _packages()
    return once("cold", lambda folder: _write(folder, KNOWN + REST, packages=shutil.copy(packages, folder)))


@functools.cache
def quick_python(path: str) -> Path:
    """Return such a folder whose Python starts programs and plugins as forks; it has our plugin, too.

    Args:
        path: ``PYTHONPATH`` of the CLI; with another one, a Python starts as ever.
    """
    return once(f"quick-{hashlib.sha256(path.encode()).hexdigest()[:8]}", functools.partial(_write_quick, path))


def _write_quick(path: str, folder: Path) -> None:
    places = {kind: folder / kind for kind in ("program", "plugin")}
    for kind, place in places.items():
        start_warm(kind, place, path)
    _write(folder, KNOWN + WARM + REST, packages=_packages(), path=path, client=HERE / "warm_client.py", **places)
    plugin = folder / "pulumi-resource-aciml"  # found on PATH by programs that name no folder of it
    plugin.write_text(f'#!/bin/sh\nexec {shlex.quote(str(folder / "python3"))} {shlex.quote(str(START))} "$@"\n')
    plugin.chmod(0o755)


def start_warm(kind: str, place: Path, path: str, *more: Path) -> None:
    """Start a warm Python of a kind, that listens at a socket until the run ends."""
    # of the shell it is no child any more when that ends: nobody has to wait for it
    in_the_background = ["sh", "-c", '"$@" <"$0" &', str(run_folder() / ALIVE)]
    with subprocess.Popen(
        [*in_the_background, PYTHON, HERE / "warm.py", place, kind, *more],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"ready\n"


@functools.cache
def pulumi_home() -> Path:
    """Return the folder where the CLI keeps logs and workspaces, for this process alone.

    Each call writes a log, and first looks at every log there is: thousands in a home that many runs have used, which
    is twice the time that a call takes without them.
    """
    return Path(tempfile.mkdtemp(prefix="pulumi-", dir=run_folder()))


def _packages() -> Path:
    return once("packages", _ask_pip) / "packages.json"


def _ask_pip(folder: Path) -> None:
    answer = subprocess.run([PYTHON, *QUESTION], check=True, capture_output=True).stdout
    (folder / "packages.json").write_bytes(answer)


def _write(folder: Path, script: str, **words: Path | str) -> Path:
    known = {"version": platform.python_version(), "question": " ".join(QUESTION), "python": PYTHON, **words}
    text = script.format(**{name: shlex.quote(str(word)) for name, word in known.items()})
    for name in ("python", "python3"):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder
