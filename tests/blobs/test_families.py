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

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = Path(__file__).with_name("compress_program.py")


@functools.cache
def compressed(*emulator: str) -> str:
    """Return the sha256 of what each compressor makes of the mix and of its own library."""
    paths = [str(ROOT / "provider"), *(path for path in sys.path if path.endswith("site-packages"))]
    library = next(Path(deflate.__file__).parent.glob("*.so"))
    done = subprocess.run(
        [*emulator, str(Path(sys.executable).resolve()), str(_PROGRAM), str(library)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("family", ["qemu64", "Nehalem", "Haswell", "EPYC", "max"])
def test_the_compressors_write_the_same_bytes_on(family: str) -> None:
    """The family qemu64 has SSE3 at most, Nehalem SSE4.2, Haswell and EPYC AVX2: libdeflate asks for each of them."""
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        pytest.skip("qemu-x86_64 (Debian: qemu-user) is not installed")
    if platform.machine() != "x86_64" or sys.platform != "linux":
        pytest.skip("this Python is not one for Linux on x86_64")

    assert compressed(emulator, "-cpu", family) == compressed()
