"""The project's virtual environment ``.venv``, holding what a lock says: a user's packages, or a developer's."""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import apt
from .cache import PROJECT, write_whole
from .say import Missing, phase, say

USER, DEVELOPER = "user", "developer"
LOCKS = {USER: PROJECT / "requirements.txt", DEVELOPER: PROJECT / "requirements-dev.txt"}
"""The second has what the first has, and what tests, linters and stand-ins need."""

VENV = PROJECT / ".venv"
PYTHON = VENV / "bin/python"
STAMP = VENV / "locked"
"""Says for whom the packages are, and the hash of what was asked for."""

PACKAGES = VENV / "packages"
"""On the path of the venv's Python: the folders of the checkout under the names that the wheel gives them."""

PROGRAMS = {
    "aciml": "from aciml.cli import program; program()",
    "pulumi-resource-aciml": "import sys; from aciml.plugin import main; main(sys.argv[1:])",
}
"""Console scripts of the wheel, here for the checkout."""


def ensure_venv(*, developer: bool) -> None:
    """Make ``.venv`` equal to the lock; cheap when it is already.

    Args:
        developer: whether tests and linters are needed too. What a developer has is kept when a user's command follows.

    Raises:
        Missing: Python is too old or cannot make environments, or the package index does not answer.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 -- the one place that runs on whatever python3 is
        raise Missing(f"Python {sys.version.split()[0]} is too old, 3.11 is needed", "make PYTHON=python3.11")
    before = STAMP.read_text(encoding="utf-8") if STAMP.exists() and PYTHON.exists() else ""
    whose = whose_packages(before, developer=developer)
    wanted = wanted_packages(whose)
    stamp = f"{whose} {hashlib.sha256(wanted.encode()).hexdigest()}"
    _link_packages()
    if before == stamp:
        return
    if not before:
        with phase("making .venv"):
            _make()
        _link_packages()
    STAMP.unlink(missing_ok=True)  # what follows may be killed: then the next run starts anew
    with phase(f"installing the locked Python packages of a {whose}"):
        _install_uv()
        _sync(wanted)
    write_whole(STAMP, stamp)


def whose_packages(stamp: str, *, developer: bool) -> str:
    """Return for whom the venv is to be: a developer's stays one. ``stamp`` is empty if there is none to go by."""
    return DEVELOPER if developer or (stamp and not stamp.startswith(f"{USER} ")) else USER


def wanted_packages(whose: str) -> str:
    """Return what is to be installed: a lock, and pip, of which Pulumi's Python host asks what a program needs."""
    text = LOCKS[whose].read_text(encoding="utf-8")
    return text if whose == DEVELOPER else f"{text}\n{locked('pip')}"


def locked(*names: str) -> str:
    """Return the lines of packages in the developer's lock, with their hashes.

    Raises:
        Missing: one of them is not there.
    """
    text = LOCKS[DEVELOPER].read_text(encoding="utf-8")
    found = {name: re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*", text, re.MULTILINE) for name in names}
    if missing := [name for name, entry in found.items() if entry is None]:
        raise Missing(f"requirements-dev.txt has no {', '.join(missing)}", "make pins")
    return "".join(f"{entry[0]}\n" for entry in found.values() if entry)


def install_beside(folder: Path, *names: str) -> None:
    """Install locked packages into a folder of their own, for work that is done once; the venv stays as it is.

    Raises:
        Missing: they could not be had.
    """
    with _listing(locked(*names)) as listing:
        options: list[str | Path] = ["-q", "--no-deps", "--require-hashes", "--python", PYTHON, "--target", folder]
        _run([VENV / "bin/uv", "pip", "install", *options, "-r", listing], " and ".join(names))


def _make() -> None:
    # --clear: a run that was killed in the middle of it left half an environment
    command: list[str | Path] = [sys.executable, "-m", "venv", "--clear", VENV]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not apt.can_install():
        raise Missing("this Python cannot make virtual environments", f"sudo apt-get install {package}")
    with phase(f"this Python cannot make virtual environments: installing {package}"):
        apt.install(package)
    _run(command, "a virtual environment")


def _link_packages() -> None:
    """Let ``import pulumi_aciml`` and ``import aciml`` find the checkout, as an editable install would.

    Links and a ``.pth`` file, since type checkers do not follow the import hooks of editable installs.
    """
    if not PYTHON.exists():
        return
    PACKAGES.mkdir(exist_ok=True)
    for name, folder in {"pulumi_aciml": "components", "aciml": "provider/aciml"}.items():
        link, target = PACKAGES / name, Path("../..") / folder
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    for site in VENV.glob("lib/python3*/site-packages"):
        write_whole(site / "aciml-checkout.pth", f"{PACKAGES}\n")
    write_programs(PYTHON.parent)


def write_programs(folder: Path, python: Path = PYTHON) -> None:
    """Write the console scripts of the wheel, which run the checkout."""
    for name, code in PROGRAMS.items():
        # -P: a file of the folder that one stands in must not be taken for a module of ours.
        command = f'exec {shlex.quote(str(python))} -P -c {shlex.quote(code)} "$@"'
        write_whole(folder / name, f"#!/bin/sh\n{command}\n", mode=0o755)


def _install_uv() -> None:
    """Install uv by the hashes of the lock; it installs the rest, several at a time."""
    with _listing(locked("uv")) as alone:
        # by pip, which venv brings: uv is the one package that uv cannot install here yet
        command: list[str | Path] = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        _run([*command, "--require-hashes", "-r", alone], "uv")


def _sync(wanted: str) -> None:
    with _listing(wanted) as lock:
        # now, rather than in the first preview; and sync takes away what the lock does not have
        options: list[str | Path] = ["-q", "--compile-bytecode", "--require-hashes", "--python", PYTHON]
        _run([VENV / "bin/uv", "pip", "sync", *options, lock], "the locked Python packages")


@contextmanager
def _listing(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text(text, encoding="utf-8")
        yield path


def _run(command: list[str | Path], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        say(done.stderr.strip()[-2000:])
        raise Missing(f"{what} could not be installed in .venv (see above)", "make ready, once that is mended")
