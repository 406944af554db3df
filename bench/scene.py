"""What both sides work with: the environment, a folder, a registry, the base image, and packages at hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aciml.core.progress import Silent
from aciml.docker.engine import connect
from aciml.model.registry import Registry
from aciml.settings import Settings
from aciml.targets.local.pull import ensure_image
from aciml.targets.local.target import LocalTarget
from aciml.targets.protocol import RegistrySpec

ROOT = Path(__file__).resolve().parents[1]
BASE = "debian:bookworm-slim"
CHANNEL = "conda-forge"
WISHES = ("python=3.11", "numpy", "scipy", "pandas", "scikit-learn", "pip")
BEFORE = (*WISHES, "threadpoolctl=3.5.0")
AFTER = (*WISHES, "threadpoolctl=3.6.0")
"""One package of the environment in another version; nothing else may move."""
SECOND = ("python=3.11", "numpy=1.26.4", "scipy", "pandas", "scikit-learn=1.5.2", "joblib=1.4.2", "threadpoolctl=3.5.0")
"""Another environment of the same team, with some packages more or less and some in other versions."""
_WRITE = re.compile(r'"(?:PUT|POST|PATCH|DELETE) /v2/')


@dataclass(frozen=True)
class Scene:
    """Where a run of the bench takes place. ``name`` marks all that it makes in Docker."""

    name: str
    folder: Path
    settings: Settings
    login_server: str

    @property
    def warm(self) -> Path:
        """Cache folder of our side whose packages are at hand."""
        return self.folder / "warm"

    def new_name(self, kind: str) -> str:
        """Return a name that nothing has yet, such as ``baseline-1a2b3c4d``."""
        return f"{kind}-{uuid.uuid4().hex[:8]}"

    def environ(self, cache: Path) -> dict[str, str]:
        """Return the variables that our programs look at: this cache folder, and the mirrors of the machine."""
        mirrors = self.folder / "mirrors.toml"
        return {"ACIML_CACHE": str(cache), "ACIML_MIRRORS": str(mirrors)}

    @staticmethod
    def registry_log(container: str) -> list[str]:
        """Return the lines of a registry's access log."""
        said = run(["docker", "logs", container])
        return [line for line in said.splitlines() if '"' in line and " /v2/" in line]


def count_writes(lines: list[str]) -> int:
    """Count the requests that change something in a registry."""
    return sum(1 for line in lines if _WRITE.search(line))


@contextmanager
def scene(folder: Path | None) -> Iterator[Scene]:
    """Make a folder (in ``folder``, or among the temporary ones) and a registry; both are removed at the end."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    settings = Settings.read()
    home = Path(tempfile.mkdtemp(prefix=f"aciml-{name}-", dir=folder))
    target = LocalTarget(connect, settings)
    facts = target.registry.create(RegistrySpec(Registry(name=name, delete_data=True)), Silent())
    try:
        with closing(connect()) as engine:
            ensure_image(engine, BASE, settings.registries, Silent())
        write_mirrors(settings, home / "mirrors.toml")
        yield Scene(name, home, settings, facts.login_server)
    finally:
        target.registry.delete(facts.id, delete_data=True, progress=Silent())
        shutil.rmtree(home, ignore_errors=True)


def write_mirrors(settings: Settings, path: Path) -> None:
    """Write the machine's mirrors where a fresh cache folder can find them."""
    tables = (("channels", settings.channels), ("registries", settings.registries))
    lines = [f"[{name}]\n" + "".join(f'"{key}" = "{url}"\n' for key, url in rows.items()) for name, rows in tables]
    path.write_text("".join(lines), encoding="utf-8")


def conda_file(folder: Path, specs: tuple[str, ...]) -> Path:
    """Write a conda.yml with these packages."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "conda.yml"
    rows = "".join(f"  - {spec}\n" for spec in specs)
    path.write_text(f"channels:\n  - {CHANNEL}\ndependencies:\n{rows}", encoding="utf-8")
    return path


def run(command: list[str], **variables: str) -> str:
    """Run a program and return all that it said; a Python may keep its bytecode, as it does for everyone.

    Raises:
        SystemExit: it failed; with its last lines.
    """
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command,
        env={**environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-30:])
        raise SystemExit(f"{' '.join(command[:3])} ended with code {done.returncode}:\n{tail}")
    return done.stdout


def peak_memory() -> int:
    """Return the most memory that this process had, in bytes; ``getrusage`` would count that of its parent, too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
