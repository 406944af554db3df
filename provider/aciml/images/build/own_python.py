"""The layer of what the scoring server needs beside the image's own Python: a folder of its own, found last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from ...blobs.compress import Compression
from ...blobs.sizes import keep_unpacked
from ...blobs.store import write_layer
from ...core.compose import NEEDS_ROOT
from ...core.image import Layer
from ...core.layer import Entry
from ...core.progress import Progress
from ...core.recipe import OwnPython
from ...pip.fetch import fetch
from ...pip.wheel import Wheel, open_wheel
from ..plan.own_python import with_places
from ..server_needs import needs_key
from ..tools import Tools

_LIBRARY = "lib/needs"
"""Stands for the folder of packages while a wheel is read; what a wheel has beside it, nobody here starts."""


def build_needs(tools: Tools, own: OwnPython, by: Compression, progress: Progress) -> list[Layer]:
    """Return the layer, made if it is not known; none if nothing is needed.

    Raises:
        UserError: a wheel is broken, or no longer what was pinned.
        OutageError: a wheel cannot be fetched.
    """
    if not own.wheels:
        return []
    key, store = needs_key(own, by), tools.store
    known = tools.catalog.layer(key)
    if known and (known.digest in tools.present or store.has(known.digest, known.size)):
        return [known]
    paths = fetch(with_places(tools, own, progress), settings=tools.settings, progress=progress)
    with ExitStack() as opened:
        wheels = [opened.enter_context(open_wheel(path, _LIBRARY)) for path in paths]
        entries = {entry.path: entry for wheel in wheels for entry in _placed(wheel)}
        layer = write_layer(entries.values(), store, progress, "layer of the server's needs", by)
    tools.catalog.put_layer(key, layer)
    keep_unpacked(tools.catalog, layer)
    return [layer]


def known_needs(tools: Tools, own: OwnPython, by: Compression) -> tuple[list[Layer], list[str]]:
    """Return the layer if it was made before, and what it is called if it was not."""
    if not own.wheels:
        return [], []
    layer = tools.catalog.layer(needs_key(own, by))
    return ([layer], []) if layer else ([], [NAME])


NAME = "server needs"
"""What people read of the layer that is still to be made."""


def told_of(own: OwnPython) -> str:
    """Return what the image's history says of the layer."""
    version = own.found.version if own.found else ""
    return f"server {', '.join(f'{one.name} {one.version}' for one in own.wheels)} for Python {version}"


def _placed(wheel: Wheel) -> Iterator[Entry]:
    for entry in wheel.entries:
        if entry.path.startswith(f"{_LIBRARY}/"):
            yield replace(entry, path=f"{NEEDS_ROOT.lstrip('/')}/{entry.path.removeprefix(f'{_LIBRARY}/')}")
