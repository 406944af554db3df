"""Memory of packing one wheel of 2.5 GB: ``python -m bench.wheels_memory FOLDER`` makes it, packs it, and says both."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path

from aciml.blobs.catalog import Catalog
from aciml.blobs.store import BlobStore, file_digest
from aciml.core.conda_lock import CondaLock, LockedPackage
from aciml.core.pip_package import PipPackage
from aciml.core.progress import Silent
from aciml.pip.pack import build_wheel_layers
from aciml.pip.wheel_set import WheelSet
from aciml.settings import Settings

from .scene import ROOT, peak_memory, run

SIZE, FILES = 2_500_000_000, 50_000
"""Bytes of the one big file, which does not compress, and how many small ones are beside it."""

_BLOCK = 1 << 20


def measure_memory(folder: Path) -> dict[str, float]:
    """Make the wheel, pack it in a fresh process, and return ``rss`` in bytes and ``seconds``."""
    wheel = make_big_wheel(folder)
    paths = os.pathsep.join((str(ROOT), str(ROOT / "provider")))
    said = run([sys.executable, "-m", "bench.wheels_memory", str(wheel)], PYTHONPATH=paths)
    return dict(json.loads(said.splitlines()[-1]))


def make_big_wheel(folder: Path) -> Path:
    """Write a wheel with one file of 2.5 GB and 50,000 small ones."""
    path, info, digest = folder / "big-1.0-py3-none-any.whl", "big-1.0.dist-info", hashlib.sha256()
    small = {f"big/{number}.py": b"x = 1\n" for number in range(FILES)}
    small[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: big\nVersion: 1.0\n"
    small[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("big/data.bin", "w", force_zip64=True) as sink:
            for _ in range(SIZE // _BLOCK):
                block = os.urandom(_BLOCK)
                digest.update(block)
                sink.write(block)
        rows = [f"big/data.bin,{_told(digest.digest())},{SIZE // _BLOCK * _BLOCK}"]
        for name, body in small.items():
            archive.writestr(name, body)
            rows.append(f"{name},{_told(hashlib.sha256(body).digest())},{len(body)}")
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return path


def _told(digest: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def pack(wheel: Path) -> dict[str, float]:
    """Pack the wheel as a build would."""
    home, started = wheel.parent, time.perf_counter()
    package = PipPackage("big", "1.0", wheel.name, file_digest(wheel), wheel.as_uri(), wheel.stat().st_size)
    python = LockedPackage("python", "3.11.9", "0", "linux-64", "conda-forge", "python-3.11.9-0.conda", "0" * 64, 1)
    kept = home / "cache" / "wheels" / package.sha256
    kept.mkdir(parents=True)
    (kept / wheel.name).hardlink_to(wheel)
    with closing(Catalog(home / "cache" / "catalog.sqlite")) as catalog:
        build_wheel_layers(
            WheelSet((package,), CondaLock((python,))),
            store=BlobStore(home / "cache" / "blobs"),
            catalog=catalog,
            settings=Settings(home / "cache"),
            progress=Silent(),
        )
    return {"rss": peak_memory(), "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(pack(Path(sys.argv[1]))) + "\n")
