"""Install wheels as the image will see them, and pack them as one layer."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..blobs.catalog import Catalog
from ..blobs.gzip import KEY
from ..blobs.store import BlobStore, entry_of_file, write_layer
from ..core.errors import UserError
from ..core.image import Layer, canonical_json, sha256_digest
from ..core.layer import FOLDER_TIME, PREFIX, WRITER, Entry
from ..core.progress import Progress
from ..settings import Settings
from .fetch import fetch
from .resolve import PipPackage

_INSTALLER = b"aciml\n"


def pip_layer(
    packages: tuple[PipPackage, ...],
    python_version: str,
    *,
    store: BlobStore,
    catalog: Catalog,
    settings: Settings,
    progress: Progress,
) -> Layer:
    """Return the layer of these wheels, made only if it was not made before.

    Raises:
        OutageError: a wheel cannot be fetched.
        UserError: a wheel is broken.
    """
    known = known_pip_layer(packages, python_version, catalog)
    if known and store.has(known.digest):
        return known
    wheels = fetch(packages, settings=settings, progress=progress)
    with tempfile.TemporaryDirectory() as folder:
        install(wheels, folder=Path(folder), python_version=python_version, progress=progress)
        layer = write_layer(_entries(Path(folder)), store, progress, "pip packages")
    catalog.put_layer(layer_key(packages, python_version), layer)
    return layer


def known_pip_layer(packages: tuple[PipPackage, ...], python_version: str, catalog: Catalog) -> Layer | None:
    """Return the layer if this machine made it before."""
    return catalog.layer(layer_key(packages, python_version))


def layer_key(packages: tuple[PipPackage, ...], python_version: str) -> str:
    """Name everything that the layer's bytes depend on."""
    hashes = sorted(package.sha256 for package in packages)
    return "pip-" + sha256_digest(canonical_json([hashes, python_version, PREFIX, WRITER, KEY]))


def install(wheels: list[Path], *, folder: Path, python_version: str, progress: Progress, prefix: str = PREFIX) -> None:
    """Install wheels below ``folder`` as if it were the image's root; scripts name the final interpreter.

    No bytecode is made: that takes the image's own Python, and this machine's may be another.

    Args:
        wheels: in an order that decides who wins when two bring the same file: the later one, as with pip.
        folder: stands for ``/``.
        python_version: such as ``3.11``.
        progress: told which wheel is next.
        prefix: of the environment, in the image.
    """
    from installer import install as install_wheel
    from installer.destinations import SchemeDictionaryDestination
    from installer.sources import WheelFile

    library = f"{prefix}/lib/python{python_version}/site-packages"
    for wheel in sorted(wheels, key=lambda path: path.name.lower()):
        progress.checkpoint()
        progress.say(f"installing {wheel.name}")
        name = wheel.name.split("-")[0]
        scheme = {"purelib": library, "platlib": library, "scripts": f"{prefix}/bin", "data": prefix}
        scheme["headers"] = f"{prefix}/include/python{python_version}/{name}"
        destination = SchemeDictionaryDestination(
            scheme, f"{prefix}/bin/python", "posix", destdir=str(folder), overwrite_existing=True
        )
        try:
            with WheelFile.open(wheel) as source:
                install_wheel(source, destination, {"INSTALLER": _INSTALLER})
        except Exception as error:
            raise UserError(f"pip: {wheel.name} cannot be installed: {error}", "report it to its makers") from error


def _entries(folder: Path) -> list[Entry]:
    """Return what was installed; wheels' own times are lost by installing, so all files have one."""
    entries = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            entries.append(entry_of_file(path, path.relative_to(folder).as_posix(), mtime=FOLDER_TIME))
    return entries
