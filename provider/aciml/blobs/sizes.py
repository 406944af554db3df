"""How big layers are when they are unpacked: what a host needs on its disk, beside what it has to fetch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core.image import Layer
from .catalog import AnyCatalog

_FACT = "unpacked"
_SAVED = "slim"
SAVES_LATER = (
    "slim leaves out static libraries, headers, tests and documentation; how much is known when layers are made"
)
"""What a preview says while no machine has read the packages."""


def keep_unpacked(catalog: AnyCatalog, layer: Layer) -> None:
    """Remember the size of a layer's tar; it is named by ``diff_id``, so that every compression of it has it."""
    if layer.unpacked:
        catalog.put_fact(_FACT, layer.diff_id, str(layer.unpacked))


def keep_saved(catalog: AnyCatalog, layer: Layer, saved: Iterable[Mapping[str, int]]) -> None:
    """Remember how many bytes of files were left out of a layer's packages; nothing if none were."""
    if total := sum(sum(one.values()) for one in saved):
        catalog.put_fact(_SAVED, layer.diff_id, str(total))


def saved_line(catalog: AnyCatalog, layers: Iterable[Layer]) -> str:
    """Say what was left out of the layers that this machine knows of; empty if it is nothing."""
    known = [int(text) for layer in layers if (text := catalog.get_fact(_SAVED, layer.diff_id))]
    return f"slim leaves out {sum(known) / 1e6:.1f} MB of files that no program loads" if known else ""


def size_line(catalog: AnyCatalog, layers: Iterable[Layer]) -> str:
    """Return a line with both sizes of the layers that this machine knows; empty if it knows none."""
    known = [(layer.size, int(text)) for layer in layers if (text := catalog.get_fact(_FACT, layer.diff_id))]
    if not known:
        return ""
    # both sums are over the same layers, or they could not be compared
    packed, unpacked = (sum(sizes) / 1e6 for sizes in zip(*known, strict=True))
    return f"{len(known)} layers of packages: {packed:.1f} MB compressed, {unpacked:.1f} MB unpacked"
