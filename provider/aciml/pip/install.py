"""Install wheels as the image will see them, and pack them as one layer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..blobs.catalog import AnyCatalog
from ..blobs.compress import GZIP, Compression
from ..blobs.sizes import keep_unpacked
from ..blobs.store import BlobStore, entry_of_file, write_layer
from ..core.errors import UserError
from ..core.image import Layer, canonical_json, sha256_digest
from ..core.layer import FOLDER_TIME, PREFIX, WRITER, Entry
from ..core.pip_package import PipPackage
from ..core.progress import Progress
from ..settings import Settings
from .known import forget

# What .dist-info/INSTALLER says, as PEP 376 asks: pip tells from it whose the files are.
_INSTALLER = b"aciml\n"


def pip_layer(
    packages: tuple[PipPackage, ...],
    python_version: str,
    *,
    store: BlobStore,
    catalog: AnyCatalog,
    settings: Settings,
    progress: Progress,
    by: Compression = GZIP,
) -> Layer:
    """Return the layer of these wheels, made only if it was not made before.

    Raises:
        OutageError: a wheel cannot be fetched; if it is not where it was, the index is asked anew the next time.
        UserError: a wheel is broken.
    """
    from .fetch import WheelGoneError, fetch

    known = known_pip_layer(packages, python_version, catalog, by)
    if known and store.has(known.digest, known.size):
        return known
    try:
        wheels = fetch(packages, settings=settings, progress=progress)
    except WheelGoneError:
        # all places, not this one: the index may be half way through a
        # change, so the next run asks for all (decisions/pip-section.md)
        forget(catalog, packages)
        raise
    with tempfile.TemporaryDirectory() as folder:
        install(wheels, folder=Path(folder), python_version=python_version, progress=progress)
        layer = write_layer(_entries(Path(folder)), store, progress, "pip packages", by)
    catalog.put_layer(layer_key(packages, python_version, by), layer)
    keep_unpacked(catalog, layer)
    return layer


def known_pip_layer(
    packages: tuple[PipPackage, ...], python_version: str, catalog: AnyCatalog, by: Compression = GZIP
) -> Layer | None:
    """Return the layer if this machine made it before."""
    return catalog.layer(layer_key(packages, python_version, by))


def layer_key(packages: tuple[PipPackage, ...], python_version: str, by: Compression = GZIP) -> str:
    """Name everything that the layer's bytes depend on."""
    # a wheel is named by its bytes; where it came from is no part of the layer
    # sorted, as they are installed in an order of their own
    hashes = sorted(package.sha256 for package in packages)
    return "pip-" + sha256_digest(canonical_json([hashes, python_version, PREFIX, WRITER, by.key]))


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
    library = f"{prefix}/lib/python{python_version}/site-packages"
    scheme = {"purelib": library, "platlib": library, "scripts": f"{prefix}/bin", "data": prefix}
    # in one order on every machine, since of two that bring one file the later wins
    for wheel in sorted(wheels, key=lambda path: path.name.lower()):
        progress.checkpoint()
        progress.say(f"installing {wheel.name}")
        headers = f"{prefix}/include/python{python_version}/{wheel.name.split('-')[0]}"
        try:
            _install_one(wheel, {**scheme, "headers": headers}, f"{prefix}/bin/python", folder)
        except Exception as error:
            raise UserError(f"pip: {wheel.name} cannot be installed: {error}", "report it to its makers") from error


def _install_one(wheel: Path, scheme: dict[str, str], interpreter: str, folder: Path) -> None:
    from installer import install as install_wheel
    from installer.destinations import SchemeDictionaryDestination
    from installer.sources import WheelFile

    class Sorted(SchemeDictionaryDestination):
        """Writes RECORD in the order of paths: it says what is installed, and nothing of how."""

        def finalize_installation(self, scheme: Any, record_file_path: str, records: Iterable[Any]) -> None:
            ordered = sorted(records, key=lambda pair: (str(pair[0]), pair[1].path))
            super().finalize_installation(scheme, record_file_path, ordered)

    destination = Sorted(scheme, interpreter, "posix", destdir=str(folder), overwrite_existing=True)
    with WheelFile.open(wheel) as source:
        install_wheel(source, destination, {"INSTALLER": _INSTALLER})


def _entries(folder: Path) -> list[Entry]:
    """Return what was installed; wheels' own times are lost by installing, so all files have one."""
    entries = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            entries.append(entry_of_file(path, path.relative_to(folder).as_posix(), mtime=FOLDER_TIME))
    return entries
