"""Small real wheels, made on the spot."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from aciml.blobs.catalog import Catalog
from aciml.blobs.compress import GZIP, Compression
from aciml.blobs.store import BlobStore
from aciml.core.claims import Claimant
from aciml.core.conda_lock import CondaLock, LockedPackage
from aciml.core.image import Layer
from aciml.core.pip_package import PipPackage
from aciml.core.progress import Progress, Silent
from aciml.pip.pack import build_wheel_layers
from aciml.pip.wheel_set import WheelSet
from aciml.settings import Settings


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    tag: str = "py3-none-any",
    requires: tuple[str, ...] = (),
    files: dict[str, str] | None = None,
    entry_points: str = "",
    extras: tuple[str, ...] = (),
    data: dict[str, str] | None = None,
    modes: dict[str, int] | None = None,
    record: dict[str, str] | None = None,
    wheel_version: str = "1.0",
) -> Path:
    """Write a wheel whose RECORD is right, and return its path.

    Args:
        folder: where it goes.
        name: of the package, as the wheel's file has it.
        version: of the package.
        tag: of the file.
        requires: lines of ``Requires-Dist``.
        files: text by path; one that ends with ``/`` is a folder.
        entry_points: text of that file.
        extras: that it provides.
        data: files below ``.data``, by scheme and path.
        modes: permissions of files.
        record: rows of RECORD that are to be others, hash and size by path.
        wheel_version: of the format.
    """
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [*(f"Provides-Extra: {e}" for e in extras), *(f"Requires-Dist: {r}" for r in requires)]
    content = {
        **(files or {f"{name}/__init__.py": f"version = {version!r}\n"}),
        **{f"{name}-{version}.data/{path}": text for path, text in (data or {}).items()},
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: {wheel_version}\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        **({f"{info}/entry_points.txt": entry_points} if entry_points else {}),
    }
    told = {path: f"{_digest(text)},{len(text.encode())}" for path, text in content.items() if path[-1] != "/"}
    rows = [f"{_quoted(path)},{what}" for path, what in {**told, **(record or {})}.items() if what]
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, text in content.items():
            member = zipfile.ZipInfo(inner, (2020, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (modes or {}).get(inner, 0o644) << 16
            wheel.writestr(member, text)
    return path


def _quoted(path: str) -> str:
    return '"' + path.replace('"', '""') + '"' if "," in path else path


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def package_of(wheel: Path) -> PipPackage:
    """Return a wheel on this disk as a package."""
    name, version = wheel.name.split("-")[:2]
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    name = name.lower().replace("_", "-").replace(".", "-")
    return PipPackage(name, version, wheel.name, sha256, wheel.as_uri(), wheel.stat().st_size)


def conda_python(version: str = "3.11.9") -> CondaLock:
    """Return a lock of Python alone."""
    name = f"python-{version}-0.conda"
    return CondaLock((LockedPackage("python", version, "0", "linux-64", "conda-forge", name, "0" * 64, 30_000_000),))


def wheels_of(packages: Iterable[PipPackage], python: str = "3.11.9", *needed: str) -> WheelSet:
    """Return packages beside a Python."""
    return WheelSet(tuple(packages), conda_python(python), frozenset(needed))


def layers_of(
    wheels: WheelSet,
    folder: Path,
    catalog: Catalog,
    conda: Iterable[Claimant] = (),
    progress: Progress | None = None,
    by: Compression = GZIP,
) -> list[Layer]:
    """Pack wheels into the store ``folder / "blobs"``, with the cache ``folder / "cache"``."""
    return build_wheel_layers(
        wheels,
        store=BlobStore(folder / "blobs"),
        catalog=catalog,
        settings=Settings(folder / "cache"),
        progress=progress or Silent(),
        conda=lambda: conda,
        by=by,
    )
