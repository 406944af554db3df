"""An image as ``docker save`` writes it, so that ``docker load`` takes it; the same bytes on every machine.

Source: Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...core.image import Image, Layer, canonical_json, sha256_digest
from ...core.layer import Entry
from ...core.progress import Progress
from .layers import LayerSource
from .layout import write_tar


def write_archive(image: Image, blobs: LayerSource, where: Path, name: str, progress: Progress) -> None:
    """Write the tar; the image gets the ``name`` (``repository:tag``) when it is loaded, and has the id it always has.

    Raises:
        OutageError: a layer is neither here nor in its registry.
    """
    write_tar(list(archive_entries(image, blobs, name, progress)), where, progress)


def archive_entries(image: Image, blobs: LayerSource, name: str, progress: Progress) -> Iterator[Entry]:
    """Return the files of the archive. Layers stay compressed by gzip, which every engine reads; not so by zstd."""
    config = image.config()
    file = f"{sha256_digest(config).removeprefix('sha256:')}.json"
    # the same layer twice is one file, named twice under Layers
    layers = {layer: blobs.readable(layer, progress) for layer in dict.fromkeys(image.layers)}
    content = [{"Config": file, "RepoTags": [name], "Layers": [_file(layers[layer]) for layer in image.layers]}]
    yield Entry.of_bytes("manifest.json", canonical_json(content))
    yield Entry.of_bytes(file, config)
    for layer in dict.fromkeys(layers.values()):
        yield blobs.entry(_file(layer), layer, progress)


def _file(layer: Layer) -> str:
    return layer.digest.removeprefix("sha256:") + (".tar.gz" if layer.media_type.endswith("gzip") else ".tar")
