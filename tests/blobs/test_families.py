"""The compressors write the same bytes on every family of CPUs, as far as qemu can play them."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import deflate
import pytest

from tests.blobs.compress_program import mix

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = Path(__file__).with_name("compress_program.py")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the mix, and with the library of a compressor behind it."""
    path = tmp_path_factory.mktemp("families") / "mix"
    path.write_bytes(mix(next(Path(deflate.__file__).parent.glob("*.so"))))
    return path


@functools.cache
def compressed(data: Path, *emulator: str) -> str:
    """Return the sha256 of what each compressor makes of the file."""
    paths = [str(ROOT / "provider"), *(path for path in sys.path if path.endswith("site-packages"))]
    done = subprocess.run(
        [*emulator, str(Path(sys.executable).resolve()), "-S", str(_PROGRAM), str(data)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("family", ["qemu64", "Nehalem", "Haswell", "EPYC", "max"])
def test_the_compressors_write_the_same_bytes_on(family: str, data: Path) -> None:
    """The family qemu64 has SSE3 at most, Nehalem SSE4.2, Haswell and EPYC AVX2: libdeflate asks for each of them."""
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        pytest.skip("qemu-x86_64 (Debian: qemu-user) is not installed")
    if platform.machine() != "x86_64" or sys.platform != "linux":
        pytest.skip("this Python is not one for Linux on x86_64")

    assert compressed(data, emulator, "-cpu", family) == compressed(data)
