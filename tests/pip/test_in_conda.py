"""Wheels in layers over conda's, beside what ``uv pip install`` makes in an installed environment: file by file.

The environment is one that rattler has installed, at the prefix itself: scripts and RECORDs are compared as they are.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import rattler
from packaging.utils import parse_wheel_filename
from uv import find_uv_bin

from aciml.blobs.store import BlobStore
from aciml.conda.memory import Memory
from aciml.conda.records import rattler_records
from aciml.core.conda_lock import CondaLock
from aciml.core.condafile import parse_conda_file
from aciml.core.errors import AcimlError
from aciml.pip.memory import WheelMemory
from aciml.pip.wheel_set import WheelSet
from aciml.settings import Settings
from tests.conda.conftest import Bench, channel, new_bench
from tests.conda.test_channel import machine
from tests.conda.test_layers import Tree, real_prefix, tree_of_folder, tree_of_layers
from tests.heard import Heard
from tests.pip.test_like_uv import HARD, LIBRARY, File, named, real_wheels, rows
from tests.pip.wheels import layers_of, make_wheel, package_of

__all__ = ["channel", "machine", "new_bench", "real_prefix", "real_wheels"]  # fixtures
pytestmark = pytest.mark.channel
WISH = "dependencies: [python=3.11, joblib]\n"
CLASHES: dict[str, dict[str, str]] = {
    # a file of a conda package, in its module and among its programs
    "files": {"joblib/logger.py": "theirs = 'no more'\n", "joblib/more/__init__.py": ""},
    "data": {
        "scripts/pydoc3.11": "#!python\nprint('ours')\n",
        # a link of conda's
        "data/share/zoneinfo/America/Atka": "a file",
    },
}


def hard_wheels(folder: Path) -> list[Path]:
    """Return the made wheels, each by a name of its own; that with pip's programs would meet pip's wheel."""
    cases = [case for name, case in HARD.items() if name != "pip's own entry points"]
    named = [json.loads(json.dumps(case).replace("My_Pkg", f"Hard_{n}")) for n, case in enumerate(cases)]
    return [make_wheel(folder, f"Hard_{n}", **case) for n, case in enumerate(named)]


def by_uv(wheels: Iterable[Path], lock: CondaLock, settings: Settings, prefix: Path) -> Tree:
    """Return what is in the prefix after rattler and uv."""
    install = rattler.install(
        rattler_records(lock.packages, settings),
        prefix,
        cache_dir=settings.cache / "pkgs",
        platform=rattler.platform.Subdir("linux-64"),
        show_progress=False,
    )
    asyncio.run(install)
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-index", "--no-deps", "--link-mode", "copy"]
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    environ |= {"UV_NO_PROGRESS": "1", "UV_COMPILE_BYTECODE": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    python = str(prefix / "bin" / "python")
    subprocess.run([*command, "--python", python, *map(str, wheels)], check=True, env=environ)
    return as_seen(tree_of_folder(prefix))


def by_us(wheels: Iterable[Path], lock: CondaLock, machine: Bench, folder: Path) -> tuple[Tree, list[str]]:
    """Return what is in the image, and what was told about it."""
    below = tree_of_layers(machine.build(lock), machine.store)
    together = WheelSet(tuple(map(package_of, wheels)), lock)
    heard, conda = Heard(), Memory(lock, machine.catalog).claimants()
    above = [tree_of_layers([one], BlobStore(folder / "blobs")) for one in
             layers_of(together, folder, machine.catalog, conda, heard)]  # fmt: skip
    places = WheelMemory(together, machine.catalog).places()
    assert places
    return as_seen({path: what for tree in (below, *above) for path, what in tree.items()}), [
        f"{one.path}: {one.winner} over {', '.join(one.losers)}" for one in places.overlaps
    ]


def as_seen(tree: Tree) -> Tree:
    """Return what a user may tell apart: of a file's mode only whether it can be run; no notes about the install."""
    return {
        # uv leaves RECORD executable where a wheel's zip says so (protobuf's does): pip and we do not
        path: ("record", 0, _without_ours_and_theirs(body))
        if path.endswith(".dist-info/RECORD")
        else (kind, 0 if kind == "link" else mode & 0o100, body)
        for path, (kind, mode, body) in tree.items()
        if not named(path) and not path.startswith("conda-meta/") and path != "CACHEDIR.TAG"
    }


def _without_ours_and_theirs(record: bytes) -> bytes:
    return repr([row for row in rows(File(record)) if not named(row[0])]).encode()


def test_wheels_are_what_uv_installs_into_the_conda_environment(
    machine: Bench,
    real_prefix: Path,
    real_wheels: list[Path],
    tmp_path: Path,
) -> None:
    try:
        lock = machine.solve(parse_conda_file(WISH, "conda.yml"), glibc="2.36")
    except AcimlError as error:
        pytest.skip(f"the channel cannot be used: {error}")
    # what conda brings is not asked of pip (decisions/pip-section.md)
    brought = {package.name for package in lock.packages}
    real = [one for one in real_wheels if parse_wheel_filename(one.name)[0] not in brought]
    wheels = [*real, *hard_wheels(tmp_path), make_wheel(tmp_path, "Clash", **CLASHES)]  # type: ignore[arg-type]  # arguments by name
    assert len(wheels) > 50

    ours, told = by_us(wheels, lock, machine, tmp_path)
    theirs = by_uv(wheels, lock, machine.settings, real_prefix)

    assert ours.keys() ^ theirs.keys() == set()
    assert [path for path in ours if ours[path] != theirs[path]] == []
    assert theirs[f"{LIBRARY}/joblib/logger.py"][2] == b"theirs = 'no more'\n"
    assert told == [
        "bin/pydoc3.11: pip clash over python",
        f"{LIBRARY}/joblib/logger.py: pip clash over joblib",
        "share/zoneinfo/America/Atka: pip clash over tzdata",
    ]
