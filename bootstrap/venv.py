"""The project's virtual environment ``.venv``, holding exactly what ``requirements-dev.txt`` locks."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from . import apt
from .cache import PROJECT, write_whole
from .say import Missing, say

LOCK = PROJECT / "requirements-dev.txt"
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin/python"
STAMP = VENV / "locked"
PACKAGES = VENV / "packages"
"""On the path of the venv's Python: the folders of the checkout under the names that the wheel gives them."""


def ensure_venv() -> None:
    """Make ``.venv`` equal to the lock; cheap when it is already.

    Raises:
        Missing: Python is too old or cannot make environments, or the package index does not answer.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 -- the one place that runs on whatever python3 is
        raise Missing(f"Python {sys.version.split()[0]} is too old, 3.11 is needed", "make PYTHON=python3.11")
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    _link_packages()
    if STAMP.exists() and PYTHON.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    if not (STAMP.exists() and PYTHON.exists()):
        say("making .venv")
        _make()
        _link_packages()
    STAMP.unlink(missing_ok=True)  # what follows may be killed: then the next run starts anew
    say("installing the locked Python packages")
    _install_uv()
    lock: list[str | Path] = ["--require-hashes", LOCK]
    _run(
        [VENV / "bin/uv", "pip", "sync", "-q", "--compile-bytecode", "--python", PYTHON, *lock],
        "the locked Python packages",
    )
    write_whole(STAMP, wanted)


def _make() -> None:
    command: list[str | Path] = [sys.executable, "-m", "venv", "--clear", VENV]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not apt.can_install():
        raise Missing("this Python cannot make virtual environments", f"sudo apt-get install {package}")
    say(f"this Python cannot make virtual environments: installing {package}")
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


def _install_uv() -> None:
    """Install uv by the hashes of the lock; it installs the rest, several at a time."""
    found = re.search(r"^uv==(?:.*\\\n)*.*", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise Missing("requirements-dev.txt has no uv", "make pins")
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "uv.txt"
        alone.write_text(found[0] + "\n", encoding="utf-8")
        command: list[str | Path] = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        _run([*command, "--require-hashes", "-r", alone], "uv")


def _run(command: list[str | Path], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        say(done.stderr.strip()[-2000:])
        raise Missing(f"{what} could not be installed in .venv (see above)", "make ready, once that is mended")
