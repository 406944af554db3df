"""Layers that are finished: whether one of before will do, and what is written down of a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..core.image import Layer
from .catalog import AnyCatalog
from .sizes import keep_saved, keep_unpacked
from .store import BlobStore


def is_at_hand(key: str, catalog: AnyCatalog, store: BlobStore, known_blob: Callable[[str], bool]) -> bool:
    """Tell whether the layer of a key need not be made: it is known, and here or already where it is going."""
    layer = catalog.layer(key)
    return layer is not None and (store.has(layer.digest, layer.size) or known_blob(layer.digest))


def keep_layer(
    key: str, layer: Layer, saved: Iterable[Mapping[str, int]], catalog: AnyCatalog, ready: Callable[[Layer], None]
) -> None:
    """Write down a layer that is in the store, then tell ``ready``; ``saved`` is what slim has left out.

    To be called for each as soon as it is made, and not for all at the end: a build that is stopped goes on from here.
    """
    catalog.put_layer(key, layer)
    keep_unpacked(catalog, layer)
    keep_saved(catalog, layer, saved)
    # last: from here on other threads may send it
    ready(layer)
