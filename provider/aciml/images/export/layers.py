"""The bytes of an image's layers: from this machine's store if they are whole there, else from a registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from ...blobs.store import DamagedBlobError
from ...core.errors import OutageError
from ...core.image import Layer
from ...core.layer import Entry
from ...core.place import Place
from ...core.progress import Progress
from ..tools import Tools

_BLOCK = 1 << 20
_PLAIN = "application/vnd.oci.image.layer.v1.tar"


class LayerSource:
    """Layers on their way into a file; what is fetched is kept, so that the next time needs no network."""

    def __init__(self, tools: Tools, places: Sequence[Place]) -> None:
        """Look for layers in the machine's store, then in the places, in order."""
        self._tools, self._places = tools, places
        self._whole: set[str] = set()

    def entry(self, path: str, layer: Layer, progress: Progress) -> Entry:
        """Return a file with the layer's bytes, fetched now if they are not here.

        Raises:
            OutageError: no place has the layer, or a registry fails.
        """
        self._bring(layer, progress)
        return Entry(path, "file", size=layer.size, open=partial(self._tools.store.open, layer.digest))

    def readable(self, layer: Layer, progress: Progress) -> Layer:
        """Return the layer as every Docker Engine reads it: one compressed by zstd becomes a plain tar.

        Raises:
            OutageError: as ``entry``, or the layer's bytes are not what its image says.
        """
        if not layer.media_type.endswith("zstd"):
            return layer
        self._bring(layer, progress)
        store = self._tools.store
        # a plain tar is its own blob: its digest is the diff_id (image-spec, config.md, "Layer DiffID")
        if store.has(layer.diff_id):
            return replace(layer, digest=layer.diff_id, size=store.size(layer.diff_id), media_type=_PLAIN)
        digest, size = store.put_chunks(self._unpacked(layer, progress))
        if digest != layer.diff_id:
            store.remove(digest)
            raise OutageError(f"layer {layer.digest} is not {layer.diff_id} when unpacked", "build the image again")
        return replace(layer, digest=digest, size=size, media_type=_PLAIN)

    def _unpacked(self, layer: Layer, progress: Progress) -> Iterator[bytes]:
        from zstandard import ZstdDecompressor

        with self._tools.store.open(layer.digest) as packed:  # of many frames: each is a block of the tar
            reader = ZstdDecompressor().stream_reader(packed, read_across_frames=True)
            while block := reader.read(_BLOCK):
                progress.checkpoint()
                yield block

    def _bring(self, layer: Layer, progress: Progress) -> None:
        """Have the layer in the store, whole: a layout with a damaged blob would be found out far from here."""
        if layer.digest in self._whole:
            return
        if not self._is_whole(layer, progress):
            # else what is damaged would be taken for the blob that is fetched
            self._tools.store.remove(layer.digest)
            self._fetch(layer, progress)
        self._whole.add(layer.digest)

    def _is_whole(self, layer: Layer, progress: Progress) -> bool:
        if not self._tools.store.has(layer.digest, layer.size):
            return False
        try:
            with self._tools.store.open(layer.digest) as stream:
                while stream.read(_BLOCK):
                    progress.checkpoint()
        except DamagedBlobError:
            return False
        return True

    def _fetch(self, layer: Layer, progress: Progress) -> None:
        for place in self._places:
            client = self._tools.client(place.login_server)
            if client.has_blob(place.repository, layer.digest):
                progress.say(f"fetching layer {layer.digest[7:19]} ({layer.size / 1e6:.0f} MB) from {client.host}")
                with client.blob(place.repository, layer.digest) as blob:
                    self._tools.store.put_chunks(_counted(iter(blob), progress))
                return
        asked = " and ".join(map(str, self._places))
        advice = "push the image again, then export it"
        raise OutageError(f"layer {layer.digest} is not on this machine, and not in {asked or 'any registry'}", advice)


def _counted(blocks: Iterator[bytes], progress: Progress) -> Iterator[bytes]:
    for block in blocks:
        progress.checkpoint()
        yield block
