"""The project as people get it: a wheel, installed in a venv of its own outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from uv import find_uv_bin

from tests.run_folder import once

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.txt"


def build(into: Path, *options: str, source: Path = ROOT) -> Path:
    """Build without the network, by the build backend that is installed here; return the wheel, or the sdist.

    Without options it is the sdist, and the wheel that is made from it.
    """
    backend = ("--no-build-isolation", "--offline", "--python", sys.executable)
    run([find_uv_bin(), "build", "--quiet", *backend, "--out-dir", into, *options, source])
    return next(into.glob("*.tar.gz" if "--sdist" in options else "*.whl"))


def dist() -> Path:
    """Return the folder with sdist and wheel of this run."""
    return once("dist", build)


@dataclass(frozen=True)
class Installed:
    """A venv with the wheel, and the dependencies that the lock names."""

    venv: Path

    @property
    def python(self) -> Path:
        return self.venv / "bin/python"

    @property
    def packages(self) -> Path:
        """Return its site-packages."""
        return next(self.venv.glob("lib/python3*/site-packages"))

    def environ(self) -> dict[str, str]:
        """Return the environment of somebody who activated it; nothing leads back to the checkout."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return {**kept, "PATH": f"{self.venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def distributions(self) -> list[str]:
        """Return the names of what is installed, pip and its kind left out."""
        said = run([find_uv_bin(), "pip", "list", "--quiet", "--format", "json", "--python", self.python])
        return [one["name"] for one in json.loads(said) if one["name"] not in ("pip", "setuptools", "wheel")]


def make_venv(folder: Path) -> Installed:
    """Make an empty venv as the documentation says: with pip, which Pulumi's language host asks for packages."""
    # the module's own pip is unpacked and compiled by itself, which takes longer than all else of a venv
    run([sys.executable, "-m", "venv", "--without-pip", folder])
    place = Installed(folder)
    run([find_uv_bin(), "pip", "install", "--quiet", "--python", place.python, f"pip=={version('pip')}"])
    return place


def install(wheel: Path, place: Installed) -> None:
    """Install the wheel with the lock as constraint; nothing is compiled."""
    options = ("--quiet", "--python", place.python, "--constraint", LOCK, "--only-binary", ":all:")
    run([find_uv_bin(), "pip", "install", *options, wheel], cwd=place.venv)


def run(command: list[str | Path], cwd: Path | None = None, environ: dict[str, str] | None = None) -> str:
    """Run a program and return what it printed; fail with what it said."""
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
