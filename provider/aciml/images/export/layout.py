"""An image as an OCI image layout: a folder or a tar, the same bytes on every machine.

Source: OCI image-spec 1.1, "Image Layout Specification".
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from ...blobs.room import told_if_full
from ...core.errors import UserError
from ...core.image import OCI_INDEX, OCI_MANIFEST, Image, canonical_json, sha256_digest
from ...core.layer import Entry, tar_blocks
from ...core.progress import Progress
from .layers import LayerSource

# image-spec, annotations.md: valid on the descriptors of a layout's index alone
ELSEWHERE = "free some space there, or name a place on another disk"
"""What to do about a full disk that is not the cache's."""
_NAME = "org.opencontainers.image.ref.name"


def write_layout(image: Image, blobs: LayerSource, where: Path, tag: str, progress: Progress) -> None:
    """Write the layout: a tar if ``where`` ends with ``.tar``, else a folder, which appears whole or not at all.

    Args:
        image: what to write.
        blobs: have its layers.
        where: a tar is replaced, a folder must not be there or be empty.
        tag: what the image is called in the layout.
        progress: told how far it is, and asked whether to stop.

    Raises:
        UserError: the folder has something in it.
        OutageError: a layer is neither here nor in its registry.
    """
    entries = list(layout_entries(image, blobs, tag, progress))
    if where.suffix == ".tar":
        write_tar(entries, where, progress)
    else:
        with told_if_full(where, sum(entry.size for entry in entries), ELSEWHERE):
            _write_folder(entries, where, progress)


def layout_entries(image: Image, blobs: LayerSource, tag: str, progress: Progress) -> Iterator[Entry]:
    """Return the files of the layout; layers that are not on this machine are fetched on the way."""
    manifest, config = image.manifest(), image.config()
    descriptor = {
        "mediaType": OCI_MANIFEST,
        "digest": image.digest,
        "size": len(manifest),
        "annotations": {_NAME: tag},
        "platform": {"architecture": image.architecture, "os": image.os},
    }
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor]}
    yield Entry.of_bytes("oci-layout", canonical_json({"imageLayoutVersion": "1.0.0"}))
    yield Entry.of_bytes("index.json", canonical_json(index))
    for body in (manifest, config):
        yield Entry.of_bytes(_path(sha256_digest(body)), body)
    for layer in dict.fromkeys(image.layers):
        yield blobs.entry(_path(layer.digest), layer, progress)


def write_tar(entries: list[Entry], where: Path, progress: Progress) -> None:
    """Write the entries as a tar that appears whole or not at all.

    Raises:
        OutageError: the disk is full.
    """
    with told_if_full(where, sum(entry.size for entry in entries), ELSEWHERE):
        _write_tar(entries, where, progress)


def _write_tar(entries: list[Entry], where: Path, progress: Progress) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    # beside the place where it belongs, so that to rename it is one step on one file system
    new = where.with_name(f".{where.name}.new")
    try:
        with new.open("wb") as file:
            for number, block in enumerate(tar_blocks(entries)):
                progress.checkpoint()
                progress.say(f"writing {where.name}: {number} MiB")
                file.write(block)
        new.replace(where)
    finally:
        new.unlink(missing_ok=True)


def _write_folder(entries: list[Entry], where: Path, progress: Progress) -> None:
    refuse_full_folder(where)
    new = where.with_name(f".{where.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        for entry in entries:
            progress.checkpoint()
            progress.say(f"writing {where.name}/{entry.path}")
            path = new / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.open:
                with entry.open() as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        # an empty folder was allowed, and not every system renames over one
        if where.exists():
            where.rmdir()
        new.rename(where)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def refuse_full_folder(where: Path) -> None:
    """Raise if there is something that would be overwritten.

    Raises:
        UserError: it is a file, or a folder with something in it.
    """
    if where.exists() and (not where.is_dir() or any(where.iterdir())):
        raise UserError(f"{where} is there already", "remove it, or name another place")


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)
